"""Every way out of a tender gives every pound back, and no pound is held without a yes."""

import pytest
from sqlalchemy import select

from marketplace.journey import awards, pools, rounds, tenders
from marketplace.records.database import writing
from marketplace.records.ledger import Transfer, TransferKind
from marketplace.records.pools import NeedStatus
from marketplace.records.rounds import RoundStatus
from marketplace.rules.errors import Invalid, NotAllowed, NotFound, WrongState
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.tendering import Policy
from tests.worlds import BUDGET_PENCE, SmallWorld


def nothing_is_held(world: SmallWorld) -> bool:
    return all(world.money(number)["reserved"] == 0 for number in range(1, world.patient_count + 1))


def test_only_those_who_agreed_are_held_for(world: SmallWorld) -> None:
    """Publication reserves for those who said yes to this pool and this policy, and for nobody else."""
    world.draft().agree(1, 2, 3).publish()
    assert [world.money(number)["reserved"] for number in (1, 2, 3, 4)] == [BUDGET_PENCE] * 3 + [0]
    assert world.need(4).status is NeedStatus.DECLINED


def test_a_stale_consent_holds_nothing(world: SmallWorld) -> None:
    """A yes to another policy is no yes: no posting is made for it."""
    world.draft().agree(1, 2)
    with writing(world.session):
        world.tender.policy_sha256 = "0" * 64
    world.agree(2).publish()
    kept = world.session.scalars(select(Transfer.about_id).where(Transfer.kind == TransferKind.RESERVE)).all()
    assert kept == [world.need(2).id]


def test_nobody_agreed(world: SmallWorld) -> None:
    """With nobody to buy for there is nothing to publish."""
    with pytest.raises(WrongState, match="No patient has agreed"):
        world.draft().publish()


def test_publication_is_all_or_nothing(world: SmallWorld) -> None:
    """If one budget cannot hold what its need may cost, nobody's money is held and the tender stays a draft."""
    world.draft().agree()
    world.need(5).budget_pence = 1_000_000
    world.session.commit()
    with pytest.raises(Exception, match="not enough money"):
        world.publish()
    assert nothing_is_held(world)
    assert world.tender.status is TenderStatus.DRAFT


def test_leaving_is_free_until_offers_close(world: SmallWorld) -> None:
    """A patient leaves an open tender: the pounds come back at once; after closing, the match can be declined."""
    world.draft().agree().publish()
    with writing(world.session):
        pools.leave(world.session, world.now, world.patient(1), world.need(1).id)
    assert world.money(1)["reserved"] == 0
    world.three_offers().later(days=15)
    with pytest.raises(WrongState, match="Wait for your match"):
        pools.leave(world.session, world.now, world.patient(2), world.need(2).id)


def test_withdrawn(world: SmallWorld) -> None:
    """A broker takes an open tender back: every pound is free, and the reason stays."""
    world.draft().agree().publish().three_offers()
    with writing(world.session):
        tenders.withdraw_tender(world.session, world.now, world.broking, world.tender.id, "The pool changed")
    assert world.tender.status is TenderStatus.WITHDRAWN
    assert nothing_is_held(world)
    assert world.books_balance()


def test_too_few_offers(world: SmallWorld) -> None:
    """Fewer offers than the policy asks for: unsuccessful, everything released."""
    world.draft(Policy(minimum_offers=2)).agree().publish()
    world.offer("near", (0, 5_000))
    world.later(days=15)
    assert world.tender.status is TenderStatus.UNSUCCESSFUL
    assert world.tender.status_reason == "1 offer came in. The broker had asked for at least 2."
    assert nothing_is_held(world)


def test_nothing_can_be_matched(world: SmallWorld) -> None:
    """Every offer is above every budget: unsuccessful, everything released."""
    world.draft().agree().publish()
    world.offer("near", (0, 9_900))
    world.later(days=15).run_round()
    assert world.tender.status is TenderStatus.UNSUCCESSFUL
    assert nothing_is_held(world)


def test_a_round_that_fails_changes_nothing(world: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine breaks: the tender is closed again with the reason, and every pound is where it was."""
    world.draft().agree().publish().three_offers().later(days=15)
    before = [world.money(number) for number in range(1, 13)]

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr("matching.solve", broken)
    with pytest.raises(RuntimeError):
        world.run_round()
    world.session.expire_all()
    assert world.tender.status is TenderStatus.CLOSED
    assert world.tender.status_reason == rounds.stopped_by(RuntimeError())
    assert world.tender.rounds[0].status is RoundStatus.FAILED
    assert [world.money(number) for number in range(1, 13)] == before
    monkeypatch.undo()
    world.run_round()
    assert world.tender.status is TenderStatus.PROPOSED


def test_an_outcome_that_fails_its_check_is_not_stored(world: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the checker objects to is never proposed to anybody."""
    world.draft().agree().publish().three_offers().later(days=15)
    solved = rounds.solve

    def tampered(market, on_progress=None):
        good = solved(market, on_progress)
        good.outcome["assignments"][0]["charge_pence"] += 1
        import matching

        findings = matching.verify(market, good.outcome)
        return rounds.Solved(good.outcome, tuple(f"{finding.code}: {finding.message}" for finding in findings))

    monkeypatch.setattr(rounds, "solve", tampered)
    with pytest.raises(WrongState, match="did not pass its check"):
        world.run_round()
    assert world.tender.status is TenderStatus.CLOSED
    assert rounds.latest_round(world.session, world.tender.id) is None


def test_a_refusal_gives_the_money_back(world: SmallWorld) -> None:
    """A patient declines: that money is free at once, the others keep provider and charge."""
    world.proposed()
    before = world.providers_by_patient()
    world.decline(7)
    assert world.money(7)["reserved"] == 0
    after = world.providers_by_patient()
    assert after == {number: name for number, name in before.items() if number != 7}


def test_an_award_below_its_minimum_falls_unless_waived(world: SmallWorld) -> None:
    """Refusals take the bulk offer below its band: its patients are displaced, unless the provider waives it."""
    world.proposed().decline(1).decline(2).decline(3).accept(*range(4, 13))
    world.confirm()
    assert world.tender.status is TenderStatus.UNSUCCESSFUL
    assert nothing_is_held(world)


def test_a_waived_minimum_stands(world: SmallWorld) -> None:
    """The same refusals, but the provider delivers at the same prices."""
    world.proposed().decline(1).decline(2).decline(3).accept(*range(4, 13))
    award = world.match(4).award
    with writing(world.session):
        awards.waive_minimum(world.session, world.now, world.provider("bulk"), award.id)
    world.confirm()
    assert world.tender.status is TenderStatus.STANDSTILL
    assert len(world.providers_by_patient()) == 9


def test_silence_means_what_was_chosen(world: SmallWorld) -> None:
    """Those who chose so accept by silence, the others decline by it."""
    world.draft().agree(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    world.agree(11, 12, default=pools.DefaultAnswer.DECLINE)
    world.publish().three_offers().later(days=15).run_round().later(days=9)
    assert set(world.providers_by_patient()) == set(range(1, 11))
    assert world.money(11)["reserved"] == 0


def test_unsigned_contracts_lapse(world: SmallWorld) -> None:
    """Nobody signs in time: the contracts end and the money is free."""
    world.proposed().accept().confirm().later(days=20)
    assert world.money(1)["reserved"] == BUDGET_PENCE
    world.later(days=20)
    assert nothing_is_held(world)
    assert world.books_balance()


def test_early_opening_is_refused(world: SmallWorld) -> None:
    """Nobody opens before the deadline, the broker included."""
    world.draft().agree().publish().three_offers()
    with pytest.raises(WrongState, match="stay sealed"), writing(world.session):
        tenders.close_tender(world.session, world.now, world.broking, world.tender.id)
    assert all(offer.content is None for offer in world.tender.offers)


def test_at_the_deadline_is_too_late(world: SmallWorld) -> None:
    """An offer counts if it is received before the deadline, not at it."""
    from datetime import timedelta

    world.draft().agree().publish(days=14)
    due = world.tender.offers_due_at
    world.now = due - timedelta(milliseconds=1)
    world.offer("near", (0, 5_000))
    for moment in (due, due + timedelta(milliseconds=1)):
        world.now = moment
        with pytest.raises(WrongState, match="deadline"):
            world.offer("far", (0, 5_000))


def test_others_find_nothing(world: SmallWorld) -> None:
    """What belongs to somebody else does not exist; what another role does is refused."""
    world.draft()
    with pytest.raises(NotFound):
        pools.agree(world.session, world.now, world.patient(2), world.need(1).id, pools.DefaultAnswer.ACCEPT)
    with pytest.raises(NotAllowed):
        pools.agree(world.session, world.now, world.broking, world.need(1).id, pools.DefaultAnswer.ACCEPT)


def test_a_bad_offer_says_where(world: SmallWorld) -> None:
    """Bands that do not start at nothing, or overlap, are refused with the place; nothing is stored."""
    world.draft().agree().publish()
    for prices, code, place in [
        (((5, 5_000),), "first_band", "lines[0].tiers"),
        (((0, 5_000), (0, 4_000)), "bands_overlap", "lines[0].tiers[1].from_units"),
    ]:
        with pytest.raises(Invalid) as caught:
            world.offer("near", *prices)
        assert caught.value.code == code
        assert caught.value.place == place
    assert world.tender.offers == []
