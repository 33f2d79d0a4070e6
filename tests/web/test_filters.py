"""Tables that can become blocks, and stay tables for those who do not look."""

import re
from datetime import UTC, datetime

import pytest
from flask import Flask
from markupsafe import Markup

from marketplace.queries.words import moment, plural, units
from marketplace.web import filters


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


def test_a_date_stays_in_one_line() -> None:
    """On a page, where lines end at other spaces; the words themselves have plain spaces, for files and mail."""
    at = datetime(2026, 11, 21, 17, 30, tzinfo=UTC)
    app = Flask("page")
    filters.init_app(app)
    page = app.jinja_env.from_string("{{ at|day }}; {{ day(none) }}; by {{ at|moment }}").render(at=at)
    assert page == "21\xa0November\xa02026; –; by Saturday 21\xa0November\xa02026 at\xa05:30pm"
    assert moment(at) == "Saturday 21 November 2026 at 5:30pm"


def test_a_number_stays_with_its_unit() -> None:
    """On a page; the words themselves have plain spaces."""
    app = Flask("page")
    filters.init_app(app)
    page = app.jinja_env.from_string("{{ units(1_200, unit) }}; {{ 1|units }}").render(unit="visit")
    assert page == "1,200\xa0visits; 1\xa0session"
    assert units(120) == "120 sessions"


def test_a_number_stays_with_what_it_counts() -> None:
    """With the first word of it only: the rest of a long phrase may go to the next line."""
    app = Flask("page")
    filters.init_app(app)
    page = app.jinja_env.from_string("{{ plural(2, 'day') }}; {{ plural(1, 'person has', 'people have') }}").render()
    assert page == "2\xa0days; 1\xa0person has"
    assert plural(3, "offer") == "3 offers"


def test_a_distance_stays_in_one_line() -> None:
    """The number with its unit, also in a sentence made elsewhere."""
    app = Flask("page")
    filters.init_app(app)
    told = app.jinja_env.from_string("{{ 1000|distance }}; {{ why|unbroken }}").render(
        why="It is 0.5 km (0.3 miles) away."
    )
    assert told == "1\xa0km (0.6\xa0miles); It is 0.5\xa0km (0.3\xa0miles) away."
    assert filters.unbroken("Care (2 of 10 sessions so far)") == "Care (2\xa0of\xa010\xa0sessions so far)"


@pytest.mark.parametrize(
    "told",
    [
        "Ask Fen Brokers, {01632 960 101}",
        "Open: Monday to Friday, {9am to 5pm} or {10.30am to 12pm}",
        "within {14 days} of it",
        "You have {5 more days} than others",
        "You have your care ({2 of 10 sessions} so far)",
        "Your area is in {group 1 of 10}. Group 1 has the least money.",
        "the poorest {2 tenths} of areas",
        "{2 sessions} of physiotherapy, on {6 April 2026}",
    ],
)
def test_what_counts_and_what_is_dialled_stays_in_one_line(told: str) -> None:
    """What stands between the braces, and nothing else of the sentence."""
    whole = re.sub(r"\{(.*?)\}", lambda found: found[1].replace(" ", "\xa0"), told)
    assert filters.unbroken(re.sub("[{}]", "", told)) == whole


def test_a_button_stands_without_the_heading() -> None:
    """On a narrow screen "Try it" beside "Sign in" would say the same twice; a link in words keeps its heading."""
    form = '<form method="post"><button>Sign in</button></form>'
    rows = Markup(
        '<tr><th>Ann</th><td class="c"><form method="post"><button>Sign in</button></form></td>'
        '<td class="c"><a class="nhsuk-button x" href="/">Pay</a></td><td><a href="/">5</a></td></tr>'
    )
    told = filters.stackable(rows, ["Name", "Try it", "Pay it", "#Units"])
    assert "Try it" not in told
    assert "Pay it" not in told
    assert f'<td role="cell" class="c"><div>{form}</div></td>' in told
    assert 'Units</span><div><a href="/">5</a></div></td>' in told


def test_a_moment_in_a_cell_begins_large() -> None:
    """Midnight is said as the end of the day before; within a sentence it stays as it is."""
    rows = Markup(
        '<td class="c">the end of Monday</td><th><strong>the end of May</strong></th><td>by the end of May</td>'
    )
    told = filters.begun_large(rows)
    assert told.count("The end of ") == 2
    assert "by the end of May" in told


def test_a_number_is_dialled_an_address_written_to_and_words_stay_words() -> None:
    """A supporter's number is not broken into two lines; what is neither is told as it was written, and escaped."""
    dialled = 'Telephone: <a class="cp-nowrap" href="tel:01632960001">01632 960001</a>'
    assert filters.to_reach("01632 960001") == dialled
    assert filters.to_reach("ruth@example.test").endswith('<a href="mailto:ruth@example.test">ruth@example.test</a>')
    assert filters.to_reach("<b>at the surgery") == "To reach them: &lt;b&gt;at the surgery"
