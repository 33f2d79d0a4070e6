"""A patient with direct payments settles with all providers in one go: all of it, or nothing."""

import pytest
from sqlalchemy import select

from marketplace.journey import budgets, contracts, deliveries, funds, settlements
from marketplace.records.budgets import BudgetKind, ManagedAs
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus
from marketplace.records.database import writing
from marketplace.records.outbox import Message
from marketplace.rules.errors import Conflict, NotAllowed
from marketplace.rules.permissions import Actor, Role
from tests.worlds import BUDGET_PENCE, SESSIONS, YEAR, SmallWorld


@pytest.fixture
def owing(session, monday) -> SmallWorld:
    """One patient, who holds two budgets and had care from two providers; both have to be paid."""
    world = SmallWorld(session, monday, patient_count=1, managed_as=ManagedAs.DIRECT_PAYMENT).found()
    world.draft().agree().publish()
    world.offer("near", (0, 5_000))
    another_contract(world)
    line = budgets.LineDetails("physiotherapy", "Climb the stairs again", SESSIONS, BUDGET_PENCE)
    details = budgets.BudgetDetails(BudgetKind.YEARLY, ManagedAs.DIRECT_PAYMENT, *YEAR, BUDGET_PENCE, (line,))
    with writing(session):
        budget = budgets.open_budget(session, world.now, world.funder, world.patients[0].id, details)
        budgets.approve_plan(session, world.now, world.funder, budget.id)
    world.draft().agree().publish()
    world.offer("far", (0, 4_000))
    another_contract(world)
    for contract in session.scalars(select(Contract)).all():
        deliver(world, contract)
    return world


def another_contract(world: SmallWorld) -> None:
    """From open to signed."""
    world.later(days=15).run_round().accept().confirm().later(days=20)
    contract = world.session.scalars(select(Contract).where(Contract.need_id == world.need(1).id)).one()
    for actor in (world.patient(1), world.by_provider(contract)):
        with writing(world.session):
            contracts.sign_contract(world.session, world.now, actor, contract.id)


def deliver(world: SmallWorld, contract: Contract) -> None:
    with writing(world.session):
        delivery = deliveries.record_delivery(
            world.session, world.now, world.by_provider(contract), contract.id, 1, world.now.date()
        )
        deliveries.confirm_delivery(world.session, world.now, world.patient(1), delivery.id)


def statuses(world: SmallWorld) -> set[DeliveryStatus]:
    return set(world.session.scalars(select(Delivery.status)))


def shown(world: SmallWorld) -> str:
    """What a page would show now."""
    rows = settlements.deliveries_due(world.session, world.patient(1))
    return settlements.shown_sha256((row.delivery_id, row.due_pence) for row in rows)


def test_all_are_paid_in_one_go(owing: SmallWorld) -> None:
    """Both providers are paid and told; saying it twice pays nothing more."""
    seen = shown(owing)
    with writing(owing.session):
        assert settlements.pay_all(owing.session, owing.now, owing.patient(1), seen) == 9_000
    assert statuses(owing) == {DeliveryStatus.PAID}
    told = select(Message.party_id).where(Message.template == "payment_made")
    assert sorted(owing.session.scalars(told)) == sorted(owing.providers[name].id for name in ("near", "far"))
    with writing(owing.session):
        assert settlements.pay_all(owing.session, owing.now, owing.patient(1), seen) == 0
    assert owing.books_balance()


def test_what_has_changed_meanwhile_is_not_paid_unseen(owing: SmallWorld) -> None:
    """A delivery confirmed after the page was opened was not paid at the bank: nothing is noted."""
    seen = shown(owing)
    deliver(owing, owing.session.scalars(select(Contract)).first())
    with pytest.raises(Conflict, match="has changed"), writing(owing.session):
        settlements.pay_all(owing.session, owing.now, owing.patient(1), seen)
    assert statuses(owing) == {DeliveryStatus.CONFIRMED}
    deputy = Actor("user-deputy", Role.PATIENT, owing.patients[0].id, authority_id="a", scopes=frozenset())
    with pytest.raises(NotAllowed), writing(owing.session):
        settlements.pay_all(owing.session, owing.now, deputy, shown(owing))


def test_the_same_sum_for_another_day_is_something_else(owing: SmallWorld) -> None:
    """A session that was refunded and given anew costs the same, and was not what the page showed."""
    contract = owing.session.scalars(select(Contract)).first()
    seen, due = shown(owing), settlements.payments_due(owing.session, owing.patient(1))
    with writing(owing.session):
        funds.refund(owing.session, owing.now, owing.funder, contract.deliveries[0].id, "It was another day.")
    deliver(owing, contract)
    assert settlements.payments_due(owing.session, owing.patient(1)) == due
    with pytest.raises(Conflict), writing(owing.session):
        settlements.pay_provider(owing.session, owing.now, owing.patient(1), contract.provider_id, seen)
    rows = settlements.deliveries_due(owing.session, owing.patient(1), contract.provider_id)
    now_shown = settlements.shown_sha256((row.delivery_id, row.due_pence) for row in rows)
    with writing(owing.session):
        paid = settlements.pay_provider(owing.session, owing.now, owing.patient(1), contract.provider_id, now_shown)
    assert paid == sum(row.due_pence for row in rows)
    assert owing.books_balance()
