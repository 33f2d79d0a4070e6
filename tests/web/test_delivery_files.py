"""Deliveries by spreadsheet: a line for each contract in force, told line by line, recorded all or none, and once."""

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from marketplace.adapters.spreadsheets import csv_file, read_lines
from marketplace.journey import contracts
from marketplace.records.contracts import Delivery
from marketplace.records.database import writing
from tests.web.site import Site

AT = "/provider/deliveries/import"
HEADINGS = ["Contract number", "Day", "Units delivered"]


@pytest.fixture
def signed(site: Site) -> list[str]:
    """Two contracts in force; the others wait for signatures."""
    world = site.world.proposed().accept().confirm().later(days=20)
    ids = [world.contract(number).id for number in (1, 2)]
    for number, contract_id in enumerate(ids, start=1):
        for party in (world.patient(number), world.provider("bulk")):
            with writing(world.session):
                contracts.sign_contract(world.session, world.now, party, contract_id)
    return ids


def send(client: FlaskClient, *rows: list[Any]) -> TestResponse:
    return client.post(AT, data={"file": (io.BytesIO(csv_file([HEADINGS, *rows])), "deliveries.csv")})


def confirm(client: FlaskClient, report: TestResponse) -> TestResponse:
    found = re.search(r'name="rows" value="([^"]+)"', report.get_data(as_text=True))
    assert found, "the report asks for no yes"
    return client.post(f"{AT}/confirm", data={"rows": found[1]})


def recorded(site: Site) -> list[tuple[str, int]]:
    return [(row.contract_id, row.units) for row in site.fresh().session.query(Delivery)]


def test_a_filled_template_is_recorded_once(site: Site, signed: list[str]) -> None:
    """The template names the contracts in force and nobody else's; a yes records all; a second yes records nothing."""
    client, today = site.client("bulk@example.test"), site.world.now.date().isoformat()
    template = client.get("/provider/deliveries/template.xlsx").data
    assert {line.cell(0) for line in read_lines(template)[1:]} == set(signed)
    assert len(read_lines(site.client("near@example.test").get("/provider/deliveries/template.csv").data)) == 1
    assert len(recorded(site)) == 0
    report = send(client, [signed[0], today, 2], [signed[1], today, 3], ["", "", ""])
    assert "Is this what you delivered?" in report.get_data(as_text=True)
    assert recorded(site) == []
    assert confirm(client, report).status_code == 302
    assert sorted(recorded(site)) == sorted([(signed[0], 2), (signed[1], 3)])
    assert confirm(client, report).status_code == 422
    assert "is recorded already" in send(client, [signed[0], today, 2]).get_data(as_text=True)
    assert len(recorded(site)) == 2


def test_what_earlier_lines_use_up_is_not_recorded_yet(site: Site, signed: list[str]) -> None:
    """The last line of a contract that the lines before it fill is refused for these, and for nothing recorded."""
    site.world.later(days=2)
    client, today = site.client("bulk@example.test"), site.world.now.date()
    yesterday = today - timedelta(days=1)
    lines = [signed[0], yesterday.isoformat(), 10], [signed[0], today.isoformat(), 1]
    told = send(client, *lines).get_data(as_text=True)
    assert "Nothing is left for this line: the lines before it have all that the contract has left." in told
    assert "is recorded already" not in told


def test_what_is_wrong_is_told_by_line(site: Site, signed: list[str]) -> None:
    """Somebody else's contract, too many units over two lines, a day twice, a day to come: each by its cell."""
    site.world.later(days=2)
    client, today = site.client("bulk@example.test"), site.world.now.date()
    yesterday = today - timedelta(days=1)
    unsigned = site.world.contract(3).id
    report = send(
        client,
        [signed[0], today.isoformat(), 8],
        [signed[0], yesterday.isoformat(), 8],
        [signed[1], today.isoformat(), 1],
        [signed[1], today.isoformat(), 1],
        [signed[1], "31/12/2026", 1],
        [unsigned, today.isoformat(), 1],
        ["0000000000000000", today.isoformat(), 1],
        [signed[1], "soon", "some"],
    )
    assert report.status_code == 422
    text = report.get_data(as_text=True)
    for told in (
        "The contract has no more left",
        "has this day twice",
        "Enter a day from 6 April 2026, when the contract came into force, to today",
        "while the contract is in force",
        "You have no contract of this number",
        "Enter a real date, like 21/11/2026",
        "Enter a whole number from 1",
    ):
        assert told in text, told
    near = send(site.client("near@example.test"), [signed[0], today.isoformat(), 1])
    assert "You have no contract of this number" in near.get_data(as_text=True)
    assert recorded(site) == []
