"""Whoever tries to open the sealed offers early is refused, and the attempt stays in the trail (safety.md, row 2)."""

from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.journey import amendments, deadlines, tenders
from marketplace.records import audit
from marketplace.records.database import writing
from marketplace.records.offers import Offer
from marketplace.records.tenders import Tender
from marketplace.rules.errors import DomainError, WrongState
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Actor, Role
from tests.worlds import SmallWorld


@pytest.fixture
def sealed(session, monday) -> SmallWorld:
    """An open tender with three sealed offers."""
    return SmallWorld(session, monday, patient_count=2).found().draft().agree().publish().three_offers(fee=0)


def attempts(world: SmallWorld) -> list[tuple[str, str]]:
    """Who tried, by the trail, whose chain must hold."""
    assert audit.check_chain(world.session) is None
    query = select(audit.AuditEvent).where(
        audit.AuditEvent.event == "tender.opening_refused", audit.AuditEvent.about_id == world.tender.id
    )
    return [(row.actor_id, row.role) for row in world.session.scalars(query.order_by(audit.AuditEvent.number))]


def still_sealed(world: SmallWorld) -> bool:
    opened = world.session.scalars(select(Offer.opened_at).where(Offer.tender_id == world.tender.id)).all()
    return world.tender.status is TenderStatus.OPEN and opened == [None] * 3


def test_an_early_opening_is_refused_and_recorded(sealed: SmallWorld) -> None:
    """The broker's own attempt and a stranger's: nothing is opened, both are on record, each once."""
    stranger = Actor("user-stranger", Role.BROKER, "another-broker")
    with pytest.raises(WrongState, match="stay sealed"), writing(sealed.session):
        tenders.close_tender(sealed.session, sealed.now, sealed.broking, sealed.tender.id)
    for actor in (stranger, sealed.provider("near")):
        with pytest.raises(DomainError), writing(sealed.session):
            tenders.close_tender(sealed.session, sealed.now, actor, sealed.tender.id)
    with writing(sealed.session):
        pass  # the next transaction has nothing left to say
    assert still_sealed(sealed)
    assert attempts(sealed) == [("user-broker", "broker"), ("user-stranger", "broker"), ("user-near", "provider")]


def test_it_stays_recorded_when_the_rest_goes_on(sealed: SmallWorld) -> None:
    """A caller who catches the refusal commits the rest, and the attempt with it."""
    with writing(sealed.session) as session:
        with pytest.raises(WrongState):
            tenders.close_tender(session, sealed.now, sealed.broking, sealed.tender.id)
        session.get_one(Tender, sealed.tender.id).title = "Physiotherapy for Lincoln"
    assert sealed.tender.title == "Physiotherapy for Lincoln"
    assert attempts(sealed) == [("user-broker", "broker")]


def test_the_scheduler_comes_too_early(sealed: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline is put off between its look and its act: it is refused, on record, and the others' acts go on."""
    due, broker, tender_id = sealed.tender.offers_due_at, sealed.broking, sealed.tender.id
    assert due is not None

    def put_off_first(session: Session) -> AbstractContextManager[Session]:
        with Session(session.get_bind()) as other, writing(other):
            amendments.extend(other, sealed.now, broker, tender_id, due + timedelta(days=3), "More time")
        return writing(session)

    with monkeypatch.context() as patch:
        patch.setattr(deadlines, "writing", put_off_first)
        done = deadlines.run_due(sealed.session, due)
    assert [(row.what, row.error) for row in done] == [("offers_closed", "too_early")]
    assert still_sealed(sealed)
    assert attempts(sealed) == [("system", "system")]
    sealed.later(days=18)
    assert sealed.tender.status is TenderStatus.CLOSED
    assert len(attempts(sealed)) == 1
