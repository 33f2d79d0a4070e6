"""Writing the feedback to providers: the engine is asked with no transaction open, then the answer is stored.

`prepare` does it for one tender, `prepare_all` for those whose award is confirmed and whose bidders wait to be told.
Either may be done twice, by two processes at a time: what was told first stays.
"""

from time import monotonic

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.journey.advice import advice_on
from marketplace.journey.feedback import feedback_for, offers_without_feedback, store_feedback
from marketplace.journey.rounds import latest_round
from marketplace.journey.scopes import locked
from marketplace.records.database import writing
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant
from marketplace.rules.lifecycle import TenderStatus

CONFIRMED = (TenderStatus.STANDSTILL, TenderStatus.UNDER_REVIEW, TenderStatus.AWARDED)
"""The states in which bidders may read how they did."""
AT_ONCE_S = 20.0
"""After so long `prepare_all` begins no further offer: a match should soon find the processors free."""


def prepare_all(session: Session, now: Instant, seconds: float = AT_ONCE_S) -> int:
    """Tell the bidders who wait to be told, as many as the time allows, the latest awards first; returns how many were.

    Whoever may still object is told before those who read of an award that is long final.
    """
    until, told = monotonic() + seconds, 0
    waiting = select(Offer.tender_id, Offer.id).join(Offer.tender)
    waiting = waiting.where(
        Tender.status.in_(CONFIRMED),
        Tender.rerun_ordered.is_(False),
        Offer.opened_at.is_not(None),
        Offer.feedback.is_(None),
        Offer.status.in_((OfferStatus.STANDING, OfferStatus.EXCLUDED)),
    )
    rows = session.execute(waiting.order_by(Tender.standstill_ends_at.desc(), Offer.tender_id, Offer.id)).all()
    for tender_id, offer_id in rows:
        if monotonic() >= until:
            break
        told += prepare(session, now, tender_id, offer_id)
    return told


def prepare(session: Session, now: Instant, tender_id: str, offer_id: str) -> bool:
    """Tell the bidder of one offer; False where there is nothing to tell, or it was told already."""
    row = latest_round(session, tender_id)
    if row is None or row.outcome is None or offer_id not in offers_without_feedback(session, tender_id):
        return False
    market, outcome, number = row.market, row.outcome, row.number
    answer = advice_on(session, row.id, offer_id)
    session.rollback()  # the engine may take seconds, and nobody waits for it with a transaction open
    if answer is None:
        answer = feedback_for(market, outcome, offer_id)
    with writing(session):
        tender, last = locked(session, Tender, tender_id, "tender"), latest_round(session, tender_id)
        if tender.status not in CONFIRMED or tender.rerun_ordered or last is None or last.number != number:
            return False  # the match was, or will be, made anew meanwhile
        store_feedback(session, now, offer_id, answer)
    return True
