"""A provider's tenders and offers: `fitting_tenders`, `own_offers`, `offer_page`, `earnings`.

A provider reads its own offers through the key wrapped for it; of other people's there is nothing here at all, not
even their number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from marketplace.journey.awards import matches_of, shortfall
from marketplace.journey.offers import read_own
from marketplace.journey.rounds import must_run_again
from marketplace.journey.scopes import offers_for, one, sites_for, tenders_for
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.pools import Bundle
from marketplace.records.providers import Provider, Site
from marketplace.records.rounds import Award
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant
from marketplace.rules.lifecycle import LotResult, TenderStatus
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor
from marketplace.rules.sites import SiteFacts
from marketplace.rules.tendering import OfferTerms, earnings_pence

from .notices import Lot, lots_of
from .offer_results import SEALED, OfferResult, award_of, in_state, is_known, results_of, state_of


@dataclass(frozen=True, slots=True)
class FittingTender:
    """An open tender that one of the provider's sites could serve, and whether it has made an offer."""

    tender: Tender
    lots: Sequence[Lot]
    offered: bool


@dataclass(frozen=True, slots=True)
class Earnings:
    """What an offer would earn with one lot alone: (units, pence), or None where it would not serve so many."""

    lot: Lot
    rows: Sequence[tuple[int, Pence | None]]
    with_fee: bool
    out_of_reach: tuple[int, int] | None = None
    """The least that the offer starts at, and what is asked for, where that is less: it can then never be used."""


@dataclass(frozen=True, slots=True)
class OfferPage:
    """One of the provider's own offers, readable, with its site as sealed, and what came of it."""

    offer: Offer
    terms: OfferTerms
    site: SiteFacts
    lots: dict[str, Lot]
    award: Award | None
    below_minimum: bool
    result_known: bool
    words: tuple[str, str]
    result: OfferResult
    made_again: bool
    newest: bool


@dataclass(frozen=True, slots=True)
class OfferRow:
    """One of the provider's own offers in a list, with its state in words and the colour of the tag."""

    offer: Offer
    words: tuple[str, str]
    newest: bool


def sites_of(session: Session, actor: Actor) -> Sequence[Site]:
    """The provider's sites from which it can offer."""
    return session.scalars(sites_for(actor).where(Site.closed_at.is_(None)).order_by(Site.name)).all()


def provider_of(session: Session, actor: Actor) -> Provider:
    """The provider somebody acts for."""
    return session.get_one(Provider, actor.party_id)


def fitting_count(session: Session, actor: Actor, now: Instant) -> int:
    """How many open tenders fit the provider's sites."""
    return session.scalar(_fitting(session, actor, now).with_only_columns(func.count())) or 0


def fitting_tenders(session: Session, actor: Actor, now: Instant, first: int, size: int) -> list[FittingTender]:
    """Some of the open tenders with a lot whose service one of its open sites offers, nearest deadline first."""
    query = _fitting(session, actor, now).options(selectinload(Tender.bundles), joinedload(Tender.broker))
    tenders = session.scalars(query.order_by(Tender.offers_due_at, Tender.id).offset(first).limit(size)).all()
    standing = offers_for(actor).where(
        Offer.status == OfferStatus.STANDING, Offer.tender_id.in_([tender.id for tender in tenders])
    )
    offered = set(session.scalars(standing.with_only_columns(Offer.tender_id)))
    return [FittingTender(tender, lots_of(session, tender), tender.id in offered) for tender in tenders]


def _fitting(session: Session, actor: Actor, now: Instant) -> Select[Tender]:
    services = {service for site in sites_of(session, actor) for service in site.services}
    return tenders_for(None).where(
        Tender.status == TenderStatus.OPEN,
        Tender.offers_due_at > now,
        Tender.bundles.any(and_(Bundle.service_id.in_(services), Bundle.result == LotResult.ACTIVE)),
    )


def open_tender(session: Session, tender_id: str) -> Tender:
    """A published tender."""
    return one(session, tenders_for(None), tender_id, "tender")


def own_offers(
    session: Session,
    actor: Actor,
    tender_id: str | None = None,
    *,
    state: str = "",
    first: int = 0,
    size: int | None = None,
    order: ColumnElement[Any] | None = None,
) -> Sequence[Offer]:
    """The provider's offers, the newest first: on one tender, or in the state of these words, if they are named."""
    query = _offers(actor, state).options(joinedload(Offer.tender))
    if tender_id is not None:
        query = query.where(Offer.tender_id == tender_id)
    ordered = query.order_by(Offer.received_at.desc() if order is None else order, Offer.id)
    return session.scalars(ordered.offset(first).limit(size)).all()


def offer_rows(
    session: Session,
    actor: Actor,
    tender_id: str | None = None,
    *,
    state: str = "",
    first: int = 0,
    size: int | None = None,
    order: ColumnElement[Any] | None = None,
) -> list[OfferRow]:
    """The same, each with its state in words."""
    found = own_offers(session, actor, tender_id, state=state, first=first, size=size, order=order)
    results, newest = results_of(session, found), _newest(session, found)
    return [OfferRow(offer, state_of(offer, results.get(offer.id)), offer.id in newest) for offer in found]


def offer_count(session: Session, actor: Actor, state: str) -> int:
    """How many offers the provider has made, those of other versions too, in the state of these words."""
    return session.scalar(_offers(actor, state).with_only_columns(func.count())) or 0


def sealed_count(session: Session, actor: Actor) -> int:
    """How many of its offers lie sealed now."""
    return offer_count(session, actor, SEALED)


def _offers(actor: Actor, state: str) -> Select[Offer]:
    return offers_for(actor).where(in_state(state)) if state else offers_for(actor)


def offer_page(session: Session, actor: Actor, offer_id: str) -> OfferPage:
    """One of the provider's own offers."""
    offer = one(session, offers_for(actor), offer_id, "offer")
    terms, site = read_own(session, actor, offer.id)
    award = award_of(session, offer)
    result = results_of(session, [offer]).get(offer.id)
    below = False
    again = must_run_again(offer.tender)
    if award is not None and offer.tender.status is TenderStatus.PROPOSED and not again:
        members = [match for match in matches_of(session, offer.tender) if match.award_id == award.id]
        below = shortfall(award, members) not in (None, "nobody_left")
    return OfferPage(
        offer=offer,
        terms=terms,
        site=site,
        lots={lot.bundle_id: lot for lot in lots_of(session, offer.tender)},
        award=award,
        below_minimum=below,
        result_known=is_known(offer.tender),
        words=state_of(offer, result),
        result=result or OfferResult(),
        made_again=again,
        newest=offer.id in _newest(session, [offer]),
    )


def _newest(session: Session, offers: Sequence[Offer]) -> set[str]:
    """The ids of those that no later version followed: only from them an offer is made anew."""
    later = aliased(Offer)
    followed = select(Offer.id).where(
        Offer.id.in_([offer.id for offer in offers]),
        later.tender_id == Offer.tender_id,
        later.provider_id == Offer.provider_id,
        later.number == Offer.number,
        later.version > Offer.version,
    )
    return {offer.id for offer in offers} - set(session.scalars(followed))


def earnings(terms: OfferTerms, lots: Sequence[Lot]) -> list[Earnings]:
    """What the offer would earn lot by lot, at telling numbers: its bands, its limits, and the demand as published.

    Below its least units it would not start, and earns nothing: such numbers are left out.
    """
    lot_of = {lot.bundle_id: lot for lot in lots}
    bands = {start or 1 for start in terms.bands} | {start - 1 for start in terms.bands if start > 1}
    asked = [lot_of[line.bundle].units for line in terms.lines]
    in_all = None if None in asked else sum(filter(None, asked))
    found = []
    for line in terms.lines:
        lot = lot_of[line.bundle]
        telling = bands | {lot.units or 0, terms.min_units, terms.max_units or 0, line.min_units, line.max_units or 0}
        least = max(1, terms.min_units, line.min_units)
        rows = [(units, earnings_pence(terms, line, units)) for units in sorted(telling) if units >= least]
        limits = ((terms.min_units, in_all), (line.min_units, lot.units))
        beyond = [(least, most) for least, most in limits if most is not None and least > most]
        found.append(Earnings(lot, rows, terms.fee_pence > 0, next(iter(beyond), None)))
    return found
