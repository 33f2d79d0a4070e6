"""A patient's budgets, each with its figures and its statement: `own_budgets`, `budget_pages`.

What the money is and how it moved is the journey's to say (`statements`); here it is put together for a page.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from marketplace.journey.scopes import budgets_for, one
from marketplace.journey.statements import BudgetFigures, StatementRow, figures_of, statement
from marketplace.records.budgets import Budget
from marketplace.rules.permissions import Actor


@dataclass(frozen=True, slots=True)
class BudgetPage:
    """One budget: what it holds where, and every posting."""

    budget: Budget
    figures: BudgetFigures
    rows: Sequence[StatementRow]


def own_budgets(session: Session, actor: Actor) -> Sequence[Budget]:
    """The patient's budgets, the newest first."""
    return session.scalars(budgets_for(actor).order_by(Budget.valid_from.desc(), Budget.id)).all()


def budget_pages(session: Session, actor: Actor) -> list[BudgetPage]:
    """Each of the patient's budgets with its statement."""
    return [_page(session, actor, budget) for budget in own_budgets(session, actor)]


def budget_page(session: Session, actor: Actor, budget_id: str) -> BudgetPage:
    """One of the patient's budgets with its statement."""
    return _page(session, actor, one(session, budgets_for(actor), budget_id, "budget"))


def _page(session: Session, actor: Actor, budget: Budget) -> BudgetPage:
    return BudgetPage(budget, figures_of(session, [budget.id]), statement(session, actor, budget.id))
