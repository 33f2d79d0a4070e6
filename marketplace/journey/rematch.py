"""After refusals: the rest stays where it is, and what was freed is placed anew.

`run_rematch` walks the same three transactions as a round: `start_rematch` holds the money again of those who declined
and want another provider, and freezes who stays; `solve_rematch` asks the engine; `rounds.finish_round` records it,
or `rounds.fail_round` puts everything back.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import matching
from marketplace.records import audit
from marketplace.records.database import writing
from marketplace.records.pools import Bundle, Need, NeedStatus
from marketplace.records.rounds import MatchStatus, Round, RoundKind
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant
from marketplace.rules.errors import WrongState
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Actor, Role, check_owner

from .awards import matches_of
from .looking_again import hold_again
from .markets import is_elsewhere
from .rounds import (
    COST_GAP_PERMILLE,
    TIME_LIMIT_S,
    WORKERS,
    OnProgress,
    Solved,
    fail_round,
    finish_round,
    latest_round,
    must_run_again,
    open_round,
    stopped_by,
)
from .scopes import locked, locked_of_tender


def run_rematch(
    session: Session, now: Instant, actor: Actor, tender_id: str, on_progress: OnProgress | None = None
) -> Tender:
    """Status: proposed -> matching -> proposed. The step that opens its transactions itself, like `rounds.run_round`.

    Raises
    ------
    WrongState
        If nobody has refused, or the rematch failed; then everything is as it was.
    """
    with writing(session):
        started = start_rematch(session, now, actor, tender_id)
        round_id, request, market = started.id, dict(started.request or {}), started.market
        outcome = _outcome_before(session, tender_id)
    try:
        revised, solved = solve_rematch(market, outcome, request, on_progress)
    except Exception as error:
        with writing(session):
            fail_round(session, now, actor, round_id, stopped_by(error))
        raise
    with writing(session):
        if solved.findings:
            fail_round(session, now, actor, round_id, f"It did not pass its check: {solved.findings[0]}")
        else:
            tender = finish_rematch(session, now, actor, round_id, revised, solved.outcome)
    if solved.findings:
        raise WrongState("round_failed", "The result did not pass its check, so nothing was changed.")
    return tender


def start_rematch(session: Session, now: Instant, actor: Actor, tender_id: str) -> Round:
    """Status: proposed -> matching. Freeze who stays, who is placed anew and what was waived.

    Raises
    ------
    WrongState
        If nobody has refused since the last round, or an offer was excluded (then the whole round is run again).
    """
    tender = locked(session, Tender, tender_id, "tender")
    check_owner(actor, Role.BROKER, tender.broker_id, "tender")
    before = latest_round(session, tender.id)
    if tender.status is not TenderStatus.PROPOSED or before is None:
        raise WrongState("not_proposed", "A rematch follows refusals of a proposal.")
    if must_run_again(tender):
        raise WrongState("offer_excluded", "An offer was left out: run the whole matching again.")
    matches = matches_of(session, tender)
    gone = [match for match in matches if match.status not in (MatchStatus.PROPOSED, MatchStatus.ACCEPTED)]
    if not gone:
        raise WrongState("nobody_refused", "Nobody has refused, so there is nobody to place anew.")
    again = hold_again(session, now, actor, tender, gone)
    request = {
        "round": before.id,
        "refused": sorted(match.need_id for match in again),
        "left": sorted([*(match.need_id for match in gone if match not in again), *_elsewhere(session, before)]),
        "accepted": sorted(match.need_id for match in matches if match.status is MatchStatus.ACCEPTED),
        "waived": sorted({match.award.offer_id for match in matches if match.award.waived_at is not None}),
    }
    row = open_round(session, now, actor, tender, kind=RoundKind.REMATCH, market=dict(before.market), request=request)
    audit.append(
        session,
        now,
        actor,
        "rematch.started",
        row.id,
        tender=tender.id,
        refused=len(request["refused"]),
        left=len(request["left"]),
    )
    return row


def solve_rematch(
    market: dict[str, Any],
    outcome: dict[str, Any],
    request: dict[str, Any],
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[dict[str, Any], Solved]:
    """Ask the engine; returns the revised market it wrote, and its checked outcome. Touches no database."""
    answer = matching.rematch(
        matching.read_market(market),
        matching.read_outcome(outcome),
        refused=request["refused"],
        left=request["left"],
        accepted=request["accepted"],
        waived=request["waived"],
        time_limit_s=TIME_LIMIT_S,
        gap_permille=COST_GAP_PERMILLE,
        workers=WORKERS,
        on_progress=on_progress,
        cancelled=cancelled,
    )
    document = answer.outcome.document()
    findings = matching.verify(answer.market, document)
    found = tuple(f"{finding.code}: {finding.message}" for finding in findings)
    return answer.market.document(), Solved(document, found)


def finish_rematch(
    session: Session, now: Instant, actor: Actor, round_id: str, revised: dict[str, Any], outcome: dict[str, Any]
) -> Tender:
    """Status: matching -> proposed. The revised market takes the place of the one the rematch began from."""
    row, _ = locked_of_tender(session, Round, round_id, "round")
    row.market = revised
    row.market_sha256 = matching.read_market(revised).sha256
    return finish_round(session, now, actor, round_id, outcome)


def _elsewhere(session: Session, before: Round) -> list[str]:
    """Those of a round's market for whom nobody was found, and who were asked into another group since."""
    names = {need["id"] for need in before.market["needs"]}
    query = select(Need.id).join(Need.bundle).where(Bundle.tender_id == before.tender_id, is_elsewhere())
    return [
        need_id for need_id in session.scalars(query.where(Need.status == NeedStatus.UNMATCHED)) if need_id in names
    ]


def _outcome_before(session: Session, tender_id: str) -> dict[str, Any]:
    row = latest_round(session, tender_id)
    return dict(row.outcome or {}) if row else {}
