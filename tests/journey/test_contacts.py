"""A broker states how people reach it; the trail notes that, and no more than a digest of it."""

import pytest
from sqlalchemy import select

from marketplace.journey import contacts, people
from marketplace.records.audit import AuditEvent
from marketplace.records.database import writing
from marketplace.rules.contacts import Contact
from marketplace.rules.errors import Invalid, NotAllowed
from tests.worlds import FEN, SmallWorld

NEW = Contact(" 01632  960 102 ", "", "Every day")


def stated(world: SmallWorld) -> list[AuditEvent]:
    """The events that say so."""
    return list(world.session.scalars(select(AuditEvent).where(AuditEvent.event == "broker.contact_stated")))


def test_a_broker_states_its_contact(world: SmallWorld) -> None:
    """What is blank is not kept, needless spaces neither; saying the same again is no event."""
    for _ in range(2):
        with writing(world.session):
            contacts.state_contact(world.session, world.now, world.broking, NEW)
    assert contacts.contact_of(world.broker) == Contact("01632 960 102", None, "Every day")
    (event,) = stated(world)
    assert set(event.facts) == {"contact_sha256"}


def test_what_reaches_nobody_is_refused(world: SmallWorld) -> None:
    """Nothing of it is kept, and nobody but the broker states it."""
    with pytest.raises(Invalid), writing(world.session):
        contacts.state_contact(world.session, world.now, world.broking, Contact(opening_hours="Every day"))
    with pytest.raises(NotAllowed), writing(world.session):
        contacts.state_contact(world.session, world.now, world.funder, NEW)
    world.session.rollback()
    assert contacts.contact_of(world.broker) == FEN
    assert not stated(world)


def test_a_broker_is_admitted_with_its_contact(world: SmallWorld) -> None:
    """It can be given at once, is held to the same rule, and can be left out."""
    with writing(world.session):
        wold = people.approve_broker(world.session, world.now, world.funder, "Wold Brokers", NEW)
        bare = people.approve_broker(world.session, world.now, world.funder, "Bare Brokers")
    assert wold.telephone == "01632 960 102"
    assert (bare.telephone, bare.email) == (None, None)
    events = world.session.scalars(select(AuditEvent).where(AuditEvent.event == "broker.approved"))
    facts = {event.about_id: event.facts for event in events}
    assert facts[wold.id] == {"contact_sha256": contacts.digest_of(contacts.contact_of(wold))}
    assert facts[bare.id] == {}
    with pytest.raises(Invalid), writing(world.session):
        people.approve_broker(world.session, world.now, world.funder, "Mute Brokers", Contact("desk"))
