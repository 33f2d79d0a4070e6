"""Lists order, narrow, and go out as files: with what the page shows to this person, and nothing else."""

import csv
import io
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook

from marketplace.journey import amendments, rounds
from marketplace.queries import tenders
from marketplace.queries.words import london_day
from marketplace.records.audit import RecordView
from marketplace.records.database import writing
from marketplace.records.people import Patient
from marketplace.web import listing
from tests.web.site import Site

EVERY_LIST = {
    "broker": ("/broker/clients", "/broker/tenders"),
    "bulk": ("/provider/offers", "/provider/contracts", "/provider/claims"),
    "funder": (
        "/commissioner/budgets",
        "/commissioner/tenders",
        "/commissioner/organisations",
        "/payments/",
        "/commissioner/audit?period=all",
    ),
    None: ("/tenders?state=all", "/unmet-needs"),
}


def client_of(site: Site, name: str | None) -> FlaskClient:
    return site.client(f"{name}@example.test" if name else None)


def rows_of(client: FlaskClient, address: str) -> list[list[str]]:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_every_list_orders_and_goes_out(site: Site) -> None:
    """Each order that a list offers opens, twice over; each list comes as both kinds of file with one heading line."""
    site.world.proposed().accept().confirm().later(days=20)
    for name, addresses in EVERY_LIST.items():
        for address in addresses:
            client = client_of(site, name)
            page = client.get(address).get_data(as_text=True)
            joint = "&" if "?" in address else "?"
            orders = [part.split('"')[0] for part in page.split('<option value="')[1:]]
            for order in [order for order in orders if order.lstrip("-") in page][:20]:
                assert client.get(f"{address}{joint}sort={order}").status_code == 200, (address, order)
            headings, *rows = rows_of(client, f"{address}{joint}export=csv")
            book = load_workbook(io.BytesIO(client.get(f"{address}{joint}export=xlsx").data)).active
            assert book is not None
            assert [cell.value for cell in next(book.iter_rows())] == headings
            assert book.max_row == len(rows) + 1


def test_clients_order_narrow_and_are_noted(site: Site) -> None:
    """By name both ways; by being in a group; every person in the file reads that they were looked at."""
    world = site.world.draft().agree(1, 2).publish()
    client = site.client("broker@example.test")
    names = [row[0] for row in rows_of(client, "/broker/clients?export=csv")[1:]]
    assert names == sorted(names)
    assert [row[0] for row in rows_of(client, "/broker/clients?export=csv&sort=-name")[1:]] == names[::-1]
    assert len(rows_of(client, "/broker/clients?export=csv&group=yes")) == 3
    assert len(rows_of(client, "/broker/clients?export=csv&group=no&search=patient")) == world.patient_count - 2 + 1
    views = site.fresh().session.query(RecordView).filter_by(page="list of clients")
    assert {view.patient_id for view in views} == {patient.id for patient in world.patients}
    assert b"NHS" not in client.get("/broker/clients?export=csv").data


def test_a_file_holds_no_more_than_its_page(site: Site) -> None:
    """A provider's file names nobody before both have signed; the public's has small counts suppressed."""
    world = site.world.proposed().accept().confirm().later(days=20)
    contracts = rows_of(site.client("bulk@example.test"), "/provider/contracts?export=csv")
    assert {row[1] for row in contracts[1:]} == {""}
    assert "Patient" not in str(contracts)
    assert world.patients
    public = rows_of(site.client(), "/tenders?state=all&export=csv")
    assert "Bulk Physio" not in str(public)
    assert "Bulk Physio" in str(rows_of(site.client(), "/tenders?state=awards&export=csv"))
    page = site.client().get("/tenders?state=awards").text
    assert "Bulk Physio: £6,000.00" in page
    assert "Awarded on" in page
    assert 'value="-awarded" selected' in page
    awarded = site.client().get("/tenders?state=awards&export=csv").text
    assert str(london_day(site.fresh().tender.awarded_at)) in awarded


def test_the_audit_trail_speaks_plainly(site: Site) -> None:
    """Codes are told in words, and an act is found by the words it is told in."""
    site.world.proposed()
    client = site.client("funder@example.test")
    page = client.get("/commissioner/audit?period=all").text
    agreed = client.get("/commissioner/audit?period=all&act=group:+joined").text
    assert "helps others to pay: no" in agreed
    assert "Group: joined" in agreed
    assert "Place in a group<br>" in agreed
    assert "How the search ended: nothing better can be found" in page
    for raw in ("False", "True", "sha256", "optimal", "shares pool"):
        assert raw not in page + agreed, raw


def test_codes_of_the_audit_trail_are_folded_away(site: Site) -> None:
    """Hashes, seeds and other things' codes can be opened under their act; what is to be read stands open."""
    world = site.world.proposed()
    page = site.client("funder@example.test").get("/commissioner/audit?period=all").text
    open_text = re.sub(r"<details>.*?</details>", "", page, flags=re.DOTALL)
    seed = rounds.latest_round(world.session, world.tender.id).seed  # type: ignore[union-attr]
    assert seed in page
    assert seed not in open_text
    assert not re.search(r"\b[0-9a-f]{64}\b", open_text)
    assert "Hash of the market:" in page
    assert "Match: result checked" in open_text
    for kind in ("Tender", "Match", "Offer", "Group", "Place in a group"):
        assert f'{kind}<br><a class="cp-hash"' in open_text


def test_the_audit_trail_keeps_what_is_sealed(site: Site) -> None:
    """A commissioner reads acts about its own; of offers nothing before the proposal; of a question never who asked."""
    world = site.world.draft().agree().publish()
    client = site.client("funder@example.test")
    address = "/commissioner/audit?period=all&export=csv"
    before = rows_of(client, address)
    world.three_offers()
    with writing(world.session):
        amendments.ask(world.session, world.now, world.provider("near"), world.tender.id, "Is there parking?")
    assert rows_of(client, address) == before
    assert {row[4] for row in before} >= {"patient.registered", "budget.opened", "tender.published"}
    world.later(days=15)
    assert "offer.sealed" not in str(rows_of(site.client("funder@example.test"), address))
    world.run_round()
    told = rows_of(site.client("funder@example.test"), address)
    assert [row[4] for row in told].count("offer.sealed") == 3
    assert "question.asked" not in str(told)
    week = rows_of(site.client("funder@example.test"), address.replace("all", "week"))
    assert "tender.published" not in str(week)
    assert "tender.proposed" in str(week)
    one = rows_of(site.client("funder@example.test"), f"{address}&act=tender:+published&about={world.tender.id}")
    assert len(one) == 2
    assert len(rows_of(site.client("funder@example.test"), f"{address}&who=nobody+of+this+name")) == 1
    assert site.client("broker@example.test").get("/commissioner/audit").status_code == 403


def test_what_would_calculate_goes_out_quoted(site: Site) -> None:
    """A person by a formula's name is a name in the file."""
    patient = site.world.session.get_one(Patient, site.world.patients[0].id)
    patient.name = "=HYPERLINK(1)"
    site.world.session.commit()
    client = site.client("broker@example.test")
    assert [row[0] for row in rows_of(client, "/broker/clients?export=csv&search=HYPER")[1:]] == ["'=HYPERLINK(1)"]
    book: Any = load_workbook(io.BytesIO(client.get("/broker/clients?export=xlsx&search=HYPER").data)).active
    assert (book["A2"].value, book["A2"].data_type) == ("'=HYPERLINK(1)", "s")


def test_a_list_too_long_for_a_file_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_EXPORTED", 5)
    answer = site.client("broker@example.test").get("/broker/clients?export=csv")
    assert answer.status_code == 409
    assert "narrow the list down first" in answer.get_data(as_text=True)
    assert site.client("broker@example.test").get("/broker/clients?sort=nonsense&export=exe").status_code == 200


def test_whose_turn_it_is_is_asked_of_the_database_as_the_page_says_it(site: Site) -> None:
    """`TenderRow.action` and the list's filter agree, from a draft to an award."""
    world = site.world
    moves = (
        world.draft,
        lambda: world.agree().publish(),
        world.three_offers,
        lambda: world.later(days=15),
        world.run_round,
        lambda: world.accept(*range(1, 12)),
        lambda: world.accept(12),
        world.confirm,
    )
    turns: list[str | None] = []
    for move in moves:
        move()
        row = tenders.tender_row(world.session, world.broking, world.tender.id)
        mine = [title for title, *_ in rows_of(client_of(site, "broker"), "/broker/tenders?turn=mine&export=csv")[1:]]
        turns.append(row.action(world.now))
        assert bool(mine) == (turns[-1] is not None), turns
        world.session.rollback()
    assert turns == ["See the answers", None, None, "Run the match", None, None, "Confirm the award", None]
