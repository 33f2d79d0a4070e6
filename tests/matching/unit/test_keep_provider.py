"""keep_provider: who asked for continuity is served by the current provider or by nobody."""

from tests.matching.markets import market, need, offer, plan, reasons, solved

OFFERS = [offer("o1", (0, 4_000), provider="p1"), offer("o2", provider="p2")]
FAITHFUL = need("n1", current_provider="p2", keep_provider=True)


def test_binding_the_dearer_current_provider_keeps_its_patient() -> None:
    outcome = solved(market([FAITHFUL, need("n2")], OFFERS))
    assert plan(outcome) == {"n1": "o2", "n2": "o1"}


def test_binding_with_stated_pairs_too() -> None:
    pairs = [{"need": "n1", "offer": "o1"}, {"need": "n1", "offer": "o2"}]
    assert plan(solved(market([FAITHFUL], OFFERS, pairs=pairs))) == {"n1": "o2"}


def test_slack_a_wish_that_is_no_demand_costs_only_the_change() -> None:
    wishing = need("n1", current_provider="p2")
    outcome = solved(market([wishing], OFFERS, pence_per_change=500))
    assert plan(outcome) == {"n1": "o1"}
    assert outcome.assignments[0].change_pence == 500


def test_cannot_be_met_where_the_current_provider_does_not_bid() -> None:
    outcome = solved(market([FAITHFUL], OFFERS[:1]))
    assert reasons(outcome) == {"n1": "no_eligible_offer"}
    told = outcome.unmatched[0].refusals[0]
    assert (told.rule, told.value, told.limit) == ("keep_provider", "p1", "p2")
