"""What several steps ask of a commissioner: `rules_of` (its own rules), `pay_in` (its money into a budget)."""

from sqlalchemy.orm import Session

from marketplace.records.budgets import Budget, CommissionerRules
from marketplace.records.ledger import AccountKind, Posting, TransferKind, post
from marketplace.rules.budgets import FundingRules
from marketplace.rules.clock import Instant
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor


def rules_of(session: Session, commissioner_id: str) -> FundingRules:
    """The rules of this commissioner, or the defaults where it has set none."""
    row = session.get(CommissionerRules, commissioner_id)
    return row.rules if row else FundingRules()


def pay_in(
    session: Session,
    now: Instant,
    actor: Actor,
    budget: Budget,
    kind: TransferKind,
    amount_pence: Pence,
    *,
    key: str,
    reason: str,
) -> bool:
    """Funder -> available: what a budget begins with, or a supplement.

    Returns whether anything was moved: the same key again moves nothing.
    """
    posting = Posting(
        key=key,
        kind=kind,
        source=(AccountKind.FUNDER, budget.commissioner_id),
        target=(AccountKind.AVAILABLE, budget.id),
        amount_pence=amount_pence,
        about_id=budget.id,
        reason=reason,
    )
    return post(session, now, actor.user_id, posting)
