"""provider_count: per bundle at least and at most so many providers, where anything is matched."""

from tests.matching.markets import THREE, market, offer, plan, rules_in_conflict, solved

OFFERS = [offer("o1", (0, 4_000)), offer("o2"), offer("o3", (0, 5_500))]


def bundle(**limits: int) -> list[dict[str, object]]:
    return [{"id": "b1", **limits}]


def test_binding_at_least_two() -> None:
    outcome = solved(market(THREE, OFFERS, bundles=bundle(min_providers=2)))
    assert sorted(plan(outcome).values()) == ["o1", "o1", "o2"]


def test_binding_at_most_one() -> None:
    small = [offer("o1", (0, 4_000), max_units=20), offer("o2")]
    outcome = solved(market(THREE, small, bundles=bundle(max_providers=1)))
    assert set(plan(outcome).values()) == {"o2"}


def test_binding_counts_providers_and_not_offers() -> None:
    twins = [offer("o1", provider="p1"), offer("o2", provider="p1")]
    assert solved(market(THREE, twins, bundles=bundle(min_providers=2))).assignments == ()


def test_slack() -> None:
    outcome = solved(market(THREE, OFFERS, bundles=bundle(min_providers=1, max_providers=3)))
    assert set(plan(outcome).values()) == {"o1"}


def test_cannot_be_met_three_asked_where_two_bid() -> None:
    outcome = solved(market(THREE, OFFERS[:2], bundles=bundle(min_providers=3)))
    assert outcome.termination == "nothing_matched"
    assert rules_in_conflict(outcome) == {"provider_count"}
