"""line_minimum: an offer in use gets each of its lines' minimum: a package is taken whole or not at all."""

from tests.matching.markets import line, market, need, offer, plan, rules_in_conflict, solved

BUNDLES = [{"id": "b1"}, {"id": "b2"}]
NEEDS = [need("n1"), need("n2", bundle="b2")]


def package(least: int) -> dict[str, object]:
    return offer("o1", lines=[line("b1", (0, 4_000), min_units=least), line("b2", (0, 4_000), min_units=least)])


def test_binding_a_package_beats_two_single_offers_or_is_left() -> None:
    singles = [offer("o2"), offer("o3", bundle="b2")]
    outcome = solved(market(NEEDS, [package(10), *singles], bundles=BUNDLES))
    assert set(plan(outcome).values()) == {"o1"}
    outcome = solved(market(NEEDS, [package(11), *singles], bundles=BUNDLES))
    assert set(plan(outcome).values()) == {"o2", "o3"}


def test_slack() -> None:
    assert len(solved(market(NEEDS, [package(0)], bundles=BUNDLES)).assignments) == 2


def test_cannot_be_met() -> None:
    outcome = solved(market(NEEDS, [package(11)], bundles=BUNDLES))
    assert outcome.termination == "nothing_matched"
    assert rules_in_conflict(outcome) == {"line_minimum"}
