"""one_tier: an offer is used at one tier at most."""

from tests.matching.markets import THREE, market, need, offer, reasons, solved

BANDS = ((0, 5_000), (30, 4_000))


def test_binding_all_units_are_paid_at_one_price() -> None:
    """Thirty units reach the second band: nobody pays the first band's price."""
    outcome = solved(market(THREE, [offer("o1", *BANDS)]))
    assert {row.price_pence for row in outcome.assignments} == {40_000}
    assert outcome.awards[0].tier == 1


def test_slack_below_the_second_band_the_first_price_holds() -> None:
    outcome = solved(market(THREE[:2], [offer("o1", *BANDS)]))
    assert [(row.tier, row.price_pence) for row in outcome.assignments] == [(0, 50_000), (0, 50_000)]


def test_cannot_be_met_nobody_has_the_second_price_alone() -> None:
    """A need that can pay 40.00 but not 50.00 cannot have the second band while the others fill only the first."""
    poor = need("n3", units=5, budget_pence=20_000)
    outcome = solved(market([*THREE[:2], poor], [offer("o1", *BANDS)]))
    assert reasons(outcome) == {"n3": "not_chosen"}
