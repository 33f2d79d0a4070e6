"""A broker takes on people who asked: by form, or by a file that is told line by line and taken all or not at all."""

import io
import re
from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from marketplace.adapters.spreadsheets import csv_file, read_lines, xlsx_file
from marketplace.journey import conduct
from marketplace.records.audit import AuditEvent
from marketplace.records.database import writing
from marketplace.records.outbox import Message
from marketplace.records.people import Patient, User
from tests.web.site import Site
from tests.worlds import synthetic_nhs_number

HEADINGS = ["Name", "NHS number", "Year of birth", "Postcode district", "Asked you on", "E-mail (optional)"]
N1, N2, N3 = (synthetic_nhs_number(number) for number in (501, 502, 503))
ROSE = ["Rose Appleby", f"{N1[:3]} {N1[3:6]} {N1[6:]}", 1951, "LN1", "27/02/2026", "rose@example.test"]
JIM = ["Jim Fenn", N2, 1948, "ln1", "2026-02-28", ""]
AT = "/broker/clients/import"


def send(client: FlaskClient, *rows: list[Any], kind: str = "csv") -> TestResponse:
    lines = [HEADINGS, *rows]
    content = csv_file(lines) if kind == "csv" else xlsx_file("clients", lines)
    return client.post(AT, data={"file": (io.BytesIO(content), f"clients.{kind}")})


def confirm(client: FlaskClient, report: TestResponse) -> TestResponse:
    found = re.search(r'name="rows" value="([^"]+)"', report.get_data(as_text=True))
    assert found, "the report asks for no yes"
    return client.post(f"{AT}/confirm", data={"rows": found[1]})


def clients_of(site: Site) -> int:
    session = site.fresh().session
    return len(session.scalars(select(Patient.id).where(Patient.broker_id == site.world.broker.id)).all())


def test_a_file_is_checked_and_then_taken(site: Site) -> None:
    """The report registers nobody and shows no number; a yes registers all, tells them, and cannot be said twice."""
    client, before = site.client("broker@example.test"), clients_of(site)
    for kind in ("csv", "xlsx"):
        report = send(client, ROSE, JIM, kind=kind)
        assert report.status_code == 200
        text = report.get_data(as_text=True)
        assert "Is this everybody?" in text
        assert "27 February 2026" in text
        assert "We tell the commissioner, and those with an e-mail address." in text  # Jim has none
        assert not any(number in re.sub(r"[\s-]", "", text) for number in (N1, N2))
        assert clients_of(site) == before
    assert confirm(client, report).status_code == 302
    assert clients_of(site) == before + 2
    session = site.fresh().session
    rose = session.scalars(select(Patient).where(Patient.name == "Rose Appleby")).one()
    assert (rose.birth_year, rose.district, rose.commissioner_id) == (1951, "LN1", site.world.commissioner.id)
    assert N1.encode() not in rose.nhs_number_sealed
    assert session.scalars(select(User.party_id).where(User.email == "rose@example.test")).one() == rose.id
    told = session.scalars(select(Message.party_id).where(Message.template == "client_taken_on")).all()
    assert {rose.id, site.world.commissioner.id} <= set(told)
    again = confirm(client, report)
    assert again.status_code == 409
    assert clients_of(site) == before + 2
    trail = str([(row.event, row.facts) for row in session.scalars(select(AuditEvent))])
    assert "clients.imported" in trail
    assert "Rose" not in trail
    assert N1 not in trail


def test_what_is_wrong_is_told_by_line(site: Site) -> None:
    """Bad values, a number twice, somebody known already: each by its line and column, and nobody is registered."""
    client, before = site.client("broker@example.test"), clients_of(site)
    known = synthetic_nhs_number(1)
    report = send(
        client,
        ROSE,
        ["", "9991234560", 1890, "Lincoln", "yesterday", "rose"],
        ["Rose Again", N1, 1951, "LN1", "27/02/2026", ""],
        ["Known One", known, 1951, "LN1", "27/02/2026", ""],
        ["Too Soon", N3, 2031, "LN1", "27/12/2026", ""],
        ["Far Away", N3, 1951, "ZZ9", "27/02/2026", ""],
    )
    text = report.get_data(as_text=True)
    assert report.status_code == 422
    for told in (
        "Enter the person&#39;s name",
        "Check the NHS number",
        "Enter a year of birth from 1900 on, like 1958",
        "Enter the first half of the postcode only",
        "Enter a real date, like 21/11/2026",
        "Enter an e-mail address",
        "This NHS number is in the file twice",
        "This person is your client already",
        "Enter a year from 1900 to 2026",
        "We know no such postcode district",
        "Not shown again",
    ):
        assert told in text, told
    assert not any(number in text for number in (known, "9991234560", N1))
    assert clients_of(site) == before
    checked = site.fresh().session.scalars(select(AuditEvent).where(AuditEvent.event == "clients.checked")).all()
    assert checked[-1].facts["clients"] == 5


def test_somebody_elses_client_cannot_be_taken(site: Site) -> None:
    """The report says only that the person is registered, and that they choose for themselves."""
    world = site.world
    patient = world.session.get_one(Patient, world.patients[0].id)
    patient.broker_id = None
    world.session.commit()
    client = site.client("broker@example.test")
    report = send(client, ["Somebody", synthetic_nhs_number(1), 1951, "LN1", "27/02/2026", ""])
    assert "They can choose you as their broker themselves" in report.get_data(as_text=True)


def test_a_checked_file_is_its_senders_for_half_an_hour(site: Site) -> None:
    """A changed token, another role and a late yes register nobody; a person registered meanwhile stops them all."""
    client, before = site.client("broker@example.test"), clients_of(site)
    report = send(client, ROSE, JIM)
    assert client.post(f"{AT}/confirm", data={"rows": "x" * 80}).status_code == 409
    assert client.post(f"{AT}/confirm", data={}).status_code == 409
    assert site.client("near@example.test").post(f"{AT}/confirm", data={"rows": ""}).status_code == 403
    assert confirm(client, send(client, JIM)).status_code == 302
    assert confirm(client, report).status_code == 409
    assert clients_of(site) == before + 1
    late = send(client, ROSE)
    site.world.now += timedelta(minutes=31)
    stale = confirm(site.client("broker@example.test"), late)
    assert "Send it again" in stale.get_data(as_text=True)
    assert clients_of(site) == before + 1


def test_one_client_by_form(site: Site) -> None:
    """The same checks; what was typed stays; a suspended broker takes on nobody."""
    client, before = site.client("broker@example.test"), clients_of(site)
    typed = {"name": "Jim Fenn", "nhs_number": synthetic_nhs_number(1), "birth_year": "1948", "district": "LN1"}
    typed |= {"asked_on-day": "27", "asked_on-month": "2", "asked_on-year": "2026"}
    known = client.post("/broker/clients/add", data=typed)
    assert known.status_code == 422
    assert "This person is your client already" in known.get_data(as_text=True)
    assert 'value="Jim Fenn"' in known.get_data(as_text=True)
    assert client.post("/broker/clients/add", data={**typed, "nhs_number": N2}).status_code == 302
    assert clients_of(site) == before + 1
    world = site.world
    with writing(world.session):
        conduct.suspend(world.session, world.now, world.funder, type(world.broker), world.broker.id, "Test")
    assert client.post("/broker/clients/add", data={**typed, "nhs_number": N3}).status_code == 403
    assert clients_of(site) == before + 1


def test_a_file_of_other_columns_says_so(site: Site) -> None:
    """The template is read back as itself; other headings, none, or no lines are refused in words."""
    client = site.client("broker@example.test")
    for kind in ("csv", "xlsx"):
        (line,) = read_lines(client.get(f"/broker/clients/template.{kind}").data)
        assert list(line.cells) == HEADINGS

    def told(lines: list[list[Any]]) -> str:
        answer = client.post(AT, data={"file": (io.BytesIO(csv_file(lines)), "x.csv")})
        assert answer.status_code == 422
        return answer.get_data(as_text=True)

    assert "from 1 to 1,000 lines" in told([HEADINGS])
    assert "We do not know the column Shoe size" in told([[*HEADINGS, "Shoe size"], [*ROSE, 9]])
    assert "We miss: NHS number" in told([[HEADINGS[0], *HEADINGS[2:]], [ROSE[0], *ROSE[2:]]])
