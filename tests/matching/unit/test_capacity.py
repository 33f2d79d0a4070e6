"""capacity: an offer serves at most its maximum units."""

from tests.matching.markets import THREE, market, need, offer, reasons, rules_in_conflict, solved


def test_binding() -> None:
    outcome = solved(market(THREE, [offer("o1", max_units=29)]))
    assert len(outcome.assignments) == 2
    assert set(reasons(outcome).values()) == {"not_chosen"}


def test_binding_priority_decides_who_is_served() -> None:
    needs = [need("n1"), need("n2", priority=5), need("n3", priority=4)]
    outcome = solved(market(needs, [offer("o1", max_units=20)]))
    assert (outcome.coverage.value, list(reasons(outcome))) == (9, ["n1"])


def test_slack() -> None:
    assert len(solved(market(THREE, [offer("o1", max_units=30)])).assignments) == 3


def test_cannot_be_met() -> None:
    outcome = solved(market([need("n1")], [offer("o1", max_units=9)]))
    assert outcome.termination == "nothing_matched"
    assert rules_in_conflict(outcome) == {"capacity"}
