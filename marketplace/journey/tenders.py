"""Step three: a broker drafts a tender, publishes it under a frozen policy, and it closes when its time is up.

`draft_tender` -> (pools) -> `publish_tender` -> (offers) -> `close_tender`; `delete_draft` and `withdraw_tender` are
the ways back.
`give_up` is how every unhappy end releases every pound, for the steps that need one.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager, selectinload

from marketplace.records import audit
from marketplace.records.base import new_nonce
from marketplace.records.budgets import PlanLine
from marketplace.records.ledger import hold
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.outbox import tell
from marketplace.records.people import Patient
from marketplace.records.pools import Bundle, Need, NeedStatus
from marketplace.records.tenders import Tender
from marketplace.rules.canonical import sha256_of
from marketplace.rules.clock import Instant, london_date, london_midnight_after, utc
from marketplace.rules.errors import Invalid, WrongState
from marketplace.rules.lifecycle import LAPSES_TO, LOT_MOVES, TENDER_MOVES, LotResult, TenderStatus, check_move
from marketplace.rules.permissions import SYSTEM, Actor, Role, check_owner, check_role
from marketplace.rules.pooling import Reach, reach_of
from marketplace.rules.privacy import shown_count, shown_units
from marketplace.rules.tendering import (
    Policy,
    check_deadline_serves,
    check_publishable,
    nonce_commitment,
    policy_document,
)

from .broker_fees import declare
from .conduct import check_broker_active
from .keys import keyring_of
from .offers import open_seal
from .pools import keep_draft, valid_consent, void_consents
from .reservations import release, reserve
from .scopes import locked
from .sites import providers_with
from .support import note_priorities

HOLDING = (NeedStatus.POOLED, NeedStatus.MATCHED, NeedStatus.UNMATCHED, NeedStatus.REFUSED, NeedStatus.DISPLACED)
"""Needs for which money may still be held."""
ASKED = (NeedStatus.INVITED, NeedStatus.AGREED)
"""Needs for which nothing is held yet, whose plan lines no other pool can have."""


def draft_tender(session: Session, now: Instant, actor: Actor, title: str, policy: Policy) -> Tender:
    """Status: -> draft. The policy can be read, and agreed to, from the first invitation on.

    Raises
    ------
    Invalid
        If a weight or time of the policy is out of range.
    """
    check_role(actor, Role.BROKER)
    check_broker_active(session, actor.party_id)
    document = policy_document(policy)
    tender = Tender(
        broker_id=actor.party_id,
        title=title,
        status=TenderStatus.DRAFT,
        version=1,
        policy=document,
        policy_sha256=sha256_of(document),
        minimum_offers=policy.minimum_offers,
        answer_days=policy.answer_days,
        created_at=now,
    )
    keep_draft(session, now, tender)
    session.add(tender)
    session.flush()
    audit.append(session, now, actor, "tender.drafted", tender.id, policy_sha256=tender.policy_sha256)
    return tender


def amend_policy(session: Session, now: Instant, actor: Actor, tender_id: str, policy: Policy) -> Tender:
    """Change a draft's policy: a new version. Whoever agreed to the old one is asked again.

    Raises
    ------
    WrongState
        If the tender is published: its policy is frozen.
    """
    tender = locked(session, Tender, tender_id, "tender")
    check_owner(actor, Role.BROKER, tender.broker_id, "tender")
    if tender.status is not TenderStatus.DRAFT:
        raise WrongState("policy_frozen", "The policy of a published tender is frozen.")
    document = policy_document(policy)
    if sha256_of(document) == tender.policy_sha256:
        return tender
    tender.take_policy(document, sha256_of(document))
    keep_draft(session, now, tender)
    voided = void_consents(session, now, actor, needs_of(session, tender), why="policy_amended")
    audit.append(
        session, now, actor, "tender.policy_amended", tender.id, policy_sha256=tender.policy_sha256, voided=voided
    )
    return tender


def care_ends_on(lots: Collection[Bundle]) -> date | None:
    """The last day of care of the lot whose care ends first; None where there is none."""
    return min((lot.period_to for lot in lots), default=None)


def publish_tender(session: Session, now: Instant, actor: Actor, tender_id: str, offers_due_at: Instant) -> Tender:
    """Status: draft -> open. Everybody who agreed to exactly this is in; their money is held; the policy is frozen.

    Invitations without an answer lapse, and a lot that nobody joined is left out (its result: cancelled); every
    provider with a fitting site within reach is told. The demand that providers will see is written down here, with
    counts that could point at somebody suppressed, and does not follow later comings and goings.

    Raises
    ------
    Invalid, WrongState
        If the deadline is too near, or nobody has agreed.
    InsufficientFunds
        If a budget no longer holds what its need may cost; then nothing is reserved for anybody.
    """
    tender = locked(session, Tender, tender_id, "tender")
    check_owner(actor, Role.BROKER, tender.broker_id, "tender")
    check_broker_active(session, tender.broker_id)
    check_move(TENDER_MOVES, tender.status, TenderStatus.OPEN)
    needs = needs_of(session, tender)
    agreed = [need for need in needs if need.status is NeedStatus.AGREED and valid_consent(need, tender)]
    check_publishable(now, offers_due_at, len(agreed))
    joined = {need.bundle_id for need in agreed}
    check_deadline_serves(offers_due_at, care_ends_on([bundle for bundle in tender.bundles if bundle.id in joined]))
    for need in needs:
        if need.status in (NeedStatus.INVITED, NeedStatus.AGREED) and need not in agreed:
            need.status = NeedStatus.DECLINED
    note_priorities(session, agreed)
    for need in agreed:
        reserve(session, now, actor, need)
        need.status = NeedStatus.POOLED
    for bundle in tender.bundles:
        bundle.take_prices(bundle.service)
        if bundle.id not in joined:
            move_lot(bundle, LotResult.CANCELLED)
    nonce = new_nonce()
    tender.nonce_sealed = keyring_of(session).lock(f"tenders.nonce:{tender.id}", nonce)
    tender.nonce_sha256 = nonce_commitment(nonce)
    tender.demand = _frozen_demand(tender, agreed)
    declare(tender)
    tender.status = TenderStatus.OPEN
    tender.published_at = now
    tender.publish_by = None
    tender.offers_due_at = utc(offers_due_at)
    audit.append(
        session,
        now,
        actor,
        "tender.published",
        tender.id,
        policy_sha256=tender.policy_sha256,
        demand_sha256=sha256_of(tender.demand),
        nonce_sha256=tender.nonce_sha256,
        needs=len(agreed),
        broker_fee_pence=tender.broker_fee_pence,
        reserved_pence=sum(need.reserved_pence for need in agreed),
    )
    tell(session, now, [need.patient_id for need in agreed], "tender_published", tender.id)
    tell(session, now, providers_with(session, _wanted(session, tender)), "tender_to_offer", tender.id)
    return tender


def _wanted(session: Session, tender: Tender) -> dict[str, list[Reach]]:
    """By service, how far around its people each lot reaches."""
    query = (
        select(Bundle.id, Bundle.service_id, Patient.easting_m, Patient.northing_m, PlanLine.max_distance_m)
        .join(Need, Need.bundle_id == Bundle.id)
        .join(Need.patient)
        .join(Need.plan_line)
        .where(Bundle.tender_id == tender.id, Need.status == NeedStatus.POOLED)
    )
    places = defaultdict(list)
    for bundle_id, service_id, easting_m, northing_m, limit_m in session.execute(query):
        places[bundle_id, service_id].append((easting_m, northing_m, limit_m))
    wanted = defaultdict(list)
    for (_, service_id), found in places.items():
        wanted[service_id].append(reach_of(found))
    return wanted


def delete_draft(session: Session, now: Instant, actor: Actor, tender_id: str, reason: str) -> Tender:
    """Status: draft -> deleted. The broker does not go on with it; whoever was invited is free and is told why.

    What the audit trail speaks of stays on record; no list shows it any more.

    Raises
    ------
    Invalid, WrongState
        If the reason is missing, or the tender is published: then it can be withdrawn.
    """
    tender = locked(session, Tender, tender_id, "tender")
    check_owner(actor, Role.BROKER, tender.broker_id, "tender")
    if tender.status is not TenderStatus.DRAFT:
        raise WrongState("tender_published", "Only a draft can be deleted. A published tender can be withdrawn.")
    if not reason.strip():
        raise Invalid("reason_missing", "Write why: everybody you invited will read it.", place="reason")
    return give_up(session, now, actor, tender, status=TenderStatus.DELETED, reason=reason.strip())


def draft_ran_out(session: Session, now: Instant, tender_id: str) -> Tender:
    """Status: draft -> deleted: its broker has left it lying for too long. Time brings this about."""
    tender = locked(session, Tender, tender_id, "tender")
    if tender.publish_by is None or now < tender.publish_by:
        raise WrongState("still_time", "There is still time to go on with this draft.")
    reason = "The broker did not go on with it in time."
    return give_up(session, now, SYSTEM, tender, status=TenderStatus.DELETED, reason=reason)


def withdraw_tender(session: Session, now: Instant, actor: Actor, tender_id: str, reason: str) -> Tender:
    """Status: open -> withdrawn. The broker takes the tender back; every pound is released, everybody is told."""
    tender = locked(session, Tender, tender_id, "tender")
    check_owner(actor, Role.BROKER, tender.broker_id, "tender")
    if not reason.strip():
        raise WrongState("reason_missing", "Write why the tender is withdrawn: everybody concerned will read it.")
    return give_up(session, now, actor, tender, status=TenderStatus.WITHDRAWN, reason=reason.strip())


def close_tender(session: Session, now: Instant, actor: Actor, tender_id: str) -> Tender:
    """Status: open -> closed, or open -> unsuccessful when fewer offers stand than the policy asks for.

    Opening the seal is part of closing: from here on the broker may read the offers, under aliases. Only the
    scheduler, or the broker, and only once the deadline has passed: whoever tries it earlier is refused, and that they
    tried stays in the audit trail.

    Raises
    ------
    WrongState
        If the deadline has not passed, or the tender is not open.
    """
    tender = locked(session, Tender, tender_id, "tender")
    early = tender.status is TenderStatus.OPEN and (tender.offers_due_at is None or now < tender.offers_due_at)
    if early:
        audit.note_refusal(session, now, actor, "tender.opening_refused", tender.id)
    if actor.role is not Role.SYSTEM:
        check_owner(actor, Role.BROKER, tender.broker_id, "tender")
    check_move(TENDER_MOVES, tender.status, TenderStatus.CLOSED)
    if early:
        raise WrongState("too_early", "The offers stay sealed until the deadline has passed.")
    standing = list(
        session.scalars(
            select(Offer).where(Offer.tender_id == tender.id, Offer.status == OfferStatus.STANDING).order_by(Offer.id)
        )
    )
    seal_sha256 = open_seal(session, now, tender, standing)
    tender.nonce = keyring_of(session).unlock(f"tenders.nonce:{tender.id}", tender.nonce_sealed or b"")
    tender.closed_at = now
    tender.match_by = _end_of_day(now, tender.policy["process"]["match_within_days"])
    pooled = _settle_pool(session, tender)
    audit.append(session, now, actor, "tender.opened", tender.id, seal_sha256=seal_sha256, offers=len(standing))
    if len(standing) < tender.minimum_offers:
        came = "1 offer" if len(standing) == 1 else f"{len(standing)} offers"
        reason = f"{came} came in. The broker had asked for at least {tender.minimum_offers}."
        if not standing:  # others may have been made and taken back
            reason = "There was no offer when the time to make one was over."
        return give_up(session, now, actor, tender, status=TenderStatus.UNSUCCESSFUL, reason=reason)
    if not pooled:
        reason = "Nobody was left in the group when the offers were opened."
        return give_up(session, now, actor, tender, status=TenderStatus.UNSUCCESSFUL, reason=reason)
    tender.status = TenderStatus.CLOSED
    audit.append(session, now, actor, "tender.closed", tender.id)
    tell(session, now, [tender.broker_id, *{offer.provider_id for offer in standing}], "tender_closed", tender.id)
    return tender


def _settle_pool(session: Session, tender: Tender) -> int:
    """Whoever was asked again by an amendment and did not answer is out; returns how many are in."""
    needs = needs_of(session, tender)
    for need in needs:
        if need.status is NeedStatus.INVITED:
            need.status = NeedStatus.DECLINED
    return sum(need.status is NeedStatus.POOLED for need in needs)


def _end_of_day(now: Instant, days: int) -> Instant:
    return london_midnight_after(london_date(now) + timedelta(days=days))


def match_ran_out(session: Session, now: Instant, tender_id: str) -> Tender:
    """Status: closed or matching -> unsuccessful, under_review -> cancelled: no round was finished in time."""
    tender = locked(session, Tender, tender_id, "tender")
    if tender.match_by is None or now < tender.match_by:
        raise WrongState("still_time", "There is still time to run the round.")
    ends = LAPSES_TO[tender.status]
    return give_up(session, now, SYSTEM, tender, status=ends, reason="The offers were not matched in time.")


def give_up(
    session: Session,
    now: Instant,
    actor: Actor,
    tender: Tender,
    *,
    status: TenderStatus,
    reason: str,
    knows: Collection[str] = (),
) -> Tender:
    """Bring a tender to an end without an award: every reservation released, every lot closed, everybody told.

    Whoever was only asked is free as well: no ended tender keeps a plan line from another pool. Parties in `knows`
    have a letter about it already.
    """
    check_move(TENDER_MOVES, tender.status, status)
    held = [need for need in needs_of(session, tender) if need.status in (*HOLDING, *ASKED)]
    released_pence = sum(release(session, now, actor, need, status=NeedStatus.RELEASED, reason=reason) for need in held)
    result = LotResult.CANCELLED if status is not TenderStatus.UNSUCCESSFUL else LotResult.UNSUCCESSFUL
    for bundle in tender.bundles:
        if bundle.result is LotResult.ACTIVE:
            move_lot(bundle, result)
    tender.status = status
    tender.status_reason = reason
    tender.ended_at, tender.ended_by = now, actor.role
    tender.rerun_ordered = False
    audit.append(session, now, actor, f"tender.{status.value}", tender.id, released_pence=released_pence)
    tender.publish_by = tender.match_by = tender.confirm_by = tender.review_by = None
    bidders = session.scalars(select(Offer.provider_id).where(Offer.tender_id == tender.id))
    parties = {tender.broker_id, *(need.patient_id for need in held), *bidders}.difference(knows)
    tell(session, now, parties, f"tender_{status.value}", tender.id)
    return tender


def move_lot(bundle: Bundle, result: LotResult) -> None:
    """Give a lot its result, along the table."""
    check_move(LOT_MOVES, bundle.result, result)
    bundle.result = result


def needs_of(session: Session, tender: Tender) -> list[Need]:
    """All needs of a tender's bundles, with their consents: they and their budgets' accounts locked from here on."""
    needs = list(
        session.scalars(
            select(Need)
            .join(Need.bundle)
            .where(Bundle.tender_id == tender.id)
            .options(contains_eager(Need.bundle), selectinload(Need.consents))
            .order_by(Need.id)
            .with_for_update(of=Need, key_share=True)
        )
    )
    hold(session, [need.budget_id for need in needs])
    return needs


def _frozen_demand(tender: Tender, agreed: list[Need]) -> dict[str, object]:
    """What providers see: per lot that anybody joined, counts and units, banded for fewer than k people."""
    by_bundle: dict[str, list[Need]] = defaultdict(list)
    for need in agreed:
        by_bundle[need.bundle_id].append(need)
    lots = []
    for bundle in tender.bundles:
        if bundle.id not in by_bundle:
            continue
        needs = by_bundle[bundle.id]
        lots.append(
            {
                "bundle": bundle.id,
                "service": bundle.service_id,
                "area": bundle.area,
                "districts": bundle.districts,
                "period_from": bundle.period_from.isoformat(),
                "period_to": bundle.period_to.isoformat(),
                "patients": shown_count(len(needs)),
                "units": shown_units(sum(need.units for need in needs), len(needs)),
            }
        )
    return {"lots": lots}
