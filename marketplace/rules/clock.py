"""Instants, London days and working days. `now` always comes in as an argument; nobody here reads a clock."""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Instant = datetime
"""An aware moment. What is stored is UTC; what people read is London time."""

LONDON = ZoneInfo("Europe/London")


def utc(instant: Instant) -> Instant:
    """The same moment in UTC.

    Raises
    ------
    ValueError
        If the moment has no time zone: such a value may mean two moments, an hour apart.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(UTC)


def london_date(instant: Instant) -> date:
    """The calendar day in London at that moment."""
    return instant.astimezone(LONDON).date()


def day_in_words(day: date) -> str:
    """``21 November 2026``."""
    return f"{day.day} {day:%B %Y}"


def london_midnight_after(day: date) -> Instant:
    """The moment at which `day` ends in London, in UTC."""
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=LONDON).astimezone(UTC)


def is_working_day(day: date, holidays: Collection[date]) -> bool:
    """Neither a weekend nor one of England's bank holidays."""
    return day.weekday() < 5 and day not in holidays


def add_working_days(day: date, count: int, holidays: Collection[date]) -> date:
    """The `count`-th working day after `day` (which itself is not counted)."""
    while count > 0:
        day += timedelta(days=1)
        count -= is_working_day(day, holidays)
    return day


def working_day_from(day: date, holidays: Collection[date]) -> date:
    """`day` itself, or the next working day if it is none: so that a last day is one on which people work."""
    return day if is_working_day(day, holidays) else add_working_days(day, 1, holidays)


def standstill_ends(notice_at: Instant, working_days: int, holidays: Collection[date]) -> Instant:
    """When the standstill ends whose notice was given at `notice_at`.

    It begins the day after the notice and ends at midnight, London, at the end of the 8th working day after the day
    it begins (Provider Selection Regime, SI 2023/1348, regulation 12): notice on Monday 2 March 2026, begins on the
    3rd, ends at the end of Friday 13 March.
    """
    begins = london_date(notice_at) + timedelta(days=1)
    return london_midnight_after(add_working_days(begins, working_days, holidays))
