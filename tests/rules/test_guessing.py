"""So many tries in so long, and what settings may say of it."""

from datetime import UTC, datetime, timedelta

import pytest

from marketplace.rules.errors import Invalid, TooManyTries
from marketplace.rules.guessing import Limit, check_may_try, limits_from, longest_window

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LIMITS = (Limit(2, 60), Limit(3, 3_600))


def ago(*seconds: int) -> list[datetime]:
    return [NOON - timedelta(seconds=number) for number in seconds]


@pytest.mark.parametrize(
    ("seconds", "refused_by"),
    [((), None), ((1,), None), ((1, 59), 60), ((1, 60), None), ((61, 62, 63), 3_600), ((61, 62, 3_600), None)],
)
def test_every_limit_holds(seconds: tuple[int, ...], refused_by: int | None) -> None:
    """A try counts for less than its window; the refusal says which one it was."""
    if refused_by is None:
        check_may_try(NOON, ago(*seconds), LIMITS)
    else:
        with pytest.raises(TooManyTries) as told:
            check_may_try(NOON, ago(*seconds), LIMITS)
        assert told.value.facts["window_s"] == refused_by


def test_limits_are_pairs_of_whole_numbers() -> None:
    """Whatever else stands in the settings is refused, rather than taken for no limit."""
    assert limits_from([[2, 60], [3, 3_600]]) == LIMITS
    assert longest_window(LIMITS) == timedelta(hours=1)
    for wrong in ([], "20 per minute", [[20]], [[0, 60]], [[20, -1]], [[True, 60]], [["20", 60]], [20, 60], None):
        with pytest.raises(Invalid):
            limits_from(wrong)
