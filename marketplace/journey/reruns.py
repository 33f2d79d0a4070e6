"""A match that counts no longer: `order_rerun` says so, and tells everybody who has one.

Who gets another match is asked about it when it is there; whose yes still counts is told by `rounds.finish_round`.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.records.outbox import tell
from marketplace.records.pools import Need
from marketplace.records.rounds import Award, Match, MatchStatus
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant

from .rounds import latest_round_id


def order_rerun(session: Session, now: Instant, tender: Tender) -> None:
    """The match has to be made again; its caller has locked the tender. A second reason for it tells nobody anew."""
    if tender.rerun_ordered:
        return
    tender.rerun_ordered = True
    counted = select(Need.patient_id).join(Match, Match.need_id == Need.id).join(Award, Award.id == Match.award_id)
    counted = counted.where(
        Award.round_id == latest_round_id(session, tender.id),
        Match.status.in_((MatchStatus.PROPOSED, MatchStatus.ACCEPTED)),
    )
    tell(session, now, session.scalars(counted), "match_stopped", tender.id)
