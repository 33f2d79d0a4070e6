"""one_provider: each need is assigned at most once."""

from tests.matching.markets import market, need, offer, plan, solved


def test_binding_a_need_has_one_offer_however_many_want_it() -> None:
    outcome = solved(market([need("n1")], [offer("o1"), offer("o2")]))
    assert len(outcome.assignments) == 1


def test_slack_two_needs_may_have_two_offers() -> None:
    outcome = solved(market([need("n1"), need("n2")], [offer("o1", max_units=10), offer("o2", max_units=10)]))
    assert set(plan(outcome).values()) == {"o1", "o2"}


def test_cannot_be_met_a_need_is_never_split_over_two_offers() -> None:
    """Ten units do not become five and five."""
    outcome = solved(market([need("n1")], [offer("o1", max_units=5), offer("o2", max_units=5)]))
    assert outcome.assignments == ()
    assert outcome.termination == "nothing_matched"
