"""What a commissioner oversees: `plans_to_approve`; its budgets, or those an organisation holds, row by row."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from marketplace.journey.scopes import budgets_for
from marketplace.journey.statements import BudgetFigures, shared_by_budget
from marketplace.records.budgets import Budget, PlanStatus
from marketplace.records.contracts import Contract, Delivery
from marketplace.records.ledger import Account, AccountKind
from marketplace.records.people import Patient
from marketplace.rules.clock import Instant, london_date
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor, Role


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One budget in a list, with its figures."""

    budget: Budget
    figures: BudgetFigures


def plans_to_approve(session: Session, now: Instant, actor: Actor, most: int) -> Sequence[Budget]:
    """Budgets whose care plan waits for approval, the oldest first; no more than so many."""
    query = _waiting(actor, now).options(joinedload(Budget.patient), selectinload(Budget.lines))
    return session.scalars(query.order_by(Budget.opened_at, Budget.id).limit(most)).all()


def plans_waiting(session: Session, now: Instant, actor: Actor) -> int:
    """How many care plans wait for approval."""
    return session.scalar(select(func.count()).select_from(_waiting(actor, now).subquery())) or 0


def _waiting(actor: Actor, now: Instant) -> Select[Budget]:
    """Drafted plans that can still be approved: the budget is neither over nor left."""
    return _drafted(actor).where(Budget.left_at.is_(None), Budget.valid_to >= london_date(now))


def _drafted(actor: Actor) -> Select[Budget]:
    """The state is written out, not bound: else a database cannot tell that its index of just these will do."""
    return budgets_for(actor).where(Budget.plan_status == literal_column(f"'{PlanStatus.DRAFTED.value}'"))


def budget_count(session: Session, actor: Actor, search: str = "", plan: str = "") -> int:
    """How many of the budgets that a commissioner funds, or an organisation holds, fit the search."""
    fitting = _budgets(actor, search, plan) if search or plan else budgets_for(actor)
    return session.scalar(select(func.count()).select_from(fitting.with_only_columns(Budget.id).subquery())) or 0


def budget_rows(
    session: Session,
    actor: Actor,
    first: int,
    size: int,
    *,
    search: str = "",
    plan: str = "",
    order: Sequence[ColumnElement[Any]] = (),
    by_name: bool = True,
) -> list[BudgetRow]:
    """Some budgets that fit the search (a name, the state of the care plan), with figures, in three questions.

    `by_name` says whether the order is that of the people's names.
    """
    query = _budgets(actor, search, plan, by_name=by_name).options(contains_eager(Budget.patient))
    query = query.order_by(*order or (Patient.name, Budget.id))
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


def _budgets(actor: Actor, search: str, plan: str, *, by_name: bool = True) -> Select[Budget]:
    """The scope, and the patient's name to search and order by.

    The plans that wait are few and have an index. For an order by name the others are walked from the people, who are
    kept in it: the scope stands there as an expression, which no index answers, so that a database does not begin with
    a county's budgets and sort them.
    """
    if plan == PlanStatus.DRAFTED:
        query = _drafted(actor).join(Budget.patient)
    elif not by_name or actor.role is not Role.COMMISSIONER:
        query = budgets_for(actor).join(Budget.patient)
    else:
        own = actor.party_id
        query = select(Budget).join(Budget.patient).where(Patient.commissioner_id == own)
        query = query.where(Budget.commissioner_id.concat("") == own)
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
