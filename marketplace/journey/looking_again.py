"""Those who said no to their match and want another provider: whom they refused, and their money held once more.

A rematch places them anew, and so does a whole round that is run again: both `hold_again`, and `let_go` if they fail.
`refused_providers` is for the market of any later round: nobody is given a provider again to whom they said no.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.records.ledger import hold
from marketplace.records.offers import Offer
from marketplace.records.pools import Bundle, Need, NeedStatus
from marketplace.records.rounds import Award, Match, MatchStatus
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant
from marketplace.rules.errors import InsufficientFunds
from marketplace.rules.permissions import Actor

from .pools import valid_consent
from .reservations import release, reserve
from .scopes import locked


def hold_again(session: Session, now: Instant, actor: Actor, tender: Tender, matches: Sequence[Match]) -> list[Match]:
    """Hold the money again of all who declined and want another provider; returns those for whom that could be done.

    It cannot where the money was used for something else meanwhile, where another group asks them or has them (the
    database lets no part of a plan be in two), or where the consent to the group ended.
    """
    asking = [match for match in matches if match.status is MatchStatus.DECLINED and match.look_again]
    hold(session, [match.need.budget_id for match in asking])
    return [match for match in asking if _held(session, now, actor, tender, match.need)]


def let_go(session: Session, now: Instant, actor: Actor, need_ids: Collection[str]) -> None:
    """The search failed: what was held again for these needs is free again."""
    for need_id in need_ids:
        need = locked(session, Need, need_id, "need")
        release(session, now, actor, need, status=NeedStatus.REFUSED, reason="The search for another provider failed")


def refused_providers(session: Session, tender_id: str) -> dict[str, set[str]]:
    """The providers to whom the people of a tender have said no in it, by need."""
    query = (
        select(Match.need_id, Offer.provider_id)
        .join(Award, Award.id == Match.award_id)
        .join(Offer, Offer.id == Award.offer_id)
        .join(Need, Need.id == Match.need_id)
        .join(Bundle, Bundle.id == Need.bundle_id)
        .where(Bundle.tender_id == tender_id, Match.status == MatchStatus.DECLINED)
    )
    found: dict[str, set[str]] = defaultdict(set)
    for need_id, provider_id in session.execute(query):
        found[need_id].add(provider_id)
    return found


def _held(session: Session, now: Instant, actor: Actor, tender: Tender, need: Need) -> bool:
    if need.status is not NeedStatus.REFUSED or valid_consent(need, tender) is None:
        return False
    try:
        with session.begin_nested():  # a posting that fails leaves nothing of itself behind
            reserve(session, now, actor, need)
            need.status = NeedStatus.POOLED
    except (InsufficientFunds, IntegrityError):
        return False
    return True
