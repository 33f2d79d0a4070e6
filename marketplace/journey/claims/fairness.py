"""Claim 4, fairness: who is served, at what share of their budget, how near and how well; and who serves them.

`fairness` groups everybody who was pooled by age, deprivation, condition and extra support (as it was when they were
pooled), over all results that are public. It also weighs how concentrated provision is in each service and area
(Herfindahl-Hirschman index: the sum of the squared shares in per cent; 10,000 is one provider for all).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from marketplace.journey.figures import NOT_IN_THE_POOL
from marketplace.records.catalogue import Service
from marketplace.records.offers import Offer
from marketplace.records.people import Patient, PatientCondition
from marketplace.records.pools import Bundle, Need
from marketplace.records.rounds import Award, Match
from marketplace.rules.money import Pence
from marketplace.rules.privacy import K, hidden, share_permille

from .cohort import Counted, distance_squared, served

NEAR_M = 10_000
GOOD_GRADE = 3
AGE_BANDS = ((0, 49), (50, 64), (65, 74), (75, 84), (85, 200))
CONCENTRATED_FROM = (1_500, 2_500)
"""Below the first: spread over many; from the second on: in few hands."""


@dataclass(frozen=True, slots=True)
class FairnessGroup:
    """One group of people and how they fare; what is too small to be shown is None.

    Attributes
    ----------
    people
        Everybody of the group who was pooled.
    coverage_permille
        How many of a thousand of their needs were matched.
    charge_permille
        What their matches cost, in thousandths of what their plans set aside for them.
    near_permille
        How many of a thousand are served within ten kilometres.
    good_permille
        Of those served by a rated provider: how many by one that is Good or better.
    """

    name: str
    people: int | None
    coverage_permille: int | None
    charge_permille: int | None
    near_permille: int | None
    good_permille: int | None


@dataclass(frozen=True, slots=True)
class SharingGroup:
    """One group of people in pools that are shared: who gives and who gets how much; None where too few are behind it.

    Only results with at least k who give and k who get are counted.
    """

    name: str
    givers: int | None
    given_pence: Pence | None
    receivers: int | None
    received_pence: Pence | None


@dataclass(frozen=True, slots=True)
class Concentration:
    """How provision of one service in one area is spread; the index is left out where it would show a few people.

    The number of providers is never hidden, however small. It counts organisations, each of which the award notice
    names as a winner, a winner of one person too: hiding it here would hide nothing that is not public already, and
    concentration is the very thing that the table is for. What could lead to people is how their units are shared
    out. From the index and the number of providers that could be worked back, so there is no index where any provider
    serves fewer than k, and no row at all where fewer than k are served together. The band is one of three words:
    up to four providers it follows from their number alone, and beyond that it fits too many ways of sharing out to
    tell of one person.
    """

    service: str
    area: str
    providers: int
    hhi: int | None
    band: str


@dataclass(frozen=True, slots=True)
class FairnessClaim:
    """The groups of each kind, in their order, and the concentration of provision."""

    ages: tuple[FairnessGroup, ...]
    deprivation: tuple[FairnessGroup, ...]
    conditions: tuple[FairnessGroup, ...]
    extra_support: tuple[FairnessGroup, ...]
    sharing_by_age: tuple[SharingGroup, ...]
    sharing_by_deprivation: tuple[SharingGroup, ...]
    concentration: tuple[Concentration, ...]


HEADS = ("people", "unserved", "served", "served_near", "served_far", "served_rated", "served_good", "served_poor")
"""How many people are behind each figure, and behind what the figure leaves over: by these a figure is hidden."""
SUMS = (*HEADS, "needs", "matched", "charge_pence", "budget_pence", "near", "rated", "good")
_BEHIND = {
    "coverage": ("served", "unserved"),
    "charge": ("served",),
    "near": ("served", "served_near", "served_far"),
    "good": ("served_rated", "served_good", "served_poor"),
}
"""Whose small numbers hide each figure."""


def fairness(session: Session, counted: Sequence[Counted], today: date) -> FairnessClaim:
    """Count every group once; ages are those reached in this year."""
    rows = session.execute(_sums(counted, Patient.birth_year, Patient.deprivation_decile, Need.extra_support)).all()
    shared = _shared(session, counted)
    conditions = session.execute(
        _sums(counted, PatientCondition.condition).join(PatientCondition, PatientCondition.patient_id == Patient.id)
    ).all()
    return FairnessClaim(
        ages=groups_of(((_age_band(today.year - row[0]), row[3:]) for row in rows), _ordered_ages),
        deprivation=groups_of(((_fifth(row[1]), row[3:]) for row in rows), sorted),
        conditions=groups_of(((row[0], row[1:]) for row in conditions), sorted),
        extra_support=groups_of((("yes" if row[2] else "no", row[3:]) for row in rows), sorted),
        sharing_by_age=_sharing(((_age_band(today.year - row[0]), row[2:]) for row in shared), _ordered_ages),
        sharing_by_deprivation=_sharing(((_fifth(row[1]), row[2:]) for row in shared), sorted),
        concentration=_concentration(session, counted),
    )


def _sums(counted: Sequence[Counted], *keys: Any) -> Select[*tuple[Any, ...]]:
    """The sums of `SUMS` by these keys, over every need of the counted tenders that was pooled."""
    near = distance_squared() <= NEAR_M * NEAR_M
    match = served(
        counted,
        Match.need_id.label("need_id"),
        Match.charge_pence.label("charge_pence"),
        case((near, 1), else_=0).label("near"),
        Offer.grade.label("grade"),
        places=True,
    ).subquery()
    is_matched, grade = match.c.need_id.is_not(None), match.c.grade
    is_near, is_rated, is_good = match.c.near == 1, grade > 0, grade >= GOOD_GRADE
    heads = (
        ~is_matched,
        is_matched,
        is_matched & is_near,
        is_matched & ~is_near,
        is_matched & is_rated,
        is_matched & is_good,
        is_matched & is_rated & ~is_good,
    )
    return (
        select(
            *keys,
            func.count(func.distinct(Need.patient_id)),
            *(func.count(func.distinct(case((which, Need.patient_id)))) for which in heads),
            func.count(Need.id),
            func.count(match.c.need_id),
            func.coalesce(func.sum(match.c.charge_pence), 0),
            func.coalesce(func.sum(case((is_matched, Need.budget_pence), else_=0)), 0),
            func.coalesce(func.sum(match.c.near), 0),
            func.coalesce(func.sum(case((is_rated, 1), else_=0)), 0),
            func.coalesce(func.sum(case((is_good, 1), else_=0)), 0),
        )
        .select_from(Need)
        .join(Bundle, Bundle.id == Need.bundle_id)
        .join(Patient, Patient.id == Need.patient_id)
        .outerjoin(match, match.c.need_id == Need.id)
        .where(Bundle.tender_id.in_([tender.tender_id for tender in counted]), Need.status.not_in(NOT_IN_THE_POOL))
        .group_by(*keys)
    )


def groups_of(
    rows: Iterable[tuple[str, Sequence[int]]], order: Callable[[Iterable[str]], list[str]]
) -> tuple[FairnessGroup, ...]:
    """Add up by name and hide what is small: groups of few people, shares that few people make, and what gives either
    away beside a sum.
    """
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for name, values in rows:
        sums[name].update({key: int(value) for key, value in zip(SUMS, values, strict=True)})
    names = order(sums)
    few = {key: hidden([sums[name][key] for name in names]) for key in HEADS}
    return tuple(
        FairnessGroup(name, None, None, None, None, None)
        if place in few["people"]
        else _group(
            name, sums[name], [key for key, behind in _BEHIND.items() if any(place in few[by] for by in behind)]
        )
        for place, name in enumerate(names)
    )


def _shared(session: Session, counted: Sequence[Counted]) -> Sequence[Sequence[Any]]:
    """Birth year, deprivation, and then the four sums of `SharingGroup`, over results that enough people share in."""
    gives, gets = Match.pool_pence > 0, Match.pool_pence < 0
    givers, receivers = (func.count(func.distinct(case((which, Need.patient_id)))) for which in (gives, gets))
    enough = served(counted, Award.round_id).group_by(Award.round_id).having((givers >= K) & (receivers >= K))
    rounds = set(session.scalars(enough))
    if not rounds:
        return []
    keys = (Patient.birth_year, Patient.deprivation_decile)
    given = func.sum(case((gives, Match.pool_pence), else_=0))
    received = func.sum(case((gets, -Match.pool_pence), else_=0))
    sharing = [tender for tender in counted if tender.round_id in rounds]
    query = served(sharing, *keys, givers, given, receivers, received, places=True)
    return session.execute(query.group_by(*keys)).all()


def _sharing(
    rows: Iterable[tuple[str, Sequence[int]]], order: Callable[[Iterable[str]], list[str]]
) -> tuple[SharingGroup, ...]:
    """Add up by name; a number of people that is small, or would give one away, is hidden with its amount."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for name, values in rows:
        sums[name] = [before + int(more) for before, more in zip(sums[name], values, strict=True)]
    names = order(sums)
    few_give, few_get = (hidden([sums[name][at] for name in names]) for at in (0, 2))
    return tuple(
        SharingGroup(
            name,
            *((None, None) if place in few_give else sums[name][:2]),
            *((None, None) if place in few_get else sums[name][2:]),
        )
        for place, name in enumerate(names)
    )


def _group(name: str, row: Counter[str], not_shown: Collection[str]) -> FairnessGroup:
    matched, budget_pence = row["matched"], row["budget_pence"]
    shares = {
        "coverage": share_permille(matched, row["needs"]),
        "charge": row["charge_pence"] * 1000 // budget_pence if matched >= K and budget_pence else None,
        "near": share_permille(row["near"], matched),
        "good": share_permille(row["good"], row["rated"]),
    }
    shown = {key: None if key in not_shown else value for key, value in shares.items()}
    return FairnessGroup(name, row["people"], shown["coverage"], shown["charge"], shown["near"], shown["good"])


def _age_band(age: int) -> str:
    low, high = next(band for band in AGE_BANDS if age <= band[1])
    return f"{low} and over" if high == AGE_BANDS[-1][1] else f"{low} to {high}" if low else f"under {high + 1}"


def _ordered_ages(names: Iterable[str]) -> list[str]:
    order = [_age_band(low) for low, _ in AGE_BANDS]
    return sorted(names, key=order.index)


def _fifth(decile: int | None) -> str:
    """The fifth of England's areas: "1" the most deprived, "5" the least; "unknown" comes last."""
    return "unknown" if decile is None else str((decile + 1) // 2)


def _concentration(session: Session, counted: Sequence[Counted]) -> tuple[Concentration, ...]:
    columns = (Service.name, Bundle.area, Offer.provider_id)
    people = func.count(func.distinct(Need.patient_id))
    query = served(counted, *columns, func.sum(Need.units), people, places=True)
    places: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for service, area, _, units, heads in session.execute(query.group_by(*columns)):
        places[service, area].append((int(units), heads))
    return tuple(
        _spread(service, area, rows)
        for (service, area), rows in sorted(places.items())
        if sum(people for _, people in rows) >= K
    )


def _spread(service: str, area: str, rows: Sequence[tuple[int, int]]) -> Concentration:
    total = sum(units for units, _ in rows)
    hhi = 10_000 * sum(units * units for units, _ in rows) // (total * total)
    spread, few = CONCENTRATED_FROM
    return Concentration(
        service=service,
        area=area,
        providers=len(rows),
        hhi=hhi if all(people >= K for _, people in rows) else None,
        band="few" if hhi >= few else "some" if hhi >= spread else "many",
    )
