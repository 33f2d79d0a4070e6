"""line_capacity: a line serves at most its maximum units in its bundle, whatever the offer's total."""

from tests.matching.markets import line, market, need, offer, plan, rules_in_conflict, solved

BUNDLES = [{"id": "b1"}, {"id": "b2"}]
NEEDS = [need("n1"), need("n2"), need("n3", bundle="b2")]


def both(most: int) -> list[dict[str, object]]:
    return [offer("o1", lines=[line("b1", (0, 5_000), max_units=most), line("b2", (0, 5_000))])]


def test_binding() -> None:
    outcome = solved(market(NEEDS, both(10), bundles=BUNDLES))
    assert len(plan(outcome)) == 2
    assert "n3" in plan(outcome)


def test_slack() -> None:
    assert len(solved(market(NEEDS, both(20), bundles=BUNDLES)).assignments) == 3


def test_cannot_be_met() -> None:
    outcome = solved(market(NEEDS, both(9), bundles=BUNDLES))
    assert list(plan(outcome)) == ["n3"]
    assert rules_in_conflict(outcome) == {"line_capacity"}
