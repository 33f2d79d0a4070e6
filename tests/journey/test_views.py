"""Whoever looks at a patient's record is noted, and the patient can read the list."""

from datetime import timedelta

import pytest

from marketplace.journey import accounts, views
from marketplace.records.database import writing
from marketplace.rules.errors import NotAllowed
from marketplace.rules.permissions import Actor, Role
from tests.worlds import SmallWorld


def look(world: SmallWorld, actor: Actor, number: int, page: str) -> bool:
    """Somebody opens a page about a patient."""
    world.now += timedelta(minutes=1)
    with writing(world.session):
        return views.note_view(world.session, world.now, actor, world.patients[number - 1].id, page)


def test_a_patient_reads_who_looked(world: SmallWorld) -> None:
    """The latest first, by name and organisation; an account that is gone is still told of."""
    with writing(world.session):
        user = accounts.open_account(
            world.session,
            world.now,
            email="ann@fen.example",
            name="Ann Fenner",
            role=Role.BROKER,
            party_id=world.broker.id,
            password=None,
        )
    assert look(world, Actor(user.id, Role.BROKER, world.broker.id), 1, "care plan")
    assert look(world, world.funder, 1, "budget")
    found = views.views_of(world.session, world.patient(1))
    assert [(row.who, row.organisation, row.role, row.page) for row in found] == [
        ("An account that is closed", "Lincolnshire funder", "commissioner", "budget"),
        ("Ann Fenner", "Fen Brokers", "broker", "care plan"),
    ]


def test_ones_own_look_is_nobodys_business(world: SmallWorld) -> None:
    """A patient's own look is not noted; a representative's is, as a representative's."""
    assert not look(world, world.patient(1), 1, "budget")
    helper = Actor("user-h", Role.PATIENT, world.patients[0].id, "authority-1", frozenset())
    assert look(world, helper, 1, "budget")
    assert [row.role for row in views.views_of(world.session, world.patient(1))] == ["representative"]


def test_a_list_is_a_look_at_each(world: SmallWorld) -> None:
    """A page with several patients notes each of them, once."""
    ids = [patient.id for patient in world.patients[:3]]
    with writing(world.session):
        assert views.note_views(world.session, world.now, world.broking, [*ids, ids[0]], "clients") == 3
    assert len(views.views_of(world.session, world.patient(2))) == 1
    assert views.views_of(world.session, world.patient(4)) == []


def test_nobody_else_reads_the_list(world: SmallWorld) -> None:
    """It is the patient's own."""
    for actor in (world.broking, world.funder, world.provider("near")):
        with pytest.raises(NotAllowed):
            views.views_of(world.session, actor)
