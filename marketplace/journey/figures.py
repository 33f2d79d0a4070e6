"""What a tender came to, in figures, from stored data only: pages, the demo's table and open data ask here."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.records.pools import Bundle, Need, NeedStatus
from marketplace.records.rounds import Award, Match, MatchStatus
from marketplace.records.tenders import Tender
from marketplace.rules.awarding import Saving, saving

from .rounds import latest_round_id

COUNTED = (MatchStatus.PROPOSED, MatchStatus.ACCEPTED)
NOT_IN_THE_POOL = (NeedStatus.INVITED, NeedStatus.DECLINED, NeedStatus.LEFT)
"""Needs of people who are asked and have not joined, or are out again."""


@dataclass(frozen=True, slots=True)
class TenderFigures:
    """How many needs a tender pooled and matched, and what that saves."""

    needs: int
    matched: int
    units: int
    saving: Saving


def tender_figures(session: Session, tender: Tender) -> TenderFigures:
    """The figures of a tender's latest round, without what was declined or displaced."""
    needs = session.scalar(
        select(func.count())
        .select_from(Need)
        .join(Need.bundle)
        .where(Bundle.tender_id == tender.id, Need.status.not_in(NOT_IN_THE_POOL))
    )
    matched = (
        select(
            Match.charge_pence - Match.pool_pence, Need.units, Bundle.conventional_pence, Bundle.private_pence
        )  # the bill, whoever pays it
        .select_from(Match)
        .join(Match.award)
        .join(Match.need)
        .join(Need.bundle)
        .where(Award.round_id == latest_round_id(session, tender.id), Match.status.in_(COUNTED))
    )
    rows = [(row[0], row[1], row[2], row[3]) for row in session.execute(matched)]
    return TenderFigures(needs=needs or 0, matched=len(rows), units=sum(row[1] for row in rows), saving=saving(rows))
