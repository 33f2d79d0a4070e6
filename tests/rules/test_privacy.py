"""Figures that name nobody, alone or beside their sum."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.rules.privacy import (
    HIDDEN,
    K,
    has_nhs_number,
    hidden,
    share_permille,
    shown,
    whole_groups,
    without_nhs_numbers,
)


def test_a_single_small_cell_takes_the_next_smallest_with_it() -> None:
    assert hidden([30, 3, 12, 50]) == {1, 2}


def test_small_cells_that_come_to_enough_together_need_no_company() -> None:
    assert hidden([30, 4, 5, 50]) == {1, 2}


def test_a_growing_count_is_told_in_whole_groups() -> None:
    assert [whole_groups(count, 8) for count in (0, 7, 8, 15, 16, 25)] == [0, 0, 8, 8, 16, 24]


def test_a_row_without_small_cells_is_shown_whole() -> None:
    assert shown([30, 0, 8]) == (30, 0, 8)


@given(st.lists(st.integers(0, 60), max_size=8))
def test_no_small_cell_can_be_had_from_the_sum(counts: list[int]) -> None:
    """What is hidden comes to nothing or to at least k in two cells or more, unless the sum itself is too small."""
    cells = shown(counts)
    unknown = sum(counts) - sum(cell for cell in cells if cell is not None)
    places = cells.count(None)
    assert all(cell is None or cell == 0 or cell >= K for cell in cells)
    assert places == 0 or (places > 1 and unknown >= K) or sum(counts) - unknown == 0


def test_a_share_of_few_is_not_shown_nor_one_that_leaves_few() -> None:
    assert share_permille(10, 20) == 500
    assert share_permille(20, 20) == 1000
    assert (share_permille(3, 20), share_permille(17, 20), share_permille(2, 4)) == (None, None, None)


@pytest.mark.parametrize(
    "told",
    [
        "9990000018",
        "(999 000 0018)",
        "number=999-000-0018.",
        "?search=999%20000%200018&page=2",
        "?search=999+000+0018",
        "next=%2Fclients%3Fsearch%3D9990000018",
        "9990000019 with a slip",
        "999\u00a0000\u00a00018",
        "next=%2fclients%3fsearch%3d9990000018",
        "next=%252Fclients%253Fsearch%253D9990000018",
        "?search=999%c2%a0000%c2%a00018",
        "?search=999++000++0018",
        "?search=999%2b000%2d0018",
        "999 - 000 -0018",
    ],
)
def test_what_may_be_an_nhs_number_is_hidden(told: str) -> None:
    assert has_nhs_number(told)
    hidden = without_nhs_numbers(told)
    assert HIDDEN in hidden
    assert "0018" not in hidden.replace("\u00a0", "")
    assert not has_nhs_number(hidden)


@pytest.mark.parametrize(
    "told",
    ["99900000181", "a9990000018", "9990000018f", "£999,000.00", "2026-03-02 09:00:00", "999    000    0018", ""],
)
def test_what_cannot_be_one_stays(told: str) -> None:
    assert without_nhs_numbers(told) == told
