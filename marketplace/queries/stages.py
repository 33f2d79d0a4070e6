"""What a match has come to, so that its page says what is true of it now: `stage_of`.

`can_be_answered` knows whether its patient is asked, `is_made_again` and `is_matching` whether it counts no longer,
`is_looked_for` and `is_searched_again` who may still get a provider.
"""

from enum import StrEnum

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, contains_eager, defer

from marketplace.journey.rounds import latest_round_id, must_run_again
from marketplace.records.pools import LIVE_NEEDS, Need, NeedStatus
from marketplace.records.rounds import Award, Match, MatchStatus, Round
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant
from marketplace.rules.lifecycle import GIVEN_UP, TenderStatus


class Stage(StrEnum):
    """Where a match stands, for the words on its patient's page."""

    ANSWER = "answer"
    LATE = "late"
    AGAIN = "again"
    ACCEPTED = "accepted"
    CONTRACT = "contract"
    DECLINED = "declined"
    DISPLACED = "displaced"
    REPLACED = "replaced"
    ENDED = "ended"


OVER = frozenset({Stage.DECLINED, Stage.DISPLACED, Stage.REPLACED, Stage.ENDED})
"""Matches of which nothing comes any more: they are told of as what was."""
SETTLED = {MatchStatus.SUPERSEDED: Stage.REPLACED, MatchStatus.DECLINED: Stage.DECLINED}
"""What a match's own status says for good."""


def is_made_again(match: Match) -> bool:
    """Whether the match that was made counts no longer, because another one is to be made or is being made."""
    return is_matching(match.award.round.tender)


def is_searched_again(need: Need) -> bool:
    """Whether the offers are matched again for somebody for whom none was found, and whose money is still held."""
    return need.status is NeedStatus.UNMATCHED and need.reserved_pence > 0 and is_matching(need.bundle.tender)


def again_by(tender: Tender) -> Instant | None:
    """Until when the offers must be matched again, where patients are told a day: else the group ends.

    The broker's time to confirm is told to no patient: it follows from who has longest to answer, so that the others
    could work out that somebody has extra support.
    """
    return tender.match_by


def is_matching(tender: Tender) -> bool:
    """Whether its match is to be made anew, or is being made."""
    return tender.status is TenderStatus.MATCHING or must_run_again(tender)


def can_be_answered(match: Match, now: Instant) -> bool:
    """Whether the patient may say yes or no now."""
    tender = match.award.round.tender
    asked = match.status is MatchStatus.PROPOSED and tender.status is TenderStatus.PROPOSED
    return asked and now < match.answer_by and not must_run_again(tender)


def stage_of(match: Match, now: Instant, *, has_contract: bool) -> Stage:
    """Where a match stands."""
    need, tender = match.need, match.award.round.tender
    if match.status in SETTLED:
        return SETTLED[match.status]
    found: list[tuple[bool, Stage]] = [
        (has_contract, Stage.CONTRACT),
        (need.status is NeedStatus.RELEASED or tender.status in GIVEN_UP, Stage.ENDED),
        (match.status is MatchStatus.DISPLACED, Stage.DISPLACED),
        (is_made_again(match), Stage.AGAIN),
        (match.status is MatchStatus.ACCEPTED, Stage.ACCEPTED),
        (can_be_answered(match, now), Stage.ANSWER),
    ]
    return next((stage for holds, stage in found if holds), Stage.LATE)


def is_looked_for(session: Session, match: Match) -> bool:
    """Whether another provider may still be found in this group for somebody who said no and asked for one.

    A rematch places anew whoever refused in the latest round, and so does a whole round that is run again; but nobody
    whom another group asks meanwhile, or has.
    """
    need, tender = match.need, match.award.round.tender
    if match.status is not MatchStatus.DECLINED or not match.look_again:
        return False
    if tender.status is TenderStatus.MATCHING:
        return need.status is NeedStatus.POOLED
    can_be_placed = tender.status is TenderStatus.PROPOSED or must_run_again(tender)
    return (
        can_be_placed
        and need.status is NeedStatus.REFUSED
        and latest_round_id(session, tender.id) == match.award.round_id
        and not _is_in_another_group(session, need)
    )


def _is_in_another_group(session: Session, need: Need) -> bool:
    others = select(Need.id).where(Need.plan_line_id == need.plan_line_id, Need.id != need.id)
    return session.scalar(others.where(Need.status.in_(LIVE_NEEDS)).limit(1)) is not None


def latest_match_id(session: Session, need_id: str) -> str | None:
    """The match that a need has now, or had last."""
    return session.scalar(_latest_first(need_id).with_only_columns(Match.id))


def latest_match(session: Session, need_id: str) -> Match | None:
    """The same, read without the documents of its round, which tell of everybody in it."""
    without = contains_eager(Match.award).contains_eager(Award.round).options(defer(Round.market), defer(Round.outcome))
    return session.scalar(_latest_first(need_id).options(without))


def _latest_first(need_id: str) -> Select[Match]:
    """The query of one match: the one of the latest round."""
    query = select(Match).join(Match.award).join(Award.round).where(Match.need_id == need_id)
    return query.order_by(Round.number.desc()).limit(1)
