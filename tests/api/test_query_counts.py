"""A list of the API asks the database as often for twelve people as for two."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from tests.api.programs import program_of
from tests.web.site import Site

LISTS = (
    ("broker", "/broker/clients"),
    ("broker", "/broker/tenders/{tender}/matches"),
    ("broker", "/broker/tenders/{tender}/unmatched"),
    ("funder", "/commissioner/people"),
    ("funder", "/commissioner/budgets"),
    ("funder", "/commissioner/audit"),
    ("serves", "/provider/contracts"),
    ("serves", "/provider/claims"),
    ("serves", "/provider/offers"),
)


@contextmanager
def counting(site: Site) -> Iterator[list[str]]:
    """Every statement that goes to the database meanwhile."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    with site.app.app_context():
        engine = site.app.extensions["sqlalchemy"].engine
    event.listen(engine, "before_cursor_execute", note)
    yield said
    event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def asked(site: Site) -> Site:
    """Everybody has a contract and a delivery."""
    world = site.world.awarded()
    for number in range(1, world.patient_count + 1):
        world.deliver(number)
    return site


def test_no_list_asks_once_a_row(asked: Site) -> None:
    world = asked.world
    serves = next(name for name, row in world.providers.items() if row.id == world.contract(1).provider_id)
    for who, pattern in LISTS:
        program = program_of(asked, f"{serves if who == 'serves' else who}@example.test")
        path = pattern.format(tender=world.tender.id)
        program.get(path)
        found = {}
        for size in (2, 12):
            with counting(asked) as said:
                rows = len(program.get(f"{path}?size={size}")["rows"])
            found[size] = (rows, len(said))
        assert found[12][1] <= found[2][1] + 1, f"{path}: {found}"
