"""No state is a dead end: amendments, questions, exclusions, cancellations, reviews, and what time does."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from marketplace.journey import amendments, cancellations, offers, pools, reviews, tenders
from marketplace.records.database import writing
from marketplace.records.offers import ExclusionCode, OfferStatus
from marketplace.records.outbox import Message
from marketplace.records.pools import NeedStatus
from marketplace.records.tenders import CancelCode, Decision, Question, Representation
from marketplace.rules.errors import Invalid, NotAllowed, NotFound, WrongState
from marketplace.rules.lifecycle import LotResult, TenderStatus
from marketplace.rules.permissions import Actor, Role
from marketplace.rules.pooling import BundleTerms
from marketplace.rules.tendering import OfferLine, OfferTerms, OfferTier, Policy
from tests.worlds import BUDGET_PENCE, PERIOD, SmallWorld


def nothing_is_held(world: SmallWorld) -> bool:
    return all(world.money(number)["reserved"] == 0 for number in range(1, world.patient_count + 1))


def told(world: SmallWorld, template: str) -> set[str]:
    return set(world.session.scalars(select(Message.party_id).where(Message.template == template)))


def test_a_clarification_voids_nothing(world: SmallWorld) -> None:
    """It is published to everybody; offers and consents stay."""
    world.draft().agree().publish().three_offers()
    with writing(world.session):
        amendments.clarify(world.session, world.now, world.broking, world.tender.id, "Sessions last 40 minutes.")
    assert {offer.status for offer in world.tender.offers} == {OfferStatus.STANDING}
    assert world.money(1)["reserved"] == BUDGET_PENCE
    parties = {patient.id for patient in world.patients} | {party.id for party in world.providers.values()}
    assert told(world, "tender_clarified") == parties


def test_a_deadline_is_only_put_off(world: SmallWorld) -> None:
    """Later is allowed and told to everybody; earlier is refused."""
    world.draft().agree().publish(days=14)
    due = world.tender.offers_due_at
    for wrong in (due, due - timedelta(days=1)):
        with pytest.raises(Invalid, match="must be later"), writing(world.session):
            amendments.extend(world.session, world.now, world.broking, world.tender.id, wrong, "More time")
    with writing(world.session):
        amendments.extend(
            world.session, world.now, world.broking, world.tender.id, due + timedelta(days=7), "More time"
        )
    world.later(days=15)
    assert world.tender.status is TenderStatus.OPEN


def test_a_change_asks_everybody_anew(world: SmallWorld) -> None:
    """Offers and consents to the old policy are void, the money free; who agrees again is held for again."""
    world.draft().agree().publish().three_offers()
    with writing(world.session):
        amendments.change(
            world.session,
            world.now,
            world.broking,
            world.tender.id,
            policy=Policy(pence_per_km=60),
            offers_due_at=world.now + timedelta(days=21),
            text="Travel counts for more.",
        )
    assert {offer.status for offer in world.tender.offers} == {OfferStatus.VOID}
    assert nothing_is_held(world)
    world.agree(1, 2, 3)
    assert [world.money(number)["reserved"] for number in (1, 3, 4)] == [BUDGET_PENCE, BUDGET_PENCE, 0]
    world.offer("near", (0, 5_000))
    world.later(days=22).run_round()
    assert set(world.providers_by_patient()) == {1, 2, 3}
    assert world.need(4).status is NeedStatus.DECLINED
    assert world.books_balance()


def test_nobody_agrees_again(world: SmallWorld) -> None:
    """After a change nobody answers: unsuccessful at the deadline."""
    world.draft().agree().publish()
    with writing(world.session):
        amendments.change(
            world.session,
            world.now,
            world.broking,
            world.tender.id,
            policy=Policy(pence_per_km=60),
            offers_due_at=world.now + timedelta(days=21),
            text="Travel counts for more.",
        )
    world.offer("near", (0, 5_000))
    world.later(days=22)
    assert world.tender.status is TenderStatus.UNSUCCESSFUL
    assert nothing_is_held(world)


def test_questions_are_public_and_anonymous(world: SmallWorld) -> None:
    """A provider asks, the broker answers once, everybody is told; after the deadline it is over."""
    world.draft().agree().publish()
    with writing(world.session):
        question = amendments.ask(world.session, world.now, world.provider("near"), world.tender.id, "Is parking free?")
    with writing(world.session):
        amendments.answer(world.session, world.now, world.broking, question.id, "Yes, for an hour.")
    with pytest.raises(WrongState), writing(world.session):
        amendments.answer(world.session, world.now, world.broking, question.id, "No.")
    assert world.session.scalars(select(Question.answer)).all() == ["Yes, for an hour."]
    world.offer("near", (0, 5_000))
    world.later(days=15)
    with pytest.raises(WrongState), writing(world.session):
        amendments.ask(world.session, world.now, world.provider("near"), world.tender.id, "And bicycles?")


def test_a_provider_owns_up(world: SmallWorld) -> None:
    """Between opening and round an error is admitted: the offer is left out, never changed."""
    world.draft().agree().publish().three_offers().later(days=15)
    bulk = next(offer for offer in world.tender.offers if offer.provider_id == world.providers["bulk"].id)
    with writing(world.session):
        cancellations.admit_error(world.session, world.now, world.provider("bulk"), bulk.id, "A nought too few")
    assert bulk.excluded_code is ExclusionCode.PROVIDERS_ERROR
    world.run_round()
    assert "bulk" not in world.providers_by_patient().values()


def test_an_offer_is_excluded_for_recorded_grounds(world: SmallWorld) -> None:
    """The broker's one override needs a reason, and an offer that is opened."""
    world.draft().agree().publish().three_offers()
    with pytest.raises(WrongState):
        world.leave_out("bulk", "Brother of the broker")
    world.later(days=15)
    with pytest.raises(Invalid):
        world.leave_out("bulk", "  ")
    world.leave_out("bulk", "Brother of the broker")
    bulk = next(row for row in world.tender.offers if row.provider_id == world.providers["bulk"].id)
    assert (bulk.status, bulk.excluded_reason) == (OfferStatus.EXCLUDED, "Brother of the broker")


@pytest.mark.parametrize("when", ["closed", "proposed", "standstill"])
def test_cancelled_with_a_successor(world: SmallWorld, when: str) -> None:
    """Whenever it is cancelled, every pound comes back; a new draft follows, and both name each other."""
    world.draft().agree().publish().three_offers().later(days=15)
    if when != "closed":
        world.run_round()
    if when == "standstill":
        world.accept().confirm()
    with writing(world.session):
        cancellations.cancel(
            world.session,
            world.now,
            world.broking,
            world.tender.id,
            code=CancelCode.ERROR_IN_TENDER,
            reason="The period was wrong.",
        )
    assert (world.tender.status, world.tender.bundles[0].result) == (TenderStatus.CANCELLED, LotResult.CANCELLED)
    assert nothing_is_held(world)
    assert world.books_balance()
    with writing(world.session):
        successor = cancellations.draft_successor(world.session, world.now, world.broking, world.tender.id)
    assert (successor.predecessor_id, successor.policy_sha256) == (world.tender.id, world.tender.policy_sha256)


def test_an_open_tender_is_withdrawn_not_cancelled(world: SmallWorld) -> None:
    world.draft().agree().publish()
    with pytest.raises(WrongState), writing(world.session):
        cancellations.cancel(
            world.session, world.now, world.broking, world.tender.id, code=CancelCode.CONDUCT, reason="x"
        )


@pytest.mark.parametrize("state", ["closed", "proposed"])
def test_time_runs_out_on_the_broker(world: SmallWorld, state: str) -> None:
    """A round not started, or an award not confirmed in time: unsuccessful, everything released."""
    world.draft().agree().publish().three_offers().later(days=15)
    if state == "proposed":
        world.run_round().later(days=9)
        assert world.tender.status is TenderStatus.PROPOSED
        world.later(days=14)
    else:
        world.later(days=15)
    assert world.tender.status is TenderStatus.UNSUCCESSFUL
    assert nothing_is_held(world)


@pytest.fixture
def objected(world: SmallWorld) -> tuple[SmallWorld, Representation]:
    """A standstill that a bidder has objected to."""
    world.proposed().accept().confirm()
    with writing(world.session):
        row = reviews.represent(
            world.session, world.now, world.provider("near"), world.tender.id, "My rating was read wrongly."
        )
    return world, row


def decide(world: SmallWorld, row: Representation, decision: Decision, user: str = "user-reviewer") -> None:
    colleague = Actor(user, Role.COMMISSIONER, world.commissioner.id)
    with writing(world.session):
        reviews.decide(world.session, world.now, colleague, row.id, decision, "We looked at the rating again.")


def test_a_representation_refused(objected: tuple[SmallWorld, Representation]) -> None:
    """The award waits while it is reviewed; refused, it stands still for five more working days."""
    world, row = objected
    world.later(days=18)
    assert world.tender.status is TenderStatus.UNDER_REVIEW
    decide(world, row, Decision.REFUSED)
    assert world.tender.status is TenderStatus.STANDSTILL
    # decided on Saturday 4 April 2026: Easter Monday is no working day, so Tuesday to Monday
    assert world.now.date().isoformat() == "2026-04-04"
    assert world.tender.standstill_ends_at == datetime(2026, 4, 13, 23, 0, tzinfo=UTC)
    world.later(days=10)
    assert world.tender.status is TenderStatus.AWARDED


def test_a_refusal_never_shortens_the_pause(objected: tuple[SmallWorld, Representation]) -> None:
    """Decided at once, five working days would end before the published pause: nobody's time to object gets shorter."""
    world, row = objected
    published = world.tender.standstill_ends_at
    assert published is not None
    decide(world, row, Decision.REFUSED)
    assert world.tender.status is TenderStatus.STANDSTILL
    assert world.tender.standstill_ends_at == published


def test_a_representation_that_ends_the_tender(objected: tuple[SmallWorld, Representation]) -> None:
    """Everybody is told once that it is cancelled: who objected, with the decision on its objection."""
    world, row = objected
    decide(world, row, Decision.CANCEL)
    assert (world.tender.status, world.tender.cancelled_code) == (TenderStatus.CANCELLED, CancelCode.REVIEW)
    assert nothing_is_held(world)
    assert told(world, "objection_cancel") == {row.provider_id}
    others = {provider.id for provider in world.providers.values()} - {row.provider_id}
    assert told(world, "tender_cancelled") & {row.provider_id, *others} == others


def test_a_review_that_nobody_decides(objected: tuple[SmallWorld, Representation]) -> None:
    """No award is made over an unanswered objection. The last day is a working one: not Easter Monday, 6 April."""
    world, _ = objected
    assert world.tender.review_by == datetime(2026, 4, 7, 23, 0, tzinfo=UTC)
    world.later(days=21)
    assert world.tender.status is TenderStatus.UNDER_REVIEW
    world.later(days=1)
    assert world.tender.cancelled_code is CancelCode.REVIEW_OUT_OF_TIME
    assert nothing_is_held(world)


def test_somebody_else_decides(objected: tuple[SmallWorld, Representation]) -> None:
    """Who decided once about a tender does not decide about it again."""
    world, row = objected
    decide(world, row, Decision.REFUSED)
    with writing(world.session):
        again = reviews.represent(world.session, world.now, world.provider("far"), world.tender.id, "And mine?")
    with pytest.raises(NotAllowed, match="colleague"):
        decide(world, again, Decision.REFUSED)
    decide(world, again, Decision.REFUSED, user="user-third")


def test_only_bidders_object(world: SmallWorld) -> None:
    world.draft().agree().publish()
    world.offer("bulk", (0, 4_000))
    world.later(days=15).run_round().accept().confirm()
    with pytest.raises(NotFound), writing(world.session):
        reviews.represent(world.session, world.now, world.provider("near"), world.tender.id, "I did not bid.")


def test_one_lot_is_cancelled_and_the_other_goes_on(world: SmallWorld) -> None:
    """The cancelled lot's people get their money back and are told; the others are matched and asked as ever."""
    with writing(world.session):
        world.tender = tenders.draft_tender(world.session, world.now, world.broking, "Two lots", Policy())
        for area, part in (("West", slice(0, 6)), ("East", slice(6, 12))):
            terms = BundleTerms("physiotherapy", area, ("LN1",), *PERIOD)
            world.bundle = pools.build_bundle(world.session, world.now, world.broking, world.tender.id, terms)
            lines = sorted(row.plan_line_id for row in pools.could_join(world.session, world.broking, terms))
            chosen = [world.plan_line(number + 1).id for number in range(12)][part]
            assert set(chosen) <= set(lines)
            pools.invite(world.session, world.now, world.broking, world.bundle.id, chosen)
    world.agree().publish()
    lots = {bundle.area: bundle for bundle in world.tender.bundles}
    tiers = (OfferTier(0, 5_000),)
    both = OfferTerms(
        world.providers["near"].sites[0].id, tuple(OfferLine(lots[area].id, tiers) for area in ("West", "East"))
    )
    with writing(world.session):
        offers.submit_offer(world.session, world.now, world.provider("near"), world.tender.id, both)
    world.later(days=15).run_round()
    with writing(world.session):
        cancellations.cancel(
            world.session,
            world.now,
            world.broking,
            world.tender.id,
            code=CancelCode.NO_LONGER_NEEDED,
            reason="The clinic in the east has reopened.",
            bundle_ids=[lots["East"].id],
        )
    assert (lots["West"].result, lots["East"].result) == (LotResult.ACTIVE, LotResult.CANCELLED)
    assert [world.money(number)["reserved"] for number in (1, 6, 7, 12)] == [BUDGET_PENCE, BUDGET_PENCE, 0, 0]
    assert told(world, "lot_cancelled") == {patient.id for patient in world.patients[6:]}
    world.accept(*range(1, 7)).confirm()
    assert world.tender.status is TenderStatus.STANDSTILL
    world.later(days=20)
    assert world.tender.status is TenderStatus.AWARDED
    assert set(world.providers_by_patient()) == set(range(1, 7))
    assert world.books_balance()
