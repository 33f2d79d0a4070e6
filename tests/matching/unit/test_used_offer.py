"""used_offer: a need is assigned only to an offer in use, at its tier; an offer in use costs its fee."""

from tests.matching.markets import THREE, market, need, offer, plan, solved


def test_binding_a_fee_is_paid_as_soon_as_one_is_served() -> None:
    outcome = solved(market([need("n1")], [offer("o1", fee_pence=700)]))
    assert outcome.effective_cost.value == 50_000 + 700
    assert [(one.offer, one.units, one.needs, one.spend_pence) for one in outcome.awards] == [("o1", 10, 1, 50_700)]


def test_slack_an_offer_out_of_use_costs_nothing() -> None:
    outcome = solved(market(THREE, [offer("o1"), offer("o2", (0, 4_900), fee_pence=9_000)]))
    assert set(plan(outcome).values()) == {"o1"}
    assert outcome.effective_cost.value == 150_000


def test_cannot_be_met_nobody_is_served_by_an_offer_that_cannot_be_used() -> None:
    outcome = solved(market(THREE, [offer("o1"), offer("o2", (0, 1), min_units=31)]))
    assert set(plan(outcome).values()) == {"o1"}
