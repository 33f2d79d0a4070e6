"""Step four: providers seal their offers. Nobody but the provider can read one until the tender's opening.

`submit_offer` (a later version replaces the earlier), `withdraw_offer`, `read_own_offer` and `read_own`;
`open_seal` is called by `close_tender` alone.
"""

import hashlib
import json
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.adapters.sealing import Sealed
from marketplace.records import audit
from marketplace.records.base import new_id
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.providers import Provider, Site
from marketplace.records.tenders import Tender
from marketplace.rules.awarding import alias
from marketplace.rules.canonical import canonical_json, sha256_of
from marketplace.rules.clock import Instant
from marketplace.rules.errors import Invalid, NotAllowed, NotFound, WrongState
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Actor, Role, check_owner, check_role
from marketplace.rules.sites import SiteFacts
from marketplace.rules.tendering import OfferTerms, check_offer

from .conduct import check_firewall
from .keys import keyring_of
from .scopes import locked, locked_of_tender
from .sites import facts_of, facts_said


def submit_offer(
    session: Session,
    now: Instant,
    actor: Actor,
    tender_id: str,
    terms: OfferTerms,
    *,
    number: int = 1,
    draft: bool = False,
) -> Offer:
    """Seal an offer and hand its provider a receipt: the hash of what was sealed.

    An offer counts if it is received before the deadline, not at it; the comparison is made here, under the tender's
    lock. `number` tells a provider's several offers on one tender apart; the same number again is a new version.
    A `draft` is kept under the same seal and counts for nothing; what stands goes on standing beside it.
    What is known of the site now is sealed with the terms (README.md): a later change of it changes no offer.

    Raises
    ------
    WrongState
        If the tender is not open, or its deadline has come.
    NotAllowed
        If the provider is not approved, or suspended.
    Invalid, NotFound
        If the offer contradicts itself or the tender, or the site is another's, closed, or lacks the service.
    """
    check_role(actor, Role.PROVIDER)
    tender = _open_tender(session, now, tender_id)
    provider = locked(session, Provider, actor.party_id, "provider")
    if provider.approved_at is None or provider.suspended_at is not None:
        raise NotAllowed("provider_not_approved", "Offers can be made once the commissioner has approved you.")
    check_firewall(session, tender.broker_id, provider.id, tender.published_at)
    check_offer(terms, {bundle.id for bundle in tender.lots})
    site = check_site(session, provider.id, tender, terms)
    earlier = session.scalars(
        select(Offer)
        .where(Offer.tender_id == tender.id, Offer.provider_id == provider.id, Offer.number == number)
        .order_by(Offer.version)
    ).all()
    for offer in earlier:
        if offer.status is OfferStatus.DRAFT or (offer.status is OfferStatus.STANDING and not draft):
            offer.status = OfferStatus.REPLACED
    offer_id = new_id()
    content = canonical_json({**terms.document(), "site": facts_of(site).document()}).encode()
    sealed = keyring_of(session).seal_offer(content, tender_id=tender.id, provider_id=provider.id, offer_id=offer_id)
    offer = Offer(
        id=offer_id,
        tender_id=tender.id,
        provider_id=provider.id,
        number=number,
        version=earlier[-1].version + 1 if earlier else 1,
        status=OfferStatus.DRAFT if draft else OfferStatus.STANDING,
        content_sealed=sealed.content,
        key_for_provider=sealed.key_for_provider,
        key_for_opening=sealed.key_for_opening,
        receipt_sha256=hashlib.sha256(content).hexdigest(),
        received_at=now,
    )
    session.add(offer)
    session.flush()
    event = "offer.drafted" if draft else "offer.sealed"
    audit.append(session, now, actor, event, offer.id, receipt_sha256=offer.receipt_sha256, version=offer.version)
    return offer


def withdraw_offer(session: Session, now: Instant, actor: Actor, offer_id: str) -> Offer:
    """Take a standing offer back; allowed until the deadline."""
    offer, _ = locked_of_tender(session, Offer, offer_id, "offer")
    check_owner(actor, Role.PROVIDER, offer.provider_id, "offer")
    check_withdrawable(offer, now)
    offer.status = OfferStatus.WITHDRAWN
    audit.append(session, now, actor, "offer.withdrawn", offer.id)
    return offer


def check_withdrawable(offer: Offer, now: Instant) -> None:
    """Whether an offer can be taken back now.

    Raises
    ------
    WrongState
        If its tender is not open, its deadline has come, or another version stands.
    """
    _check_open(offer.tender, now)
    if offer.status is not OfferStatus.STANDING:
        raise WrongState("offer_not_standing", "Only the version that stands can be withdrawn.")


def read_own_offer(session: Session, actor: Actor, offer_id: str) -> OfferTerms:
    """What a provider sealed, for its eyes only."""
    return read_own(session, actor, offer_id)[0]


def read_own(session: Session, actor: Actor, offer_id: str) -> tuple[OfferTerms, SiteFacts]:
    """The same, and what the offer says of its site, sealed with the terms: the seal is opened once for both."""
    content = _own_content(session, actor, offer_id)
    return OfferTerms.from_document(content), SiteFacts.from_document(content["site"])


def _own_content(session: Session, actor: Actor, offer_id: str) -> dict[str, Any]:
    offer = session.get(Offer, offer_id)
    if offer is None:
        raise NotFound("not_found", "We cannot find that offer.")
    check_owner(actor, Role.PROVIDER, offer.provider_id, "offer")
    content = keyring_of(session).read_own_offer(_sealed(offer), provider_id=offer.provider_id, offer_id=offer.id)
    document: dict[str, Any] = json.loads(content)
    return document


def next_number(session: Session, actor: Actor, tender_id: str) -> int:
    """The number a provider's further offer on a tender would bear."""
    query = select(func.max(Offer.number)).where(Offer.tender_id == tender_id, Offer.provider_id == actor.party_id)
    return (session.scalar(query) or 0) + 1


def open_seal(session: Session, now: Instant, tender: Tender, standing: list[Offer]) -> str:
    """Open every standing offer of a closing tender and give it its alias; returns the hash over all receipts.

    Aliases follow the receipts' hashes, which say nothing about who or when.
    """
    keyring = keyring_of(session)
    for position, offer in enumerate(sorted(standing, key=lambda offer: (offer.receipt_sha256, offer.id))):
        content = keyring.open_offer(_sealed(offer), tender_id=tender.id, offer_id=offer.id)
        offer.content = json.loads(content)
        offer.site_id = offer.content["site_id"]
        said = facts_said(offer)
        offer.grade, offer.first_appointment_days = said.grade, said.first_appointment_days
        offer.easting_m, offer.northing_m = said.easting_m, said.northing_m
        offer.opened_at = now
        offer.alias = alias(position)
    return sha256_of(sorted(offer.receipt_sha256 for offer in standing))


def check_site(session: Session, provider_id: str, tender: Tender, terms: OfferTerms) -> Site:
    """An offer comes from one of its provider's own open sites, which has the service of every lot it is for.

    Raises
    ------
    Invalid
        Naming the site, or the lot.
    """
    site = session.get(Site, terms.site_id)
    if site is None or site.provider_id != provider_id:
        raise Invalid("site_unknown", "Choose one of your own places.", place="site_id")
    if site.closed_at is not None:
        raise Invalid("site_closed", "This place is closed: choose another one.", place="site_id")
    service_of = {bundle.id: bundle.service_id for bundle in tender.bundles}
    for at, line in enumerate(terms.lines):
        if service_of[line.bundle] not in site.services:
            raise Invalid(
                "service_not_at_site", "This place does not offer the service of this lot.", place=f"lines[{at}].bundle"
            )
    return site


def _open_tender(session: Session, now: Instant, tender_id: str) -> Tender:
    tender = locked(session, Tender, tender_id, "tender")
    if tender.published_at is None:
        raise NotFound("not_found", "We cannot find that tender.")
    _check_open(tender, now)
    return tender


def _check_open(tender: Tender, now: Instant) -> None:
    if tender.status is not TenderStatus.OPEN or tender.offers_due_at is None or now >= tender.offers_due_at:
        raise WrongState("tender_not_open", "The deadline for offers on this tender has passed.")


def _sealed(offer: Offer) -> Sealed:
    return Sealed(offer.content_sealed, offer.key_for_provider, offer.key_for_opening)
