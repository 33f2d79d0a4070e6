"""Feedback is written once, for the result that stands, and never for one that is to be made anew."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from marketplace.journey import reviews
from marketplace.records.database import writing
from marketplace.records.offers import Offer
from marketplace.records.outbox import Message
from marketplace.records.tenders import Decision
from marketplace.rules.permissions import Actor, Role
from marketplace.work import feedback
from tests.worlds import SmallWorld


def told(world: SmallWorld) -> int:
    return len(world.session.scalars(select(Message.id).where(Message.template == "offer_feedback")).all())


def test_nobody_is_told_before_the_award_is_confirmed(world: SmallWorld) -> None:
    world.proposed().accept()
    assert feedback.prepare_all(world.session, world.now) == 0
    world.confirm()
    assert feedback.prepare_all(world.session, world.now) == 3
    assert feedback.prepare_all(world.session, world.now) == 0
    assert told(world) == 3


def test_time_is_limited(world: SmallWorld) -> None:
    """With no time left nobody is told; the next minute goes on."""
    world.proposed().accept().confirm()
    assert feedback.prepare_all(world.session, world.now, seconds=0) == 0


def test_a_decision_meanwhile_is_heeded(world: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the engine was asked, the result was ordered to be made anew: what it answered is not told."""
    world.proposed().accept().confirm()
    with writing(world.session):
        row = reviews.represent(world.session, world.now, world.provider("near"), world.tender.id, "A wrong rating.")
        representation_id = row.id
    asked: list[str] = []
    honest = feedback.feedback_for

    def meanwhile(market: dict[str, Any], outcome: dict[str, Any], offer_id: str) -> dict[str, Any]:
        answer = honest(market, outcome, offer_id)
        if not asked:
            reviewer = Actor("user-reviewer", Role.COMMISSIONER, world.commissioner.id)
            with writing(world.session):
                reviews.decide(
                    world.session, world.now, reviewer, representation_id, Decision.RUN_AGAIN, "It was read wrongly."
                )
        asked.append(offer_id)
        return answer

    monkeypatch.setattr(feedback, "feedback_for", meanwhile)
    assert feedback.prepare_all(world.session, world.now) == 0
    assert set(world.session.scalars(select(Offer.feedback))) == {None}
    world.now += timedelta(minutes=1)
    assert told(world) == 0
