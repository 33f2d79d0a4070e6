"""A provider's sites as pages show them: `cards` (with what they carry now), `out_of_date` offers of one's own."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from marketplace.journey.offers import read_own
from marketplace.journey.ratings import evidence_of, words_told
from marketplace.journey.scopes import contracts_for, offers_for, sites_for
from marketplace.journey.sites import facts_of
from marketplace.records.catalogue import Service
from marketplace.records.contracts import Contract
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.providers import Site
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant
from marketplace.rules.lifecycle import IN_FORCE
from marketplace.rules.permissions import Actor
from marketplace.rules.quality import WORDS_FROM, PatientEvidence


@dataclass(frozen=True, slots=True)
class SiteCard:
    """One of a provider's own sites: contracts in force there, their units and those confirmed, what patients say.

    ``kinds`` is what its services are counted in: sessions, hours.
    """

    site: Site
    kinds: Sequence[str]
    contracts: int
    units: int
    units_confirmed: int
    evidence: PatientEvidence
    words: Sequence[str]
    out_of_date: Sequence[Offer]

    @property
    def words_from(self) -> int | None:
        """Of how many, the latest, the words are; None where they are of all who count."""
        return WORDS_FROM if self.evidence.ratings > WORDS_FROM else None


def cards(session: Session, actor: Actor, now: Instant) -> list[SiteCard]:
    """A provider's sites, the open ones first, by name."""
    sites = session.scalars(sites_for(actor).order_by(Site.closed_at.is_not(None), Site.name, Site.id)).all()
    busy = {
        site_id: (contracts, int(units), int(confirmed))
        for site_id, contracts, units, confirmed in session.execute(
            contracts_for(actor)
            .where(Contract.status.in_(IN_FORCE))
            .with_only_columns(
                Contract.site_id, func.count(), func.sum(Contract.units), func.sum(Contract.units_confirmed)
            )
            .group_by(Contract.site_id)
        )
    }
    ids = [site.id for site in sites]
    evidence, words = evidence_of(session, ids), words_told(session, ids)
    differing = out_of_date(session, actor, now, sites)
    unit_of = {row.id: row.unit for row in session.execute(select(Service.id, Service.unit))}
    return [
        SiteCard(
            site,
            [unit_of[service] for service in site.services if service in unit_of],
            *busy.get(site.id, (0, 0, 0)),
            evidence[site.id],
            words[site.id],
            differing.get(site.id, []),
        )
        for site in sites
    ]


def out_of_date(session: Session, actor: Actor, now: Instant, sites: Sequence[Site]) -> dict[str, list[Offer]]:
    """By site, the provider's sealed offers that say something else of it than stands now, and can be sealed again."""
    query = offers_for(actor).where(Offer.status == OfferStatus.STANDING, Tender.offers_due_at > now)
    standing = session.scalars(query.options(joinedload(Offer.tender)).order_by(Tender.offers_due_at, Offer.id)).all()
    facts = {site.id: facts_of(site) for site in sites if site.closed_at is None}
    found: dict[str, list[Offer]] = {}
    for offer in standing:
        terms, said = read_own(session, actor, offer.id)
        if terms.site_id in facts and said != facts[terms.site_id]:
            found.setdefault(terms.site_id, []).append(offer)
    return found
