"""A page asks the database as often for many people as for few: no query runs once per row."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select

from marketplace.front import claims
from marketplace.journey import tenders
from marketplace.records.contracts import Contract
from marketplace.records.database import writing
from tests.web.crawl import reachable
from tests.web.site import Site, build_site

VISITORS = {
    None: "/",
    "broker@example.test": "/broker/",
    "funder@example.test": "/commissioner/",
    "bulk@example.test": "/provider/",
    "p1@example.test": "/patient/",
}
MOST_QUERIES = 40
FEW, MANY = 12, 20
SLACK = 3
"""The audit trail finds a day by halving: some more questions for many more events, far fewer than one a row."""


@contextmanager
def counting(engine: Engine) -> Iterator[list[str]]:
    """The statements sent meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def queries_by_page(site: Site) -> dict[tuple[str | None, str], list[str]]:
    """What each page of each visitor asks on its second visit, by visitor and endpoint."""
    engine = site.world.session.get_bind()
    assert isinstance(engine, Engine)
    asked = {}
    for email, home in VISITORS.items():
        client = site.client(email)
        for endpoint, path in reachable(site.app, client, home).items():
            with counting(engine) as sent:
                client.get(path)
            asked[email, endpoint] = sent
    return asked


def grown(folder: Path, patients: int) -> dict[str, dict[tuple[str | None, str], list[str]]]:
    """The queries at three moments of a tender of so many people."""
    folder.mkdir()
    site = build_site(folder, patients=patients, WTF_CSRF_ENABLED=False)
    world = site.world.draft()
    moments = {"draft": queries_by_page(site)}
    world.agree().publish().three_offers().later(days=15).run_round()
    moments["proposed"] = queries_by_page(site)
    world.accept().confirm().later(days=20)
    served = {contract.patient_id for contract in world.session.scalars(select(Contract))}
    for number, patient in enumerate(world.patients, start=1):
        if patient.id in served:
            world.sign(number).deliver(number)
    moments["delivering"] = queries_by_page(site)
    world.session.close()
    return moments


def test_no_page_asks_once_per_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "QUICK_S", 60)  # however busy the machine: the figures are not counted beside the pages
    monkeypatch.setattr(claims, "FIRST_WAIT_S", 60)
    few, many = grown(tmp_path / "few", FEW), grown(tmp_path / "many", MANY)
    faults = [
        f"{moment}: {endpoint} for {email}: {len(few[moment][email, endpoint])} -> {len(sent)}"
        for moment, pages in many.items()
        for (email, endpoint), sent in pages.items()
        if (email, endpoint) in few[moment]
        and (len(sent) > len(few[moment][email, endpoint]) + SLACK or len(sent) > MOST_QUERIES)
    ]
    assert not faults, "\n".join(faults)
    assert sum(len(pages) for pages in many.values()) > 120


def test_open_data_asks_as_often_for_many_notices(site: Site) -> None:
    """A package has up to fifty notices, each with its lots, its questions and its result."""
    world, engine = site.world, site.world.session.get_bind()
    assert isinstance(engine, Engine)
    client, counts = site.client(), []
    for _ in range(3):
        world.draft().agree().publish()
        with writing(world.session):
            tenders.withdraw_tender(world.session, world.now, world.broking, world.tender.id, "Too few people.")
        world.later(minutes=1)
        client.get("/open-data/notices/1.json")
        with counting(engine) as sent:
            assert len(client.get("/open-data/notices/1.json").get_json()["releases"]) == len(counts) + 1
        counts.append(len(sent))
    assert counts[0] == counts[2] <= 12
