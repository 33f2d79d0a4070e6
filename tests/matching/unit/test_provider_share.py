"""provider_share: no provider serves more than so many per mille of the units matched in a bundle."""

from tests.matching.markets import THREE, market, need, offer, plan, rules_in_conflict, solved

OFFERS = [offer("o1", (0, 4_000)), offer("o2")]


def share(permille: int) -> list[dict[str, object]]:
    return [{"id": "b1", "max_share_permille": permille}]


def test_binding_to_the_unit() -> None:
    outcome = solved(market(THREE, OFFERS, bundles=share(667)))
    assert sorted(plan(outcome).values()) == ["o1", "o1", "o2"]
    outcome = solved(market(THREE, OFFERS, bundles=share(666)))
    assert sorted(plan(outcome).values()) == ["o1", "o2"]


def test_slack() -> None:
    assert set(plan(solved(market(THREE, OFFERS, bundles=share(1_000)))).values()) == {"o1"}


def test_cannot_be_met_by_one_patient() -> None:
    outcome = solved(market([need("n1")], OFFERS, bundles=share(999)))
    assert outcome.termination == "nothing_matched"
    assert "provider_share" in rules_in_conflict(outcome)
