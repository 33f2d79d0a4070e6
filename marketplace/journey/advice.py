"""After a round: what would have helped those without a match, and what each bidder will read once it is confirmed.

`advise_need` and `advise_offer` ask the engine (seconds of re-solving: call them with no transaction open); `store`
keeps an answer; `missing` says what is not there yet. The broker's pages read what was stored.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import matching
from marketplace.records.advice import Advice
from marketplace.records.rounds import Round
from marketplace.rules.clock import Instant

from .feedback import change_document, feedback_for
from .scopes import locked

NEED_SECONDS = 2.0
"""For one need: four kinds of change share it; what could not be proven in it says so."""


def missing(session: Session, row: Round) -> tuple[list[str], list[str]]:
    """The unmatched needs and the offers of a verified round on which there is no advice yet."""
    known = set(session.scalars(select(Advice.about_id).where(Advice.round_id == row.id)))
    needs = [line["need"] for line in (row.outcome or {}).get("unmatched", [])]
    offers = [offer["id"] for offer in row.market["offers"]]
    return [need for need in needs if need not in known], [offer for offer in offers if offer not in known]


def advise_need(market: dict[str, Any], outcome: dict[str, Any], need_id: str) -> dict[str, Any]:
    """The smallest single changes, each of which alone would have matched this need; confirmed by re-solving."""
    read, solved = matching.read_market(market), matching.read_outcome(outcome)
    told = matching.explain_need(read, solved, need_id, NEED_SECONDS)
    return {"changes": [{**change_document(change), "offer": change.offer} for change in told.changes]}


def advise_offer(market: dict[str, Any], outcome: dict[str, Any], offer_id: str) -> dict[str, Any]:
    """The feedback that this offer's provider will get if the award is confirmed as it is."""
    return feedback_for(market, outcome, offer_id)


def store(session: Session, now: Instant, round_id: str, about_id: str, document: dict[str, Any]) -> None:
    """Keep one answer; what is there already stays."""
    locked(session, Round, round_id, "round")
    if advice_on(session, round_id, about_id) is None:
        session.add(Advice(round_id=round_id, about_id=about_id, document=document, made_at=now))
        session.flush()


def all_said(session: Session, now: Instant, round_id: str) -> None:
    """Note that nothing is missing."""
    locked(session, Round, round_id, "round").advised_at = now


def advice_on(session: Session, round_id: str, about_id: str) -> dict[str, Any] | None:
    """What was found about one need or offer of a round."""
    return session.scalar(select(Advice.document).where(Advice.round_id == round_id, Advice.about_id == about_id))


def advice_of(session: Session, round_id: str) -> dict[str, dict[str, Any]]:
    """All that was found about a round, by need or offer."""
    rows = session.scalars(select(Advice).where(Advice.round_id == round_id))
    return {row.about_id: row.document for row in rows}
