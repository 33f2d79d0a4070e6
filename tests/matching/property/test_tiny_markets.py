"""On tiny markets, over every combination of rules, the engine finds what trying everything finds."""

import copy
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from matching.market import Market, read_market
from matching.outcome import Outcome, Termination
from matching.solve import solve
from matching.verify import verify
from tests.matching import oracle
from tests.matching.property.tiny import tiny_documents

Document = dict[str, Any]
MONEY = ("price_pence", "fee_pence", "budget_pence", "reserve_pence", "extra_cost_pence")


@settings(max_examples=400)
@given(tiny_documents())
def test_the_engine_equals_brute_force(document: Document) -> None:
    """The best coverage, the least cost at it, proven; and nothing that the checker would object to."""
    market = read_market(document)
    best = oracle.best(market)
    outcome = solve(market)
    assert verify(market, outcome) == []
    assert outcome.effective_cost.value == best.effective_cost
    if market.policy.unmatched == "coverage_first":
        assert outcome.coverage.value == best.coverage
    assert outcome.termination in {Termination.OPTIMAL, Termination.NOTHING_MATCHED}


def larger_budget(draw: Any, document: Document) -> None:
    draw(st.sampled_from(document["needs"]))["budget_pence"] += draw(st.sampled_from([1, 20, 150]))


def cheaper_offer(draw: Any, document: Document) -> None:
    offer = draw(st.sampled_from(document["offers"]))
    line = draw(st.sampled_from(offer["lines"]))
    tier = draw(st.sampled_from(line["tiers"]))
    tier["price_pence"] = max(0, tier["price_pence"] - draw(st.sampled_from([1, 10, 50])))
    offer["fee_pence"] = max(0, offer.get("fee_pence", 0) - draw(st.sampled_from([0, 1, 60])))


def larger_capacity(draw: Any, document: Document) -> None:
    offer = draw(st.sampled_from(document["offers"]))
    provider = next(each for each in document["providers"] if each["id"] == offer["provider"])
    for limited in (offer, provider, *offer["lines"]):
        if "max_units" in limited:
            limited["max_units"] += draw(st.integers(0, 3))


@settings(max_examples=100)
@given(tiny_documents(without=("reserve",)), st.data())
def test_more_money_or_more_room_never_harms(document: Document, data: st.DataObject) -> None:
    """A larger budget, a cheaper offer, a larger capacity: coverage never falls; where it stays, cost never rises."""
    better = copy.deepcopy(document)
    data.draw(st.sampled_from([larger_budget, cheaper_offer, larger_capacity]))(data.draw, better)
    before, after = solve(read_market(document)), solve(read_market(better))
    assert after.coverage.value >= before.coverage.value
    if after.coverage.value == before.coverage.value:
        assert after.effective_cost.value <= before.effective_cost.value


def multiplied(value: Any, factor: int) -> Any:
    """The document with every amount of money times a factor."""
    if isinstance(value, list):
        return [multiplied(member, factor) for member in value]
    if isinstance(value, dict):
        return {
            key: member * factor if key in MONEY or key.startswith("pence_per") else multiplied(member, factor)
            for key, member in value.items()
        }
    return value


@settings(max_examples=80)
@given(tiny_documents(without=("fee", "shared_pool")), st.sampled_from([2, 7, 100]))
def test_another_currency_is_the_same_market(document: Document, factor: int) -> None:
    """All money times a whole factor: the same needs with the same offers, every amount times the factor.

    Fees and pools share out odd pennies and travel rounds one off, so they stay out of this one.
    """
    for weights in (document["policy"], *(need.get("weights", {}) for need in document["needs"])):
        weights.pop("pence_per_km", None)
    one, many = solve(read_market(document)), solve(read_market(multiplied(document, factor)))
    assert many.offer_of() == one.offer_of()
    assert many.coverage.value == one.coverage.value
    assert many.effective_cost.value == factor * one.effective_cost.value
    for name in ("price", "fee_share", "pool", "charge", "quality", "travel", "change", "wait", "extra"):
        amounts = [getattr(row, f"{name}_pence") for row in many.assignments]
        assert amounts == [factor * getattr(row, f"{name}_pence") for row in one.assignments]
    assert [award.spend_pence for award in many.awards] == [factor * award.spend_pence for award in one.awards]


def without_times(outcome: Outcome) -> Document:
    """The document without its timings."""
    document = outcome.document()
    del document["seconds"]
    return document


def shuffled(value: Any, draw: Any) -> Any:
    """The document with every list in another order; lists of numbers are pairs of bounds and stay."""
    if isinstance(value, dict):
        return {key: shuffled(member, draw) for key, member in value.items()}
    if isinstance(value, list) and not all(isinstance(member, int) for member in value):
        return [shuffled(member, draw) for member in draw(st.permutations(value))]
    return value


@settings(max_examples=70)
@given(tiny_documents(), st.data())
def test_the_order_of_a_list_means_nothing(document: Document, data: st.DataObject) -> None:
    """Any order of every list: the same bytes, the market's hash included."""
    other = shuffled(document, data.draw)
    assume(other != document)
    assert without_times(solve(read_market(other))) == without_times(solve(read_market(document)))


@settings(max_examples=25)
@given(tiny_documents())
def test_the_number_of_workers_means_nothing(document: Document) -> None:
    """One worker or two: the same bytes."""
    market = read_market(document)
    assert without_times(solve(market, workers=2)) == without_times(solve(market, workers=1))


@settings(max_examples=60)
@given(tiny_documents(), st.integers(1, 2**63))
def test_a_seed_decides_ties_and_nothing_else(document: Document, seed: int) -> None:
    """Another seed is the same market by its hash, with the same coverage and cost."""
    first = read_market(document)
    second: Market = read_market({**document, "policy": {**document["policy"], "seed": seed}})
    assert first.sha256 == second.sha256
    one, other = solve(first), solve(second)
    assert verify(second, other) == []
    assert one.coverage.value == other.coverage.value or first.policy.unmatched == "reserve"
    assert one.effective_cost.value == other.effective_cost.value
