"""A provider's contracts: `own_contracts`, `contract_count`, `lines_in_force`, `to_sign`, `disputed`, `money_of`.

What a contract and its deliveries are called is said here for everybody who reads one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, exists, func, select
from sqlalchemy.orm import Session, aliased, joinedload

from marketplace.journey.contracts import has_lapsed
from marketplace.journey.deliveries import days_of_care
from marketplace.journey.scopes import contracts_for, deliveries_for
from marketplace.journey.settlements import owed_to
from marketplace.journey.statements import CARE_TEAM
from marketplace.records.budgets import PlanLine
from marketplace.records.catalogue import Service
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus
from marketplace.records.ledger import AccountKind, balance_pence
from marketplace.records.people import Patient
from marketplace.records.pools import Need
from marketplace.rules.clock import Instant, london_date
from marketplace.rules.lifecycle import IN_FORCE, ContractStatus
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor, Role
from marketplace.rules.sharing import is_shared

from .words import day

CONTRACT_WORDS = {
    ContractStatus.OFFERED: ("To be signed", "yellow"),
    ContractStatus.SIGNED: ("Signed", "green"),
    ContractStatus.IN_DELIVERY: ("Under way", "blue"),
    ContractStatus.COMPLETED: ("Completed", "aqua-green"),
    ContractStatus.ENDED: ("Ended", "grey"),
}
DELIVERY_WORDS = {
    DeliveryStatus.RECORDED: "Waits for the patient",
    DeliveryStatus.CONFIRMED: "Confirmed, payment is due",
    DeliveryStatus.DISPUTED: "Disputed",
    DeliveryStatus.PAID: "Paid",
    DeliveryStatus.REFUNDED: "Refunded",
}
ENDED_BY = {
    Role.PATIENT: "The patient",
    Role.REPRESENTATIVE: "The patient's representative",
    Role.PROVIDER: "The provider",
    Role.HOLDER: "The organisation that holds the budget",
    Role.COMMISSIONER: "The commissioner",
    Role.SYSTEM: "Nobody: its time was over",
}

NAMED = (*IN_FORCE, ContractStatus.COMPLETED)

PERSON = case(
    (
        Contract.status.in_(NAMED),
        select(func.lower(Patient.name)).where(Patient.id == Contract.patient_id).correlate(Contract).scalar_subquery(),
    )
)
SERVICE = (
    select(Service.name)
    .join(PlanLine, PlanLine.service_id == Service.id)
    .join(Need, Need.plan_line_id == PlanLine.id)
    .where(Need.id == Contract.need_id)
    .correlate(Contract)
    .scalar_subquery()
)
"""What a list of contracts can be ordered by beside their own columns."""


@dataclass(frozen=True, slots=True)
class ProviderMoney:
    """What a provider is owed and what it has been paid."""

    payable_pence: Pence
    paid_pence: Pence


def names_patient(contract: Contract) -> bool:
    """Whether a provider may know whom the contract is for: from both signatures on, until it was ended early."""
    return contract.status in NAMED


def signers(contract: Contract) -> str:
    """``both sides`` or ``all``: how many have to sign before a contract is in force, in a word.

    An organisation that holds the budget signs too; and in a group that shares, some wait for others' signatures. Who
    does is not to be read from it by a provider: so the word is the same for each contract of such a group.
    """
    shared = is_shared(contract.need.bundle.tender.policy)
    return "all" if shared or contract.budget.parties.must_countersign else "both sides"


def care_time(contract: Contract) -> str:
    """When care can be had under a contract, or could be: it counts from the day when all have signed.

    That is often before the period that was tendered for, whose first day is therefore not told.
    """
    period_to = contract.need.bundle.period_to
    if has_lapsed(contract):
        return f"It was to run until {day(period_to)}, and never began"
    if contract.status is ContractStatus.OFFERED:
        return f"From the day when {signers(contract)} have signed, until {day(period_to)}"
    ended_on = None if contract.ended_at is None else london_date(contract.ended_at)
    first, last = days_of_care(contract, ended_on or period_to)
    if first < last:
        return f"From {day(first)} to {day(last)}"
    return f"It began and ended on {day(first)}" if first == ended_on else f"On {day(first)}"


def ending(contract: Contract, actor: Actor) -> list[tuple[str, str]]:
    """When, why and by whom a contract ended or was completed, line by line; nothing while it goes on."""
    if contract.ended_at is None:
        return []
    completed = contract.status is ContractStatus.COMPLETED
    # time completes a contract too; then not all of it was done
    all_done = completed and contract.units_confirmed == contract.units
    rows = [("Completed on" if all_done else "Ended on", day(contract.ended_at))]
    rows += [("Why", contract.ended_reason)] if contract.ended_reason else []
    # of one that nobody signed in time the reason has said it all
    somebody = contract.ended_by is not None and not completed and not has_lapsed(contract)
    return rows + ([("Ended by", _ended_by(contract, actor))] if somebody else [])


def _ended_by(contract: Contract, actor: Actor) -> str:
    if contract.ended_by is actor.role and actor.authority_id is None:
        return "You"
    if contract.ended_by is Role.REPRESENTATIVE and actor.role is Role.PATIENT and actor.authority_id is None:
        return "Your representative"
    if contract.ended_by is Role.COMMISSIONER and actor.role is Role.PATIENT:
        return CARE_TEAM[:1].upper() + CARE_TEAM[1:]
    return ENDED_BY[contract.ended_by or Role.SYSTEM]


def own_contracts(
    session: Session,
    actor: Actor,
    statuses: Collection[ContractStatus] = tuple(ContractStatus),
    *,
    first: int = 0,
    size: int | None = None,
    order: ColumnElement[Any] | None = None,
) -> Sequence[Contract]:
    """The provider's contracts in these states, or some of them; by their age unless another order is asked for."""
    query = contracts_for(actor).where(Contract.status.in_(statuses))
    query = query.order_by(Contract.offered_at if order is None else order, Contract.id).offset(first).limit(size)
    return session.scalars(
        query.options(
            joinedload(Contract.need).options(
                joinedload(Need.patient), joinedload(Need.plan_line).joinedload(PlanLine.service)
            ),
            joinedload(Contract.site),
        )
    ).all()


@dataclass(frozen=True, slots=True)
class ContractLine:
    """One contract in force as a line of a file; ``units_confirmed`` of ``units`` are confirmed by the patient."""

    id: str
    patient_id: str
    person: str
    service: str
    units_confirmed: int
    units: int


def lines_in_force(session: Session, actor: Actor) -> list[ContractLine]:
    """Every contract of a provider under which care can be recorded, by person: bare columns, for there may be many."""
    columns = Contract.id, Contract.patient_id, Patient.name, Service.name, Contract.units_confirmed, Contract.units
    query = (
        contracts_for(actor)
        .where(Contract.status.in_(IN_FORCE))
        .join(Contract.need)
        .join(Need.patient)
        .join(Need.plan_line)
        .join(PlanLine.service)
        .with_only_columns(*columns)
        .order_by(func.lower(Patient.name), Service.name, Contract.id)
    )
    return [ContractLine(*row) for row in session.execute(query)]


def contract_count(session: Session, actor: Actor, statuses: Collection[ContractStatus] = tuple(ContractStatus)) -> int:
    """How many of the provider's contracts are in these states."""
    query = contracts_for(actor).where(Contract.status.in_(statuses)).with_only_columns(func.count())
    return session.scalar(query) or 0


def to_sign(session: Session, actor: Actor, now: Instant) -> int:
    """How many contracts wait for the provider's signature."""
    query = contracts_for(actor).where(
        Contract.status == ContractStatus.OFFERED, Contract.provider_signed_at.is_(None), Contract.sign_by > now
    )
    return len(session.scalars(query.with_only_columns(Contract.id)).all())


def disputed(session: Session, actor: Actor) -> Sequence[Delivery]:
    """Deliveries to which a patient said no, while the provider can still record what did take place that day.

    It has, once it has recorded that day again; care of other days settles nothing.
    """
    later = aliased(Delivery)
    since = exists().where(
        later.contract_id == Delivery.contract_id,
        later.delivered_on == Delivery.delivered_on,
        later.recorded_at > Delivery.answered_at,
    )
    in_force = Delivery.contract.has(Contract.status.in_(IN_FORCE))
    query = deliveries_for(actor).where(Delivery.status == DeliveryStatus.DISPUTED, in_force, ~since)
    return session.scalars(query.options(joinedload(Delivery.contract)).order_by(Delivery.recorded_at)).all()


def money_of(session: Session, actor: Actor) -> ProviderMoney:
    """What the provider is owed, by whoever has to pay it, and what it was paid."""
    return ProviderMoney(
        payable_pence=owed_to(session, actor.party_id),
        paid_pence=balance_pence(session, AccountKind.PAID, actor.party_id),
    )
