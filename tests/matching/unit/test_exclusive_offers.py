"""exclusive_offers: of a named group of one provider's offers at most one is used."""

from tests.matching.markets import THREE, market, offer, plan, rules_in_conflict, solved


def either_or(**second: int) -> list[dict[str, object]]:
    return [
        offer("o1", (0, 4_000), provider="p1", exclusive="x1", max_units=20),
        offer("o2", provider="p1", exclusive="x1", **second),
    ]


def test_binding_the_two_are_never_used_together() -> None:
    outcome = solved(market(THREE, either_or()))
    assert set(plan(outcome).values()) == {"o2"}


def test_slack_without_the_group_they_are() -> None:
    free = [{**one, "exclusive": None} for one in either_or()]
    assert set(plan(solved(market(THREE, free))).values()) == {"o1", "o2"}


def test_cannot_be_met_where_two_providers_are_asked_for_and_one_offers_twice() -> None:
    bundles = [{"id": "b1", "min_providers": 2}]
    outcome = solved(market(THREE, either_or(), bundles=bundles))
    assert outcome.termination == "nothing_matched"
    assert rules_in_conflict(outcome) == {"provider_count"}
