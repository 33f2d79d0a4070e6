"""What the move of a place means for a proposal: `too_far_for`, for how many matched with it the place is too far."""

from collections import Counter
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager, joinedload

from marketplace.records.offers import Offer
from marketplace.records.pools import Need
from marketplace.records.providers import Site
from marketplace.records.rounds import Award, Match, MatchStatus
from marketplace.rules.sites import metres_between

from .markets import distance_limit_m
from .rounds import latest_round_id
from .sites import has_moved


def too_far_for(session: Session, tender_id: str, offers: Collection[Offer]) -> Counter[str]:
    """By offer whose place has moved since it was sealed: for how many with a match by it that stands it is too far.

    An offer keeps what it says of its place, and the match was made by that. But nobody can be served farther away than
    they can go: to them the offer no longer is what the tender asked for.
    """
    moved = {offer.id: offer.site for offer in offers if offer.content is not None and has_moved(offer)}
    found: Counter[str] = Counter()
    if not moved:
        return found
    query = (
        select(Match)
        .join(Match.award)
        .join(Match.need)
        .where(
            Award.round_id == latest_round_id(session, tender_id),
            Award.offer_id.in_(moved),
            Match.status.in_((MatchStatus.PROPOSED, MatchStatus.ACCEPTED)),
        )
        .options(
            contains_eager(Match.award),
            contains_eager(Match.need).options(joinedload(Need.plan_line), joinedload(Need.patient)),
        )
    )
    for match in session.scalars(query):
        site = moved[match.award.offer_id]
        found[match.award.offer_id] += site is not None and _is_beyond(match.need, site)
    return found


def _is_beyond(need: Need, site: Site) -> bool:
    limit_m, patient = distance_limit_m(need), need.patient
    far_m = metres_between(patient.easting_m, patient.northing_m, site.easting_m, site.northing_m)
    return limit_m is not None and far_m > limit_m
