"""The same market is the same outcome, byte for byte: on any number of workers, in any order, in any process."""

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
