"""Who pays for whom, and how what comes back is split: to the penny, and nobody gets more than they gave."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.rules.errors import WrongState
from marketplace.rules.sharing import check_pool_covered, own_part, shares_back


def test_a_bill_paid_by_the_budget_alone_comes_back_to_it_alone() -> None:
    """Also where the charge is above the bill: the gift is not part of what comes back."""
    assert own_part(700, 0, 1_000, 1_000) == 700
    assert own_part(700, 0, 1_250, 1_000) == 700


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=6), st.integers(0, 1_000))
def test_many_returns_add_up_to_what_each_side_paid(amounts: list[int], permille: int) -> None:
    """However a bill comes back, bit by bit, the budget has its charge and the pool the rest, never more on the way."""
    bill = sum(amounts)
    charge = bill * permille // 1_000
    before = own = 0
    for amount in amounts:
        part = own_part(amount, before, charge, bill)
        assert 0 <= part <= amount
        before, own = before + amount, own + part
        assert own <= charge
        assert before - own <= bill - charge
    assert own == charge


def test_pennies_that_are_left_go_by_largest_remainder() -> None:
    """Gifts of 2:1 share 100 pence as 67 and 33; of two alike the first has the odd penny."""
    assert shares_back(100, [2_000, 1_000], [0, 0]) == [67, 33]
    assert shares_back(1, [500, 500], [0, 0]) == [1, 0]


def test_nobody_gets_back_more_than_they_gave() -> None:
    """Who has had all of it back already is left out, and the others share what is left."""
    assert shares_back(300, [500, 300, 200], [500, 100, 100]) == [0, 200, 100]


def test_what_is_received_must_be_given() -> None:
    """More than enough is well; a penny too little says how much is missing."""
    check_pool_covered([100, -60, -40])
    check_pool_covered([100, -60])
    with pytest.raises(WrongState, match=r"£0\.01 is missing"):
        check_pool_covered([99, -60, -40])
