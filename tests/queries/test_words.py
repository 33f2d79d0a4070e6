"""How values are said: money, days, moments in London, counts, shares."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from marketplace.queries import words


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (datetime(2026, 11, 21, 17, 30, tzinfo=UTC), "Saturday 21 November 2026 at 5:30pm"),
        (datetime(2026, 7, 1, 11, 0, tzinfo=UTC), "Wednesday 1 July 2026 at midday"),
        (datetime(2026, 3, 27, 0, 0, tzinfo=UTC), "the end of Thursday 26 March 2026"),
        (datetime(2026, 7, 1, 23, 0, tzinfo=UTC), "the end of Wednesday 1 July 2026"),
        (datetime(2026, 11, 21, 0, 5, tzinfo=UTC), "Saturday 21 November 2026 at 12:05am"),
        (None, "–"),
    ],
)
def test_a_moment_is_london_time_in_words(value: datetime | None, said: str) -> None:
    """Midnight is told as the end of the day before it: nobody misses a deadline by a day."""
    assert words.moment(value) == said


def test_the_unit_of_several_groups_is_theirs_where_it_is_one() -> None:
    assert words.one_unit(["session", "session"]) == "session"
    assert words.one_unit(["session", "hour"]) == words.one_unit([]) == "unit"


def test_days_money_counts_and_distances() -> None:
    assert words.day(date(2026, 11, 1)) == "1 November 2026"
    assert words.day(datetime(2026, 6, 30, 23, 30, tzinfo=UTC)) == "1 July 2026"
    assert (words.pounds(123_456), words.pounds(-5), words.pounds(None)) == ("£1,234.56", "−£0.05", "–")
    assert (words.change(100), words.change(-100)) == ("+£1.00", "−£1.00")
    assert words.typed_pounds(4_850) == "48.50"
    assert (words.units(1), words.units(1_200, "week")) == ("1 session", "1,200 weeks")
    assert (words.plural(1, "person", "people"), words.plural(3, "offer")) == ("1 person", "3 offers")
    said = [words.distance(metres) for metres in (1_600, 11_200, 20_000, None)]
    assert said == ["1.6 km (1 mile)", "11.2 km (7 miles)", "20 km (12 miles)", "–"]


def test_every_kind_of_page_that_is_noted_has_the_patients_words() -> None:
    """Offices note looks under names of their own pages: a new one needs its words before a patient reads it."""
    sources = Path(words.__file__).parents[1].rglob("*.py")
    noted = {name for path in sources for name in re.findall(r'\bseen\(\[.*\], "([^"]+)"\)', path.read_text())}
    assert "list of clients" in noted
    assert noted <= set(words.SEEN_WORDS)
    assert words.seen_page("list of clients") == "A list with your name"
    assert words.seen_page("care_list") == "Care list"
