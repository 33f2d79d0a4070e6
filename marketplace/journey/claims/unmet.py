"""Claim 2, under-provided services: who found no provider, and what would have changed that; `unmet`.

Read from stored outcomes: each need without a match carries what every offer lacked, with the figures. What came
nearest is taken as what stood in the way: a price (an offer fitted, but for the money), else a distance, a wait, a
quality, something the person needs; `room` where offers fitted and were full or needed elsewhere; `no_offer` where no
offer came at all.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.records.budgets import PlanLine
from marketplace.records.catalogue import Service
from marketplace.records.offers import Offer
from marketplace.records.pools import Bundle, Need, NeedStatus
from marketplace.records.rounds import Round
from marketplace.records.tenders import Tender
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.privacy import K, hidden, shown

from .cohort import PUBLISHED, latest_rounds, lower_median

WITHOUT_A_MATCH = (NeedStatus.UNMATCHED, NeedStatus.RELEASED)
NEAREST_FIRST = {"own_budget": "price", "distance": "distance", "wait": "wait", "grade": "quality"}
"""The rules of the engine whose figures say what would have been enough, the nearest to a match first."""

POUND, KILOMETRE = 100, 1_000
STEPS = {"price": POUND, "distance": KILOMETRE}


@dataclass(frozen=True, slots=True)
class Missed:
    """One need without a match: what stood in the way, what the nearest offer had, what was asked (per unit: pence)."""

    obstacle: str
    had: int | None = None
    asked: int | None = None


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stood in the way of so many people of a group.

    Attributes
    ----------
    nearest
        What the nearest offer had, for the middle one of them: pence per unit, metres, days.
    enough_for_half
        With this price, distance or wait at least half of them would have been within their limits.
    """

    kind: str
    people: int | None
    nearest: int | None
    enough_for_half: int | None


@dataclass(frozen=True, slots=True)
class UnmetArea:
    """The people of one area without a provider; figures are None where they are too few.

    Attributes
    ----------
    unspent_pence
        What their plans set aside for it, and nobody could be paid.
    price_for_half_pence
        At this price per unit at least half of them could have paid.
    distance_for_half_m
        Within this distance at least half of them would have gone.
    """

    area: str
    people: int | None
    units: int | None
    unspent_pence: int | None
    price_for_half_pence: int | None
    distance_for_half_m: int | None


@dataclass(frozen=True, slots=True)
class UnmetService:
    """The people without a provider of one service, in all, by area, and by what stood in the way."""

    service_id: str
    service: str
    unit: str
    people: int | None
    unspent_pence: int | None
    areas: tuple[UnmetArea, ...]
    obstacles: tuple[Obstacle, ...]


@dataclass(frozen=True, slots=True)
class UnmetClaim:
    """Every service, and the sums; a sum is None while it is too small to be shown."""

    services: tuple[UnmetService, ...]
    people: int | None
    unspent_pence: int | None


@dataclass(frozen=True, slots=True)
class _Row:
    """One need without a match, as stored."""

    patient_id: str
    units: int
    budget_pence: int
    max_distance_m: int | None
    missed: Missed


_Areas = dict[str, dict[str, _Row]]
"""An area's rows by their plan line: whoever missed out twice counts once."""


def unmet(session: Session) -> UnmetClaim:
    """Group every need without a match by service and area."""
    ordered = sorted(_grouped(session).items(), key=lambda item: item[0][1])
    heads = [sum(_people(rows.values()) for rows in areas.values()) for _, areas in ordered]
    not_shown = hidden(heads)
    services = tuple(
        UnmetService(*names, None, None, tuple(_area(area, ()) for area in sorted(areas)), ())
        if place in not_shown
        else _service(names, heads[place], areas)
        for place, (names, areas) in enumerate(ordered)
    )
    enough = sum(heads) >= K
    unspent_pence = sum(row.budget_pence for _, areas in ordered for rows in areas.values() for row in rows.values())
    return UnmetClaim(services, sum(heads) if enough else None, unspent_pence if enough else None)


def what_was_missed(unmatched: Mapping[str, Any], units: int) -> Missed:
    """What stood in the way of one need, from its line in an outcome/1 document."""
    refusals: dict[str, list[tuple[int, int]]] = defaultdict(list)
    named = set()
    for refusal in unmatched.get("refusals", ()):
        named.add(refusal["rule"])
        value, limit = refusal.get("value"), refusal.get("limit")
        if isinstance(value, int) and isinstance(limit, int):
            refusals[refusal["rule"]].append((value, limit))
    for rule, kind in NEAREST_FIRST.items():
        if refusals[rule]:
            value, limit = min(refusals[rule], key=lambda figures: abs(figures[0] - figures[1]))
            return Missed(kind, -(-value // units), limit // units) if kind == "price" else Missed(kind, value, limit)
    if unmatched["reason"] in ("not_chosen", "rules_in_conflict", "search_stopped"):
        return Missed("room")
    return Missed("needs" if named else "no_offer")


def _in_outcomes(session: Session) -> dict[str, Missed]:
    """The needs without a match of every public result's last round."""
    latest = latest_rounds().subquery()
    query = (
        select(Round.id, Round.outcome["unmatched"])
        .join(latest, (Round.tender_id == latest.c.tender_id) & (Round.number == latest.c.number))
        .join(Tender, Tender.id == Round.tender_id)
        .where(Tender.status.in_((*PUBLISHED, TenderStatus.UNSUCCESSFUL)))
    )
    lines = {line["need"]: line for _, unmatched in session.execute(query) for line in unmatched or ()}
    needs = select(Need.id, Need.units).where(Need.status.in_(WITHOUT_A_MATCH))
    units = dict(session.execute(needs).all())
    return {need: what_was_missed(line, units[need]) for need, line in lines.items() if need in units}


def _without_offers(session: Session) -> dict[str, Missed]:
    """The needs of tenders that ended because too few offers came."""
    offers = (
        select(func.count())
        .where(Offer.tender_id == Tender.id, Offer.opened_at.is_not(None))
        .correlate(Tender)
        .scalar_subquery()
    )
    query = (
        select(Need.id)
        .join(Bundle, Bundle.id == Need.bundle_id)
        .join(Tender, Tender.id == Bundle.tender_id)
        .where(
            Tender.status == TenderStatus.UNSUCCESSFUL,
            Need.status == NeedStatus.RELEASED,
            ~select(Round.id).where(Round.tender_id == Tender.id).exists(),
            offers < Tender.minimum_offers,
        )
    )
    return {need_id: Missed("no_offer") for need_id in session.scalars(query)}


def _grouped(session: Session) -> dict[tuple[str, str, str], _Areas]:
    """Every need without a match: service (id, name, unit) -> area -> plan line -> row."""
    missed = {**_in_outcomes(session), **_without_offers(session)}
    grouped: dict[tuple[str, str, str], _Areas] = defaultdict(lambda: defaultdict(dict))
    group = (Service.id, Service.name, Service.unit, Bundle.area)
    query = (
        select(
            *group, Need.id, Need.plan_line_id, Need.patient_id, Need.units, Need.budget_pence, PlanLine.max_distance_m
        )
        .select_from(Need)
        .join(Bundle, Bundle.id == Need.bundle_id)
        .join(Service, Service.id == Bundle.service_id)
        .join(PlanLine, PlanLine.id == Need.plan_line_id)
        .join(Tender, Tender.id == Bundle.tender_id)
        .where(Need.status.in_(WITHOUT_A_MATCH), Tender.status.in_((*PUBLISHED, TenderStatus.UNSUCCESSFUL)))
        .order_by(Tender.closed_at, Need.id)
    )
    for service_id, name, unit, area, need_id, line_id, patient_id, units, pence, max_m in session.execute(query):
        if need_id in missed:
            grouped[service_id, name, unit][area][line_id] = _Row(patient_id, units, pence, max_m, missed[need_id])
    return grouped


def _service(names: tuple[str, str, str], people: int, areas: _Areas) -> UnmetService:
    everybody = [row for rows in areas.values() for row in rows.values()]
    ordered = sorted(areas.items())
    not_shown = hidden([_people(rows.values()) for _, rows in ordered])
    return UnmetService(
        *names,
        people=people,
        unspent_pence=sum(row.budget_pence for row in everybody),
        areas=tuple(
            _area(area, () if place in not_shown else tuple(rows.values()))
            for place, (area, rows) in enumerate(ordered)
        ),
        obstacles=_obstacles(everybody),
    )


def _area(area: str, rows: Sequence[_Row]) -> UnmetArea:
    """One area's figures; without rows they are not to be shown."""
    if not rows:
        return UnmetArea(area, None, None, None, None, None)
    limits_m = [row.max_distance_m for row in rows if row.max_distance_m is not None]
    return UnmetArea(
        area=area,
        people=_people(rows),
        units=sum(row.units for row in rows),
        unspent_pence=sum(row.budget_pence for row in rows),
        price_for_half_pence=_no_more(lower_median([row.budget_pence // row.units for row in rows]), POUND),
        distance_for_half_m=_no_more(lower_median(limits_m), KILOMETRE) if len(limits_m) >= K else None,
    )


def _people(rows: Iterable[_Row]) -> int:
    return len({row.patient_id for row in rows})


def _obstacles(rows: Iterable[_Row]) -> tuple[Obstacle, ...]:
    kinds: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        kinds[row.missed.obstacle].append(row)
    ordered = sorted(kinds.items(), key=lambda item: (-len(item[1]), item[0]))
    heads = shown([len({row.patient_id for row in members}) for _, members in ordered])
    return tuple(_obstacle(kind, count, members) for (kind, members), count in zip(ordered, heads, strict=True))


def _obstacle(kind: str, people: int | None, members: Sequence[_Row]) -> Obstacle:
    had = [row.missed.had for row in members if row.missed.had is not None]
    asked = [row.missed.asked for row in members if row.missed.asked is not None]
    if people is None or not people or kind == "quality" or len(asked) < K:
        return Obstacle(kind, people, None, None)
    step = STEPS.get(kind, 1)
    nearest = -_no_more(-lower_median(had), step)
    return Obstacle(kind, people, nearest, enough_for_half=_no_more(lower_median(asked), step))


def _no_more(value: int, step: int) -> int:
    """The next round value below: a middle value is somebody's own, and is not told to the penny or the metre."""
    return value // step * step
