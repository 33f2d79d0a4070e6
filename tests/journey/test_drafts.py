"""A draft has an owner and a clock: its broker deletes it, or time does, and it holds nobody's plan line after that."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from marketplace.journey import budgets, deadlines, pools, tenders
from marketplace.journey.scopes import one, tenders_for
from marketplace.records import audit
from marketplace.records.database import writing
from marketplace.records.outbox import Message
from marketplace.records.pools import NeedStatus
from marketplace.rules.budgets import FundingRules
from marketplace.rules.errors import DomainError, Invalid, NotFound, WrongState
from marketplace.rules.lifecycle import LotResult, TenderStatus
from marketplace.rules.tendering import Policy
from tests.worlds import SmallWorld


@pytest.fixture
def drafted(session, monday) -> SmallWorld:
    """Three people are invited; the first has said yes."""
    return SmallWorld(session, monday, patient_count=3).found().draft().agree(1)


def told(world: SmallWorld) -> set[str]:
    query = select(Message.party_id).where(Message.template == "tender_deleted", Message.about_id == world.tender.id)
    return set(world.session.scalars(query))


def free_for_another(world: SmallWorld) -> int:
    """How many plan lines could join another pool on the same terms."""
    bundle = world.bundle
    terms = pools.BundleTerms(
        bundle.service_id, bundle.area, tuple(bundle.districts), bundle.period_from, bundle.period_to
    )
    return len(pools.could_join(world.session, world.broking, terms))


def test_a_broker_deletes_a_draft(drafted: SmallWorld) -> None:
    """Whoever was invited or had agreed is told and free at once; the trail still says what was; no list shows it."""
    assert free_for_another(drafted) == 0
    with pytest.raises(Invalid), writing(drafted.session):
        tenders.delete_draft(drafted.session, drafted.now, drafted.broking, drafted.tender.id, " ")
    with writing(drafted.session):
        tenders.delete_draft(drafted.session, drafted.now, drafted.broking, drafted.tender.id, "The area was wrong.")
    assert (drafted.tender.status, drafted.bundle.result) == (TenderStatus.DELETED, LotResult.CANCELLED)
    assert {drafted.need(number).status for number in (1, 2, 3)} == {NeedStatus.RELEASED}
    assert told(drafted) == {drafted.broker.id, *(patient.id for patient in drafted.patients)}
    events = select(audit.AuditEvent.event).where(audit.AuditEvent.about_id == drafted.tender.id)
    assert drafted.session.scalars(events).all()[-1] == "tender.deleted"
    with pytest.raises(NotFound):
        one(drafted.session, tenders_for(drafted.broking), drafted.tender.id, "tender")
    assert free_for_another(drafted) == 3
    drafted.later(days=1).draft().agree()  # and indeed they join another
    assert {drafted.need(number).status for number in (1, 2, 3)} == {NeedStatus.AGREED}


def test_only_its_broker_and_only_a_draft(drafted: SmallWorld) -> None:
    """Nobody else may, and what is published is withdrawn instead."""
    for actor in (drafted.funder, drafted.patient(1)):
        with pytest.raises(DomainError), writing(drafted.session):
            tenders.delete_draft(drafted.session, drafted.now, actor, drafted.tender.id, "The area was wrong.")
    drafted.publish()
    with pytest.raises(WrongState), writing(drafted.session):
        tenders.delete_draft(drafted.session, drafted.now, drafted.broking, drafted.tender.id, "The area was wrong.")


def test_a_draft_left_lying_is_deleted(drafted: SmallWorld) -> None:
    """Sixty days after the broker's last change; a change gives it sixty more. Not a day earlier."""
    drafted.later(days=50)
    with writing(drafted.session):
        tenders.amend_policy(drafted.session, drafted.now, drafted.broking, drafted.tender.id, Policy(pence_per_km=40))
    drafted.later(days=59)
    assert drafted.tender.status is TenderStatus.DRAFT
    due = drafted.tender.publish_by
    assert due is not None
    with pytest.raises(WrongState), writing(drafted.session):
        tenders.draft_ran_out(drafted.session, due - timedelta(seconds=1), drafted.tender.id)
    done = deadlines.run_due(drafted.session, due)
    assert ("not_published_in_time", drafted.tender.id, None) in [(row.what, row.about_id, row.error) for row in done]
    assert drafted.tender.status is TenderStatus.DELETED
    assert {drafted.need(number).status for number in (1, 2, 3)} == {NeedStatus.RELEASED}
    assert drafted.books_balance()


def test_the_commissioner_says_how_long(drafted: SmallWorld) -> None:
    """The rule holds from a draft's next change on; a published tender has other clocks."""
    with writing(drafted.session):
        budgets.set_rules(drafted.session, drafted.now, drafted.funder, FundingRules(draft_days=7))
        second = tenders.draft_tender(drafted.session, drafted.now, drafted.broking, "Another", Policy())
    drafted.publish(days=30).later(days=8)
    assert (second.status, drafted.tender.status) == (TenderStatus.DELETED, TenderStatus.OPEN)
    assert drafted.tender.publish_by is None


def test_a_withdrawn_tender_keeps_nobody_waiting(drafted: SmallWorld) -> None:
    """Whoever was asked again by an amendment and has not answered is free when the tender is withdrawn."""
    drafted.agree().publish()
    with writing(drafted.session):
        pools.void_consents(drafted.session, drafted.now, drafted.broking, [drafted.need(2)], why="policy_amended")
    assert drafted.need(2).status is NeedStatus.INVITED
    with writing(drafted.session):
        tenders.withdraw_tender(drafted.session, drafted.now, drafted.broking, drafted.tender.id, "A better way.")
    assert free_for_another(drafted) == 3
