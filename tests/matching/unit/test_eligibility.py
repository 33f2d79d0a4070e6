"""Pair rules: each refusal carries its rule and its figures."""

from typing import Any

import pytest

from matching import Outcome
from tests.matching.markets import market, need, offer, solved

HERE = {"easting_m": 0, "northing_m": 0}


def refusal(outcome: Outcome) -> tuple[str, object, object]:
    told = outcome.unmatched[0].refusals[0]
    return told.rule, told.value, told.limit


REFUSED = [
    ({**HERE, "max_distance_m": 499}, {"easting_m": 300, "northing_m": 400}, ("distance", 500, 499)),
    ({**HERE, "max_distance_m": 900}, {"easting_m": 300, "northing_m": 400, "max_distance_m": 499},
     ("distance", 500, 499)),
    ({"max_distance_m": 900}, {"easting_m": 300, "northing_m": 400}, ("distance", None, 900)),
    ({"min_grade": 3}, {"grade": 2}, ("grade", 2, 3)),
    ({"min_grade": 1}, {}, ("grade", 0, 1)),
    ({"requires": ["home_visit"]}, {"attributes": ["step_free"]}, ("attribute", None, "home_visit")),
    ({"excludes": ["p-o1"]}, {}, ("excluded", "p-o1", None)),
    ({"max_wait_days": 13}, {"first_appointment_days": 14}, ("wait", 14, 13)),
    ({"max_wait_days": 13}, {}, ("wait", None, 13)),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "offered", "told"), REFUSED)
def test_a_refusal_names_its_rule_and_figures(asked: Any, offered: Any, told: Any) -> None:
    outcome = solved(market([need("n1", **asked)], [offer("o1", **offered)]))
    assert outcome.unmatched[0].reason == "no_eligible_offer"
    assert refusal(outcome) == told


ALLOWED = [
    ({**HERE, "max_distance_m": 500}, {"easting_m": 300, "northing_m": 400}),
    ({}, {"max_distance_m": 5}),
    ({"min_grade": 2}, {"grade": 2}),
    ({"requires": ["home_visit"]}, {"attributes": ["home_visit", "step_free"]}),
    ({"max_wait_days": 14}, {"first_appointment_days": 14}),
]


@pytest.mark.parametrize(("asked", "offered"), ALLOWED)
def test_the_limit_itself_is_allowed(asked: Any, offered: Any) -> None:
    assert len(solved(market([need("n1", **asked)], [offer("o1", **offered)])).assignments) == 1


def test_a_bundle_has_a_minimum_grade_of_its_own() -> None:
    outcome = solved(market([need("n1")], [offer("o1", grade=1)], bundles=[{"id": "b1", "min_grade": 2}]))
    assert refusal(outcome) == ("grade", 1, 2)


def test_stated_pairs_suspend_the_pair_rules() -> None:
    picky = need("n1", min_grade=4, max_wait_days=1)
    outcome = solved(market([picky], [offer("o1")], pairs=[{"need": "n1", "offer": "o1", "extra_cost_pence": -7}]))
    assert outcome.assignments[0].extra_pence == -7
    assert outcome.effective_cost.value == 50_000 - 7


def test_a_stated_price_is_of_the_whole_need() -> None:
    outcome = solved(market([need("n1")], [offer("o1")], pairs=[{"need": "n1", "offer": "o1", "price_pence": 123}]))
    assert outcome.assignments[0].price_pence == 123


def test_all_cost_parts_stand_apart() -> None:
    """Ten units, 500 metres, one grade below the best, a change and a wait of two days; the patient's own weight."""
    asked = need("n1", easting_m=0, northing_m=0, current_provider="p9", weights={"pence_per_wait_day": 80})
    bid = offer("o1", easting_m=300, northing_m=400, grade=3, first_appointment_days=2)
    made = market(
        [asked], [bid], pence_per_km=30, pence_per_quality_grade=300, pence_per_change=2_000, pence_per_wait_day=50,
        weight_bounds_permille=[500, 2_000],
    )  # fmt: skip
    row = solved(made).assignments[0]
    assert (row.price_pence, row.quality_pence, row.travel_pence) == (50_000, 3_000, 150)
    assert (row.change_pence, row.wait_pence, row.extra_pence) == (2_000, 160, 0)
