"""An NHS number goes down every wrong way there is; no log, page, address, letter or record shows it (rows 24, 25).

Our own code is held to that alone: here log records are made without `adapters.logs`, at the most talkative level of
everything. What others log (a server its addresses, a driver its values) is hidden there, and tested below.
"""

import io
import logging
import re
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from gunicorn.config import Config
from gunicorn.glogging import Logger
from sqlalchemy import select, text
from werkzeug.test import EnvironBuilder, TestResponse

from marketplace import create_app
from marketplace.adapters.logs import hide_numbers_in_logs
from marketplace.adapters.spreadsheets import csv_file, xlsx_file
from marketplace.cli import main
from marketplace.journey import people
from marketplace.records import Base
from marketplace.records.database import writing
from marketplace.rules.privacy import HIDDEN
from marketplace.schemas.allocations import FileLineSchema
from marketplace.schemas.clients import ClientSchema
from marketplace.web.database import db_session
from marketplace.web.row_files import headings
from tests.web.site import Site, build_site
from tests.web.test_allocating_pages import BUDGET, PHYSIO, line
from tests.worlds import synthetic_nhs_number

KNOWN, OTHERS, NEW, FILED = (synthetic_nhs_number(number) for number in (1, 700, 701, 702))
SLIP = f"{NEW[:-1]}{(int(NEW[-1]) + 1) % 10}"
"""One digit wrong: it still leads to somebody."""
NUMBERS = (KNOWN, OTHERS, NEW, FILED, SLIP)
CLIENT = {
    "name": "Rose Appleby", "birth_year": "1951", "district": "LN1",
    "asked_on-day": "27", "asked_on-month": "2", "asked_on-year": "2026",
}  # fmt: skip
_TYPED = re.compile(r'<input[^>]*name="nhs_number"[^>]*>')


def grouped(number: str, gap: str = " ") -> str:
    """As people write it."""
    return gap.join((number[:3], number[3:6], number[6:]))


WAYS = [way for number in NUMBERS for way in (number, grouped(number), grouped(number, "-"))]


def shows(told: str) -> bool:
    """Whether one of the numbers can be read in it, however it is spaced."""
    plain = re.sub(r"[ \-+]|%20|&nbsp;", "", told)
    return any(number in plain for number in NUMBERS)


class Lines(logging.Handler):
    """Keeps what is logged, formatted with everything a formatter adds."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{self.format(record)} {record.args}")


@pytest.fixture
def log() -> Iterator[Lines]:
    """Everything that is logged, by whomever, at DEBUG."""
    root, lines = logging.getLogger(), Lines()
    made_by, quiet = logging.getLogRecordFactory(), [root, logging.getLogger("sqlalchemy")]
    levels = [logger.level for logger in quiet]
    for logger in quiet:
        logger.setLevel(logging.DEBUG)
    root.addHandler(lines)
    yield lines
    for logger, level in zip(quiet, levels, strict=True):
        logger.setLevel(level)
    logging.setLogRecordFactory(made_by)
    root.removeHandler(lines)


@pytest.fixture
def site(tmp_path: Path, log: Lines) -> Iterator[Site]:
    """A site whose log hides nothing."""
    made = build_site(tmp_path, patients=3, WTF_CSRF_ENABLED=False, PROPAGATE_EXCEPTIONS=False)
    nobodys_client = people.PatientDetails("Somebody Else", OTHERS, 1950, "LN1", 497_000, 371_000)
    with writing(made.world.session):
        people.register_patient(made.world.session, made.world.now, made.world.funder, nobodys_client)
    logging.setLogRecordFactory(logging.LogRecord)
    yield made
    made.world.session.close()


def sends(site: Site) -> Iterator[TestResponse]:
    """Every form and every file that takes an NHS number, with what can be wrong beside it, and with nothing wrong."""
    broker, funder = site.client("broker@example.test"), site.client("funder@example.test")
    beside = cycle(({"birth_year": "2031"}, {"district": "ZZ9"}, {"extra": "x"}, {"name": ""}))
    for number, wrong in zip(WAYS, beside, strict=False):
        for more in (wrong, {}):
            sent = {**CLIENT, "nhs_number": number, **more}
            yield broker.post("/broker/clients/add", data=sent)
            person = {"name": "Rose Appleby", "birth_year": "1951", "district": "LN1", "nhs_number": number}
            yield funder.post("/commissioner/budgets/new", data={**person, **BUDGET, **more})
    files = [("csv", made) for made in (SLIP, KNOWN, OTHERS, grouped(FILED))] + [("xlsx", SLIP), ("xlsx", KNOWN)]
    for kind, made in files:
        asked = ["Rose Appleby", made, 1951, "LN1", "27/02/2026", ""]
        shapes = ([asked, [made, made, "?", *asked[3:]]], [asked], [asked, asked], [asked[:2]])
        for rows in shapes if kind == "csv" else shapes[:1]:
            yield from _upload(broker, "/broker/clients/import", headings(ClientSchema()), rows, kind)
        given = line(*PHYSIO, _1=made)
        nothing_else = line(*PHYSIO, _1=made, _4="", _5="", _6="")
        shapes = ([given, line(*PHYSIO, _1=made, _10="701")], [given], [nothing_else], [given[:4]])
        for rows in shapes if kind == "csv" else shapes[:1]:
            yield from _upload(funder, "/commissioner/budgets/import", headings(FileLineSchema()), rows, kind)
    for number in WAYS:
        for path in ("people", "budgets", "users", "audit"):
            yield funder.get(f"/commissioner/{path}", query_string={"search": number, "about": number})
        yield broker.get("/broker/clients", query_string={"search": number, "group": "yes"})
        yield site.client().get("/broker/clients", query_string={"search": number})


def _upload(
    client: FlaskClient, path: str, first: list[str], rows: list[list[Any]], kind: str
) -> Iterator[TestResponse]:
    """The report on a file, and, where it offers to save the file's rows, what comes of the yes, said twice."""
    lines = [first, *rows]
    content = csv_file(lines) if kind == "csv" else xlsx_file("rows", lines)
    report = client.post(path, data={"file": (io.BytesIO(content), f"rows.{kind}")})
    yield report
    token = re.search(r'name="rows" value="([^"]+)"', report.text)
    for _ in range(2 if token else 0):
        assert token
        yield client.post(f"{path}/confirm", data={"rows": token[1]})


def test_every_wrong_way_keeps_it_to_itself(site: Site, log: Lines) -> None:
    """Pages repeat it in the field it was typed in and nowhere else; logs, addresses and tables never have it."""
    statuses = set()
    for answer in sends(site):
        statuses.add(answer.status_code)
        assert not shows(answer.location or ""), answer.request.path
        assert not shows(_TYPED.sub("", answer.text)), answer.request.path
    assert statuses == {200, 302, 409, 422}
    assert len(log.lines) > 100
    assert [told for told in log.lines if shows(told)] == []
    session = site.fresh().session
    for table in Base.metadata.sorted_tables:
        assert not shows(str(session.execute(select(table)).all())), table.name
    for path in (
        "/broker/clients",
        "/commissioner/people",
        "/commissioner/budgets",
        "/commissioner/users?role=patient",
    ):
        client = site.client(f"{'broker' if 'broker' in path else 'funder'}@example.test")
        mark = "&" if "?" in path else "?"
        assert not shows(client.get(f"{path}{mark}export=csv").text), path


def test_who_searches_by_it_is_led_away(site: Site) -> None:
    """The rest of the address stays; the next page says what to search by; signed out, the way back has no number."""
    client = site.client("broker@example.test")
    answer = client.get("/broker/clients", query_string={"search": grouped(KNOWN), "group": "yes"})
    assert (answer.status_code, answer.location) == (302, "/broker/clients?group=yes")
    assert "Search by name." in client.get(answer.location).text
    assert site.client().get(f"/broker/clients?search={KNOWN}").location == "/broker/clients"
    assert client.get("/broker/clients?search=Patient+01").status_code == 200


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_the_database_says_of_it_stays_there(
    database_url: str, tmp_path: Path, log: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL's DETAIL repeats the value that is there twice. It reaches no page and no log, hidden or not."""
    site = build_site(
        tmp_path, patients=3, DATABASE_URL=database_url, WTF_CSRF_ENABLED=False, PROPAGATE_EXCEPTIONS=False
    )
    logging.setLogRecordFactory(logging.LogRecord)
    caught: list[str] = []

    def twice() -> str:
        session = db_session()
        session.execute(text("CREATE TEMPORARY TABLE planted (nhs_number text UNIQUE)"))
        try:
            for _ in range(2):
                session.execute(text("INSERT INTO planted VALUES (:number)"), {"number": KNOWN})
        except Exception as error:
            caught.append(str(error))
            raise
        return ""

    twice.access = site.app.view_functions["public.start"].access  # type: ignore[attr-defined]
    monkeypatch.setitem(site.app.view_functions, "public.how_it_works", twice)
    answer = site.client().get("/how-it-works")
    assert answer.status_code == 500
    assert f"Key (nhs_number)=({KNOWN}) already exists" in caught[0]
    assert "IntegrityError at GET /how-it-works" in "\n".join(log.lines)
    assert not shows(answer.text + "\n".join(log.lines))
    site.world.session.close()
    with site.app.app_context():
        site.app.extensions["sqlalchemy"].engine.dispose()


def test_what_others_log_is_hidden(log: Lines) -> None:
    """A server's line about an address, a driver's error with its value, a library's message: all without it."""
    hide_numbers_in_logs()
    server = Logger(Config())
    for gap in ("", " ", "-", "+", "%20"):
        query = f"search={grouped(KNOWN, gap)}&group=yes"
        referer = f"https://carepool.example/?next=%2Fbroker%3Fsearch%3D{grouped(KNOWN, gap)}"
        environ = EnvironBuilder(path="/broker/clients", headers={"Referer": referer}).get_environ()
        environ |= {"QUERY_STRING": query, "RAW_URI": f"/broker/clients?{query}"}
        server.access_log.propagate = True
        server.access_log.setLevel(logging.INFO)
        atoms = server.atoms(_Answered(), environ, environ, _Took())
        server.access_log.info(Config().access_log_format, server.atoms_wrapper_class(atoms))
    try:
        raise ValueError(f"Key (nhs_number)=({KNOWN}) already exists")
    except ValueError:
        logging.getLogger("driver").exception("It failed for %s", SLIP)
    logging.getLogger("library").debug("Got {'nhs_number': '%s'}", grouped(OTHERS))
    told = "\n".join(log.lines)
    assert told.count("GET /broker/clients?search=") == 5
    assert told.count(HIDDEN) == 13
    assert not shows(told)


@pytest.mark.parametrize("entrance", ["pages", "commands"])
def test_every_process_begins_with_it(entrance: str, tmp_path: Path, log: Lines) -> None:
    """The pages' server, and whatever `carepool` starts, the worker among it."""
    logging.setLogRecordFactory(logging.LogRecord)
    if entrance == "pages":
        create_app({"VAR_DIR": str(tmp_path)})
    else:
        assert CliRunner().invoke(main, ["worker", "--help"]).exit_code == 0
    logging.getLogger("library").warning("Got %s", KNOWN)
    assert log.lines[-1].startswith(f"Got {HIDDEN}")


def test_what_a_handler_writes_itself_is_hidden_too(caplog: pytest.LogCaptureFixture) -> None:
    """A handler that formats the exception anew finds none; one without a number stays for whoever looks at it."""
    hide_numbers_in_logs()
    for told in (f"Key (nhs_number)=({KNOWN}) already exists", "Nobody is named here"):
        try:
            raise ValueError(told)
        except ValueError:
            logging.getLogger("driver").exception("It failed")
    hidden, plain = caplog.records[-2:]
    assert hidden.exc_info is None
    assert HIDDEN in str(hidden.exc_text)
    assert plain.exc_info is not None


class _Answered:
    """As much of an answer as the server's access log asks for."""

    status, sent, headers = "200 OK", 12, ()


class _Took:
    """How long it took."""

    seconds, microseconds = 0, 4_000


def test_a_message_that_fits_no_value_does_not_tell_it_either(log: Lines) -> None:
    """Logging reports such a mistake with its arguments; here they are left out."""
    hide_numbers_in_logs()
    logging.getLogger("library").warning("%d of them", KNOWN)
    assert "does not fit its values: library" in log.lines[-1]
    assert not shows("\n".join(log.lines))


def test_what_is_no_number_stays_readable(log: Lines) -> None:
    """Hashes, ids and longer numbers are told as they are."""
    hide_numbers_in_logs()
    kept = "sha a9990000018b id 0x9990000018 order 99900000181 at 2026-03-02 09:00 for 12,345 pence"
    logging.getLogger("library").info(kept)
    assert kept in log.lines[-1]
