"""minimum_volume: an offer in use gets at least its minimum units."""

from tests.matching.markets import THREE, market, offer, plan, rules_in_conflict, solved


def test_binding_the_cheaper_offer_is_filled_to_its_minimum_or_not_used() -> None:
    cheap_needs_all = [offer("o1", (0, 4_000), min_units=30, max_units=30), offer("o2")]
    assert set(plan(solved(market(THREE, cheap_needs_all))).values()) == {"o1"}
    cheap_needs_more = [offer("o1", (0, 4_000), min_units=31), offer("o2")]
    assert set(plan(solved(market(THREE, cheap_needs_more))).values()) == {"o2"}


def test_binding_two_minimums_share_three_patients() -> None:
    offers = [offer("o1", (0, 4_000), min_units=10, max_units=20), offer("o2", min_units=10)]
    assert len(solved(market(THREE, offers)).awards) == 2


def test_slack() -> None:
    assert len(solved(market(THREE, [offer("o1", min_units=10)])).assignments) == 3


def test_cannot_be_met() -> None:
    outcome = solved(market(THREE, [offer("o1", min_units=31)]))
    assert outcome.termination == "nothing_matched"
    assert rules_in_conflict(outcome) == {"minimum_volume"}
