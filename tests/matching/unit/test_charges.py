"""Charges to the penny: fees shared by units under caps, a pool's bills, and no penny lost on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import MatchingError
from matching.charges import Bill, apportion, own_budget_charges, shared_pool_charges


def test_missing_pennies_go_to_the_largest_remainders_then_to_the_earlier() -> None:
    assert apportion(100, [1, 1, 1]) == [34, 33, 33]
    assert apportion(10, [3, 3, 1]) == [4, 4, 2]


def test_what_a_cap_turns_away_goes_round_again() -> None:
    assert apportion(100, [1, 1, 2], [10, 100, 100]) == [10, 30, 60]


def test_a_cap_may_be_met_only_in_the_second_round() -> None:
    assert apportion(90, [1, 1, 1], [0, 40, 50]) == [0, 40, 50]


def test_too_little_room_is_an_error_with_its_figures() -> None:
    with pytest.raises(MatchingError) as caught:
        apportion(10, [1, 1], [4, 5])
    assert caught.value.facts == {"total_pence": 10, "caps_pence": 9}


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 5_000)), min_size=1, max_size=12), st.data())
def test_shares_add_up_and_keep_their_caps(rows: list[tuple[int, int]], data: st.DataObject) -> None:
    weights, caps = [weight for weight, _ in rows], [cap for _, cap in rows]
    total = data.draw(st.integers(0, sum(caps)))
    shares = apportion(total, weights, caps)
    assert sum(shares) == total
    assert all(0 <= share <= cap for share, cap in zip(shares, caps, strict=True))


def test_a_fee_is_shared_by_units() -> None:
    bills = [Bill("n1", "o1", 10, 50_000, 60_000), Bill("n2", "o1", 20, 100_000, 120_000)]
    assert [one.fee_share_pence for one in own_budget_charges(bills, 100)] == [33, 67]


def test_a_pool_sums_to_zero_and_charges_nobody_above_the_budget() -> None:
    bills = [Bill("n1", "o1", 10, 40_000, 90_000), Bill("n2", "o1", 10, 40_000, 30_000), Bill("n3", "o1", 1, 10, 500)]
    charges = shared_pool_charges(bills, {"o1": 1_001})
    assert sum(one.pool_pence for one in charges) == 0
    assert charges[1].charge_pence == 30_000
    assert sum(one.charge_pence for one in charges) == 80_010 + 1_001
