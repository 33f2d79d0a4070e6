"""fee_cover: with own_budget the fee of a used offer fits in the headroom of those it serves."""

from tests.matching.markets import THREE, market, need, offer, plan, rules_in_conflict, solved


def test_binding_to_the_penny() -> None:
    """Three with 100.00 of headroom each carry 300.00 and not a penny more."""
    outcome = solved(market(THREE, [offer("o1", fee_pence=30_000)]))
    assert {row.charge_pence for row in outcome.assignments} == {60_000}
    assert solved(market(THREE, [offer("o1", fee_pence=30_001)])).assignments == ()


def test_binding_a_third_patient_makes_the_fee_bearable() -> None:
    dear, plain = offer("o1", (0, 5_000), fee_pence=25_000), offer("o2", (0, 5_900), max_units=20)
    outcome = solved(market(THREE, [dear, plain]))
    assert set(plan(outcome).values()) == {"o1"}


def test_slack_nobody_is_charged_above_headroom() -> None:
    needs = [need("n1", budget_pence=50_010), need("n2")]
    outcome = solved(market(needs, [offer("o1", fee_pence=5_000)]))
    assert [row.fee_share_pence for row in outcome.assignments] == [10, 4_990]


def test_cannot_be_met() -> None:
    outcome = solved(market(THREE, [offer("o1", fee_pence=10_000_000)]))
    assert outcome.termination == "nothing_matched"
    assert rules_in_conflict(outcome) == {"fee_cover"}
