"""own_budget: at the tier's price, nobody pays more than the own budget, and nobody pays for anybody else."""

from tests.matching.markets import THREE, market, need, offer, reasons, solved


def test_binding_to_the_penny() -> None:
    outcome = solved(market([need("n1", budget_pence=50_000), need("n2", budget_pence=49_999)], [offer("o1")]))
    assert reasons(outcome) == {"n2": "unaffordable"}
    told = outcome.unmatched[0].refusals[0]
    assert (told.rule, told.value, told.limit) == ("own_budget", 50_000, 49_999)


def test_binding_a_need_that_can_pay_only_the_lower_band_waits_for_the_others() -> None:
    poor = need("n4", budget_pence=40_000)
    outcome = solved(market([*THREE, poor], [offer("o1", (0, 5_000), (40, 4_000))]))
    assert len(outcome.assignments) == 4
    assert {row.charge_pence for row in outcome.assignments} == {40_000}


def test_slack() -> None:
    assert len(solved(market(THREE, [offer("o1")])).assignments) == 3


def test_cannot_be_met() -> None:
    poor = [need(f"n{number}", budget_pence=10) for number in range(3)]
    outcome = solved(market(poor, [offer("o1")]))
    assert set(reasons(outcome).values()) == {"unaffordable"}
    assert outcome.termination == "nothing_matched"
