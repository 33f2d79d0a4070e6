"""Writing the advice on rounds: the engine is asked with no transaction open, then each answer is stored.

Either may be done twice, by two processes at a time: what was stored first stays.
"""

from collections.abc import Callable
from time import monotonic
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.journey import advice
from marketplace.journey.rounds import latest_round
from marketplace.records.database import writing
from marketplace.records.rounds import Round, RoundStatus
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant
from marketplace.rules.lifecycle import TenderStatus

LOOKED_AT = (TenderStatus.PROPOSED, TenderStatus.STANDSTILL, TenderStatus.UNDER_REVIEW, TenderStatus.UNSUCCESSFUL)
"""The states in which a broker still asks what would have helped."""
AT_ONCE_S = 20.0
"""After so long `advise_all` begins nothing further: other work should soon find the processors free."""

Ask = Callable[[dict[str, Any], dict[str, Any], str], dict[str, Any]]


def advise_all(session: Session, now: Instant, seconds: float = AT_ONCE_S) -> int:
    """Work out what is missing on the latest rounds, as much as the time allows; returns how many answers came."""
    until, found = monotonic() + seconds, 0
    query = select(Round.id, Round.tender_id).join(Round.tender)
    query = query.where(
        Round.status == RoundStatus.VERIFIED, Round.advised_at.is_(None), Tender.status.in_(LOOKED_AT)
    ).order_by(Round.started_at.desc(), Round.id)
    for round_id, tender_id in session.execute(query).all():
        last = latest_round(session, tender_id)
        if last is None or last.id == round_id:  # nobody reads advice on a round that another has replaced
            found += _advise(session, now, round_id, until)
    return found


def _advise(session: Session, now: Instant, round_id: str, until: float) -> int:
    row = session.get_one(Round, round_id)
    needs, offers = advice.missing(session, row)
    market, outcome = row.market, row.outcome or {}
    session.rollback()  # the engine may take seconds, and nobody waits for it with a transaction open
    asked: list[tuple[Ask, str]] = [(advice.advise_offer, offer) for offer in offers]
    asked += [(advice.advise_need, need) for need in needs]
    for done, (ask, about_id) in enumerate(asked):
        if monotonic() >= until:
            return done
        document = ask(market, outcome, about_id)
        with writing(session):
            advice.store(session, now, round_id, about_id, document)
    with writing(session):
        advice.all_said(session, now, round_id)
    return len(asked)
