"""A match that counts no longer, and an objection that is decided: who is told of it, and how it came out."""

import pytest
from sqlalchemy import select

from marketplace.journey import reviews
from marketplace.records.database import writing
from marketplace.records.outbox import Message
from marketplace.records.tenders import Decision
from marketplace.rules.lifecycle import TenderStatus
from tests.worlds import SmallWorld


def told(world: SmallWorld, template: str) -> list[str]:
    """Whom a letter went to, once for each."""
    return sorted(world.session.scalars(select(Message.party_id).where(Message.template == template)))


def ids(world: SmallWorld, *numbers: int) -> list[str]:
    return sorted(world.patients[number - 1].id for number in numbers)


def objected(world: SmallWorld, decision: Decision) -> SmallWorld:
    """A provider has objected to a confirmed award, and a colleague has decided."""
    world.proposed().accept().confirm()
    with writing(world.session):
        near, tender_id = world.provider("near"), world.tender.id
        row = reviews.represent(world.session, world.now, near, tender_id, "Our rating was misread.")
    with writing(world.session):
        reviews.decide(world.session, world.now, world.funder, row.id, decision, "We read it again.")
    return world


def test_whose_match_stopped_counting_is_told_once(world: SmallWorld) -> None:
    """Who said yes, and who has not answered; not who said no, and nobody twice when another offer is left out."""
    world.proposed().decline(1).accept(2, 3).leave_out("bulk")
    assert told(world, "match_stopped") == ids(world, *range(2, 13))
    world.leave_out("far")
    assert told(world, "match_stopped") == ids(world, *range(2, 13))


def test_an_offer_nobody_is_matched_with_stops_the_match_too(world: SmallWorld) -> None:
    """All have the offer that stays; whose yes still counts is told so, and whoever had not answered is asked."""
    world.proposed().accept(*range(2, 13)).leave_out("near")
    assert told(world, "match_stopped") == ids(world, *range(1, 13))
    assert told(world, "match_stands") == []
    world.run_round()
    assert told(world, "match_stands") == ids(world, *range(2, 13))
    asked = ids(world, *range(1, 13), 1)
    assert told(world, "match_proposed") == asked


def test_a_first_match_and_a_rematch_stand_for_nobody(world: SmallWorld) -> None:
    """Nobody was told that it counted no longer, so nobody is told that it does."""
    world.proposed().decline(1).accept(*range(2, 13)).rematch()
    assert told(world, "match_stopped") == told(world, "match_stands") == []


def test_an_offer_left_out_before_the_match_stops_none(world: SmallWorld) -> None:
    world.draft().agree().publish().three_offers().later(days=15).leave_out("near")
    assert told(world, "match_stopped") == []


@pytest.mark.parametrize("decision", Decision)
def test_who_objected_is_told_what_was_decided(world: SmallWorld, decision: Decision) -> None:
    """One letter to the provider that objected, none to another; patients too where their match counts no longer."""
    objected(world, decision)
    near = world.providers["near"].id
    letters = {other: told(world, f"objection_{other.value}") for other in Decision}
    assert letters == {other: [near] if other is decision else [] for other in Decision}
    assert told(world, "representation_decided") == [world.broker.id]
    everybody = ids(world, *range(1, 13))
    assert told(world, "match_stopped") == (everybody if decision is Decision.RUN_AGAIN else [])
    if decision is Decision.RUN_AGAIN:
        world.run_round()
        assert (world.tender.status, told(world, "match_stands")) == (TenderStatus.PROPOSED, everybody)
