"""Made-up people: sampled district by district from the disease registers, with a budget and a care plan.

Real: how many people each register counts (apportioned to districts) and in which proportions budgets are managed.
Synthetic, all the rest: names, NHS numbers (of the reserved range), years of birth, the point that stands for a home,
deprivation, capacity, the amounts, and which condition leads to which plan (`plans.py`).
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.demo.catalogue import services
from marketplace.demo.geography import Place, districts, registers, scatter, shipped, zone_of
from marketplace.demo.nhs_numbers import synthetic_nhs_numbers
from marketplace.demo.plans import ARTHRITIS_OR_BACK_PAIN, ARTHRITIS_OR_BACK_PAIN_PERMILLE, CONDITIONS, WISHES
from marketplace.demo.words import FIRST_NAMES, LAST_NAMES

HOME_SPREAD_M = 3_000
SECOND_CONDITION_PERCENT = 9
LACK_CAPACITY_PERCENT = 40
"""Of those with dementia."""
STRAY_CLIENT_PERCENT = 7
"""How many choose a broker other than the one most people of their zone choose."""

HOME_BROKERS = {"north": "trentside", "east": "wolds_and_coast", "south": "welland"}


@dataclass(frozen=True)
class PlanLine:
    """One line of a care plan: what becomes a need once it is pooled."""

    id: str
    patient: str
    service: str
    outcome: str
    units: int
    budget_pence: int
    conventional_pence: int
    private_pence: int
    max_distance_m: int
    min_grade: int
    requires: tuple[str, ...]
    max_wait_days: int | None


@dataclass(frozen=True)
class Patient:
    """Somebody with a budget of their own. What the rule for extra support asks about is synthetic: year of birth,
    `deprivation_decile`, `lacks_capacity`, how many conditions.
    """

    id: str
    name: str
    nhs_number: str
    birth_year: int
    district: str
    home: Place
    conditions: tuple[str, ...]
    broker: str
    budget_kind: str
    budget_management: str
    budget_pence: int
    deprivation_decile: int
    lacks_capacity: bool
    lines: tuple[PlanLine, ...]


def people(seed: int, count: int) -> tuple[Patient, ...]:
    """Draw `count` people; the first of them are the same whatever the count."""
    draw = random.Random(f"people {seed}")
    places, weights = _register_weights()
    origins = draw.choices(places, weights=weights, k=count)
    numbers = synthetic_nhs_numbers(random.Random(f"numbers {seed}"), count)
    return tuple(
        _person(random.Random(f"person {seed} {i}"), f"P{i + 1:05d}", nhs_number, district, condition)
        for i, ((district, condition), nhs_number) in enumerate(zip(origins, numbers, strict=True))
    )


def _register_weights() -> tuple[list[tuple[str, str]], list[int]]:
    """Every (district, condition), and how many budget holders per million to expect there."""
    counted = registers()
    places = [(district, condition) for district in districts() for condition in CONDITIONS]
    weights = [
        CONDITIONS[condition].budget_holders_per_million * _on_register(counted, district, condition)
        for district, condition in places
    ]
    return places, weights


def _on_register(counted: dict[tuple[str, str], int], district: str, condition: str) -> int:
    if condition == ARTHRITIS_OR_BACK_PAIN:
        return counted[district, "list_size"] * ARTHRITIS_OR_BACK_PAIN_PERMILLE // 1000
    return counted[district, condition]


def _person(draw: random.Random, key: str, nhs_number: str, district: str, condition: str) -> Patient:
    conditions = _conditions(draw, condition)
    birth_year = draw.randint(*CONDITIONS[condition].born_between)
    decile = _deprivation_decile(draw, district)
    lacks_capacity = "dementia" in conditions and draw.randrange(100) < LACK_CAPACITY_PERCENT
    wanted = _services_wanted(draw, conditions)
    lines = tuple(
        _plan_line(draw, f"{key}-{position}", key, service) for position, service in enumerate(wanted, start=1)
    )
    planned_pence = sum(line.budget_pence for line in lines)
    yearly = draw.randrange(100) < 70 or any(line.service in ("home_care", "respite") for line in lines)
    return Patient(
        id=key,
        name=f"{draw.choice(FIRST_NAMES)} {draw.choice(LAST_NAMES)}",
        nhs_number=nhs_number,
        birth_year=birth_year,
        district=district,
        home=scatter(draw, district, HOME_SPREAD_M),
        conditions=conditions,
        broker=_broker(draw, district),
        budget_kind="yearly" if yearly else "episodic",
        budget_management=_management(draw),
        budget_pence=planned_pence + (planned_pence * draw.randint(0, 8) // 100 if yearly else 0),
        deprivation_decile=decile,
        lacks_capacity=lacks_capacity,
        lines=lines,
    )


def _conditions(draw: random.Random, first: str) -> tuple[str, ...]:
    if draw.randrange(100) >= SECOND_CONDITION_PERCENT:
        return (first,)
    second = draw.choice([name for name in CONDITIONS if name != first])
    return (first, second)


def _services_wanted(draw: random.Random, conditions: Sequence[str]) -> list[str]:
    """At least one service; each condition adds its own, in the catalogue's order."""
    wanted: set[str] = set()
    for condition in conditions:
        likely = CONDITIONS[condition].service_percent
        chosen = {service for service, percent in likely.items() if draw.randrange(100) < percent}
        wanted |= chosen or {draw.choices(list(likely), weights=list(likely.values()))[0]}
    return [service for service in services() if service in wanted]


def _deprivation_decile(draw: random.Random, district: str) -> int:
    """Synthetic: 1 is the most deprived tenth. Lower on the coast and in the city, as everybody there will tell you."""
    authority = districts()[district].local_authority
    if authority in ("East Lindsey", "Lincoln", "Boston"):
        return min(draw.randint(1, 10), draw.randint(1, 8))
    return draw.randint(1, 10)


def _broker(draw: random.Random, district: str) -> str:
    home = HOME_BROKERS[zone_of(district)]
    if draw.randrange(100) >= STRAY_CLIENT_PERCENT:
        return home
    return draw.choice([broker for broker in HOME_BROKERS.values() if broker != home])


def _management(draw: random.Random) -> str:
    """Who holds the budget, in the proportions last published for England."""
    latest = shipped("budget_management.csv")[-1]
    ways = ("notional", "third_party", "direct_payment")
    return draw.choices(ways, weights=[int(latest[f"{way}_percent"]) for way in ways])[0]


def _plan_line(draw: random.Random, key: str, patient: str, service_code: str) -> PlanLine:
    service, wishes = services()[service_code], WISHES[service_code]
    units = draw.choice(wishes.units)
    least, most = wishes.distance_km
    return PlanLine(
        id=key,
        patient=patient,
        service=service_code,
        outcome=draw.choice(wishes.outcomes),
        units=units,
        budget_pence=units * _budget_a_unit_pence(draw, service.reference_pence, service.conventional_pence),
        conventional_pence=units * service.conventional_pence,
        private_pence=units * service.private_pence,
        max_distance_m=draw.randint(least, most) * 1_000,
        min_grade=3 if draw.randrange(100) < wishes.graded_percent else 0,
        requires=tuple(name for name, percent in wishes.required_percent.items() if draw.randrange(100) < percent),
        max_wait_days=draw.choice(wishes.wait_days),
    )


def _budget_a_unit_pence(draw: random.Random, reference_pence: int, conventional_pence: int) -> int:
    """Somewhere between a little less than the guide price and a little more than the conventional one."""
    low_pence, high_pence = reference_pence * 86 // 100, conventional_pence * 104 // 100
    return low_pence + (high_pence - low_pence) * draw.randint(0, 1000) // 1000
