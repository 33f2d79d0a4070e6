"""shared_pool: over the whole market, prices and fees fit in the budgets of the matched; no charge above a budget."""

from tests.matching.markets import THREE, market, need, offer, reasons, solved

RICH, POOR = need("n1", budget_pence=70_000), need("n2", budget_pence=30_000)


def test_binding_those_with_room_carry_what_others_lack() -> None:
    outcome = solved(market([RICH, POOR], [offer("o1")], pooling="shared_pool"))
    assert [(row.charge_pence, row.pool_pence) for row in outcome.assignments] == [(70_000, 20_000), (30_000, -20_000)]


def test_binding_a_penny_short_leaves_somebody_out() -> None:
    short = need("n2", budget_pence=29_999)
    outcome = solved(market([RICH, short], [offer("o1")], pooling="shared_pool"))
    assert reasons(outcome) == {"n2": "not_chosen"}


def test_binding_the_pool_reaches_over_bundles_that_have_nothing_else_in_common() -> None:
    poor = need("n2", budget_pence=30_000, bundle="b2")
    bundles = [{"id": "b1"}, {"id": "b2"}]
    made = market([RICH, poor], [offer("o1"), offer("o2", bundle="b2")], bundles=bundles, pooling="shared_pool")
    assert len(solved(made).assignments) == 2
    short = need("n2", budget_pence=29_999, bundle="b2")
    made = market([RICH, short], [offer("o1"), offer("o2", bundle="b2")], bundles=bundles, pooling="shared_pool")
    assert len(solved(made).assignments) == 1


def test_slack_everybody_pays_the_own_bill() -> None:
    outcome = solved(market(THREE, [offer("o1", fee_pence=100)], pooling="shared_pool"))
    assert [row.fee_share_pence for row in outcome.assignments] == [34, 33, 33]
    assert {row.pool_pence for row in outcome.assignments} == {0}


def test_cannot_be_met() -> None:
    poor = [need(f"n{number}", budget_pence=10) for number in range(3)]
    outcome = solved(market(poor, [offer("o1")], pooling="shared_pool"))
    assert set(reasons(outcome).values()) == {"rules_in_conflict"}
    assert outcome.unmatched[0].rules == ("shared_pool",)
