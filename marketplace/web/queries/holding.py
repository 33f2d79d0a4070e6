"""What an organisation that holds budgets has to do: `to_sign` its contracts, and the budgets it keeps."""

from collections.abc import Sequence

from sqlalchemy import select
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
    ids = contracts_for(actor).where(
        Contract.status == ContractStatus.OFFERED, Contract.holder_signed_at.is_(None), Contract.sign_by > now
    )
    query = select(Contract).where(Contract.id.in_(ids.with_only_columns(Contract.id)))
    shown = query.options(
        joinedload(Contract.provider),
        joinedload(Contract.need).options(
            joinedload(Need.patient), joinedload(Need.plan_line).joinedload(PlanLine.service)
        ),
    )
    return session.scalars(shown.order_by(Contract.sign_by, Contract.id)).all()


def budgets_held(session: Session, actor: Actor) -> Sequence[Budget]:
    """The budgets it keeps, by the patient's name."""
    query = budgets_for(actor).join(Budget.patient).options(joinedload(Budget.patient))
    return session.scalars(query.order_by(Patient.name, Budget.id)).all()
