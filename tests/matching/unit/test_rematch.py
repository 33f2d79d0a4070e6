"""After refusals: everybody else keeps provider and charge, or is named with the rule that took them."""

import pytest

from matching import QuestionError, Rematch, read_market, rematch, verify
from matching.generate import generate_market
from tests.matching.markets import THREE, market, need, offer, plan, solved


def checked(found: Rematch) -> Rematch:
    """A rematch's outcome passes verification against its own market, which is readable."""
    assert verify(found.market, found.outcome) == []
    assert read_market(found.market.document()) == found.market
    return found


def test_a_refusal_moves_nobody_else_and_places_who_refused_elsewhere() -> None:
    made = market(THREE, [offer("o1", (0, 4_000)), offer("o2")])
    before = solved(made)
    found = checked(rematch(made, before, refused=["n2"]))
    assert (found.kept, found.placed, found.displaced, found.disruption) == (("n1", "n3"), ("n2",), (), 0)
    assert plan(found.outcome) == {"n1": "o1", "n2": "o2", "n3": "o1"}


def test_who_left_is_gone_and_the_room_goes_to_the_next() -> None:
    made = market(THREE, [offer("o1", max_units=20)])
    before = solved(made)
    gone = before.assignments[0].need
    waiting = before.unmatched[0].need
    found = checked(rematch(made, before, left=[gone]))
    assert found.placed == (waiting,)
    assert all(one.id != gone for one in found.market.needs)


def test_an_accepted_charge_never_rises() -> None:
    """The fee's third would be shared by two: above what they accepted, so the fee is not covered and both go."""
    made = market(THREE, [offer("o1", fee_pence=300)])
    found = checked(rematch(made, solved(made), left=["n3"]))
    assert found.kept == ()
    assert [(one.rule, one.value, one.limit) for one in found.shortfalls] == [("fee_cover", 200, 300)]
    assert {(one.need, one.rules) for one in found.displaced} == {("n1", ("fee_cover",)), ("n2", ("fee_cover",))}
    # They keep the provider at a charge of 150 more, which they are asked for anew.
    assert {one.offer_after for one in found.displaced} == {"o1"}
    assert found.disruption == 0


def test_a_provider_may_waive_what_it_lacks() -> None:
    made = market(THREE, [offer("o1", (0, 5_000), (30, 4_000), fee_pence=300, min_units=25)])
    before = solved(made)
    lacking = checked(rematch(made, before, left=["n3"]))
    assert {one.rule for one in lacking.shortfalls} == {"fee_cover", "minimum_volume", "tier_volume"}
    assert lacking.kept == ()
    assert lacking.disruption == 2
    waived = checked(rematch(made, before, left=["n3"], waived=["o1"]))
    assert waived.kept == ("n1", "n2")
    assert {row.charge_pence for row in waived.outcome.assignments} == {40_100}
    assert all(one.waived for one in waived.shortfalls)


def test_a_freed_need_may_fill_the_gap() -> None:
    made = market([*THREE, need("n4")], [offer("o1", min_units=30, max_units=30)])
    before = solved(made)
    gone = before.assignments[0].need
    found = checked(rematch(made, before, left=[gone]))
    assert len(found.kept) == 2
    assert len(found.placed) == 1


def test_who_has_not_accepted_yet_has_no_ceiling() -> None:
    made = market(THREE, [offer("o1", fee_pence=300)])
    found = checked(rematch(made, solved(made), left=["n3"], accepted=["n1"]))
    assert found.kept == ("n1", "n2")
    assert [row.charge_pence for row in found.outcome.assignments] == [50_100, 50_200]


def test_on_a_made_up_market_most_stay_and_all_are_accounted_for() -> None:
    made = generate_market(needs_per_bundle=30, offers_per_bundle=4, seed=6)
    before = solved(made, gap_permille=10)
    refused = [row.need for row in before.assignments[::10]]
    found = checked(rematch(made, before, refused=refused, gap_permille=10))
    stood = {row.need for row in before.assignments} - set(refused)
    assert {*found.kept, *(one.need for one in found.displaced)} == stood
    charges = {row.need: row.charge_pence for row in found.outcome.assignments}
    ceilings = {row.need: row.charge_pence for row in before.assignments}
    assert all(charges[name] <= ceilings[name] for name in found.kept)
    again = {row.need: made.offer_by_id[row.offer].provider for row in found.outcome.assignments}
    first = {row.need: made.offer_by_id[row.offer].provider for row in before.assignments}
    assert all(again.get(name) != first[name] for name in refused)


RICH, RICHER = need("n1", budget_pence=70_000), need("n2", budget_pence=70_000)
POOR, MIDDLING = need("n3", budget_pence=30_000), need("n4", budget_pence=45_000)
"""In a shared pool at 500.00 each: the first two give 125.00 each, the others receive 200.00 and 50.00."""


def test_in_a_shared_pool_nobody_who_accepted_gives_more_when_a_giver_goes() -> None:
    """125.00 are left to give: it carries who lacks 50.00, and not who lacks 200.00, although budgets would."""
    made = market([RICH, RICHER, POOR, MIDDLING], [offer("o1")], pooling="shared_pool")
    before = solved(made)
    assert [row.pool_pence for row in before.assignments] == [12_500, 12_500, -20_000, -5_000]
    found = checked(rematch(made, before, left=["n1"]))
    assert found.kept == ("n2", "n4")
    assert [(one.need, one.offer_after) for one in found.displaced] == [("n3", None)]
    assert [(row.charge_pence, row.pool_pence) for row in found.outcome.assignments] == [
        (55_000, 5_000),
        (45_000, -5_000),
    ]


def test_in_a_shared_pool_those_who_give_pay_less_when_a_receiver_goes() -> None:
    made = market([RICH, RICHER, POOR, MIDDLING], [offer("o1")], pooling="shared_pool")
    found = checked(rematch(made, solved(made), left=["n3"]))
    assert found.kept == ("n1", "n2", "n4")
    assert [row.charge_pence for row in found.outcome.assignments] == [52_500, 52_500, 45_000]


def test_in_a_shared_pool_a_waived_fee_is_not_laid_on_those_who_stay() -> None:
    """A third of the fee went with who left: waived, everybody keeps the charge; not waived, they are asked anew."""
    made = market(THREE, [offer("o1", fee_pence=300)], pooling="shared_pool")
    before = solved(made)
    waived = checked(rematch(made, before, left=["n3"], waived=["o1"]))
    assert (waived.kept, [row.charge_pence for row in waived.outcome.assignments]) == (("n1", "n2"), [50_100, 50_100])
    anew = checked(rematch(made, before, left=["n3"]))
    assert (anew.kept, {one.charge_after_pence for one in anew.displaced}) == ((), {50_150})


def test_unknown_names_are_refused() -> None:
    made = market(THREE, [offer("o1")])
    with pytest.raises(QuestionError, match="refused: 'n9'"):
        rematch(made, solved(made), refused=["n9"])
