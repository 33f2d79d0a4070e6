"""How long the engine takes: 500 needs x 10 offers x 3 tiers, coverage proven optimal, cost to a gap of 0.1%.

`make bench` runs it. The target is a median of 10 seconds over 20 seeds on one core, and 5 seconds each for a scenario,
an explanation and a rematch that start from the outcome. Nothing here is asserted about time.
"""

from functools import cache
from itertools import count
from typing import Any

import pytest

from matching import Market, Outcome, Scenario, compare, explain, rematch, solve, verify
from matching.generate import generate_market

SEEDS = 20


@cache
def made(seed: int) -> Market:
    return generate_market(bundles=1, needs_per_bundle=500, seed=seed)


@cache
def known(seed: int) -> Outcome:
    return solve(made(seed), gap_permille=1)


@pytest.mark.benchmark(group="solve 500 needs x 10 offers x 3 tiers, gap 0.1%")
def test_solve(benchmark: Any) -> None:
    """One round a seed: the table's median is the median of 20 seeds."""
    seeds = count(1)
    solved: list[tuple[Market, Outcome]] = []

    def setup() -> tuple[tuple[Market], dict[str, Any]]:
        return (made(next(seeds)),), {}

    def run(market: Market) -> None:
        solved.append((market, solve(market, gap_permille=1)))

    benchmark.pedantic(run, setup=setup, rounds=SEEDS, iterations=1)
    for market, outcome in solved:
        assert verify(market, outcome) == []
        assert outcome.coverage.gap_permille == 0
        assert (outcome.effective_cost.gap_permille or 0) <= 1


@pytest.mark.benchmark(group="questions about 500 needs, from the outcome")
def test_scenario(benchmark: Any) -> None:
    scenario = Scenario("half the travel weight", weights_permille=(("pence_per_km", 500),))
    known(1)
    found = benchmark.pedantic(compare, (made(1), known(1), scenario), {"gap_permille": 1}, rounds=3)
    assert verify(found.market, found.after) == []


@pytest.mark.benchmark(group="questions about 500 needs, from the outcome")
def test_explain_an_unmatched_need(benchmark: Any) -> None:
    name = known(1).unmatched[0].need
    assert benchmark.pedantic(explain, (made(1), known(1), name), rounds=3).alternatives


@pytest.mark.benchmark(group="questions about 500 needs, from the outcome")
def test_explain_an_unused_offer(benchmark: Any) -> None:
    used = {award.offer for award in known(1).awards}
    name = next(offer.id for offer in made(1).offers if offer.id not in used)
    assert benchmark.pedantic(explain, (made(1), known(1), name), rounds=3).award is None


@pytest.mark.benchmark(group="questions about 500 needs, from the outcome")
def test_rematch(benchmark: Any) -> None:
    refused = [row.need for row in known(1).assignments[::50]]
    found = benchmark.pedantic(rematch, (made(1), known(1)), {"refused": refused, "gap_permille": 1}, rounds=3)
    assert verify(found.market, found.outcome) == []
