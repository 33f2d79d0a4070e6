"""What a commissioner oversees: `totals` of all its budgets, plans to approve, `budget_rows`."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from marketplace.journey.scopes import budgets_for
from marketplace.journey.statements import OWN_ACCOUNTS, BudgetFigures
from marketplace.records.budgets import Budget, PlanStatus
from marketplace.records.contracts import Contract, Delivery
from marketplace.records.ledger import Account, AccountKind
from marketplace.records.people import Patient
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One budget in a list, with its figures."""

    budget: Budget
    figures: BudgetFigures


def totals(session: Session, actor: Actor) -> BudgetFigures:
    """The figures of all the commissioner's budgets together."""
    ids = budgets_for(actor).with_only_columns(Budget.id)
    held = dict.fromkeys(OWN_ACCOUNTS, 0)
    rows = session.execute(
        select(Account.kind, func.sum(Account.balance_pence))
        .where(Account.owner_id.in_(ids), Account.kind.in_(OWN_ACCOUNTS))
        .group_by(Account.kind)
    )
    for kind, pence in rows:
        held[kind] = int(pence or 0)
    spent = session.scalar(
        select(func.coalesce(func.sum(Delivery.due_pence), 0))
        .join(Delivery.contract)
        .where(Contract.budget_id.in_(ids))
    )
    return _figures(held, int(spent or 0))


def plans_to_approve(session: Session, actor: Actor) -> Sequence[Budget]:
    """Budgets whose care plan waits for approval, the oldest first."""
    query = budgets_for(actor).where(Budget.plan_status == PlanStatus.DRAFTED)
    return session.scalars(query.options(joinedload(Budget.patient)).order_by(Budget.opened_at, Budget.id)).all()


def budget_count(session: Session, actor: Actor) -> int:
    """How many budgets the commissioner funds."""
    return session.scalar(select(func.count()).select_from(budgets_for(actor).subquery())) or 0


def budget_rows(session: Session, actor: Actor, first: int, size: int) -> list[BudgetRow]:
    """Some budgets in the order of their patients' names, with their figures, in three questions."""
    query = budgets_for(actor).join(Budget.patient).options(contains_eager(Budget.patient))
    budgets = session.scalars(query.order_by(Patient.name, Budget.id).offset(first).limit(size)).all()
    ids = [budget.id for budget in budgets]
    held: dict[str, dict[AccountKind, int]] = defaultdict(dict)
    for owner_id, kind, pence in session.execute(
        select(Account.owner_id, Account.kind, Account.balance_pence).where(Account.owner_id.in_(ids))
    ):
        held[owner_id][kind] = pence
    spent = {
        budget_id: int(pence or 0)
        for budget_id, pence in session.execute(
            select(Contract.budget_id, func.sum(Delivery.due_pence))
            .join(Delivery.contract)
            .where(Contract.budget_id.in_(ids))
            .group_by(Contract.budget_id)
        )
    }
    return [BudgetRow(budget, _figures(held[budget.id], spent.get(budget.id, 0))) for budget in budgets]


def _figures(held: dict[AccountKind, int], spent_pence: Pence) -> BudgetFigures:
    return BudgetFigures(
        available_pence=held.get(AccountKind.AVAILABLE, 0),
        reserved_pence=held.get(AccountKind.RESERVED, 0),
        committed_pence=held.get(AccountKind.COMMITTED, 0),
        spent_pence=spent_pence,
    )
