"""When patients refuse: least disruption, nobody's price rises, and what was freed is placed anew."""

import pytest
from sqlalchemy import select

from marketplace.journey import awards, cancellations, markets, pools, rematch, reviews, rounds, tenders
from marketplace.records.database import writing
from marketplace.records.outbox import Message
from marketplace.records.pools import DefaultAnswer, NeedStatus
from marketplace.records.rounds import MatchStatus, RoundKind, RoundStatus
from marketplace.records.tenders import CancelCode, Decision
from marketplace.rules.errors import WrongState
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Actor, Role
from marketplace.rules.pooling import BundleTerms
from tests.worlds import BUDGET_PENCE, PERIOD, SmallWorld


def test_a_refusal_moves_nobody_else(world: SmallWorld) -> None:
    """One patient declines and is found another provider; the other eleven stay where they were, at no more."""
    world.proposed().accept(*range(1, 7))
    before, charges = world.providers_by_patient(), {n: world.match(n).charge_pence for n in range(1, 13)}
    world.decline(7).rematch()
    after = world.providers_by_patient()
    assert world.tender.status is TenderStatus.PROPOSED
    assert {n: name for n, name in after.items() if n != 7} == {n: name for n, name in before.items() if n != 7}
    assert after[7] != before[7]
    assert all(world.match(n).charge_pence <= charges[n] for n in range(1, 7))
    assert world.money(7)["reserved"] == BUDGET_PENCE
    assert world.books_balance()


def test_an_accepted_match_is_not_asked_again(world: SmallWorld) -> None:
    """Whoever accepted keeps the answer through the rematch; the refuser is asked about the new provider."""
    world.proposed(fee=0).accept(*range(2, 13)).decline(1).rematch()
    assert {world.match(n).status for n in range(2, 13)} == {MatchStatus.ACCEPTED}
    assert world.match(1).status is MatchStatus.PROPOSED
    world.accept(1).confirm()
    assert len(world.providers_by_patient()) == 12
    row = rounds.latest_round(world.session, world.tender.id)
    assert row is not None
    assert (row.kind, rounds.recheck(world.session, row)) == (RoundKind.REMATCH, [])


def test_who_does_not_want_another_provider_is_left_out(world: SmallWorld) -> None:
    """A no without looking again is a no: nothing is held, nobody is placed."""
    world.proposed().accept(*range(2, 13)).decline(1, look_again=False).rematch()
    assert 1 not in world.providers_by_patient()
    assert world.money(1)["reserved"] == 0
    assert world.need(1).status is NeedStatus.REFUSED


def test_money_spent_elsewhere_is_not_found_again(world: SmallWorld) -> None:
    """If the budget no longer holds the money, the refuser is left out and no half posting stays behind."""
    world.proposed().accept(*range(2, 13)).decline(1)
    world.need(1).budget_pence = 1_000_000
    world.session.commit()
    world.rematch()
    assert 1 not in world.providers_by_patient()
    assert world.money(1)["reserved"] == 0
    assert world.books_balance()


def test_who_is_asked_into_another_group_is_looked_for_no_more(world: SmallWorld) -> None:
    """A part of a plan is in one group at a time: the rematch leaves the refuser out, and goes on for the others."""
    world.proposed().accept(*range(3, 13)).decline(1).decline(2)
    first, refused = world.tender, world.need(1)
    _ask_elsewhere(world, 1)
    rematch.run_rematch(world.session, world.now, world.broking, first.id)
    assert refused.status is NeedStatus.REFUSED
    assert world.money(1)["reserved"] == 0
    assert world.need(2).status is NeedStatus.MATCHED
    assert world.books_balance()


def test_who_found_nobody_and_is_asked_into_another_group_gets_no_freed_place(world: SmallWorld) -> None:
    """Room for eleven of twelve: the twelfth goes elsewhere, one of the others says no, and the place stays free."""
    world.draft().agree().publish()
    world.offer("far", (0, 5_400), most=110)
    world.later(days=15).run_round()
    left = next(number for number in range(1, 13) if world.need(number).status is NeedStatus.UNMATCHED)
    first, unmatched = world.tender, world.need(left)
    _ask_elsewhere(world, left)
    refuser = 1 if left != 1 else 2
    world.tender = first
    world.decline(refuser, look_again=False)
    rematch.run_rematch(world.session, world.now, world.broking, first.id)
    assert unmatched.status is NeedStatus.UNMATCHED
    assert len(world.providers_by_patient()) == 10
    assert unmatched.id not in {need["id"] for need in markets.market_document(world.session, first)["needs"]}
    assert world.books_balance()


def test_refusals_below_the_minimum_displace_and_place_anew(world: SmallWorld) -> None:
    """Three refusals take the bulk offer below its band: those it served are displaced, told, and placed elsewhere."""
    world.proposed().accept(*range(4, 13))
    for number in (1, 2, 3):
        world.decline(number, look_again=False)
    world.rematch()
    placed = world.providers_by_patient()
    assert set(placed) == set(range(4, 13))
    assert "bulk" not in placed.values()
    told = set(world.session.scalars(select(Message.party_id).where(Message.template == "match_displaced")))
    assert told == {world.patients[n - 1].id for n in placed}
    assert world.books_balance()


def test_a_fee_that_refusals_uncover_is_the_providers_to_waive(world: SmallWorld) -> None:
    """One refusal leaves a share of the fee uncovered, and no accepted charge rises: it is waived or falls."""
    world.proposed().accept(*range(2, 13)).decline(1, look_again=False)
    award = world.match(2).award
    assert awards.shortfall(award, [world.match(n) for n in range(1, 13)]) == "fee_cover"
    with writing(world.session):
        awards.waive_minimum(world.session, world.now, world.provider("bulk"), award.id)
    world.confirm()
    assert len(world.providers_by_patient()) == 11


def test_a_waiver_keeps_everybody(world: SmallWorld) -> None:
    """The provider waives its minimum: those who accepted keep provider and charge."""
    world.proposed().accept(*range(4, 13))
    charges = {n: world.match(n).charge_pence for n in range(4, 13)}
    for number in (1, 2, 3):
        world.decline(number, look_again=False)
    with writing(world.session):
        awards.waive_minimum(world.session, world.now, world.provider("bulk"), world.match(4).award_id)
    world.rematch()
    assert set(world.providers_by_patient().values()) == {"bulk"}
    assert {n: world.match(n).status for n in range(4, 13)} == dict.fromkeys(range(4, 13), MatchStatus.ACCEPTED)
    assert all(world.match(n).charge_pence <= charges[n] for n in range(4, 13))
    world.confirm()
    assert world.tender.status is TenderStatus.STANDSTILL


def test_a_provider_whose_award_falls_short_is_told_once(world: SmallWorld) -> None:
    """Only the provider can keep it, so it is told when a no takes its award below its minimum, and not again."""
    world.proposed(fee=0).accept(*range(5, 13))
    bulk = world.providers["bulk"].id
    for number, told in ((1, []), (2, []), (3, [bulk]), (4, [bulk])):
        world.decline(number, look_again=False)
        assert _told_below(world) == told, number


def test_silence_that_takes_an_award_below_its_minimum_tells_its_provider(world: SmallWorld) -> None:
    """Many answers at once are one letter; with nobody left there is nothing to go on with, and none."""
    world.draft().agree(1, 2, 3, 4, 5, 6)
    world.agree(7, 8, 9, 10, 11, 12, default=DefaultAnswer.DECLINE)
    world.publish().three_offers().later(days=15).run_round().later(days=9)
    assert _told_below(world) == [world.providers["bulk"].id]


def test_with_nobody_left_no_provider_is_asked_to_go_on(world: SmallWorld) -> None:
    world.draft().agree(default=DefaultAnswer.DECLINE).publish().three_offers().later(days=15).run_round().later(days=9)
    assert _told_below(world) == []


def test_nobody_refused_nothing_to_do(world: SmallWorld) -> None:
    world.proposed()
    with pytest.raises(WrongState, match="Nobody has refused"):
        world.rematch()


def test_a_rematch_that_fails_changes_nothing(world: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine breaks: the proposal stands as it was, and the refuser's money is free."""
    world.proposed().accept(*range(2, 13)).decline(1)
    before = world.providers_by_patient()

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr("matching.rematch", broken)
    with pytest.raises(RuntimeError):
        world.rematch()
    world.session.expire_all()
    assert world.tender.status is TenderStatus.PROPOSED
    assert world.providers_by_patient() == before
    assert world.money(1)["reserved"] == 0
    assert world.tender.rounds[-1].status is RoundStatus.FAILED


def test_an_excluded_offer_is_matched_without(world: SmallWorld) -> None:
    """After an exclusion nothing can be confirmed until the whole round has been run again without that offer."""
    world.proposed().accept()
    world.leave_out(world.providers_by_patient()[1])
    with pytest.raises(WrongState, match="run the matching again"):
        world.confirm()
    world.run_round()
    assert "bulk" not in world.providers_by_patient().values()
    assert {world.match(n).status for n in world.providers_by_patient()} == {MatchStatus.PROPOSED}
    assert world.books_balance()


def test_who_wants_another_provider_is_placed_by_a_round_run_again(world: SmallWorld) -> None:
    """1 and 2 said no, 1 looks on: another offer is left out, and the new round serves 1, not by whom 1 refused."""
    world.proposed().decline(1).decline(2, look_again=False).accept(*range(3, 13)).leave_out("near")
    world.run_round()
    assert world.providers_by_patient() == {1: "far", **dict.fromkeys(range(3, 13), "bulk")}
    assert world.match(1).status is MatchStatus.PROPOSED
    assert (world.money(1)["reserved"], world.money(2)["reserved"]) == (BUDGET_PENCE, 0)
    world.accept(1, *range(3, 13)).confirm()
    assert world.tender.status is TenderStatus.STANDSTILL
    assert world.books_balance()


def test_who_found_nobody_else_is_not_given_whom_they_refused(world: SmallWorld) -> None:
    """Only one provider is left for 1 in the end, and 1 has said no to it: rather none than that one."""
    world.proposed().decline(1).accept(*range(2, 13)).rematch()
    other = world.providers_by_patient()[1]
    world.leave_out(other).leave_out(({"near", "far"} - {other}).pop())
    world.run_round()
    assert 1 not in world.providers_by_patient()
    assert set(world.providers_by_patient().values()) == {"bulk"}


def test_a_round_run_again_that_fails_lets_money_go(world: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine breaks: whose money was held once more has it free again."""
    world.proposed().decline(1).accept(*range(2, 13)).leave_out("near")

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr("matching.solve", broken)
    with pytest.raises(RuntimeError):
        world.run_round()
    world.session.expire_all()
    assert world.need(1).status is NeedStatus.REFUSED
    assert world.money(1)["reserved"] == 0
    assert world.books_balance()


def test_nobody_answers_a_match_that_no_longer_counts(world: SmallWorld) -> None:
    """Until the matching is run again neither a no nor silence turns anybody down; then all are asked anew."""
    world.draft().agree(1, default=DefaultAnswer.DECLINE).agree(*range(2, 13)).publish().three_offers()
    world.later(days=15).run_round()
    world.leave_out(world.providers_by_patient()[1])
    for answer in (world.accept, world.decline):
        with pytest.raises(WrongState, match="made again"):
            answer(1)
    world.later(days=8)
    assert world.match(1).status is MatchStatus.PROPOSED
    assert world.money(1)["reserved"] == BUDGET_PENCE
    world.run_round()
    assert "bulk" not in world.providers_by_patient().values()
    world.decline(1)
    assert world.money(1)["reserved"] == 0
    assert world.books_balance()


def test_an_offer_the_match_did_not_count_on_takes_nothing_away(world: SmallWorld) -> None:
    """Its only lot was cancelled before the match: left out or not, the proposal stands and can be confirmed."""
    second = world.draft().second_lot(12)
    world.agree().publish()
    world.offer("near", (0, 5_000))
    first, world.bundle = world.bundle, second
    world.offer("far", (0, 5_000))
    world.bundle = first
    world.later(days=15)
    with writing(world.session):
        cancellations.cancel(
            world.session,
            world.now,
            world.broking,
            world.tender.id,
            code=CancelCode.NO_LONGER_NEEDED,
            reason="Nobody there needs it",
            bundle_ids=[second.id],
        )
    world.run_round().leave_out("far")
    assert not world.tender.rerun_ordered
    world.accept(*range(1, 12)).confirm()
    assert world.tender.status is TenderStatus.STANDSTILL


def test_a_round_cannot_be_run_again_for_luck(world: SmallWorld) -> None:
    """Without an exclusion the proposal stands: no second throw of the dice."""
    world.proposed()
    with pytest.raises(WrongState, match="when an offer was left out"):
        world.run_round()


def test_a_representation_upheld(world: SmallWorld) -> None:
    """The decision orders a new round: it is run from review, answers that still fit are kept."""
    world.proposed().accept().confirm()
    with writing(world.session):
        row = reviews.represent(world.session, world.now, world.provider("near"), world.tender.id, "Look again")
    with pytest.raises(WrongState, match="orders it"):
        world.run_round()
    with writing(world.session):
        reviews.decide(
            world.session,
            world.now,
            Actor("user-reviewer", Role.COMMISSIONER, world.commissioner.id),
            row.id,
            Decision.RUN_AGAIN,
            "Run it again.",
        )
    world.run_round()
    assert world.tender.status is TenderStatus.PROPOSED
    assert {world.match(n).status for n in range(1, 13)} == {MatchStatus.ACCEPTED}
    world.confirm()
    assert world.tender.status is TenderStatus.STANDSTILL


def test_a_rematch_tells_each_what_is_true_of_them(world: SmallWorld) -> None:
    """Who keeps their place keeps their reasons; who said no reads so of that provider, and the rules of the others."""
    world.proposed().accept(*range(1, 12))
    kept, refused = dict(world.match(1).reasons or {}), world.match(12).award.offer_id
    with writing(world.session):
        world.plan_line(12).max_distance_m = 8_000
    world.decline(12).rematch()
    assert world.match(1).reasons == kept
    told = {row["offer"]: row["rule"] for row in (world.match(12).reasons or {})["alternatives"]}
    assert told.pop(refused) == "refused_before"
    assert "pairs" not in told.values()


def _ask_elsewhere(world: SmallWorld, number: int) -> None:
    """The broker asks this patient into a group of another tender."""
    with writing(world.session):
        other = tenders.draft_tender(world.session, world.now, world.broking, "Another group", world.policy)
        terms = BundleTerms("physiotherapy", "Lincoln", ("LN1",), *PERIOD)
        bundle = pools.build_bundle(world.session, world.now, world.broking, other.id, terms)
        pools.invite(world.session, world.now, world.broking, bundle.id, [world.plan_line(number).id])


def _told_below(world: SmallWorld) -> list[str]:
    """The providers who were told that too little is left of their award."""
    query = select(Message.party_id).where(Message.template == "award_below_minimum")
    return list(world.session.scalars(query))
