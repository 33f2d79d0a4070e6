"""Step five: the round. The market is frozen and hashed, solved with no transaction open, verified, and stored.

`run_round` walks the three short transactions: `start_round` freezes, `solve` asks the engine (it touches no
database), `finish_round` records what passed verification, or `fail_round` puts the tender back where it was, with
the reason. Only an outcome that `matching.verify` finds nothing wrong with is stored.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

import matching
from marketplace.records import audit
from marketplace.records.database import writing
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.outbox import tell
from marketplace.records.pools import Bundle, Need, NeedStatus
from marketplace.records.rounds import Award, Match, MatchStatus, Round, RoundStatus
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant, london_date, london_midnight_after
from marketplace.rules.errors import WrongState
from marketplace.rules.lifecycle import TENDER_MOVES, TenderStatus, check_move
from marketplace.rules.permissions import Actor, Role, check_owner
from marketplace.rules.preferences import Preferences
from marketplace.rules.tendering import seed_of

from .reasons import Reasons
from .scopes import locked
from .tenders import give_up

COST_GAP_PERMILLE = 1.0
TIME_LIMIT_S = 120.0
WORKERS = 2

OnProgress = Callable[[Any], None]


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
            fail_round(session, now, actor, round_id, f"The matching stopped: {type(error).__name__}.")
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
    """Status: closed -> matching. Freeze the market; its hash and the nonce together make the tie-break's seed."""
    tender = locked(session, Tender, tender_id, "tender")
    check_owner(actor, Role.BROKER, tender.broker_id, "tender")
    check_move(TENDER_MOVES, tender.status, TenderStatus.MATCHING)
    document = market_document(session, tender)
    market = matching.read_market(document)
    seed = seed_of(tender.nonce or "", market.sha256)
    document["policy"]["seed"] = seed
    number = (session.scalar(select(func.max(Round.number)).where(Round.tender_id == tender.id)) or 0) + 1
    row = Round(
        tender_id=tender.id,
        number=number,
        status=RoundStatus.FROZEN,
        market=document,
        market_sha256=market.sha256,
        seed=str(seed),
        started_by=actor.user_id,
        started_at=now,
    )
    session.add(row)
    tender.status = TenderStatus.MATCHING
    tender.status_reason = None
    tender.match_by = None
    tender.rerun_ordered = False
    session.flush()
    audit.append(
        session, now, actor, "round.started", row.id, tender=tender.id, market_sha256=market.sha256, seed=row.seed
    )
    return row


def solve(
    market: dict[str, Any], on_progress: OnProgress | None = None, cancelled: Callable[[], bool] | None = None
) -> Solved:
    """Ask the engine, then its independent checker. Reads and writes nothing; gives up once `cancelled` says so."""
    read = matching.read_market(market)
    outcome = matching.solve(
        read,
        time_limit_s=TIME_LIMIT_S,
        gap_permille=COST_GAP_PERMILLE,
        workers=WORKERS,
        on_progress=on_progress,
        cancelled=cancelled,
    )
    document = outcome.document()
    findings = matching.verify(read, document)
    return Solved(document, tuple(f"{finding.code}: {finding.message}" for finding in findings))


def finish_round(session: Session, now: Instant, actor: Actor, round_id: str, outcome: dict[str, Any]) -> Tender:
    """Status: matching -> proposed, or matching -> unsuccessful when no need could be matched."""
    row = locked(session, Round, round_id, "round")
    tender = locked(session, Tender, row.tender_id, "tender")
    check_move(TENDER_MOVES, tender.status, TenderStatus.PROPOSED)
    row.status = RoundStatus.VERIFIED
    row.outcome = outcome
    row.outcome_sha256 = outcome_sha256(outcome)
    row.finished_at = now
    audit.append(
        session,
        now,
        actor,
        "round.verified",
        row.id,
        tender=tender.id,
        outcome_sha256=row.outcome_sha256,
        termination=outcome["termination"],
        matched=len(outcome["assignments"]),
    )
    if not outcome["assignments"]:
        reason = "No patient could be matched with any of the offers."
        return give_up(session, now, actor, tender, status=TenderStatus.UNSUCCESSFUL, reason=reason)
    matched = _record_awards(session, row)
    tender.status = TenderStatus.PROPOSED
    tender.proposed_at = now
    tender.answers_due_at = _days_after(now, tender.answer_days)
    tender.confirm_by = _days_after(now, tender.answer_days + tender.policy["process"]["confirm_within_days"])
    audit.append(session, now, actor, "tender.proposed", tender.id, matches=len(matched))
    tell(session, now, [need.patient_id for need in matched], "match_proposed", tender.id)
    return tender


def fail_round(session: Session, now: Instant, actor: Actor, round_id: str, reason: str) -> Tender:
    """Status: matching -> closed. No money moved and no offer changed; the reason stays on the tender."""
    row = locked(session, Round, round_id, "round")
    tender = locked(session, Tender, row.tender_id, "tender")
    check_move(TENDER_MOVES, tender.status, TenderStatus.CLOSED)
    row.status = RoundStatus.FAILED
    row.failure = reason
    row.finished_at = now
    tender.status = TenderStatus.CLOSED
    tender.status_reason = reason
    audit.append(session, now, actor, "round.failed", row.id, tender=tender.id)
    return tender


def latest_round(session: Session, tender_id: str) -> Round | None:
    """The last round of a tender that passed its check."""
    return session.scalar(
        select(Round)
        .where(Round.tender_id == tender_id, Round.status == RoundStatus.VERIFIED)
        .order_by(Round.number.desc())
        .limit(1)
    )


def recheck(row: Round) -> list[str]:
    """Verify a stored round again, from its two documents; an empty list says that it holds."""
    findings = matching.verify(row.market, row.outcome or {})
    return [f"{finding.code}: {finding.message}" for finding in findings]


def outcome_sha256(outcome: dict[str, Any]) -> str:
    """The hash of an outcome without its timings, which differ from run to run."""
    kept = {name: value for name, value in outcome.items() if name != "seconds"}
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return sha256(text.encode()).hexdigest()


def market_document(session: Session, tender: Tender) -> dict[str, Any]:
    """The tender's market/1: its frozen policy, its lots, the pooled needs, the standing offers."""
    needs = session.scalars(
        select(Need)
        .join(Need.bundle)
        .where(Bundle.tender_id == tender.id, Need.status == NeedStatus.POOLED)
        .options(joinedload(Need.plan_line), joinedload(Need.patient), joinedload(Need.bundle))
        .order_by(Need.id)
    ).all()
    offers = session.scalars(
        select(Offer)
        .where(Offer.tender_id == tender.id, Offer.status == OfferStatus.STANDING)
        .options(joinedload(Offer.site))
        .order_by(Offer.id)
    ).all()
    return {
        "format": "market/1",
        "policy": dict(tender.policy["matching"]),
        "bundles": [_bundle_document(bundle) for bundle in tender.bundles],
        "needs": [_need_document(need, tender.policy["matching"]) for need in needs],
        "providers": [{"id": provider} for provider in sorted({offer.provider_id for offer in offers})],
        "offers": [_offer_document(offer) for offer in offers],
    }


def _bundle_document(bundle: Bundle) -> dict[str, Any]:
    return _given(
        id=bundle.id,
        service=bundle.service_id,
        min_grade=bundle.min_grade,
        min_providers=bundle.min_providers,
        max_providers=bundle.max_providers,
    )


def _need_document(need: Need, policy: dict[str, Any]) -> dict[str, Any]:
    line, patient, wishes = need.plan_line, need.patient, Preferences.from_document(need.preferences)
    limits_m = [limit for limit in (line.max_distance_m, wishes.max_distance_m) if limit is not None]
    return _given(
        id=need.id,
        bundle=need.bundle_id,
        units=need.units,
        budget_pence=need.budget_pence,
        priority=line.priority,
        reserve_pence=need.units * need.bundle.service.conventional_pence,
        easting_m=patient.easting_m,
        northing_m=patient.northing_m,
        max_distance_m=min(limits_m, default=None),
        min_grade=line.min_grade,
        requires=sorted(line.requires),
        current_provider=line.current_provider_id,
        keep_provider=wishes.keep_provider or None,
        excludes=sorted(wishes.excludes),
        weights=wishes.weights(policy) or None,
        max_wait_days=line.max_wait_days,
    )


def _offer_document(offer: Offer) -> dict[str, Any]:
    site, content = offer.site, offer.content
    if site is None or content is None:
        raise WrongState("offer_sealed", "An offer that stands was not opened; close the tender first.")
    lines = [_given(**line) for line in content["lines"]]
    return _given(
        id=offer.id,
        provider=offer.provider_id,
        fee_pence=content["fee_pence"],
        min_units=content["min_units"],
        max_units=content["max_units"],
        grade=site.grade,
        attributes=sorted(site.attributes),
        first_appointment_days=site.first_appointment_days,
        easting_m=site.easting_m,
        northing_m=site.northing_m,
        lines=lines,
    )


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value != []}


def _record_awards(session: Session, row: Round) -> list[Need]:
    outcome = matching.read_outcome(row.outcome or {})
    reasons = Reasons(matching.read_market(row.market), outcome)
    awards = {
        award.offer: Award(
            round_id=row.id,
            offer_id=award.offer,
            tier=award.tier,
            units=award.units,
            fee_pence=award.fee_pence,
            spend_pence=award.spend_pence,
        )
        for award in outcome.awards
    }
    session.add_all(awards.values())
    session.flush()
    needs = {
        need.id: need
        for need in session.scalars(select(Need).join(Need.bundle).where(Bundle.tender_id == row.tender_id))
    }
    for assignment in outcome.assignments:
        session.add(
            Match(
                award_id=awards[assignment.offer].id,
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
                reasons=reasons.of(assignment.need, assignment.offer),
            )
        )
        needs[assignment.need].status = NeedStatus.MATCHED
    for unmatched in outcome.unmatched:
        needs[unmatched.need].status = NeedStatus.UNMATCHED
    session.flush()
    return [needs[assignment.need] for assignment in outcome.assignments]


def _days_after(now: Instant, days: int) -> Instant:
    """The end, in London, of the last of so many days."""
    return london_midnight_after(london_date(now) + timedelta(days=days))
