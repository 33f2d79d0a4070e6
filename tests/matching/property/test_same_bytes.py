"""The same market is the same outcome, byte for byte: on any number of workers, in any order, in any process."""

import hashlib
import json
import os
import subprocess
import sys
from random import Random
from typing import Any

import pytest

from matching.generate import generate_market
from matching.market import Market, read_market
from matching.outcome import Outcome
from matching.solve import solve
from matching.verify import verify

CANONICAL = (
    '{"bundles":[{"id":"b","min_grade":0,"min_providers":0,"service":"","target_grade_permille":0}],"format":"market/1",'
    '"needs":[{"budget_pence":9,"bundle":"b","easting_m":3,"excludes":[],"id":"n","keep_provider":false,"min_grade":0,'
    '"northing_m":4,"priority":1,"requires":[],"units":1,"weights":{}},{"budget_pence":500,"bundle":"b","excludes":[],'
    '"id":"é","keep_provider":false,"min_grade":0,"priority":1,"requires":["a","b"],"units":2,"weights":{}}],"offers":[],'
    '"policy":{"best_grade":4,"pence_per_change":0,"pence_per_km":0,"pence_per_quality_grade":0,"pence_per_wait_day":0,'
    '"pooling":"own_budget","unmatched":"coverage_first","weight_bounds_permille":[1000,1000]},"providers":[]}'
)

SOLVE = """
import json, sys
from matching.market import read_market
from matching.solve import solve
outcome = solve(read_market(sys.stdin.read()), workers=int(sys.argv[1])).document()
del outcome["seconds"]
print(json.dumps(outcome))
"""


@pytest.fixture(scope="module")
def market() -> Market:
    """Four lots of which no two share an offer, so that four parts are solved on their own."""
    return generate_market(bundles=4, needs_per_bundle=12, offers_per_bundle=4, tiers=2, seed=6, package_permille=0)


@pytest.fixture(scope="module")
def outcome(market: Market) -> Outcome:
    """The outcome with one worker, in the order that the document has."""
    found = solve(market)
    assert verify(market, found) == []
    return found


def in_bytes(document: dict[str, Any]) -> bytes:
    """The document without its timings, as it would be written."""
    return json.dumps({key: value for key, value in document.items() if key != "seconds"}).encode()


def test_a_hash_is_of_the_canonical_form() -> None:
    """Defaults filled in, lists by id in code points, keys sorted, no nulls, no spaces, no seed."""
    document = {
        "policy": {"seed": 99, "pooling": None},
        "format": "market/1",
        "offers": [],
        "providers": [],
        "needs": [
            {"id": "n", "northing_m": 4, "easting_m": 3, "budget_pence": 9, "units": 1, "bundle": "b"},
            {"id": "é", "requires": ["b", "a"], "units": 2, "bundle": "b", "budget_pence": 500, "max_wait_days": None},
        ],
        "bundles": [{"id": "b"}],
    }
    assert read_market(document).sha256 == hashlib.sha256(CANONICAL.encode()).hexdigest()


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_share_parts_and_change_nothing(market: Market, outcome: Outcome, workers: int) -> None:
    assert in_bytes(solve(market, workers=workers).document()) == in_bytes(outcome.document())


@pytest.mark.parametrize("seed", [1, 2])
def test_lists_in_another_order_change_nothing(market: Market, outcome: Outcome, seed: int) -> None:
    document, random = market.document(), Random(seed)
    for name in ("bundles", "needs", "providers", "offers"):
        random.shuffle(document[name])
    for offer in document["offers"]:
        random.shuffle(offer["lines"])
        random.shuffle(offer["attributes"])
    assert in_bytes(solve(read_market(document)).document()) == in_bytes(outcome.document())


@pytest.mark.parametrize("workers", ["1", "2"])
def test_another_process_changes_nothing(market: Market, outcome: Outcome, workers: str) -> None:
    """Sets and dictionaries of another process are hashed with another seed."""
    run = subprocess.run(
        [sys.executable, "-c", SOLVE, workers],
        input=json.dumps(market.document()),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": workers},
    )
    assert run.returncode == 0, run.stderr
    assert in_bytes(json.loads(run.stdout)) == in_bytes(outcome.document())


def test_a_part_is_solved_as_if_it_were_alone(market: Market, outcome: Outcome) -> None:
    """Coverage and cost are sums over the lots."""
    document = market.document()
    coverage = cost = 0
    for bundle in market.bundles:
        alone = {
            **document,
            "bundles": [each for each in document["bundles"] if each["id"] == bundle.id],
            "needs": [each for each in document["needs"] if each["bundle"] == bundle.id],
            "offers": [each for each in document["offers"] if each["lines"][0]["bundle"] == bundle.id],
        }
        found = solve(read_market(alone))
        coverage += found.coverage.value
        cost += found.effective_cost.value
    assert (coverage, cost) == (outcome.coverage.value, outcome.effective_cost.value)
