"""Markets too large for brute force, against another solver in another process; set cover as package bids.

`reference_highs.py` shares no formulation and no copy of a solver with the engine; it reads the document.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from matching.convert import convert
from matching.generate import generate_market
from matching.market import Market, read_market
from matching.outcome import Termination
from matching.solve import solve
from matching.verify import verify

Document = dict[str, Any]
Change = Callable[[Document, Random], None]
REFERENCE = Path(__file__).with_name("reference_highs.py")


def reference(market: Market) -> dict[str, int]:
    """Coverage and cost by the other solver."""
    document = json.dumps(market.document())
    run = subprocess.run([sys.executable, REFERENCE], input=document, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    answer: dict[str, int] = json.loads(run.stdout)
    return answer


def assert_same_answer(market: Market) -> None:
    """The engine proves the same values, and its outcome stands up to the checker."""
    outcome = solve(market)
    assert verify(market, outcome) == []
    assert outcome.termination is Termination.OPTIMAL
    expected = reference(market)
    assert outcome.effective_cost.value == expected["effective_cost"]
    if market.policy.unmatched == "coverage_first":
        assert outcome.coverage.value == expected["coverage"]


def as_generated(document: Document, random: Random) -> None:
    """Fees, minimums, tiers, packages, requirements, continuity: nothing added."""


def shared_pool(document: Document, random: Random) -> None:
    """One row ties the whole market together, which is hard for everybody: two thirds of the needs will do."""
    del document["needs"][::3]
    document["policy"]["pooling"] = "shared_pool"
    for need in document["needs"]:
        need["budget_pence"] = need["budget_pence"] * 9 // 10


def reserve(document: Document, random: Random) -> None:
    document["policy"]["unmatched"] = "reserve"
    for need in document["needs"]:
        need["reserve_pence"] = need["budget_pence"] * random.randint(700, 1_100) // 1_000


def few_providers(document: Document, random: Random) -> None:
    for bundle in document["bundles"]:
        bundle |= {"min_providers": 2, "max_providers": 2}


def no_provider_has_it_all(document: Document, random: Random) -> None:
    for bundle in document["bundles"]:
        bundle["max_share_permille"] = 450


def good_on_average(document: Document, random: Random) -> None:
    for bundle in document["bundles"]:
        bundle["target_grade_permille"] = 2_900


def busy_providers(document: Document, random: Random) -> None:
    for provider in document["providers"]:
        provider["max_units"] = random.randint(20, 90)


def either_or(document: Document, random: Random) -> None:
    """All offers of a provider exclude each other."""
    for offer in document["offers"]:
        offer["exclusive"] = f"one of {offer['provider']}"


def line_limits(document: Document, random: Random) -> None:
    for offer in document["offers"]:
        for line in offer["lines"]:
            line |= {"min_units": random.randint(0, 25), "max_units": random.randint(40, 90)}


def listed_pairs(document: Document, random: Random) -> None:
    """Whose costs nobody could guess: prices of whole needs, costs from outside, some pairs missing."""
    bundles_of = {offer["id"]: [line["bundle"] for line in offer["lines"]] for offer in document["offers"]}
    document["pairs"] = [
        {
            "need": need["id"],
            "offer": offer["id"],
            "extra_cost_pence": random.randint(-3_000, 3_000),
            "price_pence": need["budget_pence"] * random.randint(500, 1_100) // 1_000,
        }
        for need in document["needs"]
        for offer in document["offers"]
        if need["bundle"] in bundles_of[offer["id"]] and random.randrange(3)
    ]


def everything_at_once(document: Document, random: Random) -> None:
    for change in (few_providers, busy_providers, line_limits):
        change(document, random)
    for bundle in document["bundles"]:
        bundle |= {"max_providers": 3, "max_share_permille": 700, "target_grade_permille": 2_000}


CHANGES: list[Change] = [
    as_generated,
    shared_pool,
    reserve,
    few_providers,
    no_provider_has_it_all,
    good_on_average,
    busy_providers,
    either_or,
    line_limits,
    listed_pairs,
    everything_at_once,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_medium_market_has_the_reference_s_answer(change: Change, seed: int) -> None:
    document = generate_market(
        bundles=2, needs_per_bundle=14, offers_per_bundle=4, tiers=2, seed=seed, capacity_permille=1_000
    ).document()
    change(document, Random(seed))
    assert_same_answer(read_market(document))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_set_cover_is_package_bids(tmp_path: Path, seed: int) -> None:
    """40 rows, 30 columns that cover a sixth of them each, through the published format."""
    random = Random(seed)
    rows = [sorted(random.sample(range(1, 31), random.randint(2, 6))) for _ in range(40)]
    costs = " ".join(str(random.randint(20, 90)) for _ in range(30))
    path = tmp_path / "cover.txt"
    path.write_text(f"40 30\n{costs}\n" + "\n".join(f"{len(row)} {' '.join(map(str, row))}" for row in rows) + "\n")
    market = convert("setcover", path).market
    outcome = solve(market)
    assert outcome.coverage.value == 40
    assert_same_answer(market)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_all_or_nothing_packages_of_rival_bidders(seed: int) -> None:
    """A combinatorial auction: each offer wants all the lots of its package or none, each bidder wins one at most."""
    random = Random(seed)
    lots = [f"lot{number:02}" for number in range(14)]
    offers = []
    for bidder in range(9):
        for option in range(4):
            package = random.sample(lots, random.randint(1, 5))
            tiers = [{"from_units": 0, "price_pence": random.randint(300, 900)}]
            lines = [{"bundle": lot, "min_units": 2, "tiers": tiers} for lot in package]
            offer = {"id": f"p{bidder}o{option}", "provider": f"p{bidder}", "exclusive": f"x{bidder}", "lines": lines}
            offers.append({**offer, "fee_pence": random.randint(0, 1_500)})
    document = {
        "format": "market/1",
        "bundles": [{"id": lot} for lot in lots],
        "needs": [{"id": f"need of {lot}", "bundle": lot, "units": 2, "budget_pence": 2_000} for lot in lots],
        "providers": [{"id": f"p{bidder}"} for bidder in range(9)],
        "offers": offers,
    }
    assert_same_answer(read_market(document))
