"""Ways back after the offers are in: leaving an offer out, cancelling, and what comes after.

`exclude_offer` is the one override of a round's result: for stated, recorded grounds, and then the round is run
again. `cancel` ends a tender or a lot of it with a reason code; `draft_successor` starts again from it.
"""

from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.offers import ExclusionCode, Offer, OfferStatus
from marketplace.records.outbox import tell
from marketplace.records.pools import Bundle, NeedStatus
from marketplace.records.rounds import MatchStatus
from marketplace.records.tenders import CancelCode, Tender
from marketplace.rules.clock import Instant
from marketplace.rules.errors import Invalid, NotFound, WrongState
from marketplace.rules.lifecycle import LotResult, TenderStatus
from marketplace.rules.permissions import Actor, Role, check_owner, check_role

from .awards import matches_of
from .moved_places import too_far_for
from .pools import keep_draft
from .reruns import order_rerun
from .reservations import release
from .rounds import counted_on
from .scopes import locked, locked_of_tender, may_name_providers
from .sites import rating_fell
from .tenders import HOLDING, give_up, move_lot, needs_of

AFTER_OPENING = (
    TenderStatus.CLOSED,
    TenderStatus.MATCHING,
    TenderStatus.PROPOSED,
    TenderStatus.STANDSTILL,
    TenderStatus.UNDER_REVIEW,
)


def exclude_offer(
    session: Session, now: Instant, actor: Actor, offer_id: str, code: ExclusionCode, reason: str
) -> Offer:
    """The broker leaves an opened offer out, on one of the grounds of `ExclusionCode`.

    A proposal that was made with it no longer stands: the round must be run again before anything is confirmed, and
    whoever has a match in it is told.

    Raises
    ------
    WrongState
        If the offers are not opened, or the award is confirmed already.
    Invalid
        If the rating is the ground, and is no worse than the offer says; or the place, and everybody matched can go
        there; or nobody may know yet whose offer it is. If a suspension is, and it is known that there is none.
    """
    offer, tender = locked_of_tender(session, Offer, offer_id, "offer")
    check_owner(actor, Role.BROKER, tender.broker_id, "offer")
    if code is ExclusionCode.RATING_FELL and not (may_name_providers(tender) and rating_fell(offer)):
        message = "Choose this once a match is proposed, and the published rating is worse than the offer says."
        raise Invalid("rating_not_fallen", message, place="code")
    if code is ExclusionCode.PLACE_TOO_FAR and not can_be_too_far(session, tender, offer):
        message = "Choose this once a match is proposed, and the place has moved too far for somebody matched with it."
        raise Invalid("place_not_too_far", message, place="code")
    if code is ExclusionCode.SUSPENSION and not can_be_suspended(tender, offer):
        message = "Choose this when the provider is suspended. This one is not."
        raise Invalid("not_suspended", message, place="code")
    return _exclude(session, now, actor, tender, offer, code=code, reason=reason)


def can_be_suspended(tender: Tender, offer: Offer) -> bool:
    """Whether an offer's provider is suspended, or nobody may know yet whose offer it is: an answer would tell."""
    return not may_name_providers(tender) or offer.provider.suspended_at is not None


def can_be_too_far(session: Session, tender: Tender, offer: Offer) -> bool:
    """Whether an offer of a proposal is too far since its place has moved, for somebody matched with it."""
    return may_name_providers(tender) and too_far_for(session, tender.id, [offer])[offer.id] > 0


def admit_error(session: Session, now: Instant, actor: Actor, offer_id: str, reason: str) -> Offer:
    """A provider owns up to a mistake in its offer, between opening and round: it is left out, never changed."""
    offer, tender = locked_of_tender(session, Offer, offer_id, "offer")
    check_owner(actor, Role.PROVIDER, offer.provider_id, "offer")
    if tender.status is not TenderStatus.CLOSED:
        raise WrongState("correction_over", "An error can be admitted between the opening and the matching.")
    return _exclude(session, now, actor, tender, offer, code=ExclusionCode.PROVIDERS_ERROR, reason=reason)


def cancel(
    session: Session,
    now: Instant,
    actor: Actor,
    tender_id: str,
    *,
    code: CancelCode,
    reason: str,
    bundle_ids: list[str] | None = None,
) -> Tender:
    """Status: closed, matching, proposed, standstill or under_review -> cancelled; or only some lots of it.

    Every pound held for what is cancelled is released, and everybody concerned is told why. When the last lot goes,
    the tender goes.

    Raises
    ------
    WrongState
        If the offers are still open (withdraw it then), or the tender has come to its end.
    """
    tender = locked(session, Tender, tender_id, "tender")
    check_role(actor, Role.BROKER, Role.COMMISSIONER)
    owner = tender.broker_id if actor.role is Role.BROKER else tender.broker.commissioner_id
    check_owner(actor, actor.role, owner, "tender")
    written = _reason(reason)
    if tender.status not in AFTER_OPENING:
        raise WrongState("cannot_cancel", "A tender can be cancelled from the opening of its offers to its award.")
    lots = {bundle.id: bundle for bundle in tender.bundles if bundle.result is LotResult.ACTIVE}
    chosen = lots if bundle_ids is None else {key: lots[key] for key in bundle_ids if key in lots}
    if not chosen or (bundle_ids and len(chosen) != len(set(bundle_ids))):
        raise NotFound("not_found", "We cannot find that lot among those still active.")
    if len(chosen) == len(lots):
        tender.cancelled_code = code
        return give_up(session, now, actor, tender, status=TenderStatus.CANCELLED, reason=written)
    if tender.status not in (TenderStatus.CLOSED, TenderStatus.PROPOSED):
        raise WrongState("lot_too_late", "A single lot can be cancelled before the award is confirmed.")
    for bundle in chosen.values():
        _cancel_lot(session, now, actor, tender, bundle, code=code, reason=written)
    return tender


def draft_successor(session: Session, now: Instant, actor: Actor, tender_id: str) -> Tender:
    """A new draft with the title and policy of a tender that ended without an award; both name each other.

    Raises
    ------
    WrongState
        If the tender has not ended, or ended in an award.
    """
    former = locked(session, Tender, tender_id, "tender")
    check_owner(actor, Role.BROKER, former.broker_id, "tender")
    if former.status not in (TenderStatus.WITHDRAWN, TenderStatus.UNSUCCESSFUL, TenderStatus.CANCELLED):
        raise WrongState("not_ended", "A successor follows a tender that ended without an award.")
    tender = Tender(
        broker_id=former.broker_id,
        title=former.title,
        status=TenderStatus.DRAFT,
        version=1,
        policy=dict(former.policy),
        policy_sha256=former.policy_sha256,
        minimum_offers=former.minimum_offers,
        answer_days=former.answer_days,
        created_at=now,
        predecessor_id=former.id,
    )
    keep_draft(session, now, tender)
    session.add(tender)
    session.flush()
    audit.append(session, now, actor, "tender.drafted", tender.id, predecessor=former.id)
    return tender


def _exclude(
    session: Session, now: Instant, actor: Actor, tender: Tender, offer: Offer, *, code: ExclusionCode, reason: str
) -> Offer:
    if tender.status not in (TenderStatus.CLOSED, TenderStatus.PROPOSED):
        raise WrongState("cannot_exclude", "An offer can be left out between the opening and the award.")
    if offer.status is not OfferStatus.STANDING:
        raise WrongState("offer_not_standing", "Only an offer that stands can be left out.")
    offer.status = OfferStatus.EXCLUDED
    offer.excluded_code = code
    offer.excluded_reason = _reason(reason)
    offer.excluded_at = now
    if counted_on(session, tender, offer.id):
        order_rerun(session, now, tender)
    audit.append(session, now, actor, "offer.excluded", offer.id, tender=tender.id, code=code.value)
    tell(session, now, [offer.provider_id, tender.broker_id], "offer_excluded", offer.id)
    return offer


def _cancel_lot(
    session: Session, now: Instant, actor: Actor, tender: Tender, bundle: Bundle, *, code: CancelCode, reason: str
) -> None:
    move_lot(bundle, LotResult.CANCELLED)
    held = [need for need in needs_of(session, tender) if need.bundle_id == bundle.id and need.status in HOLDING]
    for match in matches_of(session, tender):
        if match.need.bundle_id == bundle.id and match.status in (MatchStatus.PROPOSED, MatchStatus.ACCEPTED):
            match.status = MatchStatus.DISPLACED
    released_pence = sum(release(session, now, actor, need, status=NeedStatus.RELEASED, reason=reason) for need in held)
    audit.append(
        session,
        now,
        actor,
        "lot.cancelled",
        bundle.id,
        tender=tender.id,
        code=code.value,
        released_pence=released_pence,
    )
    tell(session, now, [need.patient_id for need in held], "lot_cancelled", bundle.id)


def _reason(text: str) -> str:
    if not text.strip():
        raise Invalid("reason_missing", "Write why: everybody concerned will read it.", place="reason")
    return text.strip()
