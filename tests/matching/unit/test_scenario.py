"""What if: the changed market is a market of its own, and the difference is between two verified outcomes."""

import pytest

from matching import (
    DocumentError,
    Scenario,
    compare,
    price_of_rules,
    read_market,
    read_scenario,
    stated_rules,
    verify,
)
from matching.scenario import SIDE_RULES, apply
from tests.matching.markets import THREE, market, need, offer, solved

OFFERS = [offer("o1", (0, 4_000)), offer("o2", (0, 5_000))]
SHARED = market(THREE, OFFERS, bundles=[{"id": "b1", "max_share_permille": 667}])


def test_a_rule_has_its_price() -> None:
    """Sharing the work between two providers costs one patient's difference of 100.00."""
    (found,) = price_of_rules(SHARED, solved(SHARED))
    assert found.scenario.without_rules == ("provider_share",)
    assert (found.coverage, found.matched, found.effective_cost_pence) == (0, 0, -10_000)
    assert (found.charges_pence, found.providers_lost) == (-10_000, ("p-o2",))
    assert [(move.before, move.after) for move in found.moved] == [("p-o2", "p-o1")]
    assert found.proven
    assert verify(found.market, found.after) == []


def test_somebody_absent() -> None:
    found = compare(SHARED, solved(SHARED), Scenario("without o2", without_offers=("o2",)))
    assert found.matched == -3
    found = compare(SHARED, solved(SHARED), Scenario("without p-o1", ("provider_share",), without_providers=("p-o1",)))
    assert (found.matched, found.effective_cost_pence) == (0, 20_000)


def test_budgets_scaled() -> None:
    made = market([need("n1", budget_pence=45_000)], [offer("o1")])
    found = compare(made, solved(made), Scenario("a ninth more", budgets_permille=1_112))
    assert (found.coverage, found.charges_pence) == (1, 50_000)


def test_weights_moved_take_the_patients_own_along_and_stay_readable() -> None:
    asked = need("n1", weights={"pence_per_change": 750}, current_provider="p9")
    made = market([asked], [offer("o1")], pence_per_change=500, weight_bounds_permille=[500, 1_500])
    changed = apply(made, Scenario("twice", weights_permille=(("pence_per_change", 2_000),)))
    assert changed.policy.pence_per_change == 1_000
    assert changed.needs[0].weights == {"pence_per_change": 1_500}
    assert read_market(changed.document()) == changed


@pytest.mark.parametrize("rule", sorted(SIDE_RULES))
def test_every_rule_can_be_left_out_and_leaves_a_readable_market(rule: str) -> None:
    changed = apply(SHARED, Scenario("", (rule,)))
    assert read_market(changed.document()) == changed


def test_weights_set_anew_take_the_patients_own_along() -> None:
    """Half as much again asked by a patient stays half as much again; what had no price before has the policy's."""
    asked = need("n1", weights={"pence_per_change": 750, "pence_per_km": 0}, current_provider="p9")
    made = market([asked], [offer("o1")], pence_per_change=500, weight_bounds_permille=[500, 1_500])
    changed = apply(made, Scenario("", weights_pence=(("pence_per_change", 2_000), ("pence_per_km", 30))))
    assert (changed.policy.pence_per_change, changed.policy.pence_per_km) == (2_000, 30)
    assert changed.needs[0].weights == {"pence_per_change": 3_000}
    assert read_market(changed.document()) == changed


def test_budgets_may_be_shared_for_once() -> None:
    """Under a shared pool those with room carry what the one lacks."""
    made = market([need("n1", budget_pence=40_000), need("n2", budget_pence=70_000)], [offer("o1")])
    found = compare(made, solved(made), Scenario("shared", pooling="shared_pool"))
    assert (found.matched, found.market.policy.pooling) == (1, "shared_pool")
    assert verify(found.market, found.after) == []


def test_the_rules_that_a_market_states() -> None:
    assert stated_rules(SHARED) == ("provider_share",)


def test_what_is_written_is_read_back() -> None:
    asked = Scenario(
        "x", ("grade",), (("pence_per_km", 5),), ("o1",), ("p1",), 0, (("pence_per_km", 7),), "shared_pool"
    )
    assert read_scenario(asked.document()) == asked
    assert read_scenario(Scenario("x").document()) == Scenario("x")


def test_a_document_is_read_and_a_wrong_one_refused() -> None:
    made = {"format": "scenario/1", "name": "x", "without_rules": ["distance"], "weights_permille": {"pence_per_km": 5}}
    assert read_scenario(made) == Scenario("x", ("distance",), (("pence_per_km", 5),))
    with pytest.raises(DocumentError) as caught:
        read_scenario({**made, "without_rules": ["fairness"]})
    assert caught.value.place == "without_rules"
    with pytest.raises(DocumentError) as caught:
        apply(SHARED, Scenario("", without_offers=("o9",)))
    assert caught.value.place == "without_offers"
