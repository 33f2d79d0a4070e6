"""Fifteen tenders walked through the journey's own steps, each as far as it is to be left.

A scene is one thing that happens at one moment. All scenes of all tenders are played in the order of time, with the
scheduler's look at what has fallen due in between, so that deadlines close tenders, silence answers for patients and
standstills end exactly as they would.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.demo.deliver import delivery_scenes, sign
from marketplace.demo.offers import Offer
from marketplace.demo.schedule import Timeline, midnights, timeline
from marketplace.demo.stage import Scene, Stage
from marketplace.demo.tenders import Lot, Tender
from marketplace.journey.awards import (
    accept_match,
    confirm_award,
    decline_match,
    matches_of,
    shortfall,
    waive_minimum,
)
from marketplace.journey.deadlines import run_due
from marketplace.journey.offers import submit_offer
from marketplace.journey.pools import agree, build_bundle, decline_invitation, invite
from marketplace.journey.rounds import finish_round, solve, start_round
from marketplace.journey.tenders import draft_tender, needs_of, publish_tender, withdraw_tender
from marketplace.records.database import writing
from marketplace.records.pools import DefaultAnswer, Need
from marketplace.records.rounds import Match
from marketplace.records.tenders import Tender as StoredTender
from marketplace.rules.pooling import BundleTerms
from marketplace.rules.sharing import Pooling
from marketplace.rules.tendering import OfferLine, OfferTerms, OfferTier

MATCHED = ("proposed", "standstill", "awarded")
"""The states to be left in that a round comes before."""

DECLINES_INVITATION_PERMILLE = 40
ANSWERS_INVITATION_PERMILLE = 550
"""Of a draft's invitations: how many are answered so far; everybody has answered before a publication."""

SILENCE_ACCEPTS_PERMILLE = 975
ANSWERS_MATCH_PERMILLE = 350
DECLINES_MATCH_PERMILLE = 45
GAP_PERMILLE = 2.0
"""The demo's rounds stop at twice the usual gap of cost (coverage is exact either way): some seconds less to wait."""

WAIVES_PERMILLE = 850
"""Refusals take many awards a little below a band or a minimum; a provider seldom gives up its patients for that."""

DECLINE_REASONS = (
    "It is too far for me in winter.",
    "I would rather wait for my present therapist.",
    "My daughter can only drive me in the evening.",
)
AWARD_REASONS = (
    "The result of the published rules, checked: as many people matched as can be, then the lowest cost, with quality, "
    "travel and waiting counted in."
)
WITHDRAWN_REASON = "The service is being reshaped with the mental health trust; a new tender follows in spring."


def scenes(stage: Stage, now: datetime) -> list[Scene]:
    """Everything that happens before `now`, in the order of time."""
    planned: list[Scene] = [Scene(at, "Midnight", partial(_look, stage, at)) for at in midnights(now)]
    rounds: dict[date, list[tuple[Tender, datetime]]] = defaultdict(list)
    for position, tender in enumerate(stage.market.tenders):
        moments = timeline(now, tender.left_as, position)
        planned += _tender_scenes(stage, tender, moments)
        if tender.left_as in MATCHED:
            rounds[moments.matched_at.date()].append((tender, moments.matched_at))
    for due in rounds.values():
        titles = "; ".join(tender.title for tender, _ in due)
        planned.append(Scene(due[0][1], f"Matching {titles}", partial(_match, stage, due)))
    planned += delivery_scenes(stage, now)
    return sorted((scene for scene in planned if scene.at < now), key=lambda scene: scene.at)


def _tender_scenes(stage: Stage, tender: Tender, at: Timeline) -> Iterator[Scene]:
    """One tender's scenes, up to the state in which it is to be left."""
    yield Scene(at.drafted_at, f"{tender.title}: drafted", partial(_draft, stage, tender, at))
    yield Scene(at.agreed_at, f"{tender.title}: patients answer", partial(_answer_invitations, stage, tender, at))
    if tender.left_as == "draft":
        return
    yield Scene(at.published_at, f"{tender.title}: published", partial(_publish, stage, tender, at))
    yield Scene(at.offered_at, f"{tender.title}: offers", partial(_offer, stage, tender, at.offered_at))
    if tender.left_as == "withdrawn":
        yield Scene(at.withdrawn_at, f"{tender.title}: withdrawn", partial(_withdraw, stage, tender, at.withdrawn_at))
        return
    yield Scene(at.offers_due_at, f"{tender.title}: offers opened", partial(_look, stage, at.offers_due_at))
    if tender.left_as not in MATCHED:
        return
    yield Scene(at.answered_at, f"{tender.title}: answers", partial(_answer_matches, stage, tender, at.answered_at))
    if tender.left_as == "proposed":
        return
    yield Scene(at.confirmed_at, f"{tender.title}: confirmed", partial(_confirm, stage, tender, at.confirmed_at))
    if tender.left_as == "awarded":
        yield Scene(at.signed_at, f"{tender.title}: contracts signed", partial(sign, stage, tender, at.signed_at))


def _look(stage: Stage, at: datetime) -> None:
    """The scheduler does what has fallen due."""
    with stage.sessions() as session:
        failed = [done for done in run_due(session, at) if done.error]
    if failed:
        raise RuntimeError(f"{failed[0].what} failed: {failed[0].error}")


def _draft(stage: Stage, tender: Tender, at: Timeline) -> None:
    """Draft the tender, build its lots, invite everybody who fits."""
    broker = stage.town.brokers[tender.broker]
    with stage.sessions() as session, writing(session):
        stored = draft_tender(session, at.drafted_at, broker, tender.title, tender.policy)
        stage.tender_ids[tender.id] = stored.id
        for lot in tender.lots:
            bundle = build_bundle(session, at.drafted_at, broker, stored.id, _terms(lot, at))
            stage.bundle_ids[lot.id] = bundle.id
            lines = [stage.town.line_ids[line.id] for line in stage.market.lines_by_lot[lot.id]]
            invite(session, at.drafted_at + timedelta(hours=1), broker, bundle.id, lines)


def _terms(lot: Lot, at: Timeline) -> BundleTerms:
    return BundleTerms(
        service_id=lot.service,
        area=lot.area,
        districts=lot.districts,
        period_from=at.period_from,
        period_to=at.period_to(lot.period_weeks),
        min_grade=lot.min_grade or None,
        min_providers=lot.min_providers,
        max_providers=lot.max_providers,
    )


def _stored(session: Session, stage: Stage, tender: Tender) -> StoredTender:
    return session.scalars(select(StoredTender).where(StoredTender.id == stage.tender_ids[tender.id])).one()


def _answer_invitations(stage: Stage, tender: Tender, at: Timeline) -> None:
    """Nearly everybody agrees; under a draft some have yet to answer."""
    asked = 1000 if tender.left_as != "draft" else ANSWERS_INVITATION_PERMILLE
    with stage.sessions() as session, writing(session):
        for need in needs_of(session, _stored(session, stage, tender)):
            if stage.draw.randrange(1000) < asked:
                _answer_invitation(session, stage, tender, need, at.agreed_at)


def _answer_invitation(session: Session, stage: Stage, tender: Tender, need: Need, at: datetime) -> None:
    patient = stage.by_party(need.patient_id)
    if stage.draw.randrange(1000) < DECLINES_INVITATION_PERMILLE:
        decline_invitation(session, at, patient, need.id)
        return
    accepts = stage.draw.randrange(1000) < SILENCE_ACCEPTS_PERMILLE
    silence = DefaultAnswer.ACCEPT if accepts else DefaultAnswer.DECLINE
    agree(session, at, patient, need.id, silence, shares_pool=tender.policy.pooling is Pooling.SHARED_POOL)


def _publish(stage: Stage, tender: Tender, at: Timeline) -> None:
    with stage.sessions() as session, writing(session):
        broker = stage.town.brokers[tender.broker]
        publish_tender(session, at.published_at, broker, stage.tender_ids[tender.id], at.offers_due_at)


def _offer(stage: Stage, tender: Tender, at: datetime) -> None:
    """Providers seal their offers, some minutes apart."""
    with stage.sessions() as session, writing(session):
        for minutes, offer in enumerate(stage.market.offers_on(tender)):
            if offer.id in stage.held_back:
                continue
            moment = at + timedelta(minutes=11 * minutes)
            submit_offer(
                session,
                moment,
                stage.town.providers[offer.provider],
                stage.tender_ids[tender.id],
                _offer_terms(stage, offer),
            )


def _offer_terms(stage: Stage, offer: Offer) -> OfferTerms:
    return OfferTerms(
        site_id=stage.town.site_ids[offer.provider],
        fee_pence=offer.fee_pence,
        min_units=offer.min_units,
        max_units=offer.max_units,
        lines=tuple(
            OfferLine(
                bundle=stage.bundle_ids[line.lot],
                min_units=line.min_units,
                max_units=line.max_units,
                tiers=tuple(OfferTier(tier.from_units, tier.price_pence) for tier in line.tiers),
            )
            for line in offer.lines
        ),
    )


def _withdraw(stage: Stage, tender: Tender, at: datetime) -> None:
    with stage.sessions() as session, writing(session):
        withdraw_tender(session, at, stage.town.brokers[tender.broker], stage.tender_ids[tender.id], WITHDRAWN_REASON)


def _match(stage: Stage, due: Sequence[tuple[Tender, datetime]]) -> None:
    """The rounds of tenders whose offers were opened in the same hour: frozen, solved side by side, recorded."""
    asked = [(stage.town.brokers[tender.broker], stage.tender_ids[tender.id], at) for tender, at in due]
    frozen = []
    for broker, tender_id, at in asked:
        with stage.sessions() as session, writing(session):
            started = start_round(session, at, broker, tender_id)
            frozen.append((started.id, started.market))
    with ThreadPoolExecutor(max_workers=2) as pool:
        solved = list(pool.map(partial(solve, gap_permille=GAP_PERMILLE), [market for _, market in frozen]))
    for (broker, _, at), (round_id, _), answer in zip(asked, frozen, solved, strict=True):
        if answer.findings:
            raise RuntimeError(f"an outcome did not pass its check: {answer.findings[0]}")
        with stage.sessions() as session, writing(session):
            finish_round(session, at, broker, round_id, answer.outcome)


def _answer_matches(stage: Stage, tender: Tender, at: datetime) -> None:
    """Some accept at once, a few decline with a reason; the rest let the time pass, or are the visitor's to answer."""
    with stage.sessions() as session, writing(session):
        for match in matches_of(session, _stored(session, stage, tender)):
            if stage.draw.randrange(1000) >= ANSWERS_MATCH_PERMILLE:
                continue
            patient = stage.by_party(match.need.patient_id)
            if stage.draw.randrange(1000) < DECLINES_MATCH_PERMILLE:
                decline_match(session, at, patient, match.id, stage.draw.choice(DECLINE_REASONS))
            else:
                accept_match(session, at, patient, match.id)


def _confirm(stage: Stage, tender: Tender, at: datetime) -> None:
    """The broker confirms what stands, after most providers whom refusals took below a minimum have waived it."""
    with stage.sessions() as session, writing(session):
        by_award: dict[str, list[Match]] = defaultdict(list)
        for match in matches_of(session, _stored(session, stage, tender)):
            by_award[match.award_id].append(match)
        for members in by_award.values():
            award = members[0].award
            if shortfall(award, members) not in (None, "nobody_left") and stage.draw.randrange(1000) < WAIVES_PERMILLE:
                provider = stage.by_party(award.offer.provider_id)
                waive_minimum(session, at - timedelta(hours=2), provider, award.id)
    with stage.sessions() as session, writing(session):
        confirm_award(session, at, stage.town.brokers[tender.broker], stage.tender_ids[tender.id], AWARD_REASONS)
