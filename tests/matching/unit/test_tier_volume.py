"""tier_volume: the tier is the one whose band holds the offer's total units, over all its lines."""

from tests.matching.markets import THREE, line, market, need, offer, rules_in_conflict, solved

BUNDLES = [{"id": "b1"}, {"id": "b2"}]


def test_binding_the_band_counts_the_total_over_lines() -> None:
    bands = ((0, 5_000), (20, 4_000))
    lines = [line("b1", *bands), line("b2", *bands)]
    needs = [need("n1"), need("n2", bundle="b2")]
    outcome = solved(market(needs, [offer("o1", lines=lines)], bundles=BUNDLES))
    assert outcome.awards[0].tier == 1
    assert outcome.effective_cost.value == 80_000


def test_binding_a_dearer_higher_band_is_not_stepped_over() -> None:
    """A band may be dearer: who is in it pays it, and the engine goes elsewhere with the third patient."""
    offers = [offer("o1", (0, 4_000), (21, 9_000)), offer("o2")]
    outcome = solved(market(THREE, offers))
    assert outcome.effective_cost.value == 130_000


def test_slack() -> None:
    assert solved(market(THREE, [offer("o1", (0, 5_000), (31, 100))])).awards[0].tier == 0


def test_cannot_be_met_when_only_an_unreachable_band_is_affordable() -> None:
    poor = [need("n1", budget_pence=1_000), need("n2", budget_pence=1_000)]
    outcome = solved(market(poor, [offer("o1", (0, 5_000), (21, 100))]))
    assert rules_in_conflict(outcome) == {"tier_volume"}
