"""provider_capacity: maximum units of a provider over all its offers."""

from tests.matching.markets import THREE, market, offer, plan, rules_in_conflict, solved

TWO = [offer("o1", provider="p1", max_units=20), offer("o2", provider="p1", max_units=20)]


def test_binding_over_two_offers() -> None:
    assert len(solved(market(THREE, TWO, limits={"p1": 20})).assignments) == 2


def test_slack() -> None:
    outcome = solved(market(THREE, TWO, limits={"p1": 30}))
    assert set(plan(outcome).values()) == {"o1", "o2"}


def test_cannot_be_met() -> None:
    outcome = solved(market(THREE, TWO, limits={"p1": 9}))
    assert outcome.termination == "nothing_matched"
    assert rules_in_conflict(outcome) == {"provider_capacity"}
