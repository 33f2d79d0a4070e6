"""Building a bundle: `districts_of`, `pool_of`. A broker sees its own clients only.

Who could join is the journey's to say (`pools.could_join`); here it is added up by district and set beside the
providers that could serve it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager

from marketplace.journey.pools import Candidate, could_join
from marketplace.journey.scopes import patients_for, plan_lines_for
from marketplace.records.budgets import PlanLine
from marketplace.records.catalogue import Service
from marketplace.records.people import Patient
from marketplace.records.providers import Provider, Site
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor
from marketplace.rules.pooling import BundleTerms
from marketplace.rules.sites import metres_between

from .maps import People, RingMap, pin_of, ring_map

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
class Market:
    """Who could serve these people: approved providers of the service, of the least grade where one is asked for.

    ``near`` is how many providers at least four of five people have within `NEAR_M`; ``reached``, within the limit of
    their own care plan (those without one: within `NEAR_M`).
    """

    providers: int
    near: int
    reached: int
    min_grade: int | None


@dataclass(frozen=True, slots=True)
class Part:
    """Some of those who could join. ``unknown`` is how many asked for could not."""

    people: int
    units: int
    budget_pence: Pence
    unknown: int


@dataclass(frozen=True, slots=True)
class Pool:
    """What a bundle would pool: people, units, money, by district, and the providers that could serve it."""

    service: Service
    candidates: Sequence[Candidate]
    by_district: Sequence[DistrictPool]
    market: Market
    map: RingMap | None

    def part(self, plan_line_ids: Collection[str]) -> Part:
        """What only these plan lines would pool."""
        some = [candidate for candidate in self.candidates if candidate.plan_line_id in plan_line_ids]
        return Part(
            people=len({candidate.patient_id for candidate in some}),
            units=sum(candidate.units for candidate in some),
            budget_pence=sum(candidate.budget_pence for candidate in some),
            unknown=len(plan_line_ids) - len(some),
        )

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
    sites = _sites(session, terms.service_id, terms.min_grade)
    places = _places(session, actor, candidates)
    near = {line_id: _within(sites, place, NEAR_M) for line_id, place in places.items()}
    reached = {
        line_id: near[line_id] if place.limit_m is None else _within(sites, place, place.limit_m)
        for line_id, place in places.items()
    }
    members: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        members[candidate.district].append(candidate)
    rows = [
        DistrictPool(
            district=district,
            people=len({candidate.patient_id for candidate in members[district]}),
            units=sum(candidate.units for candidate in members[district]),
            budget_pence=sum(candidate.budget_pence for candidate in members[district]),
            providers_near=len(set().union(*(reached[candidate.plan_line_id] for candidate in members[district]))),
        )
        for district in in_order(members)
    ]
    return Pool(
        service=session.get_one(Service, terms.service_id),
        candidates=candidates,
        by_district=rows,
        market=Market(
            providers=len({site.provider_id for site in sites}),
            near=_most_have(near),
            reached=_most_have(reached),
            min_grade=terms.min_grade,
        ),
        map=_map(members, places, sites),
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a plan line's person is, and how far they go."""

    easting_m: int
    northing_m: int
    limit_m: int | None


def _sites(session: Session, service_id: str, min_grade: int | None) -> list[Site]:
    """Open sites of approved providers that offer the service, of the least grade where one is asked for."""
    active = (Provider.approved_at.is_not(None), Provider.suspended_at.is_(None), Site.closed_at.is_(None))
    query = select(Site).join(Provider).where(*active)
    sites = session.scalars(query.options(contains_eager(Site.provider)).order_by(Site.id))
    return [site for site in sites if service_id in site.services and site.grade >= (min_grade or 0)]


def _places(session: Session, actor: Actor, candidates: Sequence[Candidate]) -> dict[str, _Place]:
    """Where each candidate's person is."""
    wanted = {candidate.plan_line_id for candidate in candidates}
    query = plan_lines_for(actor).with_only_columns(
        PlanLine.id, Patient.easting_m, Patient.northing_m, PlanLine.max_distance_m
    )
    return {row[0]: _Place(row[1], row[2], row[3]) for row in session.execute(query) if row[0] in wanted}


def _within(sites: Sequence[Site], place: _Place, most_m: int) -> set[str]:
    """The providers with a site no further than this."""
    return {
        site.provider_id
        for site in sites
        if metres_between(place.easting_m, place.northing_m, site.easting_m, site.northing_m) <= most_m
    }


def _most_have(providers_of: Mapping[str, set[str]]) -> int:
    """How many providers at least four of five have."""
    counts = sorted(len(providers) for providers in providers_of.values())
    return counts[len(counts) // 5] if counts else 0


def _map(
    members: Mapping[str, Sequence[Candidate]], places: Mapping[str, _Place], sites: Sequence[Site]
) -> RingMap | None:
    """One dot a district, in the middle of its people."""
    people = []
    for district, candidates in members.items():
        found = [places[candidate.plan_line_id] for candidate in candidates]
        people.append(
            People(
                easting_m=sum(place.easting_m for place in found) // len(found),
                northing_m=sum(place.northing_m for place in found) // len(found),
                count=len({candidate.patient_id for candidate in candidates}),
                label=district,
            )
        )
    return ring_map(people, [pin_of(site.provider.name, site) for site in sites])
