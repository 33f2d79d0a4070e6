"""What those who stand behind the money look after: contracts `to_sign`, contracts `in_force`, and the budgets kept."""

from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from marketplace.journey.scopes import budgets_for, contracts_for
from marketplace.records.budgets import Budget, PlanLine
from marketplace.records.contracts import Contract
from marketplace.records.people import Patient
from marketplace.records.pools import Need
from marketplace.rules.clock import Instant
from marketplace.rules.lifecycle import ContractStatus
from marketplace.rules.permissions import Actor


def to_sign(session: Session, actor: Actor, now: Instant) -> Sequence[Contract]:
    """Contracts that wait for the organisation's signature, the most urgent first."""
    waiting = (Contract.status == ContractStatus.OFFERED, Contract.holder_signed_at.is_(None), Contract.sign_by > now)
    return session.scalars(_shown(actor).where(*waiting).order_by(Contract.sign_by, Contract.id)).all()


def in_force(session: Session, actor: Actor) -> Sequence[Contract]:
    """The contracts in force that are paid from budgets it keeps, the one that ends first at the top."""
    running = Contract.status.in_((ContractStatus.SIGNED, ContractStatus.IN_DELIVERY))
    return session.scalars(_shown(actor).where(running).order_by(Contract.ends_at, Contract.id)).all()


def of_budget(session: Session, actor: Actor, budget_id: str) -> Sequence[Contract]:
    """All contracts that are, or were, paid from one budget, the newest first."""
    query = _shown(actor).where(Contract.budget_id == budget_id)
    return session.scalars(query.order_by(Contract.offered_at.desc(), Contract.id)).all()


def _shown(actor: Actor) -> Select[Contract]:
    """The contracts the actor may see, with what a list of them says."""
    ids = contracts_for(actor).with_only_columns(Contract.id)
    return (
        select(Contract)
        .where(Contract.id.in_(ids))
        .options(
            joinedload(Contract.provider),
            joinedload(Contract.need).options(
                joinedload(Need.patient), joinedload(Need.plan_line).joinedload(PlanLine.service)
            ),
        )
    )


def budgets_held(session: Session, actor: Actor) -> Sequence[Budget]:
    """The budgets it keeps, by the patient's name."""
    query = budgets_for(actor).join(Budget.patient).options(joinedload(Budget.patient))
    return session.scalars(query.order_by(Patient.name, Budget.id)).all()
