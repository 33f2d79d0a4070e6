"""After a round a worker looks for what would have helped, and writes what bidders will read: once, and no longer than
it may.
"""

import pytest
from sqlalchemy import func, select

from marketplace.journey.advice import advice_of, advice_on
from marketplace.journey.rounds import latest_round
from marketplace.records.advice import Advice
from marketplace.records.offers import Offer
from marketplace.records.rounds import Round
from marketplace.rules.lifecycle import TenderStatus
from marketplace.work import advice, feedback
from tests.worlds import SmallWorld


def round_of(world: SmallWorld) -> Round:
    row = latest_round(world.session, world.tender.id)
    assert row is not None
    return row


def test_the_smallest_change_is_found_for_everybody_without_a_match(world: SmallWorld) -> None:
    """Ten pounds more would have paid for the one offer there was; the offer would have won ten pounds cheaper."""
    world.draft().agree(1, 2).publish()
    offer_id = world.offer("near", (0, 6_100)).id
    world.later(days=15).run_round()
    assert world.tender.status is TenderStatus.UNSUCCESSFUL
    assert advice.advise_all(world.session, world.now, seconds=0) == 0
    assert advice.advise_all(world.session, world.now) == 3
    assert advice.advise_all(world.session, world.now) == 0
    row = round_of(world)
    assert row.advised_at == world.now
    (change,) = advice_on(world.session, row.id, world.need(1).id)["changes"]
    assert (change["kind"], change["now"], change["needed"]) == ("budget", 60_000, 61_000)
    assert (change["offer"], change["smallest"]) == (offer_id, True)
    told = advice_on(world.session, row.id, offer_id)
    assert (told["used"], told["changes"][0]["needed"]) == (False, 100)


def test_what_was_worked_out_beforehand_is_what_bidders_are_told(
    world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The letters seen before the confirmation are the ones that go out: the engine is not asked again."""
    world.proposed().accept()
    assert advice.advise_all(world.session, world.now) == 3
    beforehand = advice_of(world.session, round_of(world).id)
    assert world.session.scalars(select(Offer.feedback)).all() == [None] * 3
    world.confirm()
    monkeypatch.setattr(feedback, "feedback_for", None)
    assert feedback.prepare_all(world.session, world.now) == 3
    assert {offer.id: offer.feedback for offer in world.session.scalars(select(Offer))} == beforehand


def test_a_new_round_has_advice_of_its_own(world: SmallWorld) -> None:
    """After a rematch the letters are worked out anew; those of the round before stay with it."""
    world.proposed()
    advice.advise_all(world.session, world.now)
    first = round_of(world).id
    world.accept(*range(1, 7)).decline(7).rematch()
    assert round_of(world).id != first
    assert advice.advise_all(world.session, world.now) >= 3
    assert advice.advise_all(world.session, world.now) == 0
    rounds = world.session.execute(select(Advice.round_id, func.count()).group_by(Advice.round_id)).all()
    assert {row[0] for row in rounds} == {first, round_of(world).id}
