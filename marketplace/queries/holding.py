"""What an organisation that holds budgets looks after: contracts `to_sign`, all `contracts`, the budgets it keeps."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, joinedload

from marketplace.journey.scopes import budgets_for, contracts_for
from marketplace.records.budgets import Budget, PlanLine
from marketplace.records.contracts import Contract
from marketplace.records.people import Patient
from marketplace.records.pools import Need
from marketplace.rules.clock import Instant
from marketplace.rules.lifecycle import IN_FORCE, ContractStatus
from marketplace.rules.permissions import Actor, Role

PERSON = select(func.lower(Patient.name)).where(Patient.id == Contract.patient_id).scalar_subquery()
"""What a list of contracts can be ordered by beside their own columns: whoever keeps the money knows whose it is."""

CONTRACT_STATES = {
    "to_sign": (ContractStatus.OFFERED,),
    "in_force": IN_FORCE,
    "over": (ContractStatus.COMPLETED, ContractStatus.ENDED),
}
"""What a list of an organisation's contracts can be narrowed to."""


def to_sign(session: Session, actor: Actor, now: Instant) -> Sequence[Contract]:
    """Contracts that wait for the organisation's signature, the most urgent first."""
    waiting = (Contract.status == ContractStatus.OFFERED, Contract.holder_signed_at.is_(None), Contract.sign_by > now)
    return session.scalars(_shown(actor).where(*waiting).order_by(Contract.sign_by, Contract.id)).all()


def can_sign(contract: Contract, actor: Actor, now: Instant) -> bool:
    """Whether the organisation's own signature is still wanted: only whoever holds the budget gives it."""
    waits = contract.status is ContractStatus.OFFERED and contract.holder_signed_at is None and contract.sign_by > now
    return waits and actor.role is Role.HOLDER


def contract_count(session: Session, actor: Actor, search: str, state: str) -> int:
    """How many of the contracts that are paid from budgets it keeps fit."""
    fitting = _fitting(contracts_for(actor), search, state).with_only_columns(func.count())
    return session.scalar(fitting) or 0


def contracts(
    session: Session, actor: Actor, first: int, size: int, *, search: str, state: str, order: ColumnElement[Any]
) -> Sequence[Contract]:
    """Some of them."""
    query = _fitting(_shown(actor), search, state).order_by(order, Contract.id)
    return session.scalars(query.offset(first).limit(size)).all()


def _fitting(query: Select[Contract], search: str, state: str) -> Select[Contract]:
    if search:
        named = select(Patient.id).where(Patient.name.icontains(search, autoescape=True))
        query = query.where(Contract.patient_id.in_(named))
    return query.where(Contract.status.in_(CONTRACT_STATES[state])) if state in CONTRACT_STATES else query


def of_budget(session: Session, actor: Actor, budget_id: str) -> Sequence[Contract]:
    """All contracts that are, or were, paid from one budget, the newest first."""
    query = _shown(actor).where(Contract.budget_id == budget_id)
    return session.scalars(query.order_by(Contract.offered_at.desc(), Contract.id)).all()


def _shown(actor: Actor) -> Select[Contract]:
    """The contracts the actor may see, with what a list of them says."""
    return contracts_for(actor).options(
        joinedload(Contract.provider),
        joinedload(Contract.need).options(
            joinedload(Need.patient),
            joinedload(Need.plan_line).joinedload(PlanLine.service),
            joinedload(Need.bundle),
        ),
    )


def budgets_held(actor: Actor) -> Select[str]:
    """The ids of the budgets it keeps."""
    return budgets_for(actor).with_only_columns(Budget.id)
