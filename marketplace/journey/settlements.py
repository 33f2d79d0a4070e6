"""Step ten: what has fallen due is paid, by whoever holds the money.

For a notional budget the commissioner pays, for a third party's the organisation, for a direct payment the patient
(`rules.budgets.parties_of`). Each pays its own part of what a provider is owed, and sees no other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.budgets import Budget, ManagedAs
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus
from marketplace.records.ledger import AccountKind, Posting, TransferKind, post
from marketplace.records.outbox import tell
from marketplace.records.providers import Provider
from marketplace.rules.clock import Instant
from marketplace.rules.errors import Conflict
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor, Role, Scope, check_role, check_scope

from .reservations import due_account


@dataclass(frozen=True, slots=True)
class PaymentDue:
    """What this payer owes one provider."""

    provider_id: str
    provider_name: str
    deliveries: int
    due_pence: Pence


def payments_due(session: Session, actor: Actor) -> list[PaymentDue]:
    """What the actor has to pay, provider by provider."""
    query = (
        select(Provider.id, Provider.name, func.count(), func.coalesce(func.sum(Delivery.due_pence), 0))
        .select_from(Delivery)
        .join(Delivery.contract)
        .join(Contract.budget)
        .join(Contract.provider)
        .where(Delivery.status == DeliveryStatus.CONFIRMED, Delivery.payment_line_id.is_(None), pays(actor))
        .group_by(Provider.id, Provider.name)
        .order_by(Provider.name)
    )
    rows = session.execute(query)
    return [PaymentDue(provider_id, name, count, int(pence or 0)) for provider_id, name, count, pence in rows]


def owed_to(session: Session, provider_id: str) -> Pence:
    """What a provider is owed for confirmed deliveries, by commissioners, organisations and patients together."""
    query = select(func.coalesce(func.sum(Delivery.due_pence), 0)).join(Delivery.contract)
    owed = session.scalar(query.where(Contract.provider_id == provider_id, Delivery.status == DeliveryStatus.CONFIRMED))
    return int(owed or 0)


def pay_provider(session: Session, now: Instant, actor: Actor, provider_id: str) -> Pence:
    """Payable or holder -> paid: every confirmed delivery of this provider that this actor has to pay. Returns the sum.

    Paying twice pays nothing the second time: each delivery is paid once, under a key of its own.

    Raises
    ------
    NotAllowed
        If this role never pays, or a representative's authority does not cover payments.
    """
    check_role(actor, Role.COMMISSIONER, Role.HOLDER, Role.PATIENT)
    if actor.role is Role.PATIENT:
        check_scope(actor, Scope.PAYMENTS)
    deliveries = session.scalars(_due_to(actor, provider_id)).all()
    paid_pence = sum(pay_delivery(session, now, actor, delivery) for delivery in deliveries)
    if deliveries:
        audit.append(
            session, now, actor, "provider.paid", provider_id, deliveries=len(deliveries), paid_pence=paid_pence
        )
        tell(session, now, [provider_id], "payment_made", provider_id)
    return paid_pence


def pay_all(session: Session, now: Instant, actor: Actor, expected_pence: Pence) -> Pence:
    """Payable or holder -> paid: everything that this actor has to pay, in one go. Returns the sum.

    Doing it again pays nothing.

    Raises
    ------
    Conflict
        If something else is due by now than the `expected_pence` that were paid at the bank; then nothing is noted.
    """
    paid_pence = sum(pay_provider(session, now, actor, due.provider_id) for due in payments_due(session, actor))
    if paid_pence not in (0, expected_pence):
        message = "What is due has changed since you opened the page. Look at it again, then say what you have paid."
        raise Conflict("payments_changed", message, expected_pence=expected_pence, due_pence=paid_pence)
    return paid_pence


def _due_to(actor: Actor, provider_id: str) -> Select[Delivery]:
    return (
        select(Delivery)
        .join(Delivery.contract)
        .join(Contract.budget)
        .where(
            Contract.provider_id == provider_id,
            Delivery.status == DeliveryStatus.CONFIRMED,
            Delivery.payment_line_id.is_(None),
            pays(actor),
        )
        .order_by(Delivery.id)
        .with_for_update(of=Delivery)
        .execution_options(populate_existing=True)
    )


def pays(actor: Actor) -> ColumnElement[bool]:
    """Which budgets' deliveries this actor pays: `parties_of` said as a condition; a test compares the two."""
    by_role: dict[Role, Sequence[ColumnElement[bool]]] = {
        Role.COMMISSIONER: (
            Budget.commissioner_id == actor.party_id,
            or_(
                Budget.managed_as == ManagedAs.NOTIONAL,
                and_(Budget.managed_as == ManagedAs.THIRD_PARTY, Budget.holder_id.is_(None)),
            ),
        ),
        Role.HOLDER: (Budget.managed_as == ManagedAs.THIRD_PARTY, Budget.holder_id == actor.party_id),
        Role.PATIENT: (Budget.managed_as == ManagedAs.DIRECT_PAYMENT, Budget.patient_id == actor.party_id),
    }
    conditions = by_role.get(actor.role)
    return and_(*conditions) if conditions else false()


def pay_delivery(session: Session, now: Instant, actor: Actor, delivery: Delivery) -> Pence:
    """Post the payment of one confirmed delivery; `pay_provider` and a bank's answer (`payments`) come here."""
    due_pence = delivery.due_pence or 0
    if due_pence:
        posting = Posting(
            key=f"pay:{delivery.id}",
            kind=TransferKind.PAY,
            source=due_account(delivery.contract.budget, delivery.contract.provider_id),
            target=(AccountKind.PAID, delivery.contract.provider_id),
            amount_pence=due_pence,
            about_id=delivery.id,
            reason="Payment for a confirmed delivery",
        )
        post(session, now, actor.user_id, posting)
    delivery.status = DeliveryStatus.PAID
    delivery.paid_at = now
    delivery.paid_by = actor.party_id
    return due_pence
