"""Working days, London midnights, and the standstill."""

from datetime import UTC, date, datetime

import pytest

from marketplace.adapters.calendar import england_holidays
from marketplace.rules.clock import (
    add_working_days,
    is_working_day,
    london_date,
    london_midnight_after,
    standstill_ends,
    utc,
    working_day_from,
)


@pytest.mark.parametrize(
    ("notice", "ends"),
    [
        # the regulation's own shape: notice on Monday 2 March, over at the end of Friday 13 March
        (datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 14, 0, tzinfo=UTC)),
        # over the change to summer time: midnight in London is 23:00 UTC
        (datetime(2026, 3, 23, 9, tzinfo=UTC), datetime(2026, 4, 7, 23, tzinfo=UTC)),
        # over Christmas: two bank holidays (25th, and Monday 28th in lieu of Saturday 26th) and New Year's Day
        (datetime(2026, 12, 18, 9, tzinfo=UTC), datetime(2027, 1, 5, 0, tzinfo=UTC)),
        # half past midnight in London on 2 June is still 1 June in UTC: it is the 2nd that counts
        (datetime(2026, 6, 1, 23, 30, tzinfo=UTC), datetime(2026, 6, 15, 23, tzinfo=UTC)),
    ],
)
def test_standstill(notice: datetime, ends: datetime) -> None:
    assert standstill_ends(notice, 8, england_holidays()) == ends


def test_good_friday_is_no_working_day() -> None:
    assert not is_working_day(date(2026, 4, 3), england_holidays())
    assert add_working_days(date(2026, 4, 2), 1, england_holidays()) == date(2026, 4, 7)


def test_a_day_off_gives_way_to_the_next_working_day() -> None:
    """Easter Monday becomes Tuesday, a Saturday Monday; a working day stays."""
    assert working_day_from(date(2026, 4, 6), england_holidays()) == date(2026, 4, 7)
    assert working_day_from(date(2026, 3, 7), england_holidays()) == date(2026, 3, 9)
    assert working_day_from(date(2026, 4, 7), england_holidays()) == date(2026, 4, 7)


def test_midnight_follows_summer_time() -> None:
    assert london_midnight_after(date(2026, 1, 10)) == datetime(2026, 1, 11, 0, tzinfo=UTC)
    assert london_midnight_after(date(2026, 7, 10)) == datetime(2026, 7, 10, 23, tzinfo=UTC)
    assert london_date(datetime(2026, 7, 10, 23, 30, tzinfo=UTC)) == date(2026, 7, 11)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        utc(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point
