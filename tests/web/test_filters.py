"""Tables that can become blocks, and stay tables for those who do not look."""

from datetime import UTC, datetime

from flask import Flask
from markupsafe import Markup

from marketplace.queries.words import moment
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
