"""Building a bundle: `districts_of`, `pool_of`. A broker sees its own clients only.

Who could join is the journey's to say (`pools.could_join`); here it is added up by district and set beside the
providers that could serve it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isqrt

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.journey.pools import Candidate, could_join
from marketplace.journey.scopes import patients_for, plan_lines_for
from marketplace.records.budgets import PlanLine
from marketplace.records.catalogue import Service
from marketplace.records.people import Patient
from marketplace.records.providers import Provider, Site
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor
from marketplace.rules.pooling import BundleTerms

NEAR_M = 15_000
"""How far "near" is on the page about a pool, where a person has set no limit."""


@dataclass(frozen=True, slots=True)
class DistrictPool:
    """Who could join from one postcode district."""

    district: str
    people: int
    units: int
    budget_pence: Pence
    providers_near: int


@dataclass(frozen=True, slots=True)
class Pool:
    """What a bundle would pool: people, units, money, by district, and the providers that could serve it.

    ``near_most`` is how many providers at least four of five people have within their own limit (or near them).
    """

    service: Service
    candidates: Sequence[Candidate]
    by_district: Sequence[DistrictPool]
    providers: int
    near_most: int

    @property
    def people(self) -> int:
        """How many people could join."""
        return len({candidate.patient_id for candidate in self.candidates})

    @property
    def units(self) -> int:
        """How many units they need together."""
        return sum(candidate.units for candidate in self.candidates)

    @property
    def budget_pence(self) -> Pence:
        """What their plans set aside for it."""
        return sum(candidate.budget_pence for candidate in self.candidates)

    @property
    def conventional_pence(self) -> Pence:
        """The same units as the conventional package."""
        return self.units * self.service.conventional_pence


def services(session: Session) -> Sequence[Service]:
    """The catalogue, by name."""
    return session.scalars(select(Service).order_by(Service.name)).all()


def districts_of(session: Session, actor: Actor) -> list[str]:
    """The postcode districts in which the broker has clients, in the order people read them."""
    return in_order(set(session.scalars(patients_for(actor).with_only_columns(Patient.district).distinct())))


def in_order(districts: Iterable[str]) -> list[str]:
    """``LN2`` before ``LN10``."""
    return sorted(districts, key=lambda district: (district.rstrip("0123456789"), len(district), district))


def pool_of(session: Session, actor: Actor, terms: BundleTerms) -> Pool:
    """What these terms would pool, and a check of the market for it."""
    candidates = could_join(session, actor, terms)
    sites = _sites(session, terms.service_id)
    reach_of = _reach(session, actor, candidates, sites)
    members: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        members[candidate.district].append(candidate)
    rows = [
        DistrictPool(
            district=district,
            people=len({candidate.patient_id for candidate in members[district]}),
            units=sum(candidate.units for candidate in members[district]),
            budget_pence=sum(candidate.budget_pence for candidate in members[district]),
            providers_near=len(set().union(*(reach_of[candidate.plan_line_id] for candidate in members[district]))),
        )
        for district in in_order(members)
    ]
    counts = sorted(len(reached) for reached in reach_of.values())
    return Pool(
        service=session.get_one(Service, terms.service_id),
        candidates=candidates,
        by_district=rows,
        providers=len({site.provider_id for site in sites}),
        near_most=counts[len(counts) // 5] if counts else 0,
    )


def _sites(session: Session, service_id: str) -> list[Site]:
    """Sites of approved providers that offer the service."""
    query = select(Site).join(Provider).where(Provider.approved_at.is_not(None), Provider.suspended_at.is_(None))
    return [site for site in session.scalars(query) if service_id in site.services]


def _reach(
    session: Session, actor: Actor, candidates: Sequence[Candidate], sites: Sequence[Site]
) -> dict[str, set[str]]:
    """For each candidate's plan line, the providers within its limit."""
    wanted = {candidate.plan_line_id for candidate in candidates}
    query = plan_lines_for(actor).with_only_columns(
        PlanLine.id, PlanLine.max_distance_m, Patient.easting_m, Patient.northing_m
    )
    reach = {}
    for line_id, limit_m, easting_m, northing_m in session.execute(query):
        if line_id in wanted:
            most_m = NEAR_M if limit_m is None else limit_m
            reach[line_id] = {
                site.provider_id
                for site in sites
                if isqrt((site.easting_m - easting_m) ** 2 + (site.northing_m - northing_m) ** 2) <= most_m
            }
    return reach
