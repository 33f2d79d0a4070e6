"""Figures that name nobody, alone or beside their sum."""

from hypothesis import given
from hypothesis import strategies as st

from marketplace.rules.privacy import K, hidden, share_permille, shown


def test_a_single_small_cell_takes_the_next_smallest_with_it() -> None:
    assert hidden([30, 3, 12, 50]) == {1, 2}


def test_small_cells_that_come_to_enough_together_need_no_company() -> None:
    assert hidden([30, 4, 5, 50]) == {1, 2}


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
