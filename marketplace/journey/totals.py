"""What all budgets of a commissioner come to. A county's are too many to add up on each look.

Up to `ADDED_UP_AT_ONCE` budgets are added up when somebody looks; of more, time keeps a sum (`refresh`), and the page
says of which moment it is.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from marketplace.records.budgets import Budget, FundingTotals
from marketplace.records.contracts import Contract, Delivery
from marketplace.records.database import writing
from marketplace.records.ledger import Account
from marketplace.records.people import Commissioner
from marketplace.rules.clock import Instant
from marketplace.rules.permissions import Actor, Role, check_role

from .statements import OWN_ACCOUNTS, BudgetFigures, shared_by_budget

ADDED_UP_AT_ONCE = 5_000
KEPT_FOR = timedelta(minutes=5)
NAMES = ("available_pence", "reserved_pence", "committed_pence", "spent_pence", "shared_pence")


@dataclass(frozen=True, slots=True)
class Totals:
    """The figures of all budgets together; `as_of` where they are of an earlier moment."""

    figures: BudgetFigures
    as_of: Instant | None


def totals(session: Session, actor: Actor) -> Totals:
    """What this commissioner's budgets come to."""
    check_role(actor, Role.COMMISSIONER)
    own = actor.party_id
    row = session.get(FundingTotals, own)
    if row is None or session.scalar(_many(own)) is None:
        return Totals(added_up(session, own), None)
    return Totals(BudgetFigures(**{name: getattr(row, name) for name in NAMES}), row.summed_at)


def added_up(session: Session, commissioner_id: str) -> BudgetFigures:
    """The figures as the ledger has them now."""
    ids = select(Budget.id).where(Budget.commissioner_id == commissioner_id)
    held = dict.fromkeys(OWN_ACCOUNTS, 0)
    balances = select(Account.kind, func.sum(Account.balance_pence)).where(
        Account.owner_id.in_(ids), Account.kind.in_(OWN_ACCOUNTS)
    )
    for kind, pence in session.execute(balances.group_by(Account.kind)):
        held[kind] = int(pence or 0)
    spent = select(func.coalesce(func.sum(Delivery.due_pence), 0)).join(Delivery.contract)
    return BudgetFigures(
        **{f"{kind.value}_pence": pence for kind, pence in held.items()},
        spent_pence=int(session.scalar(spent.where(Contract.budget_id.in_(ids))) or 0),
        shared_pence=sum(shared_by_budget(session, ids).values()),
    )


def refresh(session: Session, now: Instant) -> int:
    """Add up anew what is older than `KEPT_FOR`; returns for how many commissioners. Nothing is locked meanwhile."""
    stale = or_(FundingTotals.summed_at.is_(None), FundingTotals.summed_at <= now - KEPT_FOR)
    query = select(Commissioner.id).outerjoin(FundingTotals, FundingTotals.commissioner_id == Commissioner.id)
    waiting = [
        commissioner_id
        for commissioner_id in session.scalars(query.where(stale)).all()
        if session.scalar(_many(commissioner_id)) is not None
    ]
    for commissioner_id in waiting:
        figures = added_up(session, commissioner_id)
        session.rollback()
        with writing(session):
            row = session.get(FundingTotals, commissioner_id) or FundingTotals(commissioner_id=commissioner_id)
            for name in NAMES:
                setattr(row, name, getattr(figures, name))
            row.summed_at = now
            session.add(row)
    session.rollback()
    return len(waiting)


def _many(commissioner_id: str) -> Select[str]:
    """A budget beyond those that are added up at once, if there is one."""
    own = select(Budget.id).where(Budget.commissioner_id == commissioner_id)
    return own.order_by(Budget.commissioner_id).offset(ADDED_UP_AT_ONCE).limit(1)
