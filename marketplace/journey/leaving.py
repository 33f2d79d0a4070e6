"""Leaving a budget for the conventional package: open to every patient, for one line of the plan or for all.

`choose_conventional` takes the lines out of whatever pool can still be left, declines a match that waits for its
answer, and gives what is then free back to the funder, who pays for the conventional package. What is settled (a match
that was accepted, a contract in force) is seen through or ended first: others rely on it.
"""

from collections.abc import Sequence

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.budgets import Budget, PlanLine
from marketplace.records.contracts import Contract
from marketplace.records.ledger import AccountKind, balance_pence
from marketplace.records.outbox import tell
from marketplace.records.pools import LIVE_NEEDS, Need, NeedStatus
from marketplace.records.rounds import Match, MatchStatus
from marketplace.rules.clock import Instant
from marketplace.rules.errors import NotFound, WrongState
from marketplace.rules.lifecycle import NOT_OVER
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor, Role, Scope, check_owner, check_scope

from .awards import decline_on_leaving
from .funds import give_back
from .pools import CAN_BE_LEFT, leave
from .scopes import locked
from .support import release_supporter

CONVENTIONAL = "Chose the conventional package"


def choose_conventional(
    session: Session, now: Instant, actor: Actor, budget_id: str, plan_line_ids: Sequence[str] | None = None
) -> Pence:
    """A patient leaves the budget (no lines named), or these lines of it. Returns what went back to the funder.

    For a line that is at most what the plan set aside for it; for the whole budget all that is free, now and whenever
    more becomes free.

    Raises
    ------
    NotFound
        If a line is not one of this budget's.
    WrongState
        If the budget or a line was left before, or something is settled that has to be seen through or ended first.
    """
    budget = locked(session, Budget, budget_id, "budget")
    check_owner(actor, Role.PATIENT, budget.patient_id, "budget")
    check_scope(actor, Scope.LEAVING)
    if budget.left_at is not None:
        raise WrongState("budget_left", "You have left this budget already.")
    lines = _chosen(budget, plan_line_ids)
    for line in lines:
        _take_out(session, now, actor, line)
        line.left_at = now
    whole = all(line.left_at is not None for line in budget.lines)
    free_pence = balance_pence(session, AccountKind.AVAILABLE, budget.id)
    returned_pence = free_pence if whole else min(free_pence, sum(line.budget_pence for line in lines))
    if whole:
        budget.left_at = now
        release_supporter(session, now, actor, budget.patient_id)
    if returned_pence:
        give_back(session, now, actor, budget, returned_pence, CONVENTIONAL)
    audit.append(
        session, now, actor, "budget.left", budget.id, lines=len(lines), whole=whole, returned_pence=returned_pence
    )
    tell(session, now, [budget.patient_id, budget.commissioner_id], "conventional_chosen", budget.id)
    return returned_pence


def _chosen(budget: Budget, plan_line_ids: Sequence[str] | None) -> list[PlanLine]:
    by_id = {line.id: line for line in budget.lines}
    if plan_line_ids is None:
        return [line for line in budget.lines if line.left_at is None]
    if not plan_line_ids or not set(plan_line_ids) <= by_id.keys():
        raise NotFound("not_found", "We cannot find that line in your care plan.", place="plan_line_ids")
    lines = [by_id[line_id] for line_id in dict.fromkeys(plan_line_ids)]
    if any(line.left_at is not None for line in lines):
        raise WrongState("line_left", "You have chosen the conventional package for this already.")
    return lines


def _take_out(session: Session, now: Instant, actor: Actor, line: PlanLine) -> None:
    """Bring what is under way for a line to its end, or say why that cannot be."""
    under_way = or_(Need.status.in_(LIVE_NEEDS), Need.reserved_pence > 0)
    for need in session.scalars(select(Need).where(Need.plan_line_id == line.id, under_way).order_by(Need.id)).all():
        if need.status in CAN_BE_LEFT:
            leave(session, now, _in_full(actor), need.id)
        elif need.status is NeedStatus.CONTRACTED:
            _check_over(session, need)
        else:
            _decline(session, now, actor, need)
    # nor does a rematch look again for somebody who declined a match before leaving
    needs = select(Need.id).where(Need.plan_line_id == line.id)
    session.execute(update(Match).where(Match.need_id.in_(needs), Match.look_again).values(look_again=False))


def _decline(session: Session, now: Instant, actor: Actor, need: Need) -> None:
    waiting = select(Match.id).where(Match.need_id == need.id, Match.status == MatchStatus.PROPOSED)
    match_id = session.scalar(waiting.order_by(Match.id.desc()).limit(1))
    if match_id is None:
        raise WrongState("under_way", "The offers are in: see your match or contract to its end, then choose again.")
    decline_on_leaving(session, now, _in_full(actor), match_id, CONVENTIONAL)


def _check_over(session: Session, need: Need) -> None:
    """A contract that has run its course holds nobody back."""
    if session.scalar(select(Contract.id).where(Contract.need_id == need.id, Contract.status.in_(NOT_OVER))):
        raise WrongState("contract_in_force", "There is a contract in force for this: see it through, or end it first.")


def _in_full(actor: Actor) -> Actor:
    """The same actor without the limits of an authority: to leave the budget covers leaving its pools."""
    return Actor(actor.user_id, actor.role, actor.party_id, actor.authority_id, token_id=actor.token_id)
