"""Money on its way: `run_rows` and `line_rows` for whoever pays, `claim_rows` and `claim_sums` for a provider.

`what_for` and `summed_for` say in words what deliveries that are due are for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from marketplace.journey.payments import runs_for
from marketplace.journey.scopes import deliveries_for
from marketplace.journey.settlements import DeliveryDue, ServiceDue
from marketplace.journey.statements import PAYERS
from marketplace.records.budgets import PlanLine
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus
from marketplace.records.payments import LineStatus, PaymentLine, PaymentRun
from marketplace.records.pools import Need
from marketplace.rules.clock import Instant
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor

from .words import day, listed, units

LINE_WORDS = {
    LineStatus.SENT: ("No answer from the bank yet", "yellow"),
    LineStatus.PAID: ("Paid", "green"),
    LineStatus.RETURNED: ("Returned", "red"),
}
DUE, IN_RUN, PAID, REFUNDED, TAKEN_BACK = "Due", "In a payment run", "Paid", "Refunded", "No longer due"
# When a payer hands its file to the bank, nobody here learns: a claim is in a run until the bank has answered.
CLAIM_COLOURS = {DUE: "blue", IN_RUN: "yellow", PAID: "green", REFUNDED: "grey", TAKEN_BACK: "grey"}
_IN_STATE: Mapping[str, ColumnElement[bool]] = {
    DUE: (Delivery.status == DeliveryStatus.CONFIRMED) & Delivery.payment_line_id.is_(None),
    IN_RUN: (Delivery.status == DeliveryStatus.CONFIRMED) & Delivery.payment_line_id.is_not(None),
    PAID: Delivery.status == DeliveryStatus.PAID,
    REFUNDED: (Delivery.status == DeliveryStatus.REFUNDED) & Delivery.paid_at.is_not(None),
    TAKEN_BACK: (Delivery.status == DeliveryStatus.REFUNDED) & Delivery.paid_at.is_(None),
}
CLAIMED = (DeliveryStatus.CONFIRMED, DeliveryStatus.PAID, DeliveryStatus.REFUNDED)
"""What a patient has confirmed is a claim of the provider's, whatever becomes of it."""


def what_for(rows: Sequence[DeliveryDue]) -> list[str]:
    """What deliveries are for, service by service: ``2 sessions of physiotherapy, on 6 April 2026``."""
    of_service: dict[tuple[str, str], list[DeliveryDue]] = {}
    for row in rows:
        of_service.setdefault((row.service, row.unit), []).append(row)
    return [
        f"{units(sum(row.units for row in found), unit)} of {service.lower()}, on "
        + listed([day(on) for on in sorted({row.delivered_on for row in found})])
        for (service, unit), found in of_service.items()
    ]


def summed_for(sums: Sequence[ServiceDue]) -> list[str]:
    """The same where not all are listed: ``60 sessions of physiotherapy, from 6 April 2026 to 1 June 2026``."""
    told = []
    for row in sums:
        one_day = row.first_on == row.last_on
        days = f"on {day(row.first_on)}" if one_day else f"from {day(row.first_on)} to {day(row.last_on)}"
        told.append(f"{units(row.units, row.unit)} of {row.service.lower()}, {days}")
    return told


@dataclass(frozen=True, slots=True)
class RunRow:
    """One payment run in figures."""

    run_id: str
    made_at: Instant
    payments: int
    sent_pence: Pence
    paid_pence: Pence
    returned_pence: Pence

    @property
    def waiting_pence(self) -> Pence:
        """What the bank has not answered yet."""
        return self.sent_pence - self.paid_pence - self.returned_pence


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """One confirmed delivery as the provider's claim: who pays it, and how far that is."""

    contract_id: str
    delivered_on: date
    service: str
    units: int
    unit: str
    amount_pence: Pence
    payer: str
    state: str
    paid_at: Instant | None
    reference: str | None


@dataclass(frozen=True, slots=True)
class ClaimSums:
    """A provider's claims in all."""

    due_pence: Pence
    in_run_pence: Pence
    paid_pence: Pence


def run_count(session: Session, actor: Actor) -> int:
    """How many runs this payer has made."""
    return session.scalar(select(func.count()).select_from(runs_for(actor).subquery())) or 0


def run_rows(
    session: Session, actor: Actor, first: int, size: int, *, order: ColumnElement[Any] | None = None
) -> list[RunRow]:
    """Some of this payer's runs: the latest first, if no other order is asked for."""
    query = (
        select(
            PaymentRun.id,
            PaymentRun.made_at,
            func.count(PaymentLine.id),
            func.sum(PaymentLine.amount_pence),
            _sum_of(LineStatus.PAID),
            _sum_of(LineStatus.RETURNED),
        )
        .join(PaymentRun.lines)
        .where(PaymentRun.id.in_(runs_for(actor).with_only_columns(PaymentRun.id)))
        .group_by(PaymentRun.id, PaymentRun.made_at)
        .order_by(PaymentRun.made_at.desc() if order is None else order, PaymentRun.id)
    )
    rows = session.execute(query.offset(first).limit(size))
    return [RunRow(run, at, count, int(sent), int(paid), int(back)) for run, at, count, sent, paid, back in rows]


def _sum_of(status: LineStatus) -> ColumnElement[int]:
    return func.sum(case((PaymentLine.status == status, PaymentLine.amount_pence), else_=0))


def line_rows(session: Session, run: PaymentRun) -> Sequence[PaymentLine]:
    """A run's payments, by the provider's reference."""
    query = select(PaymentLine).where(PaymentLine.run_id == run.id).order_by(PaymentLine.id)
    return session.scalars(query.options(joinedload(PaymentLine.provider), selectinload(PaymentLine.deliveries))).all()


def claim_count(session: Session, actor: Actor, state: str = "") -> int:
    """How many claims the provider has (in this state)."""
    return session.scalar(select(func.count()).select_from(_claims(actor, state).subquery())) or 0


def claim_rows(
    session: Session,
    actor: Actor,
    first: int,
    size: int,
    *,
    state: str = "",
    order: ColumnElement[Any] | None = None,
) -> list[ClaimRow]:
    """Some of the provider's claims (in this state): the latest day first, if no other order is asked for."""
    ids = _claims(actor, state).with_only_columns(Delivery.id)
    query = select(Delivery).where(Delivery.id.in_(ids))
    query = query.order_by(Delivery.delivered_on.desc() if order is None else order, Delivery.id)
    contract = joinedload(Delivery.contract)
    deliveries = session.scalars(
        query.offset(first)
        .limit(size)
        .options(
            contract.joinedload(Contract.need).joinedload(Need.plan_line).joinedload(PlanLine.service),
            contract.joinedload(Contract.budget),
        )
    )
    return [_claim(row) for row in deliveries]


def claim_sums(session: Session, actor: Actor) -> ClaimSums:
    """What is due, in a payment run, and paid."""
    query = _claims(actor).with_only_columns(
        Delivery.status, Delivery.payment_line_id.is_not(None), func.sum(Delivery.due_pence)
    )
    sums = dict.fromkeys(CLAIM_COLOURS, 0)
    for status, in_run, pence in session.execute(
        query.group_by(Delivery.status, Delivery.payment_line_id.is_not(None)).order_by(None)
    ):
        sums[_state(status, in_run=bool(in_run), was_paid=status is DeliveryStatus.PAID)] += int(pence or 0)
    return ClaimSums(due_pence=sums[DUE], in_run_pence=sums[IN_RUN], paid_pence=sums[PAID])


def _claims(actor: Actor, state: str = "") -> Select[Delivery]:
    query = deliveries_for(actor).where(Delivery.status.in_(CLAIMED))
    return query.where(_IN_STATE[state]) if state in _IN_STATE else query


def _claim(delivery: Delivery) -> ClaimRow:
    contract = delivery.contract
    refunded = delivery.status is DeliveryStatus.REFUNDED
    return ClaimRow(
        contract_id=contract.id,
        delivered_on=delivery.delivered_on,
        service=contract.need.plan_line.service.name,
        units=delivery.units,
        unit=contract.need.plan_line.service.unit,
        amount_pence=(delivery.refunded_pence if refunded else delivery.due_pence) or 0,
        payer=PAYERS[contract.budget.parties.payer.role],
        state=_state(delivery.status, in_run=delivery.payment_line_id is not None, was_paid=delivery.was_paid),
        paid_at=delivery.paid_at,
        reference=delivery.payment_line_id,
    )


def _state(status: DeliveryStatus, *, in_run: bool, was_paid: bool) -> str:
    """How far a claim's payment is; `was_paid`: whether it ever was, which tells a refund from what was never due."""
    if status is DeliveryStatus.CONFIRMED:
        return IN_RUN if in_run else DUE
    if status is DeliveryStatus.PAID:
        return PAID
    return REFUNDED if was_paid else TAKEN_BACK
