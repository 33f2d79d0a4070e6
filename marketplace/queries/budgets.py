"""A patient's budgets, each with its figures and its statement: `own_budgets`, `budget_pages`.

What the money is and how it moved is the journey's to say (`statements`); here it is put together for a page.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from marketplace.journey.scopes import budgets_for, one
from marketplace.journey.statements import BudgetFigures, StatementRow, figures_of, statement
from marketplace.records.budgets import Budget
from marketplace.records.ledger import TransferKind
from marketplace.rules.clock import Instant, london_date
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor

from .leaving import Leaving, what_leaves

RETURNED = (TransferKind.EXPIRE, TransferKind.RETURN)
"""Postings by which what was left over went back to the commissioner."""


@dataclass(frozen=True, slots=True)
class BudgetPage:
    """One budget: what it holds where, every posting, whether it is over, and what it can be left for."""

    budget: Budget
    figures: BudgetFigures
    rows: Sequence[StatementRow]
    is_over: bool
    leaving: Leaving

    @property
    def returned_pence(self) -> Pence:
        """What was left and went back to the commissioner, as the budget was over or the usual care was chosen.

        What went back before, for a part of the plan that was left, was not left over when the budget's time ended.
        """
        kinds = RETURNED if self.budget.left_at else (TransferKind.EXPIRE,)
        return sum(row.amount_pence for row in self.rows if row.kind in kinds)

    @property
    def all_pence(self) -> Pence:
        """What the budget came to: all that it still holds somewhere, and what was left of it and went back."""
        return self.figures.total_pence + self.returned_pence


def own_budgets(session: Session, actor: Actor) -> Sequence[Budget]:
    """The patient's budgets, the newest first."""
    return session.scalars(budgets_for(actor).order_by(Budget.valid_from.desc(), Budget.id)).all()


def budget_pages(session: Session, actor: Actor, now: Instant) -> list[BudgetPage]:
    """Each of the patient's budgets with its statement."""
    return _pages(session, actor, now, own_budgets(session, actor))


def budget_page(session: Session, actor: Actor, now: Instant, budget_id: str) -> BudgetPage:
    """One of the patient's budgets with its statement."""
    return _pages(session, actor, now, [one(session, budgets_for(actor), budget_id, "budget")])[0]


def _pages(session: Session, actor: Actor, now: Instant, budgets: Sequence[Budget]) -> list[BudgetPage]:
    found = [(budget, figures_of(session, [budget.id])) for budget in budgets]
    today = london_date(now)
    return [
        BudgetPage(budget, figures, statement(session, actor, budget.id), budget.is_over(today), leaving)
        for (budget, figures), leaving in zip(found, what_leaves(session, now, found), strict=True)
    ]
