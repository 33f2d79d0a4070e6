"""Who reads what patients write of a provider: their commissioner; the provider only with a yes, and never of whom."""

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from marketplace.journey import ratings
from marketplace.records.audit import AuditEvent
from marketplace.records.contracts import Rating
from marketplace.records.database import writing
from marketplace.rules.errors import NotAllowed, NotFound, WrongState
from marketplace.rules.permissions import Actor, Role, Scope
from tests.worlds import SmallWorld


@pytest.fixture
def served(session, monday) -> SmallWorld:
    """Twelve patients of one provider, each with one session confirmed."""
    world = SmallWorld(session, monday).found().awarded()
    for number in range(1, 13):
        world.deliver(number)
    return world


def write(world: SmallWorld, number: int, words: str, *, may_read: bool) -> None:
    """One patient gives four stars and writes something, a minute after the one before."""
    world.now += timedelta(minutes=1)
    with writing(world.session):
        ratings.rate(
            world.session,
            world.now,
            world.patient(number),
            world.contract(number).id,
            4,
            words,
            provider_may_read=may_read,
        )


def told(world: SmallWorld) -> list[str]:
    """What the provider reads."""
    site_id = world.contract(1).site_id
    return ratings.words_told(world.session, [site_id])[site_id]


def test_a_provider_reads_only_what_it_may_and_only_in_groups(served: SmallWorld) -> None:
    """Nothing before eight have rated; then what was said yes to, by the alphabet; a ninth waits for seven more."""
    write(served, 1, "The room was warm", may_read=True)
    write(served, 2, "I was not happy", may_read=False)
    write(served, 3, "Always in time", may_read=True)
    for number in range(4, 8):
        write(served, number, "", may_read=True)
    assert told(served) == []
    write(served, 8, "", may_read=False)
    assert told(served) == ["Always in time", "The room was warm"]
    write(served, 9, "Mine alone", may_read=True)
    assert told(served) == ["Always in time", "The room was warm"]


def test_a_provider_reads_the_latest_groups(session: Session, monday: datetime) -> None:
    """Of many who have rated, the latest three groups of eight that are whole; every site has its own."""
    world = SmallWorld(session, monday, patient_count=42).found().awarded()
    bulk, far = world.providers["bulk"].sites[0].id, world.providers["far"].sites[0].id
    for number in range(1, 43):
        world.deliver(number)
        write(world, number, f"Words of number {number:02}", may_read=number != 12)
    with writing(session):
        session.execute(update(Rating).values(site_id=bulk))
        late = [world.contract(number).id for number in range(35, 43)]
        session.execute(update(Rating).where(Rating.contract_id.in_(late)).values(site_id=far))
    both = ratings.words_told(session, [bulk, far])
    assert both[bulk] == [f"Words of number {number:02}" for number in range(9, 33) if number != 12]
    assert both[far] == [f"Words of number {number}" for number in range(35, 43)]


def test_a_yes_can_be_taken_back(served: SmallWorld) -> None:
    """From then on the provider does not read it; there is nothing to take back a second time."""
    for number in range(1, 9):
        write(served, number, f"Words of number {number}", may_read=True)
    with writing(served.session):
        ratings.keep_back(served.session, served.now, served.patient(3), served.contract(3).id)
    assert len(told(served)) == 7
    assert "Words of number 3" not in told(served)
    with pytest.raises(WrongState), writing(served.session):
        ratings.keep_back(served.session, served.now, served.patient(3), served.contract(3).id)
    with pytest.raises(NotFound), writing(served.session):
        ratings.keep_back(served.session, served.now, served.patient(4), served.contract(5).id)
    helper = Actor("user-h", Role.PATIENT, served.patients[3].id, "authority-1", frozenset({Scope.MATCHES}))
    with pytest.raises(NotAllowed), writing(served.session):
        ratings.keep_back(served.session, served.now, helper, served.contract(4).id)


def test_the_trail_keeps_neither_stars_nor_words(served: SmallWorld) -> None:
    """It says that somebody rated and whether the provider may read it, and no more."""
    write(served, 1, "The room was warm", may_read=True)
    event = served.session.scalars(select(AuditEvent).where(AuditEvent.event == "contract.rated")).one()
    assert event.facts == {"provider_may_read": True}
    assert "warm" not in json.dumps(event.facts)


def test_a_yes_without_words_is_none(served: SmallWorld) -> None:
    """There is nothing that the provider could read."""
    write(served, 1, "  ", may_read=True)
    with pytest.raises(WrongState), writing(served.session):
        ratings.keep_back(served.session, served.now, served.patient(1), served.contract(1).id)
