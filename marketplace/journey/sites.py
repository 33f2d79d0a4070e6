"""What is known of a provider's sites: the provider states its part, the commissioner the rating, and what is closed.

`facts_of` is what an offer from a site says of it when it is sealed, `facts_said` reads that back once it is opened.
Everything after the opening reads the latter; why is in README.md.
"""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.catalogue import Service
from marketplace.records.contracts import Contract
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.outbox import tell
from marketplace.records.pools import Need
from marketplace.records.providers import Provider, Site
from marketplace.records.rounds import Award, Match, MatchStatus
from marketplace.records.tenders import Tender
from marketplace.rules.canonical import sha256_of
from marketplace.rules.clock import Instant, london_date
from marketplace.rules.errors import Conflict, Invalid, WrongState
from marketplace.rules.lifecycle import NOT_OVER, TenderStatus
from marketplace.rules.permissions import Actor, Role, check_owner, check_role
from marketplace.rules.pooling import Reach
from marketplace.rules.quality import UNRATED, grade_of
from marketplace.rules.sites import SiteFacts, SiteStatement, check_statement

from .scopes import locked

NAMED_BUT_NOT_AWARDED = (TenderStatus.PROPOSED, TenderStatus.STANDSTILL, TenderStatus.UNDER_REVIEW)
"""Where a broker knows whose offers it has, and nobody has a contract yet."""


def state_site(session: Session, now: Instant, actor: Actor, site_id: str, statement: SiteStatement) -> Site:
    """A provider states what one of its sites does and has, and shows for its quality; sealed offers stay as they are.

    Raises
    ------
    NotFound
        If the site is another's.
    WrongState
        If it is closed.
    Invalid, Conflict
        If the catalogue lacks a service, a figure is out of range, or another site of its bears the name.
    """
    provider, site = _locked_site(session, site_id)
    check_owner(actor, Role.PROVIDER, provider.id, "place")
    _check_open(site)
    check_statement(statement, site.grade, london_date(now))
    check_site_name_free(provider, statement.name, site)
    known = set(session.scalars(select(Service.id).where(Service.id.in_(statement.services))))
    if unknown := set(statement.services) - known:
        raise Invalid("service_unknown", "Choose services from the list.", place="services", services=len(unknown))
    stated: dict[str, Any] = {
        "name": statement.name.strip(),
        "services": sorted(known),
        "attributes": sorted(set(statement.attributes)),
        "first_appointment_days": statement.first_appointment_days,
        "contact": (statement.contact or "").strip() or None,
    }
    if site.grade == UNRATED:  # beside a rating it was not asked for: what was written before waits
        stated["own_evidence"] = statement.own_evidence or None
        stated["own_evidence_date"] = statement.own_evidence_date
    before = {name: _comparable(getattr(site, name)) for name in stated}
    if before == stated:
        return site
    for name, value in stated.items():
        setattr(site, name, value)
    site.stated_at = now
    session.flush()
    digest = sha256_of(facts_of(site).document())
    audit.append(session, now, actor, "provider.site_stated", provider.id, site=site.id, facts_sha256=digest)
    return site


def change_rating(
    session: Session,
    now: Instant,
    actor: Actor,
    site_id: str,
    *,
    rating: str | None,
    rating_date: date | None,
    reason: str,
) -> Site:
    """The commissioner enters another published rating; the provider is told, and sealed offers stay as they are.

    Where it is worse than a standing offer says in a proposal that is not confirmed, the tender's broker is told too.

    Raises
    ------
    Invalid
        If the rating is none of the regulator's, lacks its day, is the one that stands, or no reason is given.
    """
    check_role(actor, Role.COMMISSIONER)
    provider, site = _locked_site(session, site_id)
    written, grade = _reason(reason), grade_of(rating)
    rating_date = checked_rating_date(rating, rating_date, london_date(now))
    if (rating, rating_date) == (site.rating, site.rating_date):
        raise Invalid("nothing_changed", "This is the rating as it stands: nothing would change.", place="rating")
    before, site.grade = site.grade, grade
    site.rating, site.rating_date = rating, rating_date
    site.rating_changed_at, site.rating_reason = now, written
    audit.append(
        session, now, actor, "provider.rating_changed", provider.id, site=site.id, grade_before=before, grade=grade
    )
    tell(session, now, [provider.id], "rating_changed", provider.id)
    better = (Offer.site_id == site.id) & (Offer.status == OfferStatus.STANDING) & (Offer.grade > grade)
    proposed = select(Tender).where(Tender.status == TenderStatus.PROPOSED, Tender.offers.any(better))
    for tender in session.scalars(proposed.order_by(Tender.id)):
        tell(session, now, [tender.broker_id], "rating_fell", tender.id)
    return site


def move_site(
    session: Session,
    now: Instant,
    actor: Actor,
    site_id: str,
    *,
    district: str,
    easting_m: int,
    northing_m: int,
    reason: str,
) -> Site:
    """The commissioner enters where a site is from now on; sealed offers keep what they said of it.

    Told are its provider, everybody who is matched with it or has a contract there, and the brokers of proposals that
    name it: what they decide rests on the old place.

    Raises
    ------
    Invalid
        If no reason is given, or the place is the one that stands.
    """
    check_role(actor, Role.COMMISSIONER)
    provider, site = _locked_site(session, site_id)
    written = _reason(reason)
    if (district, easting_m, northing_m) == (site.district, site.easting_m, site.northing_m):
        raise Invalid("nothing_changed", "The place is there already, so nothing would change.", place="district")
    site.district, site.easting_m, site.northing_m = district, easting_m, northing_m
    site.moved_at, site.moved_reason = now, written
    audit.append(session, now, actor, "provider.site_moved", provider.id, site=site.id)
    tell(session, now, [provider.id], "site_moved", provider.id)
    tell(session, now, _who_goes_to(session, site), "place_moved", provider.id)
    named = (Offer.site_id == site.id) & (Offer.status == OfferStatus.STANDING) & Offer.opened_at.is_not(None)
    undecided = select(Tender).where(Tender.status.in_(NAMED_BUT_NOT_AWARDED), Tender.offers.any(named))
    for tender in session.scalars(undecided.order_by(Tender.id)):
        tell(session, now, [tender.broker_id], "offered_place_moved", tender.id)
    return site


def _who_goes_to(session: Session, site: Site) -> set[str]:
    """The patients with a match that may still become a contract at a site, and those with a contract there."""
    contracts = select(Contract.patient_id).where(Contract.site_id == site.id, Contract.status.in_(NOT_OVER))
    matches = (
        select(Need.patient_id)
        .join(Match, Match.need_id == Need.id)
        .join(Match.award)
        .join(Award.offer)
        .join(Offer.tender)
        .where(
            Offer.site_id == site.id,
            Match.status.in_((MatchStatus.PROPOSED, MatchStatus.ACCEPTED)),
            Tender.status.in_(NAMED_BUT_NOT_AWARDED),
        )
    )
    return {*session.scalars(contracts), *session.scalars(matches)}


def close_site(session: Session, now: Instant, actor: Actor, site_id: str, reason: str) -> Site:
    """The commissioner closes a site: nothing new is offered from it. Sealed offers and contracts go on.

    Raises
    ------
    Invalid
        If no reason is given.
    WrongState
        If it is closed already.
    """
    check_role(actor, Role.COMMISSIONER)
    provider, site = _locked_site(session, site_id)
    _check_open(site)
    site.closed_reason, site.closed_at = _reason(reason), now
    audit.append(session, now, actor, "provider.site_closed", provider.id, site=site.id)
    tell(session, now, [provider.id], "site_closed", provider.id)
    return site


def reopen_site(session: Session, now: Instant, actor: Actor, site_id: str) -> Site:
    """The commissioner opens a closed site again.

    Raises
    ------
    WrongState
        If it is not closed.
    """
    check_role(actor, Role.COMMISSIONER)
    provider, site = _locked_site(session, site_id)
    if site.closed_at is None:
        raise WrongState("site_open", "This place is open.")
    site.closed_at = site.closed_reason = None
    audit.append(session, now, actor, "provider.site_reopened", provider.id, site=site.id)
    tell(session, now, [provider.id], "site_reopened", provider.id)
    return site


def checked_rating_date(
    rating: str | None, published_on: date | None, today: date, place: str = "rating_date"
) -> date | None:
    """The day on which a rating was published; where there is no rating, no day.

    Raises
    ------
    Invalid
        If the day is missing or still to come.
    """
    if rating is None:
        return None
    if published_on is None or published_on > today:
        message = "Enter the day on which the rating was published: today, or a day before."
        raise Invalid("rating_date", message, place=place)
    return published_on


def facts_of(site: Site) -> SiteFacts:
    """A site as an offer sealed now states it."""
    unrated = site.grade == UNRATED
    return SiteFacts(
        name=site.name,
        district=site.district,
        easting_m=site.easting_m,
        northing_m=site.northing_m,
        attributes=tuple(sorted(site.attributes)),
        first_appointment_days=site.first_appointment_days,
        grade=site.grade,
        rating=site.rating,
        rating_date=site.rating_date,
        own_evidence=site.own_evidence if unrated else None,
        own_evidence_date=site.own_evidence_date if unrated else None,
    )


def facts_said(offer: Offer) -> SiteFacts:
    """What an opened offer states of its site.

    Raises
    ------
    WrongState
        If it was not opened.
    """
    if offer.content is None:
        raise WrongState("offer_sealed", "An offer that stands was not opened; close the tender first.")
    return SiteFacts.from_document(offer.content["site"])


def has_moved(offer: Offer) -> bool:
    """Whether the site of an opened offer is somewhere else than the offer states, or in a district of another name."""
    if offer.site is None:
        return False
    said = facts_said(offer)
    stands = (offer.site.district, offer.site.easting_m, offer.site.northing_m)
    return (said.district, said.easting_m, said.northing_m) != stands


def rating_fell(offer: Offer) -> bool:
    """Whether an opened offer states a better rating than is published of its site now."""
    return offer.site is not None and offer.grade is not None and offer.grade > offer.site.grade


def check_site_name_free(provider: Provider, name: str, itself: Site | None = None) -> None:
    """No two sites of one provider bear the same name.

    Raises
    ------
    Conflict
        If another one does.
    """
    wanted = name.strip().lower()
    if any(row is not itself and row.name.lower() == wanted for row in provider.sites):
        raise Conflict("site_exists", "This provider has a place of that name already.", place="name")


def _locked_site(session: Session, site_id: str) -> tuple[Provider, Site]:
    """A site under its provider's lock, which whoever seals an offer from it takes too."""
    site = locked(session, Site, site_id, "place")
    return locked(session, Provider, site.provider_id, "provider"), site


def _check_open(site: Site) -> None:
    if site.closed_at is not None:
        raise WrongState("site_closed", "This place is closed.")


def _comparable(value: object) -> object:
    return sorted(value) if isinstance(value, list) else value


def _reason(text: str) -> str:
    if not text.strip():
        raise Invalid("reason_missing", "Write why: the provider will read it.", place="reason")
    return text.strip()


def providers_with(session: Session, wanted: Mapping[str, Collection[Reach]]) -> set[str]:
    """Who could offer: every approved provider with an open site that has a service within reach of who wants it.

    ``wanted`` has, by service, the reach of each pool. A tender is public, and a provider farther away may offer; it
    is only not told of every tender of every county.
    """
    query = (
        select(Site.provider_id, Site.services, Site.easting_m, Site.northing_m)
        .join(Provider, Provider.id == Site.provider_id)
        .where(Provider.approved_at.is_not(None), Provider.suspended_at.is_(None), Site.closed_at.is_(None))
    )
    return {
        provider_id
        for provider_id, services, easting_m, northing_m in session.execute(query)
        if any(reach.has(easting_m, northing_m) for service in services for reach in wanted.get(service, ()))
    }
