"""Pence, and their sharing out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.rules.errors import CannotApportion, Invalid
from marketplace.rules.money import apportion, format_pounds, parse_pounds, part_of


@pytest.mark.parametrize(
    ("text", "pence"),
    [("48", 4800), ("48.5", 4850), ("£48.50", 4850), (" 1,234.56 ", 123456), ("0", 0), ("0.07", 7), ("1234", 123400)],
)
def test_pounds_as_people_type_them(text: str, pence: int) -> None:
    assert parse_pounds(text) == pence


@pytest.mark.parametrize(
    "text", ["", "-1", "1.234", "12,34", "£", "1e3", "NaN", "4 pounds", "99999999999999", "1,2345"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_pounds(text)


@given(st.integers(0, 10**12))
def test_written_and_read_back(pence: int) -> None:
    assert parse_pounds(format_pounds(pence)) == pence


def test_a_debt_carries_its_minus() -> None:
    assert format_pounds(-123456) == "-£1,234.56"


def test_largest_remainder() -> None:
    """100 over three equal parts: the odd penny goes to the first."""
    assert apportion(100, [1, 1, 1], [100, 100, 100]) == [34, 33, 33]


def test_what_a_cap_turns_away_goes_round_again() -> None:
    assert apportion(90, [1, 1, 1], [10, 100, 100]) == [10, 40, 40]


def test_nobody_can_take_it_all() -> None:
    with pytest.raises(CannotApportion) as caught:
        apportion(100, [1, 1], [40, 59])
    assert caught.value.facts == {"total_pence": 100, "caps_pence": 99}


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 1000)), min_size=1, max_size=8), st.integers(0, 3000))
def test_to_the_penny_and_never_above_a_cap(parts: list[tuple[int, int]], total: int) -> None:
    """Shares add up exactly, respect caps, and nothing goes to a weight of nothing."""
    weights, caps = [weight for weight, _ in parts], [cap for _, cap in parts]
    room = sum(cap for weight, cap in parts if weight)
    if room < total:
        with pytest.raises(CannotApportion):
            apportion(total, weights, caps)
        return
    shares = apportion(total, weights, caps)
    assert sum(shares) == total
    assert all(0 <= share <= cap for share, cap in zip(shares, caps, strict=True))
    assert all(share == 0 for share, weight in zip(shares, weights, strict=True) if weight == 0)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.integers(0, 3000))
def test_without_caps_nobody_is_a_penny_off(weights: list[int], total: int) -> None:
    """Uncapped, every share is within a penny of its exact part."""
    shares = apportion(total, weights, [total] * len(weights))
    assert all(
        abs(share * sum(weights) - total * weight) < sum(weights) for share, weight in zip(shares, weights, strict=True)
    )


@given(st.integers(0, 10**9), st.integers(1, 60), st.data())
def test_equal_parts_add_up(total: int, parts: int, data: st.DataObject) -> None:
    """What falls due unit by unit never runs ahead, and comes to the total at the last one."""
    done = data.draw(st.integers(0, parts))
    assert part_of(total, parts, parts) == total
    assert part_of(total, parts, done) * parts <= total * done
