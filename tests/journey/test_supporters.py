"""Somebody with a name who stands by whoever has extra support: who names them, for whom, and one at a time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from marketplace.journey import conduct, support, supporters
from marketplace.records.database import writing
from marketplace.records.people import Broker
from marketplace.rules.errors import Invalid, NotAllowed, NotFound, WrongState
from marketplace.rules.permissions import Actor, Role
from tests.journey.test_support import RULES, RUTH, events, name, told
from tests.races import while_open
from tests.worlds import SmallWorld


@pytest.fixture
def world(session: Session, monday: datetime) -> SmallWorld:
    """Three patients under the rule; the first of them is 85 this year and has support, the others have none."""
    return SmallWorld(session, monday, patient_count=3, rules=RULES).found()


def test_broker_and_commissioner_name_a_supporter(world: SmallWorld) -> None:
    """One at a time; the patient is told each time, the one before stays on record."""
    first = name(world, 1, world.broking)
    assert name(world, 1, world.broking) is first
    second = name(world, 1, world.funder, replace(RUTH, name="Omar Lund"))
    standing = supporters.supporters_of(world.session, [patient.id for patient in world.patients])
    assert {patient_id: row.name for patient_id, row in standing.items()} == {world.patients[0].id: "Omar Lund"}
    assert (first.ended_at, second.named_by) == (world.now, world.funder.user_id)
    assert told(world, 1).count("supporter_named") == 2
    assert [event.facts for event in events(world, "supporter.named")] == [
        {"supporter": first.id},
        {"supporter": second.id},
    ]


def test_who_may_name_a_supporter_and_for_whom(world: SmallWorld) -> None:
    for actor, error in [
        (world.patient(1), NotAllowed),
        (world.provider("near"), NotAllowed),
        (Actor("x", Role.BROKER, "another"), NotFound),
        (Actor("x", Role.COMMISSIONER, "another"), NotFound),
    ]:
        with pytest.raises(error):
            name(world, 1, actor)
    with pytest.raises(WrongState, match="none now"):
        name(world, 2, world.funder)
    with pytest.raises(Invalid):
        name(world, 1, world.funder, replace(RUTH, reach=" "))
    with writing(world.session):
        conduct.suspend(world.session, world.now, world.funder, Broker, world.broker.id, "It sent wrong figures.")
    with pytest.raises(NotAllowed, match="suspended"):
        name(world, 1, world.broking)


def test_support_ends_with_the_budget(world: SmallWorld) -> None:
    """A budget that is over gives nothing any more: no supporter can be named for it."""
    assert support.is_supported(world.session, world.now, world.patients[0].id)
    world.now = datetime(2027, 1, 2, 9, tzinfo=world.now.tzinfo)
    assert not support.is_supported(world.session, world.now, world.patients[0].id)
    with pytest.raises(WrongState):
        name(world, 1, world.funder)


def test_two_supporters_at_once_are_one(new_session: Callable[[], Session], monday: datetime) -> None:
    """Broker and commissioner name somebody in the same moment: the later one stands, the earlier stays on record."""
    session, beside = new_session(), new_session()
    world = SmallWorld(session, monday, patient_count=1, rules=RULES).found()
    patient_id, other = world.patients[0].id, replace(RUTH, name="Omar Lund")
    broking, funder, now = world.broking, world.funder, world.now
    error = while_open(
        session,
        lambda here: supporters.name_supporter(here, now, broking, patient_id, RUTH),
        beside,
        lambda there: supporters.name_supporter(there, now, funder, patient_id, other),
    )
    assert error is None
    session.rollback()
    assert supporters.supporters_of(session, [patient_id])[patient_id].name == "Omar Lund"
