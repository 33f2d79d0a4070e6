"""Four small markets with a plan each, and words to spoil them: for the tests of `verify`.

`good_outcome(world)` is the plan written out by the brute force (`oracle`). `put`, `add`, `drop`, `twice` change a
document in one place: `put(row("n1"), charge_pence=5)`.
"""

from collections.abc import Callable
from typing import Any

from matching.market import read_market
from matching.verify import Finding
from tests.matching import oracle

Document = dict[str, Any]
Change = Callable[[Document], object]


def county() -> Document:
    """own_budget: a package of two bundles, a capped fee, every rule of a pair and of a bundle stated and kept."""
    return {
        "format": "market/1",
        "policy": {
            "pence_per_quality_grade": 10,
            "pence_per_km": 30,
            "pence_per_change": 500,
            "pence_per_wait_day": 5,
            "weight_bounds_permille": [500, 2000],
            "seed": 7,
        },
        "bundles": [
            {"id": "hydro"},
            {
                "id": "physio",
                "min_grade": 1,
                "min_providers": 2,
                "max_providers": 2,
                "max_share_permille": 600,
                "target_grade_permille": 2500,
            },
        ],
        "needs": [
            {
                "id": "n1",
                "bundle": "physio",
                "units": 10,
                "budget_pence": 56_000,
                "priority": 2,
                "easting_m": 1_000,
                "northing_m": 2_000,
                "max_distance_m": 5_000,
                "min_grade": 2,
                "requires": ["step_free"],
                "excludes": ["pr3"],
                "current_provider": "pr2",
                "max_wait_days": 14,
                "weights": {"pence_per_km": 45},
            },
            {"id": "n2", "bundle": "physio", "units": 10, "budget_pence": 50_300},
            {
                "id": "n3",
                "bundle": "physio",
                "units": 5,
                "budget_pence": 30_000,
                "current_provider": "pr1",
                "keep_provider": True,
            },
            {"id": "n4", "bundle": "hydro", "units": 6, "budget_pence": 30_000},
            {"id": "n5", "bundle": "hydro", "units": 6, "budget_pence": 24_100},
            {"id": "n6", "bundle": "hydro", "units": 4, "budget_pence": 10_000},
            {
                "id": "n7",
                "bundle": "physio",
                "units": 5,
                "budget_pence": 90_000,
                "easting_m": 1_000,
                "northing_m": 2_000,
                "max_distance_m": 4_000,
            },
            {"id": "n8", "bundle": "hydro", "units": 6, "budget_pence": 29_400},
        ],
        "providers": [{"id": "pr1", "max_units": 27}, {"id": "pr2"}, {"id": "pr3"}],
        "offers": [
            {
                "id": "o1",
                "provider": "pr1",
                "fee_pence": 900,
                "min_units": 20,
                "max_units": 27,
                "exclusive": "packages of pr1",
                "grade": 3,
                "attributes": ["step_free"],
                "first_appointment_days": 14,
                "easting_m": 4_000,
                "northing_m": 6_000,
                "max_distance_m": 6_000,
                "lines": [
                    {"bundle": "physio", "max_units": 15, "tiers": bands((0, 5_200), (20, 4_900), (30, 4_500))},
                    {"bundle": "hydro", "min_units": 12, "tiers": bands((0, 4_100), (20, 4_000), (30, 3_900))},
                ],
            },
            {
                "id": "o2",
                "provider": "pr2",
                "fee_pence": 300,
                "grade": 2,
                "easting_m": 6_000,
                "northing_m": 8_000,
                "lines": [{"bundle": "physio", "tiers": bands((0, 5_000))}],
            },
            {
                "id": "o3",
                "provider": "pr2",
                "grade": 4,
                "lines": [{"bundle": "hydro", "tiers": bands((0, 4_900))}],
            },
            {
                "id": "o4",
                "provider": "pr3",
                "fee_pence": 1,
                "grade": 4,
                "first_appointment_days": 70,
                "lines": [{"bundle": "hydro", "tiers": bands((0, 2_500))}],
            },
        ],
    }


def bands(*tiers: tuple[int, int]) -> list[Document]:
    """Tiers as they stand in the document."""
    return [{"from_units": start, "price_pence": price} for start, price in tiers]


COUNTY_PLAN = {"n1": "o1", "n2": "o2", "n3": "o1", "n4": "o1", "n5": "o1", "n6": None, "n7": None, "n8": "o3"}


def club() -> Document:
    """shared_pool: two can pay their bill and carry what a third lacks, to the odd penny."""
    return {
        "format": "market/1",
        "policy": {"pooling": "shared_pool"},
        "bundles": [{"id": "b"}],
        "needs": [
            {"id": "n1", "bundle": "b", "units": 1, "budget_pence": 170},
            {"id": "n2", "bundle": "b", "units": 1, "budget_pence": 140},
            {"id": "n3", "bundle": "b", "units": 1, "budget_pence": 60},
        ],
        "providers": [{"id": "p"}],
        "offers": [{"id": "o", "provider": "p", "fee_pence": 20, "lines": [{"bundle": "b", "tiers": bands((0, 100))}]}],
    }


CLUB_PLAN = {"n1": "o", "n2": "o", "n3": "o"}


def listed() -> Document:
    """Explicit pairs: own prices and outside costs in place of the rules on distance and grade."""
    return {
        "format": "market/1",
        "policy": {},
        "bundles": [{"id": "b", "min_grade": 4}],
        "needs": [
            {"id": "n1", "bundle": "b", "units": 2, "budget_pence": 500, "excludes": ["p"]},
            {"id": "n2", "bundle": "b", "units": 3, "budget_pence": 500},
            {"id": "n3", "bundle": "b", "units": 3, "budget_pence": 500},
        ],
        "providers": [{"id": "p"}],
        "offers": [{"id": "o", "provider": "p", "lines": [{"bundle": "b", "tiers": bands((0, 100))}]}],
        "pairs": [
            {"need": "n1", "offer": "o", "price_pence": 450, "extra_cost_pence": -30},
            {"need": "n2", "offer": "o"},
        ],
    }


LISTED_PLAN = {"n1": "o", "n2": "o", "n3": None}


def reserve() -> Document:
    """Unmatched as reserve: the second need is cheaper as the conventional package."""
    return {
        "format": "market/1",
        "policy": {"unmatched": "reserve"},
        "bundles": [{"id": "b"}],
        "needs": [
            {"id": "n1", "bundle": "b", "units": 1, "budget_pence": 500, "reserve_pence": 400},
            {"id": "n2", "bundle": "b", "units": 1, "budget_pence": 100, "reserve_pence": 50},
        ],
        "providers": [{"id": "p"}],
        "offers": [{"id": "o", "provider": "p", "lines": [{"bundle": "b", "tiers": bands((0, 100))}]}],
    }


RESERVE_PLAN = {"n1": "o", "n2": None}

WORLDS: dict[str, tuple[Callable[[], Document], Document]] = {
    "county": (county, COUNTY_PLAN),
    "club": (club, CLUB_PLAN),
    "listed": (listed, LISTED_PLAN),
    "reserve": (reserve, RESERVE_PLAN),
}


def good_outcome(world: str) -> Document:
    """The plan of a world as an outcome without fault; one need of the county knows who refuses it and why."""
    make, plan = WORLDS[world]
    document = oracle.outcome_document(read_market(make()), plan)
    if world == "county":
        refusals = [{"offer": "o1", "rule": "distance", "value": 5_000, "limit": 4_000}]
        document["unmatched"][1] |= {"refusals": refusals}
    if world == "reserve":
        document["unmatched"][0]["reason"] = "reserve_cheaper"
    return document


def row_of(document: Document, need: str) -> Document:
    """The assignment of a need."""
    return next(row for row in document["assignments"] if row["need"] == need)


def award_of(document: Document, offer: str) -> Document:
    """The award of an offer."""
    return next(award for award in document["awards"] if award["offer"] == offer)


def add(record: Callable[[Document], Document], **amounts: int) -> Change:
    """Add to numbers of a record."""

    def change(document: Document) -> None:
        found = record(document)
        for name, amount in amounts.items():
            found[name] += amount

    return change


def put(record: Callable[[Document], Document], **values: object) -> Change:
    """Replace values of a record."""
    return lambda document: record(document).update(values)


def both(*changes: Change) -> Change:
    """One change after the other."""
    return lambda document: [change(document) for change in changes]


def row(need: str) -> Callable[[Document], Document]:
    return lambda document: row_of(document, need)


def award(offer: str) -> Callable[[Document], Document]:
    return lambda document: award_of(document, offer)


def level(name: str) -> Callable[[Document], Document]:
    return lambda document: document["objective"][name]


def unmatched(number: int) -> Callable[[Document], Document]:
    return lambda document: document["unmatched"][number]


def refuse(number: int, **refusal: object) -> Change:
    return lambda document: document["unmatched"][number].update(refusals=[refusal])


def itself(document: Document) -> Document:
    return document


def drop(name: str, key: str, value: str) -> Change:
    """Leave out the members of a list that have a value."""

    def change(document: Document) -> None:
        document[name] = [member for member in document[name] if member[key] != value]

    return change


def twice(name: str, key: str, value: str, **values: object) -> Change:
    """Write a member of a list a second time, with some values changed."""

    def change(document: Document) -> None:
        found = next(member for member in document[name] if member[key] == value)
        document[name].append({**found, **values})

    return change


def member(name: str, identity: str) -> Callable[[Document], Document]:
    """A need, bundle, provider or offer of a market."""
    return lambda document: next(each for each in document[name] if each["id"] == identity)


def line(offer: str, number: int) -> Callable[[Document], Document]:
    return lambda document: member("offers", offer)(document)["lines"][number]


def says(findings: list[Finding], message: str) -> bool:
    """Say whether one of the findings has these words, and all of them name their place."""
    return any(message in finding.message for finding in findings) and all(finding.place for finding in findings)
