"""How values are said: money, days, moments in London, counts, shares; and tables that can become blocks."""

from datetime import UTC, date, datetime

import pytest
from markupsafe import Markup

from marketplace.web import filters, reasons


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
    assert filters.moment(value) == said


def test_days_money_counts_and_distances() -> None:
    assert filters.day(date(2026, 11, 1)) == "1 November 2026"
    assert filters.day(datetime(2026, 6, 30, 23, 30, tzinfo=UTC)) == "1 July 2026"
    assert (filters.pounds(123_456), filters.pounds(-5), filters.pounds(None)) == ("£1,234.56", "−£0.05", "–")
    assert (filters.change(100), filters.change(-100)) == ("+£1.00", "−£1.00")
    assert filters.typed_pounds(4_850) == "48.50"
    assert (filters.units(1), filters.units(1_200, "week")) == ("1 session", "1,200 weeks")
    assert (filters.plural(1, "person", "people"), filters.plural(3, "offer")) == ("1 person", "3 offers")
    said = [filters.distance(metres) for metres in (1_600, 11_200, 20_000, None)]
    assert said == ["1.6 km (1 mile)", "11.2 km (7 miles)", "20 km (12 miles)", "–"]


def test_rows_can_become_blocks_and_stay_a_table_for_who_listens() -> None:
    rows = Markup('<tr class="r"><th scope="row">Ann</th><td class="n">£5</td></tr>')
    told = filters.stackable(rows, ["Name", "#Money <b>"])
    assert told.count('role="row"') == told.count('role="rowheader"') == told.count('role="cell"') == 1
    assert 'aria-hidden="true">Money &lt;b&gt;</span>' in told
    assert "£5</div></td>" in told
    assert "cp-empty" not in told


def test_an_empty_cell_is_marked() -> None:
    """On a narrow screen its heading would stand beside nothing."""
    rows = Markup('<tr class="r"><th class="h">Ann</th><td class="c n"> \n</td><td class="c">5</td></tr>')
    told = filters.stackable(rows, ["Name", "Change", "#Units"])
    assert told.count("cp-empty") == 1
    assert '<td role="cell" class="c n cp-empty">' in told


@pytest.mark.parametrize("rule", sorted(reasons.TO_A_PATIENT))
def test_every_rule_has_a_sentence_for_the_person_it_is_about(rule: str) -> None:
    """With figures and without: it ends with a full stop, and shows no code."""
    figures = {"attributes": (None, "step_free")}.get(rule, (12_000, 10_000))
    told = reasons.alternative({"offer": "o", "rule": rule, "value": figures[0], "limit": figures[1]})
    assert told.endswith(".")
    assert "_" not in told
    assert "None" not in told


def test_a_rule_without_a_sentence_is_still_said() -> None:
    assert reasons.alternative({"offer": "o", "rule": "some_new_rule"}) == "Some new rule."
