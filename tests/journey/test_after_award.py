"""After the award: deliveries, ends, ratings, and what bidders are told."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from marketplace.journey import deliveries, feedback, ratings, rounds
from marketplace.records import audit
from marketplace.records.contracts import Contract
from marketplace.records.database import writing
from marketplace.records.offers import Offer
from marketplace.rules.errors import Invalid, WrongState
from marketplace.rules.lifecycle import ContractStatus
from marketplace.rules.quality import PatientEvidence
from tests.worlds import SESSIONS, SmallWorld


def deliver(world: SmallWorld, number: int, units: int) -> None:
    """Recorded by the provider, confirmed by the patient."""
    contract = world.contract(number)
    provider = next(name for name, party in world.providers.items() if party.id == contract.provider_id)
    with writing(world.session):
        row = deliveries.record_delivery(
            world.session, world.now, world.provider(provider), contract.id, units, world.now.date()
        )
    with writing(world.session):
        deliveries.confirm_delivery(world.session, world.now, world.patient(number), row.id)


def test_all_units_complete_a_contract(world: SmallWorld) -> None:
    """The last unit brings the odd pennies: exactly the charge has fallen due."""
    world.awarded()
    for units in (3, 3, 4):
        deliver(world, 1, units)
    contract = world.contract(1)
    assert contract.status is ContractStatus.COMPLETED
    assert sum(row.due_pence or 0 for row in contract.deliveries) == contract.charge_pence
    assert world.money(1)["committed"] == 0
    with pytest.raises(WrongState):
        deliver(world, 1, 1)


def test_more_than_was_agreed_cannot_be_recorded(world: SmallWorld) -> None:
    world.awarded()
    with pytest.raises(Invalid, match="from 1 to 10"):
        deliver(world, 1, SESSIONS + 1)
    world.record(1, SESSIONS)
    with pytest.raises(Invalid, match="Nothing is left to record"):
        deliver(world, 1, 1)


def test_a_disputed_delivery_is_not_due(world: SmallWorld) -> None:
    """Nothing falls due; the units are free to be delivered after all."""
    world.awarded()
    contract = world.contract(1)
    with writing(world.session):
        row = deliveries.record_delivery(
            world.session, world.now, world.provider("bulk"), contract.id, SESSIONS, world.now.date()
        )
    with writing(world.session):
        deliveries.dispute_delivery(world.session, world.now, world.patient(1), row.id, "Nobody came")
    world.later(days=30)
    assert world.money(1)["committed"] == contract.charge_pence
    deliver(world, 1, SESSIONS)
    assert world.contract(1).status is ContractStatus.COMPLETED


def test_silence_confirms(world: SmallWorld) -> None:
    world.awarded()
    contract = world.contract(1)
    with writing(world.session):
        deliveries.record_delivery(world.session, world.now, world.provider("bulk"), contract.id, 2, world.now.date())
    world.later(days=15)
    assert world.contract(1).units_confirmed == 2


def test_care_counts_from_the_signature_to_the_end_of_the_period(world: SmallWorld) -> None:
    """Not the days between offer and signature, nor one after the period; the refusal names both days."""
    world.proposed().accept().confirm().later(days=20)
    world.later(days=3).sign(1)
    contract, signed_on = world.contract(1), world.now.date()

    def record(on: date) -> None:
        with writing(world.session):
            deliveries.record_delivery(world.session, world.now, world.by_provider(contract), contract.id, 1, on)

    for wrong in (signed_on - timedelta(days=1), signed_on + timedelta(days=1)):
        with pytest.raises(Invalid, match=r"from 9 April 2026, when the contract came into force, to today"):
            record(wrong)
    record(signed_on)
    world.now = datetime(2026, 11, 2, 9, tzinfo=UTC)
    with pytest.raises(Invalid, match=r"to 31 October 2026"):
        record(date(2026, 11, 1))
    record(date(2026, 10, 31))


def test_the_period_ends(world: SmallWorld) -> None:
    """Two weeks after the period, what was not delivered is free: one contract completed, the untouched ones ended."""
    world.awarded()
    deliver(world, 1, 4)
    charge = world.contract(1).charge_pence
    world.now = datetime(2026, 11, 15, 9, tzinfo=UTC)
    world.later()
    assert (world.contract(1).status, world.contract(2).status) == (ContractStatus.COMPLETED, ContractStatus.ENDED)
    assert world.money(1) == {"available": 70_000 - charge * 4 // 10, "reserved": 0, "committed": 0}
    assert world.money(2)["available"] == 70_000
    assert world.books_balance()


def test_a_rating_is_given_once_and_shown_when_there_are_enough(world: SmallWorld) -> None:
    """Seven ratings are not shown; eight are, drawn towards the middle; a ninth is not counted by itself."""
    world.awarded()
    site_id = world.contract(1).site_id
    with pytest.raises(WrongState, match="once something was delivered"), writing(world.session):
        ratings.rate(world.session, world.now, world.patient(1), world.contract(1).id, 5)
    for number in range(1, 9):
        deliver(world, number, 1)
        with writing(world.session):
            ratings.rate(world.session, world.now, world.patient(number), world.contract(number).id, 5)
        if number == 7:
            assert ratings.evidence_of(world.session, [site_id])[site_id] == PatientEvidence(0, None)
    world.later(hours=1)
    deliver(world, 9, 1)
    with writing(world.session):
        ratings.rate(world.session, world.now, world.patient(9), world.contract(9).id, 1)
    assert ratings.evidence_of(world.session, [site_id])[site_id] == PatientEvidence(8, 42)
    with pytest.raises(WrongState, match="already"), writing(world.session):
        ratings.rate(world.session, world.now, world.patient(1), world.contract(1).id, 1)


def test_every_bidder_is_told_what_would_have_won(world: SmallWorld) -> None:
    """The winner reads what it serves; the others at which price they would have been used, confirmed by re-solving."""
    world.proposed().accept().confirm()
    row = rounds.latest_round(world.session, world.tender.id)
    assert row is not None
    names = {party.id: name for name, party in world.providers.items()}
    for offer_id in feedback.offers_without_feedback(world.session, world.tender.id):
        answer = feedback.feedback_for(dict(row.market), dict(row.outcome or {}), offer_id)
        with writing(world.session):
            feedback.store_feedback(world.session, world.now, offer_id, answer)
    told = {names[offer.provider_id]: offer.feedback for offer in world.session.scalars(select(Offer))}
    assert told["bulk"]["used"]
    assert told["bulk"]["needs"] == 12
    price = next(change for change in told["near"]["changes"] if change["kind"] == "price")
    assert price["needed"] < 5_600 * 120
    assert not told["near"]["used"]
    assert feedback.offers_without_feedback(world.session, world.tender.id) == []


def test_every_contract_can_be_walked_to_its_end(world: SmallWorld) -> None:
    """After all that the chain of events holds."""
    world.awarded()
    world.later(days=400)
    statuses = set(world.session.scalars(select(Contract.status)))
    assert statuses <= {ContractStatus.COMPLETED, ContractStatus.ENDED}
    assert all(world.money(number)["committed"] == 0 for number in range(1, 13))
    assert audit.check_chain(world.session) is None
