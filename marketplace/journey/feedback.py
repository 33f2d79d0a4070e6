"""What a bidder is told when an award is confirmed: used or not, where it stood, what decided, what would have won.

`feedback_for` asks the engine (seconds of re-solving: call it with no transaction open); `store_feedback` keeps the
answer on the offer, and from then on the provider reads what was stored.
"""

from typing import Any

from sqlalchemy.orm import Session

import matching
from marketplace.records import audit
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.outbox import tell
from marketplace.rules.awarding import told_band
from marketplace.rules.clock import Instant
from marketplace.rules.permissions import SYSTEM

from .rounds import latest_round
from .scopes import locked


def offers_without_feedback(session: Session, tender_id: str) -> list[str]:
    """The opened offers of a tender that have not been told yet."""
    row = latest_round(session, tender_id)
    if row is None:
        return []
    told = (OfferStatus.STANDING, OfferStatus.EXCLUDED)
    opened = [offer for offer in row.tender.offers if offer.opened_at and offer.status in told]
    return [offer.id for offer in opened if offer.feedback is None]


def feedback_for(market: dict[str, Any], outcome: dict[str, Any], offer_id: str) -> dict[str, Any]:
    """The feedback on one offer, as a document: integers and names, no prose."""
    read, solved = matching.read_market(market), matching.read_outcome(outcome)
    if offer_id not in read.offer_by_id:
        return {"used": False, "rule": "excluded"}
    answer = matching.explain_offer(read, solved, offer_id)
    document: dict[str, Any] = {
        "used": answer.award is not None,
        "band": _band(read, offer_id),
        "eligible_needs": answer.eligible_needs,
        "closed_by": sorted({rule for _, rules in answer.closed_tiers for rule in rules}),
        "changes": [change_document(change) for change in answer.changes],
    }
    if answer.award is not None:
        document |= {"units": answer.award.units, "needs": answer.award.needs}
    return document


def store_feedback(session: Session, now: Instant, offer_id: str, feedback: dict[str, Any]) -> None:
    """Keep it on the offer and tell its provider; what is there already stays."""
    offer = locked(session, Offer, offer_id, "offer")
    if offer.feedback is None:
        offer.feedback = feedback
        audit.append(session, now, SYSTEM, "offer.feedback_given", offer.id)
        tell(session, now, [offer.provider_id], "offer_feedback", offer.id)


def _band(market: matching.Market, offer_id: str) -> dict[str, str | None]:
    """In which third of the offers on each lot this one stands, by its lowest unit price weighed with quality.

    None where the lot has too few offers for a third to be told.
    """
    bands = {}
    for line in market.offer_by_id[offer_id].lines:
        values = sorted(
            (_unit_value(market, other, other_line), other.id)
            for other in market.offers
            for other_line in other.lines
            if other_line.bundle == line.bundle
        )
        position = [name for _, name in values].index(offer_id)
        bands[line.bundle] = told_band(position, len(values))
    return bands


def _unit_value(market: matching.Market, offer: matching.Offer, line: matching.Line) -> int:
    policy = market.policy
    quality_pence = (policy.best_grade - offer.grade) * policy.pence_per_quality_grade
    return min(tier.price_pence for tier in line.tiers) + quality_pence


def change_document(change: matching.Change) -> dict[str, Any]:
    """A change as it is stored: what, how it is, how it would have to be, and whether less is proven not to do."""
    return {"kind": change.kind, "now": change.now, "needed": change.needed, "smallest": change.proven_smallest}
