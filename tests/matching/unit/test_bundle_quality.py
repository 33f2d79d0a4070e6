"""bundle_quality: the unit-weighted mean grade of what is matched in a bundle reaches its target."""

from tests.matching.markets import THREE, market, offer, plan, rules_in_conflict, solved

OFFERS = [offer("o1", (0, 4_000), grade=2), offer("o2", grade=4)]


def target(permille: int) -> list[dict[str, object]]:
    return [{"id": "b1", "target_grade_permille": permille}]


def test_binding_a_better_provider_lifts_the_mean() -> None:
    outcome = solved(market(THREE, OFFERS, bundles=target(2_666)))
    assert sorted(plan(outcome).values()) == ["o1", "o1", "o2"]
    outcome = solved(market(THREE, OFFERS, bundles=target(2_667)))
    assert sorted(plan(outcome).values()) == ["o1", "o2", "o2"]


def test_slack() -> None:
    assert set(plan(solved(market(THREE, OFFERS, bundles=target(2_000)))).values()) == {"o1"}


def test_cannot_be_met() -> None:
    outcome = solved(market(THREE, OFFERS, bundles=target(4_001)))
    assert outcome.termination == "nothing_matched"
    assert rules_in_conflict(outcome) == {"bundle_quality"}
