"""Step five: the round. The market is frozen and hashed, solved with no transaction open, verified, and stored.

`run_round` walks the three short transactions: `start_round` freezes, `solve` asks the engine (it touches no
database), `finish_round` records what passed verification, or `fail_round` puts the tender back where it was, with
the reason. Only an outcome that `matching.verify` finds nothing wrong with is stored.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, joinedload

import matching
from marketplace.records import audit
from marketplace.records.database import writing
from marketplace.records.outbox import tell
from marketplace.records.pools import Bundle, Need, NeedStatus
from marketplace.records.rounds import Award, Match, MatchStatus, Round, RoundKind, RoundStatus
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant, london_date, london_midnight_after
from marketplace.rules.errors import WrongState
from marketplace.rules.lifecycle import TENDER_MOVES, TenderStatus, check_move
from marketplace.rules.permissions import Actor, Role, check_owner
from marketplace.rules.round_rows import outcome_sha256
from marketplace.rules.tendering import seed_of

from . import roots
from .looking_again import hold_again, let_go
from .markets import market_document
from .reasons import reasons_of
from .scopes import locked, locked_of_tender
from .support import answer_days, most_answer_days
from .tenders import give_up

COST_GAP_PERMILLE = 1.0
TIME_LIMIT_S = 120.0
WORKERS = 2

OnProgress = Callable[[Any], None]

RUN_AGAIN_FROM = (TenderStatus.PROPOSED, TenderStatus.UNDER_REVIEW, TenderStatus.CLOSED)
"""Where a tender can be whose match counts no longer; closed, when the round that was ordered has failed."""
TO_RUN_AGAIN = Tender.status.in_(RUN_AGAIN_FROM) & Tender.rerun_ordered
"""What `must_run_again` says, asked of the database."""
RUN_AGAIN_BY = case((Tender.status == TenderStatus.PROPOSED, Tender.confirm_by), else_=Tender.match_by)
"""What `run_again_by` says, asked of the database."""


@dataclass(frozen=True, slots=True)
class Solved:
    """What the engine answered, as documents, and what the independent check found wrong with it."""

    outcome: dict[str, Any]
    findings: tuple[str, ...]


def run_round(
    session: Session, now: Instant, actor: Actor, tender_id: str, on_progress: OnProgress | None = None
) -> Tender:
    """Status: closed -> matching -> proposed, or unsuccessful when nothing matched, or closed again on failure.

    The one step that opens its transactions itself, because the solving between them may take minutes.

    Raises
    ------
    WrongState
        If the tender cannot start a round, or the round failed; then the tender is closed again with the reason.
    """
    with writing(session):
        started = start_round(session, now, actor, tender_id)
        round_id, market = started.id, started.market
    try:
        solved = solve(market, on_progress)
    except Exception as error:
        with writing(session):
            fail_round(session, now, actor, round_id, stopped_by(error))
        raise
    with writing(session):
        if solved.findings:
            tender = fail_round(session, now, actor, round_id, f"It did not pass its check: {solved.findings[0]}")
        else:
            tender = finish_round(session, now, actor, round_id, solved.outcome)
    if solved.findings:
        raise WrongState("round_failed", "The result did not pass its check, so nothing was changed.")
    return tender


def start_round(session: Session, now: Instant, actor: Actor, tender_id: str) -> Round:
    """Status: closed -> matching. Freeze the market; its hash and the nonce together make the tie-break's seed.

    From proposed, a round can be run again only when an offer was excluded since; from under_review only when the
    decision on a representation ordered it.
    """
    tender = locked(session, Tender, tender_id, "tender")
    check_owner(actor, Role.BROKER, tender.broker_id, "tender")
    _check_startable(tender)
    again = hold_again(session, now, actor, tender, _answered_before(session, tender))
    market = matching.read_market(market_document(session, tender))
    document, seed = market.document(), seed_of(tender.nonce or "", market.sha256)
    document["policy"]["seed"] = seed
    request = {"refused": sorted(match.need_id for match in again)} if again else None
    row = open_round(session, now, actor, tender, kind=RoundKind.WHOLE, market=document, request=request)
    audit.append(
        session, now, actor, "round.started", row.id, tender=tender.id, market_sha256=market.sha256, seed=row.seed
    )
    return row


def open_round(
    session: Session,
    now: Instant,
    actor: Actor,
    tender: Tender,
    *,
    kind: RoundKind,
    market: dict[str, Any],
    request: dict[str, Any] | None,
) -> Round:
    """Store a frozen round and move its tender to matching; `start_round` and `rematch.start_rematch` come here."""
    check_move(TENDER_MOVES, tender.status, TenderStatus.MATCHING)
    number = (session.scalar(select(func.max(Round.number)).where(Round.tender_id == tender.id)) or 0) + 1
    row = Round(
        tender_id=tender.id,
        number=number,
        kind=kind,
        came_from=tender.status,
        status=RoundStatus.FROZEN,
        request=request,
        market=market,
        market_sha256=matching.read_market(market).sha256,
        seed=str(market["policy"]["seed"]),
        started_by=actor.user_id,
        started_at=now,
    )
    session.add(row)
    tender.status = TenderStatus.MATCHING
    tender.status_reason = None
    tender.match_by = tender.match_by or _days_after(now, tender.policy["process"]["match_within_days"])
    session.flush()
    return row


def solve(
    market: dict[str, Any],
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
    gap_permille: float = COST_GAP_PERMILLE,
) -> Solved:
    """Ask the engine, then its independent checker. Reads and writes nothing; gives up once `cancelled` says so."""
    read = matching.read_market(market)
    outcome = matching.solve(
        read,
        time_limit_s=TIME_LIMIT_S,
        gap_permille=gap_permille,
        workers=WORKERS,
        on_progress=on_progress,
        cancelled=cancelled,
    )
    document = outcome.document()
    findings = matching.verify(read, document)
    return Solved(document, tuple(f"{finding.code}: {finding.message}" for finding in findings))


def finish_round(session: Session, now: Instant, actor: Actor, round_id: str, outcome: dict[str, Any]) -> Tender:
    """Status: matching -> proposed, or matching -> unsuccessful when no need could be matched.

    Patients with extra support have longer to answer; the broker waits for the last of them. The broker's own date
    counts as if somebody here had longer wherever anybody can: when a tender runs out tells nothing.
    """
    row, tender = locked_of_tender(session, Round, round_id, "round")
    check_move(TENDER_MOVES, tender.status, TenderStatus.PROPOSED)
    row.status = RoundStatus.VERIFIED
    row.outcome = outcome
    row.outcome_sha256 = outcome_sha256(outcome)
    row.finished_at = now
    roots.seal_roots(session, row)
    audit.append(
        session,
        now,
        actor,
        "round.verified",
        row.id,
        tender=tender.id,
        outcome_sha256=row.outcome_sha256,
        market_root=row.market_root,
        outcome_root=row.outcome_root,
        termination=outcome["termination"],
        matched=len(outcome["assignments"]),
    )
    if not outcome["assignments"]:
        reason = "Nobody could be matched with any of the offers."
        return give_up(session, now, actor, tender, status=TenderStatus.UNSUCCESSFUL, reason=reason)
    earlier = _supersede(session, tender, row)
    matched = [assignment["need"] for assignment in outcome["assignments"]]
    more_days = answer_days(session, matched)
    answer_by = {need_id: _days_after(now, tender.answer_days + days) for need_id, days in more_days.items()}
    asked = _record_awards(session, row, earlier, answer_by)
    tender.status = TenderStatus.PROPOSED
    tender.match_by = None
    if tender.rerun_ordered:  # they were told that it counted no longer
        tell(session, now, _kept(earlier, asked, more_days), "match_stands", tender.id)
    tender.rerun_ordered = False
    tender.proposed_at = now
    days = tender.answer_days + max((more_days[match.need_id] for match in asked), default=0)
    tender.answers_due_at = _days_after(now, days)
    open_days = tender.answer_days + most_answer_days(session, now, matched)
    tender.confirm_by = _days_after(now, open_days + tender.policy["process"]["confirm_within_days"])
    audit.append(session, now, actor, "tender.proposed", tender.id, matches=len(outcome["assignments"]))
    tell(session, now, _displaced(session, row, earlier), "match_displaced", tender.id)
    tell(session, now, [match.need.patient_id for match in asked], "match_proposed", tender.id)
    return tender


def fail_round(session: Session, now: Instant, actor: Actor, round_id: str, reason: str) -> Tender:
    """Status: matching -> closed, or -> proposed if it came from there. Only the reason has changed, and stays visible.

    What was held again for those who look for another provider is free again.
    """
    row, tender = locked_of_tender(session, Round, round_id, "round")
    back_to = TenderStatus.PROPOSED if row.came_from is TenderStatus.PROPOSED else TenderStatus.CLOSED
    check_move(TENDER_MOVES, tender.status, back_to)
    row.status = RoundStatus.FAILED
    row.failure = reason
    row.finished_at = now
    let_go(session, now, actor, (row.request or {}).get("refused", []))
    tender.status = back_to
    if back_to is TenderStatus.PROPOSED:
        tender.match_by = None
    tender.status_reason = reason
    audit.append(session, now, actor, "round.failed", row.id, tender=tender.id)
    return tender


def stopped_by(error: Exception) -> str:
    """Why a round failed that something broke off, for its broker: by the error's name only, which holds no secret."""
    return f"The match stopped before it was done. For your technical team: {type(error).__name__}."


def latest_round(session: Session, tender_id: str) -> Round | None:
    """The last round of a tender that passed its check."""
    return session.scalar(
        select(Round)
        .where(Round.tender_id == tender_id, Round.status == RoundStatus.VERIFIED)
        .order_by(Round.number.desc())
        .limit(1)
    )


def latest_round_id(session: Session, tender_id: str) -> str | None:
    """Its id alone: the documents of a large round take longer to read than all else on a page."""
    return session.scalar(
        select(Round.id)
        .where(Round.tender_id == tender_id, Round.status == RoundStatus.VERIFIED)
        .order_by(Round.number.desc())
        .limit(1)
    )


def recheck(session: Session, row: Round) -> list[str]:
    """Verify a stored round again, from its two documents, and their hashes and roots; an empty list: it holds."""
    findings = matching.verify(row.market, row.outcome or {})
    return [f"{finding.code}: {finding.message}" for finding in findings] + roots.faults_of(session, row)


def _check_startable(tender: Tender) -> None:
    check_move(TENDER_MOVES, tender.status, TenderStatus.MATCHING)
    if tender.status is TenderStatus.CLOSED or must_run_again(tender):
        return
    if tender.status is TenderStatus.UNDER_REVIEW:
        raise WrongState("not_ordered", "The matching is run again when the decision on the objection orders it.")
    raise WrongState("nothing_changed", "The matching is run again when an offer was left out since.")


def must_run_again(tender: Tender) -> bool:
    """Whether its match counts no longer: an offer was left out since, or a decision has ordered another one."""
    return tender.status in RUN_AGAIN_FROM and tender.rerun_ordered


def run_again_by(tender: Tender) -> Instant | None:
    """Until when a match is to be made: again, for a proposal, until the day by which it should have been confirmed."""
    return tender.confirm_by if tender.status is TenderStatus.PROPOSED else tender.match_by


def counted_on(session: Session, tender: Tender, offer_id: str) -> bool:
    """Whether the match that is proposed was made with this offer."""
    row = latest_round(session, tender.id) if tender.status is TenderStatus.PROPOSED else None
    return row is not None and any(offer["id"] == offer_id for offer in row.market["offers"])


def _answered_before(session: Session, tender: Tender) -> Sequence[Match]:
    """The matches of the round before this one, with what holding their money again needs; none for a first round."""
    return session.scalars(
        select(Match)
        .join(Match.award)
        .where(Award.round_id == latest_round_id(session, tender.id))
        .options(joinedload(Match.need).selectinload(Need.consents))
        .order_by(Match.id)
    ).all()


def _supersede(session: Session, tender: Tender, row: Round) -> dict[str, Match]:
    """The matches of the round before, by need, each with the status it had; they give way to the new ones."""
    before = session.scalar(
        select(Round)
        .where(Round.tender_id == tender.id, Round.status == RoundStatus.VERIFIED, Round.number < row.number)
        .order_by(Round.number.desc())
        .limit(1)
    )
    if before is None:
        return {}
    matches = session.scalars(select(Match).join(Match.award).where(Award.round_id == before.id)).all()
    return {match.need_id: match for match in matches if match.status in (MatchStatus.PROPOSED, MatchStatus.ACCEPTED)}


def _displaced(session: Session, row: Round, earlier: dict[str, Match]) -> list[str]:
    """The patients who had a place before and have none, or another, now."""
    now_at = {
        match.need_id: match.award.offer_id
        for match in session.scalars(select(Match).join(Match.award).where(Award.round_id == row.id))
    }
    return [match.need.patient_id for match in earlier.values() if now_at.get(match.need_id) != match.award.offer_id]


def _kept(earlier: dict[str, Match], asked: Sequence[Match], matched: Collection[str]) -> list[str]:
    """The patients who are matched and not asked: their yes still counts."""
    anew = {match.need_id for match in asked}
    return [match.need.patient_id for key, match in earlier.items() if key in matched and key not in anew]


def _record_awards(
    session: Session, row: Round, earlier: dict[str, Match], answer_by: Mapping[str, Instant]
) -> list[Match]:
    """Write awards and matches; who had accepted the same offer at no less keeps that answer. Returns what is asked."""
    outcome = matching.read_outcome(row.outcome or {})
    reasons = reasons_of(matching.read_market(row.market), outcome)
    waived = {match.award.offer_id: match.award.waived_at for match in earlier.values()}
    awards = {
        award.offer: Award(
            round_id=row.id,
            offer_id=award.offer,
            tier=award.tier,
            units=award.units,
            fee_pence=award.fee_pence,
            spend_pence=award.spend_pence,
            waived_at=waived.get(award.offer),
        )
        for award in outcome.awards
    }
    session.add_all(awards.values())
    session.flush()
    needs = {
        need.id: need
        for need in session.scalars(select(Need).join(Need.bundle).where(Bundle.tender_id == row.tender_id))
    }
    asked: list[Match] = []
    for assignment in outcome.assignments:
        before = earlier.get(assignment.need)
        told = reasons[assignment.need]
        if row.kind is RoundKind.REMATCH and before is not None and before.award.offer_id == assignment.offer:
            told = before.reasons or told  # whoever keeps their place was compared with nothing anew
        match = _match(assignment, awards[assignment.offer].id, told, answer_by[assignment.need])
        if not _keep_answer(match, before, assignment.offer):
            asked.append(match)
        session.add(match)
        needs[assignment.need].status = NeedStatus.MATCHED
    for unmatched in outcome.unmatched:
        needs[unmatched.need].status = NeedStatus.UNMATCHED
    for match in earlier.values():
        match.status = MatchStatus.SUPERSEDED
    session.flush()
    return asked


def _match(assignment: matching.Assignment, award_id: str, reasons: dict[str, Any], answer_by: Instant) -> Match:
    return Match(
        award_id=award_id,
        need_id=assignment.need,
        status=MatchStatus.PROPOSED,
        price_pence=assignment.price_pence,
        fee_share_pence=assignment.fee_share_pence,
        pool_pence=assignment.pool_pence,
        charge_pence=assignment.charge_pence,
        quality_pence=assignment.quality_pence,
        travel_pence=assignment.travel_pence,
        change_pence=assignment.change_pence,
        wait_pence=assignment.wait_pence,
        extra_pence=assignment.extra_pence,
        reasons=reasons,
        answer_by=answer_by,
    )


def _keep_answer(match: Match, before: Match | None, offer_id: str) -> bool:
    """An accepted charge is a ceiling: the same offer at the same charge or less needs no new yes."""
    if before is None or before.status is not MatchStatus.ACCEPTED or before.award.offer_id != offer_id:
        return False
    if match.charge_pence > before.charge_pence:
        return False
    match.status = MatchStatus.ACCEPTED
    match.answered_at, match.answered_by = before.answered_at, before.answered_by
    return True


def _days_after(now: Instant, days: int) -> Instant:
    """The end, in London, of the last of so many days."""
    return london_midnight_after(london_date(now) + timedelta(days=days))
