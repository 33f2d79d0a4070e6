"""Limits: time, gap, cancel, size; progress; and an outcome that never calls itself better than it is."""

import time

import pytest

from matching import MarketTooLarge, MatchingError, Progress, solve, verify
from matching.generate import generate_market
from tests.matching.markets import THREE, market, need, offer, solved

LARGE = generate_market(needs_per_bundle=150, offers_per_bundle=8, seed=3)


def test_no_time_at_all_gives_a_first_choice_with_an_honest_gap() -> None:
    outcome = solved(LARGE, time_limit_s=0)
    assert len(outcome.assignments) > 75
    assert outcome.termination == "limit_reached"
    assert outcome.coverage.bound is not None
    assert outcome.coverage.bound >= outcome.coverage.value
    assert outcome.effective_cost.bound is not None


def test_a_limit_that_strikes_is_never_called_optimal() -> None:
    outcome = solved(LARGE, time_limit_s=1)
    gaps = (outcome.coverage.gap_permille, outcome.effective_cost.gap_permille)
    assert (outcome.termination == "optimal") == (gaps == (0, 0))


def test_a_gap_that_is_asked_for_is_reached_and_said() -> None:
    outcome = solved(LARGE, gap_permille=20)
    assert outcome.effective_cost.gap_permille is not None
    assert outcome.effective_cost.gap_permille <= 20
    assert outcome.coverage.gap_permille == 0
    assert outcome.termination in {"within_gap", "optimal"}


def test_a_cancel_at_once_stops_at_once() -> None:
    assert solved(LARGE, cancelled=lambda: True).termination == "cancelled"


def test_a_cancel_in_the_middle_keeps_what_was_found() -> None:
    """The first event of the second level cancels: coverage is proven, the cost is what it is by then."""
    seen: list[Progress] = []
    outcome = solved(
        LARGE, on_progress=seen.append, cancelled=lambda: any(one.level == "effective_cost" for one in seen)
    )
    assert outcome.termination == "cancelled"
    assert outcome.coverage.gap_permille == 0
    assert len(outcome.assignments) > 0


def test_a_caller_that_never_cancels_gets_the_same_outcome() -> None:
    free = solve(LARGE, gap_permille=20, time_limit_s=600)
    watched = solve(LARGE, gap_permille=20, cancelled=lambda: False)
    assert free.awards == watched.awards
    assert free.assignments == watched.assignments


def test_progress_names_part_level_value_bound_and_seconds() -> None:
    seen: list[Progress] = []
    outcome = solve(LARGE, gap_permille=20, on_progress=seen.append)
    assert {one.level for one in seen} == {"coverage", "effective_cost"}
    last = [one for one in seen if one.level == "effective_cost"][-1]
    assert (last.value, last.bound) == (outcome.effective_cost.value, outcome.effective_cost.bound)
    assert [one.seconds for one in seen] == sorted(one.seconds for one in seen)
    assert all(one.part in LARGE.need_by_id for one in seen)


def test_a_market_that_is_too_large_is_refused_before_it_is_built() -> None:
    began = time.process_time()
    with pytest.raises(MarketTooLarge) as caught:
        solve(LARGE, max_pairs=10)
    assert time.process_time() - began < 1
    assert caught.value.facts["max_pairs"] == 10
    assert int(caught.value.facts["pairs"] or 0) >= 150


def test_amounts_beyond_exact_arithmetic_are_refused() -> None:
    rich = need("n1", units=10**6, budget_pence=10**10)
    with pytest.raises(MarketTooLarge, match="stay exact"):
        solve(market([rich], [offer("o1", (0, 10**10))]))


@pytest.mark.parametrize(
    "options",
    [
        {"time_limit_s": -1},
        {"gap_permille": -1},
        {"gap_permille": 1_001},
        {"coverage_gap_permille": float("nan")},
        {"workers": 0},
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(MatchingError) as caught:
        solve(market(THREE, [offer("o1")]), **options)  # type: ignore[arg-type]
    assert caught.value.code == "bad_option"


def test_an_empty_market_is_solved() -> None:
    outcome = solve(market([], []))
    assert outcome.termination == "nothing_matched"
    assert verify(market([], []), outcome) == []


def test_a_reserve_is_weighed_against_every_offer() -> None:
    beyond = need("n3", reserve_pence=7, min_grade=4)
    needs = [need("n1", reserve_pence=49_999), need("n2", reserve_pence=50_001), beyond]
    outcome = solved(market(needs, [offer("o1")], unmatched="reserve"))
    assert list(outcome.offer_of()) == ["n2"]
    assert outcome.effective_cost.value == 50_000 + 49_999 + 7
    assert outcome.coverage.bound is None
    assert outcome.termination == "optimal"
