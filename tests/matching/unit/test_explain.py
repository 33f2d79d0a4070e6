"""Why it came out so: the one rule for each alternative, and the smallest change, held against re-solving."""

from dataclasses import replace
from typing import Any

import pytest

from matching import Market, NeedExplanation, OfferExplanation, QuestionError, explain, solve
from matching.explain import Place
from matching.moves import Largest
from tests.matching.markets import THREE, document, market, need, offer, plan, solved


def of_need(made: Market, name: str) -> NeedExplanation:
    found = explain(made, solved(made), name)
    assert isinstance(found, NeedExplanation)
    return found


def of_offer(made: Market, name: str) -> OfferExplanation:
    found = explain(made, solved(made), name)
    assert isinstance(found, OfferExplanation)
    return found


def verdicts(found: NeedExplanation) -> dict[str, tuple[object, ...]]:
    return {
        one.offer: (one.verdict.rule, one.verdict.value, one.verdict.limit)
        for one in found.alternatives
        if one.verdict is not None
    }


def with_budget(made: Market, name: str, pence: int) -> Market:
    return replace(made, needs=tuple(replace(n, budget_pence=pence) if n.id == name else n for n in made.needs))


def test_each_alternative_has_the_one_rule_that_kept_it_out() -> None:
    needs = [need("n1", easting_m=0, northing_m=0, max_distance_m=400), need("n2")]
    offers = [
        offer("near", (0, 4_000), easting_m=0, northing_m=1),
        offer("far", easting_m=300, northing_m=400),
        offer("dear", (0, 5_500), easting_m=0, northing_m=1),
        offer("minimum", (0, 3_000), min_units=11, max_units=19, easting_m=0, northing_m=1),
        offer("fee", (0, 4_000), fee_pence=700, easting_m=0, northing_m=1),
        offer("beyond", (0, 6_001), easting_m=0, northing_m=1),
    ]
    found = of_need(market(needs, offers), "n1")
    assert found.chosen == "near"
    assert verdicts(found) == {
        "far": ("distance", 500, 400),
        "dear": ("effective_cost", 15_000, 0),
        "minimum": ("minimum_volume", 10, 11),
        "fee": ("effective_cost", 700, 0),
        "beyond": ("own_budget", 60_010, 60_000),
    }
    assert [one.place for one in found.alternatives if one.offer == "near"] == [Place.CHOSEN]


@pytest.mark.parametrize(
    ("other", "here", "weights", "largest"),
    [
        ({"fee_pence": 700}, {}, {}, ("price", 700, None, None)),
        ({"grade": 2}, {"grade": 4}, {"pence_per_quality_grade": 100}, ("quality", 2_000, 2, 4)),
        ({"northing_m": 3_000}, {"northing_m": 1_000}, {"pence_per_km": 50}, ("travel", 1_000, 3_000, 1_000)),
        (
            {"first_appointment_days": 20},
            {"first_appointment_days": 5},
            {"pence_per_wait_day": 10},
            ("wait", 150, 20, 5),
        ),
        ({}, {"provider": "own"}, {"pence_per_change": 900}, ("change", 900, None, None)),
    ],
)
def test_what_is_dearer_in_all_says_which_part_adds_most(
    other: dict[str, Any], here: dict[str, Any], weights: dict[str, int], largest: tuple[object, ...]
) -> None:
    """Each part in its own unit: what the other offer has, and what the chosen one has."""
    asked = need("n1", easting_m=0, northing_m=0, current_provider="own" if "provider" in here else None)
    place = {"easting_m": 0, "northing_m": 0}
    made = market([asked], [offer("o1", **place | here), offer("o2", **place | other)], **weights)
    (told,) = [one.verdict for one in of_need(made, "n1").alternatives if one.verdict is not None]
    assert told.largest is not None
    assert (told.largest.part, told.largest.pence, told.largest.value, told.largest.limit) == largest


def test_what_an_offer_saves_on_one_part_is_not_named() -> None:
    """It is cheaper by 50.00 and worse by two grades, which count for 80.00: the grade decided, not the 30.00."""
    offers = [offer("o1", grade=4), offer("o2", (0, 4_500), grade=2)]
    (told,) = [
        one.verdict
        for one in of_need(market([need("n1")], offers, pence_per_quality_grade=400), "n1").alternatives
        if one.verdict is not None
    ]
    assert (told.value, told.largest) == (3_000, Largest("quality", 8_000, 2, 4))


def test_a_full_offer_says_how_full() -> None:
    found = of_need(market(THREE, [offer("o1", (0, 4_000), max_units=20), offer("o2")]), "n1")
    full = {"o1": ("capacity", 30, 20)}
    assert verdicts(found) in (full, {"o2": ("effective_cost", 10_000, 0)})


def test_an_unmatched_need_hears_the_least_budget_that_would_have_done() -> None:
    made = market([need("n1", budget_pence=45_000), need("n2")], [offer("o1", fee_pence=8_000)])
    (change,) = of_need(made, "n1").changes
    assert (change.kind, change.now, change.needed, change.proven_smallest) == ("budget", 45_000, 50_000, True)
    assert "n1" in plan(solved(with_budget(made, "n1", 50_000)))
    assert "n1" not in plan(solved(with_budget(made, "n1", 49_999)))


def test_a_fee_that_nobody_else_covers_is_part_of_the_least_budget() -> None:
    made = market([need("n1", budget_pence=45_000)], [offer("o1", fee_pence=8_000)])
    (change,) = of_need(made, "n1").changes
    assert (change.kind, change.needed, change.proven_smallest) == ("budget", 58_000, True)


def test_the_least_distance_is_the_offers_own() -> None:
    asked = need("n1", easting_m=0, northing_m=0, max_distance_m=100)
    full = offer("o1", easting_m=0, northing_m=200, max_units=9)
    free = offer("o2", easting_m=300, northing_m=400)
    (change,) = of_need(market([asked], [full, free]), "n1").changes
    assert (change.kind, change.offer, change.now, change.needed) == ("distance", "o2", 100, 500)
    assert change.proven_smallest


def test_the_grade_and_the_attribute_that_would_have_done() -> None:
    asked = need("n1", min_grade=4, requires=["step_free"])
    (change,) = of_need(market([asked], [offer("o1", grade=2, attributes=["step_free"])]), "n1").changes
    assert (change.kind, change.now, change.needed) == ("grade", 4, 2)
    asked = need("n1", requires=["home_visit", "step_free"])
    (change,) = of_need(market([asked], [offer("o1", attributes=["step_free"])]), "n1").changes
    assert (change.kind, change.now, change.needed) == ("attribute", "home_visit", None)


def test_no_single_change_where_two_are_needed() -> None:
    asked = need("n1", min_grade=4, requires=["step_free"])
    assert of_need(market([asked], [offer("o1", grade=2)]), "n1").changes == ()


def test_an_unused_offer_hears_its_price_to_the_penny() -> None:
    """At 50.00 against 40.00 for three needs of ten units: 10.01 less for each unit, and used."""
    made = market(THREE, [offer("o1", (0, 4_000)), offer("o2")])
    found = of_offer(made, "o2")
    (change,) = found.changes
    assert found.award is None
    assert (change.kind, change.needed, change.proven_smallest) == ("price", 1_001, True)
    for lower, used in ((1_001, True), (1_000, False)):
        cheaper = document([dict(one) for one in THREE], [offer("o1", (0, 4_000)), offer("o2", (0, 5_000 - lower))])
        outcome = solved(market(cheaper["needs"], cheaper["offers"]))
        assert ("o2" in plan(outcome).values()) is used


def test_an_unused_offer_hears_the_units_it_lacks() -> None:
    made = market(THREE, [offer("o1"), offer("o2", (0, 4_000), min_units=30, max_units=20)])
    changes = {change.kind: change for change in of_offer(made, "o2").changes}
    assert (changes["capacity"].now, changes["capacity"].needed) == (20, 30)
    assert of_offer(made, "o2").closed_tiers == ((0, ("capacity", "minimum_volume")),)


def test_a_used_offer_shows_its_award() -> None:
    found = of_offer(market(THREE, [offer("o1")]), "o1")
    assert found.award is not None
    assert (found.award.units, found.eligible_needs, found.changes) == (30, 3, ())


def test_a_reserve_that_is_cheaper_hears_the_budget_only_if_it_helps() -> None:
    made = market([need("n1", reserve_pence=40_000)], [offer("o1")], unmatched="reserve")
    found = of_need(made, "n1")
    assert (found.reason, found.changes) == ("reserve_cheaper", ())


def test_names_and_markets_that_do_not_fit_are_refused() -> None:
    made = market(THREE, [offer("o1")])
    outcome = solve(made)
    with pytest.raises(QuestionError, match="neither a need nor an offer"):
        explain(made, outcome, "n9")
    with pytest.raises(QuestionError, match="not of this market"):
        explain(market(THREE[:2], [offer("o1")]), outcome, "n1")
