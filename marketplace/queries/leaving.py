"""What leaving a budget for the usual care would mean now: `hindrances`, part by part of the plan, and `what_leaves`.

The step that does it (`journey.leaving`) asks again, with everything locked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, contains_eager, defer, joinedload

from marketplace.journey.awards import can_decline_on_leaving
from marketplace.journey.pools import CAN_BE_LEFT
from marketplace.journey.statements import BudgetFigures
from marketplace.records.budgets import Budget, PlanLine
from marketplace.records.contracts import Contract
from marketplace.records.pools import LIVE_NEEDS, Bundle, Need, NeedStatus
from marketplace.records.rounds import Award, Match, MatchStatus, Round
from marketplace.rules.clock import Instant
from marketplace.rules.lifecycle import IN_FORCE, NOT_OVER, TenderStatus
from marketplace.rules.money import Pence


class Hindrance(StrEnum):
    """What has to be seen through before a part of a plan can be left."""

    NO_RESULT = "no_result"
    ACCEPTED = "accepted"
    TO_SIGN = "to_sign"
    IN_FORCE = "in_force"


@dataclass(frozen=True, slots=True)
class Hindered:
    """A part of the plan that cannot be left now: why, and the match or the contract that stands in the way."""

    line: PlanLine
    why: Hindrance
    match_id: str | None = None
    contract: Contract | None = None


@dataclass(frozen=True, slots=True)
class Leaving:
    """What can be left now, and what cannot; what goes back if all of it is left (None: not all of it can be)."""

    lines: Sequence[PlanLine]
    hindered: Sequence[Hindered]
    figures: BudgetFigures

    @property
    def all_pence(self) -> Pence | None:
        """What goes back to the commissioner when nothing of the plan is left over: all that nobody was promised."""
        return None if self.hindered else self.figures.available_pence + self.figures.reserved_pence


def what_leaves(session: Session, now: Instant, budgets: Sequence[tuple[Budget, BudgetFigures]]) -> list[Leaving]:
    """What each of these budgets can be left for now, asked for all of them together."""
    standing = [[line for line in budget.lines if line.left_at is None] for budget, _ in budgets]
    found = hindrances(session, now, [line.id for lines in standing for line in lines])
    return [
        Leaving(
            lines=[line for line in lines if line.id not in found],
            hindered=[found[line.id] for line in lines if line.id in found],
            figures=figures,
        )
        for lines, (_, figures) in zip(standing, budgets, strict=True)
    ]


def hindrances(session: Session, now: Instant, plan_line_ids: Sequence[str]) -> dict[str, Hindered]:
    """What stands in the way of leaving, by the part of the plan; nothing of those that can be left."""
    needs = session.scalars(
        select(Need)
        .where(Need.plan_line_id.in_(plan_line_ids), or_(Need.status.in_(LIVE_NEEDS), Need.reserved_pence > 0))
        .options(joinedload(Need.bundle).joinedload(Bundle.tender), joinedload(Need.plan_line))
        .order_by(Need.id)
    ).all()
    need_ids = [need.id for need in needs]
    contracts = select(Contract).where(Contract.need_id.in_(need_ids), Contract.status.in_(NOT_OVER))
    contract_of = {contract.need_id: contract for contract in session.scalars(contracts)}
    match_of = {match.need_id: match for match in _matches(session, need_ids)}
    found = [_hindered(now, need, match_of.get(need.id), contract_of.get(need.id)) for need in needs]
    return {row.line.id: row for row in found if row is not None}


def _hindered(now: Instant, need: Need, match: Match | None, contract: Contract | None) -> Hindered | None:
    if contract is not None:
        in_force = contract.status in IN_FORCE
        return Hindered(need.plan_line, Hindrance.IN_FORCE if in_force else Hindrance.TO_SIGN, contract=contract)
    if need.status is NeedStatus.CONTRACTED:
        return None  # the contract has run its course
    tender = need.bundle.tender
    if need.status in CAN_BE_LEFT:
        open_still = tender.status in (TenderStatus.DRAFT, TenderStatus.OPEN)
        return None if open_still else Hindered(need.plan_line, Hindrance.NO_RESULT)
    if match is not None and match.status is MatchStatus.ACCEPTED:
        return Hindered(need.plan_line, Hindrance.ACCEPTED, match_id=match.id)
    if match is not None and can_decline_on_leaving(now, match, tender):
        return None
    return Hindered(need.plan_line, Hindrance.NO_RESULT)


def _matches(session: Session, need_ids: Sequence[str]) -> Sequence[Match]:
    """The matches that stand, the latest of each need last."""
    query = select(Match).join(Match.award).join(Award.round)
    query = query.where(Match.need_id.in_(need_ids), Match.status.in_((MatchStatus.PROPOSED, MatchStatus.ACCEPTED)))
    without = contains_eager(Match.award).contains_eager(Award.round).options(defer(Round.market), defer(Round.outcome))
    return session.scalars(query.options(without).order_by(Round.number, Match.id)).all()
