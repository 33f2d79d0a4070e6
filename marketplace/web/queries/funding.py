"""What a commissioner oversees: `totals` of all its budgets, plans to approve, `budget_rows`."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from marketplace.journey.scopes import budgets_for
from marketplace.journey.statements import OWN_ACCOUNTS, BudgetFigures, shared_by_budget
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
    return _figures(held, int(spent or 0), sum(shared_by_budget(session, ids).values()))


def plans_to_approve(session: Session, actor: Actor) -> Sequence[Budget]:
    """Budgets whose care plan waits for approval, the oldest first."""
    query = budgets_for(actor).where(Budget.plan_status == PlanStatus.DRAFTED)
    return session.scalars(query.options(joinedload(Budget.patient)).order_by(Budget.opened_at, Budget.id)).all()


def budget_count(session: Session, actor: Actor, search: str = "", plan: str = "") -> int:
    """How many of the budgets that the commissioner funds fit the search."""
    return session.scalar(select(func.count()).select_from(_budgets(actor, search, plan).subquery())) or 0


def budget_rows(
    session: Session,
    actor: Actor,
    first: int,
    size: int,
    *,
    search: str = "",
    plan: str = "",
    order: ColumnElement[Any] | None = None,
) -> list[BudgetRow]:
    """Some budgets that fit the search (a name, the state of the care plan), with figures, in three questions."""
    query = _budgets(actor, search, plan).options(contains_eager(Budget.patient))
    query = query.order_by(Patient.name if order is None else order, Budget.id)
    budgets = session.scalars(query.offset(first).limit(size)).all()
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
    shared = shared_by_budget(session, ids)
    return [
        BudgetRow(budget, _figures(held[budget.id], spent.get(budget.id, 0), shared.get(budget.id, 0)))
        for budget in budgets
    ]


def _budgets(actor: Actor, search: str, plan: str) -> Select[Budget]:
    query = budgets_for(actor).join(Budget.patient)
    if search:
        query = query.where(Patient.name.icontains(search, autoescape=True))
    return query.where(Budget.plan_status == PlanStatus(plan)) if plan in set(PlanStatus) else query


def _figures(held: dict[AccountKind, int], spent_pence: Pence, shared_pence: Pence) -> BudgetFigures:
    return BudgetFigures(
        available_pence=held.get(AccountKind.AVAILABLE, 0),
        reserved_pence=held.get(AccountKind.RESERVED, 0),
        committed_pence=held.get(AccountKind.COMMITTED, 0),
        spent_pence=spent_pence,
        shared_pence=shared_pence,
    )
