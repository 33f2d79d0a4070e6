"""Step ten: what has fallen due is paid, by whoever holds the money.

For a notional budget the commissioner pays, for a third party's the organisation, for a direct payment the patient
(`rules.budgets.parties_of`). Each pays its own part of what a provider is owed, and sees no other. Who pays from a
page is shown what it is first; the step pays exactly that (`shown_sha256`), or nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session, contains_eager

from marketplace.records import audit
from marketplace.records.budgets import Budget, ManagedAs, PlanLine
from marketplace.records.catalogue import Service
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus
from marketplace.records.ledger import AccountKind, Posting, TransferKind, post
from marketplace.records.outbox import tell
from marketplace.records.people import Patient
from marketplace.records.pools import Need
from marketplace.records.providers import Provider
from marketplace.rules.canonical import sha256_of
from marketplace.rules.clock import Instant
from marketplace.rules.errors import Conflict, NotAllowed
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


@dataclass(frozen=True, slots=True)
class DeliveryDue:
    """One confirmed delivery that this payer has to pay: what, when, to whom, for whom, how much."""

    delivery_id: str
    provider_id: str
    provider_name: str
    patient_id: str
    patient_name: str
    service: str
    unit: str
    units: int
    delivered_on: date
    due_pence: Pence


@dataclass(frozen=True, slots=True)
class ServiceDue:
    """What this payer owes one provider for one service: how many deliveries, units and pence in all."""

    provider_name: str
    service: str
    unit: str
    deliveries: int
    units: int
    first_on: date
    last_on: date
    due_pence: Pence


def payments_due(session: Session, actor: Actor) -> list[PaymentDue]:
    """What the actor has to pay, provider by provider."""
    query = (
        select(Provider.id, Provider.name, func.count(), func.coalesce(func.sum(Delivery.due_pence), 0))
        .select_from(Delivery)
        .join(Delivery.contract)
        .join(Contract.budget)
        .join(Contract.provider)
        .where(_waits(actor, None))
        .group_by(Provider.id, Provider.name)
        .order_by(Provider.name)
    )
    rows = session.execute(query)
    return [PaymentDue(provider_id, name, count, int(pence or 0)) for provider_id, name, count, pence in rows]


def amounts_due(session: Session, actor: Actor, provider_id: str | None = None) -> list[tuple[str, Pence]]:
    """What the actor has to pay, as `shown_sha256` takes it: every delivery by its id, with its amount."""
    query = (
        select(Delivery.id, func.coalesce(Delivery.due_pence, 0))
        .join(Delivery.contract)
        .join(Contract.budget)
        .where(_waits(actor, provider_id))
    )
    return [(delivery_id, due_pence) for delivery_id, due_pence in session.execute(query)]


def services_due(session: Session, actor: Actor, provider_id: str | None = None) -> list[ServiceDue]:
    """What the actor has to pay, summed by provider and service."""
    by = (Provider.name, Provider.id, Service.name, Service.id, Service.unit)
    query = _with_names(
        select(
            Provider.name,
            Service.name,
            Service.unit,
            func.count(),
            func.sum(Delivery.units),
            func.min(Delivery.delivered_on),
            func.max(Delivery.delivered_on),
            func.coalesce(func.sum(Delivery.due_pence), 0),
        ),
        actor,
        provider_id,
    )
    return [
        ServiceDue(provider, service, unit, count, int(units), first_on, last_on, int(pence))
        for provider, service, unit, count, units, first_on, last_on, pence in session.execute(
            query.group_by(*by).order_by(*by)
        )
    ]


def deliveries_due(
    session: Session, actor: Actor, provider_id: str | None = None, first: int = 0, size: int | None = None
) -> list[DeliveryDue]:
    """What the actor has to pay, delivery by delivery: to everybody, or to one provider; all, or some of it."""
    query = _with_names(
        select(
            Delivery.id,
            Provider.id,
            Provider.name,
            Patient.id,
            Patient.name,
            Service.name,
            Service.unit,
            Delivery.units,
            Delivery.delivered_on,
            func.coalesce(Delivery.due_pence, 0),
        ),
        actor,
        provider_id,
    ).order_by(Provider.name, Provider.id, Delivery.delivered_on, Delivery.id)
    return [DeliveryDue(*tuple(row)) for row in session.execute(query.offset(first).limit(size))]


def _with_names(query: Select[*tuple[Any, ...]], actor: Actor, provider_id: str | None) -> Select[*tuple[Any, ...]]:
    """A query of what this actor has to pay, with whom it is for and what it was."""
    return (
        query.select_from(Delivery)
        .join(Delivery.contract)
        .join(Contract.budget)
        .join(Contract.provider)
        .join(Patient, Patient.id == Contract.patient_id)
        .join(Need, Need.id == Contract.need_id)
        .join(PlanLine, PlanLine.id == Need.plan_line_id)
        .join(Service, Service.id == PlanLine.service_id)
        .where(_waits(actor, provider_id))
    )


def shown_sha256(deliveries: Iterable[tuple[str, Pence]]) -> str:
    """A name for exactly these deliveries at these amounts: what a page showed, and what a step is to pay."""
    return sha256_of(sorted([delivery_id, due_pence] for delivery_id, due_pence in deliveries))


def owed_to(session: Session, provider_id: str) -> Pence:
    """What a provider is owed for confirmed deliveries, by commissioners, organisations and patients together."""
    query = select(func.coalesce(func.sum(Delivery.due_pence), 0)).join(Delivery.contract)
    owed = session.scalar(query.where(Contract.provider_id == provider_id, Delivery.status == DeliveryStatus.CONFIRMED))
    return int(owed or 0)


def pay_provider(session: Session, now: Instant, actor: Actor, provider_id: str, shown: str | None = None) -> Pence:
    """Payable or holder -> paid: every confirmed delivery of this provider that this actor has to pay. Returns the sum.

    Paying twice pays nothing the second time: each delivery is paid once, under a key of its own.

    Parameters
    ----------
    shown
        The `shown_sha256` of what the payer was shown; None where nobody looked.

    Raises
    ------
    NotAllowed
        If this role never pays, or a representative's authority does not cover payments.
    Conflict
        If something else is due by now than was shown; then nothing is paid.
    """
    return _pay(session, now, actor, provider_id, shown)


def pay_all(session: Session, now: Instant, actor: Actor, shown: str | None = None) -> Pence:
    """Payable or holder -> paid: everything that this actor has to pay, in one go. Returns the sum.

    Doing it again pays nothing. What it raises is what `pay_provider` raises.
    """
    return _pay(session, now, actor, None, shown)


def check_can_pay(actor: Actor) -> None:
    """Whether somebody may pay at all: those who hold money, and for a patient whoever has the authority.

    Raises
    ------
    NotAllowed
        As `pay_provider`.
    """
    check_role(actor, Role.COMMISSIONER, Role.HOLDER, Role.PATIENT)
    if actor.role is Role.PATIENT:
        check_scope(actor, Scope.PAYMENTS)


def can_pay(actor: Actor) -> bool:
    """`check_can_pay`, for a page."""
    try:
        check_can_pay(actor)
    except NotAllowed:
        return False
    return True


def _pay(session: Session, now: Instant, actor: Actor, provider_id: str | None, shown: str | None) -> Pence:
    check_can_pay(actor)
    deliveries = session.scalars(_due_to(actor, provider_id)).all()
    if deliveries and shown not in (None, shown_sha256((row.id, row.due_pence or 0) for row in deliveries)):
        message = "What is due has changed since you opened the page. Nothing is noted as paid. Look at it again first."
        raise Conflict("payments_changed", message, due_pence=sum(row.due_pence or 0 for row in deliveries))
    by_provider = sorted(deliveries, key=lambda row: row.contract.provider_id)
    paid_pence = 0
    for paid_to, rows in groupby(by_provider, key=lambda row: row.contract.provider_id):
        amounts = [pay_delivery(session, now, actor, delivery) for delivery in rows]
        audit.append(session, now, actor, "provider.paid", paid_to, deliveries=len(amounts), paid_pence=sum(amounts))
        tell(session, now, [paid_to], "payment_made", paid_to)
        paid_pence += sum(amounts)
    return paid_pence


def _due_to(actor: Actor, provider_id: str | None) -> Select[Delivery]:
    return (
        select(Delivery)
        .join(Delivery.contract)
        .join(Contract.budget)
        .where(_waits(actor, provider_id))
        .order_by(Delivery.id)
        .options(contains_eager(Delivery.contract).contains_eager(Contract.budget))
        .with_for_update(of=Delivery)
        .execution_options(populate_existing=True)
    )


def _waits(actor: Actor, provider_id: str | None) -> ColumnElement[bool]:
    """Confirmed, in no payment run, and this actor's to pay."""
    due = and_(Delivery.status == DeliveryStatus.CONFIRMED, Delivery.payment_line_id.is_(None), pays(actor))
    return due if provider_id is None else and_(due, Contract.provider_id == provider_id)


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
