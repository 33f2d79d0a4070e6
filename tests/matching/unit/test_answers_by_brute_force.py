"""On tiny markets every answer is held against trying everything: a change is enough, and one step less is not."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from matching import Change, Market, Outcome, explain, price_of_rules, read_market, rematch, solve, verify
from matching.market import Tier
from tests.matching import oracle
from tests.matching.property.tiny import tiny_documents


def changed_need(market: Market, name: str, kind: str, value: Any) -> Market:
    """The market with one need's distance, budget, grade or attribute changed."""
    need = market.need_by_id[name]
    fields: dict[str, Any] = {
        "distance": {"max_distance_m": value},
        "budget": {"budget_pence": value},
        "grade": {"min_grade": value},
        "attribute": {"requires": tuple(one for one in need.requires if one != value)},
    }[kind]
    new = replace(need, **fields)
    return replace(market, needs=tuple(new if one.id == name else one for one in market.needs))


def changed_offer(market: Market, name: str, kind: str, value: int) -> Market:
    """The market with one offer's unit prices lower by so much, or with so many units."""
    offer = market.offer_by_id[name]
    if kind == "capacity":
        new = replace(offer, max_units=value)
    else:
        bands = [[Tier(one.from_units, max(0, one.price_pence - value)) for one in line.tiers] for line in offer.lines]
        lines = tuple(replace(line, tiers=tuple(tiers)) for line, tiers in zip(offer.lines, bands, strict=True))
        new = replace(offer, lines=lines)
    return replace(market, offers=tuple(new if one.id == name else one for one in market.offers))


def helps(market: Market, outcome: Outcome, name: str, kind: str, value: Any) -> bool:
    """Whether some plan of the changed market is better than the outcome and does what was asked."""
    of_offer = kind in {"price", "capacity"}
    changed = (changed_offer if of_offer else changed_need)(market, name, kind, value)
    for plan in oracle.plans(changed):
        if not (name in plan.values() if of_offer else plan[name]):
            continue
        coverage, cost = oracle.coverage_of(changed, plan), oracle.cost_of(changed, plan)
        present = outcome.coverage.value, outcome.effective_cost.value
        if market.policy.unmatched == "reserve":
            is_better = cost < present[1]
        else:
            is_better = coverage > present[0] or (of_offer and coverage == present[0] and cost < present[1])
        if is_better:
            return True
    return False


def check(market: Market, outcome: Outcome, name: str, change: Change) -> None:
    assert change.proven_smallest
    if change.kind == "attribute":
        assert helps(market, outcome, name, change.kind, change.now)
        return
    assert isinstance(change.needed, int)
    assert helps(market, outcome, name, change.kind, change.needed)
    less = change.needed + (1 if change.kind == "grade" else -1)
    assert less == change.now or not helps(market, outcome, name, change.kind, less)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(tiny_documents())
def test_a_smallest_change_is_enough_and_one_step_less_is_not(document: dict[str, Any]) -> None:
    market = read_market(document)
    outcome = solve(market)
    for name in (*market.need_by_id, *market.offer_by_id):
        for change in explain(market, outcome, name).changes:
            check(market, outcome, name, change)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(tiny_documents(), st.data())
def test_rematches_and_scenarios_verify_whatever_happens(document: dict[str, Any], data: st.DataObject) -> None:
    market = read_market(document)
    outcome = solve(market)
    for found in price_of_rules(market, outcome):
        assert verify(found.market, found.after) == []
        assert found.coverage >= 0 or market.policy.unmatched == "reserve"
    matched = [row.need for row in outcome.assignments]
    if not matched:
        return
    refused = data.draw(st.lists(st.sampled_from(matched), unique=True, max_size=2))
    waived = data.draw(st.lists(st.sampled_from([one.offer for one in outcome.awards]), unique=True, max_size=1))
    again = rematch(market, outcome, refused=refused, waived=waived)
    assert verify(again.market, again.outcome) == []
    assert {*again.kept, *(one.need for one in again.displaced)} == set(matched) - set(refused)
