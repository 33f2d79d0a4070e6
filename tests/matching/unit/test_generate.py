"""Made-up markets: the same seed makes the same market, and what is made is plausible and hard enough to be of use."""

import json
import subprocess
import sys

import pytest

from matching.generate import generate_market
from matching.market import Market, read_market


def in_bytes(market: Market) -> bytes:
    """The document as it would be written."""
    return json.dumps(market.document()).encode()


def test_the_same_seed_makes_the_same_bytes() -> None:
    """Also in another process, whose sets and hashes are shuffled differently."""
    script = (
        "import json, hashlib; from matching.generate import generate_market; "
        "print(hashlib.sha256(json.dumps(generate_market(bundles=3, needs_per_bundle=20, seed=5).document())"
        ".encode()).hexdigest())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", script], check=True, capture_output=True, text=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
    first, second = (generate_market(bundles=3, needs_per_bundle=20, seed=5) for _ in range(2))
    assert in_bytes(first) == in_bytes(second)


def test_another_seed_makes_another_market() -> None:
    assert generate_market(seed=1).sha256 != generate_market(seed=2).sha256


def test_the_benchmark_family_has_its_size() -> None:
    market = generate_market(bundles=1, needs_per_bundle=500, seed=3)
    assert len(market.needs) == 500
    assert len(market.offers) == 10
    assert {len(line.tiers) for offer in market.offers for line in offer.lines} == {3}
    assert market.policy.seed == 3


def test_what_is_made_reads_back_as_it_is() -> None:
    market = generate_market(bundles=4, needs_per_bundle=10, seed=8)
    assert read_market(in_bytes(market)) == market


def test_a_market_has_what_makes_markets_hard() -> None:
    """Fees, minimums, falling prices, packages, requirements, continuity, needs that only a cheap band can serve."""
    market = generate_market(bundles=6, needs_per_bundle=60, seed=1)
    assert {offer.fee_pence > 0 for offer in market.offers} == {True, False}
    assert any(offer.min_units > 0 for offer in market.offers)
    assert {len(offer.lines) for offer in market.offers} == {1, 2}
    for offer in market.offers:
        for line in offer.lines:
            prices = [tier.price_pence for tier in line.tiers]
            assert prices == sorted(prices, reverse=True)
            assert len(set(prices)) == len(prices)
    assert any(need.requires for need in market.needs)
    assert any(need.keep_provider for need in market.needs)
    assert any(need.current_provider and not need.keep_provider for need in market.needs)
    dearest, cheapest = 0, 0
    for need in market.needs:
        lines = [line for offer in market.offers for line in offer.lines if line.bundle == need.bundle]
        dearest += min(line.tiers[0].price_pence for line in lines) * need.units <= need.budget_pence
        cheapest += min(line.tiers[-1].price_pence for line in lines) * need.units <= need.budget_pence
    assert len(market.needs) // 2 < dearest < cheapest


@pytest.mark.parametrize(("capacity_permille", "is_enough"), [(700, False), (1_600, True)])
def test_capacity_is_what_was_asked_for(capacity_permille: int, is_enough: bool) -> None:
    market = generate_market(needs_per_bundle=300, seed=4, capacity_permille=capacity_permille)
    wanted = sum(need.units for need in market.needs)
    assert (sum(offer.max_units or 0 for offer in market.offers) >= wanted) == is_enough


@pytest.mark.parametrize("tiers", [1, 2, 5])
def test_tiers_are_as_many_as_asked_for(tiers: int) -> None:
    market = generate_market(tiers=tiers, seed=2)
    assert {len(line.tiers) for offer in market.offers for line in offer.lines} == {tiers}


def test_edges_are_markets_too() -> None:
    assert generate_market(needs_per_bundle=0).needs == ()
    assert generate_market(offers_per_bundle=0).offers == ()
    assert generate_market(pooling="shared_pool").policy.pooling == "shared_pool"


@pytest.mark.parametrize("name", ["bundles", "tiers", "capacity_permille"])
def test_a_count_that_makes_no_sense_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        generate_market(**{name: 0})
