"""A list of budgets adds up in front of everybody: what groups gave or took has its columns as soon as there is any."""

import csv
import io
from types import SimpleNamespace

import pytest

from marketplace.journey.statements import BudgetFigures
from marketplace.web.budget_columns import ALWAYS, FILE_COLUMNS, money_columns
from tests.web.site import Site


def row(shared_pence: int) -> SimpleNamespace:
    """A budget of which groups have so much (negative: which has so much of them)."""
    return SimpleNamespace(figures=BudgetFigures(1_000, 200, 300, 400, shared_pence))


@pytest.mark.parametrize(("shared", "wanted"), [(0, []), (50, ["#Given to groups"]), (-50, ["#Of it from groups"])])
def test_what_groups_moved_has_a_column_where_it_is_any(shared: int, wanted: list[str]) -> None:
    """And the figures that stand there come to what the first one says."""
    rows = [row(0), row(shared)]
    columns = money_columns(rows)
    assert [heading for heading, _ in columns[len(ALWAYS) :]] == wanted
    for one in rows:
        total, *parts = (getattr(one.figures, name) for _, name in columns if name != "received_pence")
        assert total == sum(parts) - one.figures.received_pence


def test_both_lists_have_the_same_columns_of_money(site: Site) -> None:
    """On the commissioner's page and in its file; a heading over each figure."""
    client = site.client("funder@example.test")
    heads, first, *_ = csv.reader(io.StringIO(client.get("/commissioner/budgets?export=csv").text.lstrip("\ufeff")))
    assert heads[-len(FILE_COLUMNS) :] == [column.heading for column in FILE_COLUMNS]
    assert first[heads.index("In all")] == "700.00"
    text = client.get("/commissioner/budgets").text
    table = text[text.index("<table") : text.index("</table>")]
    assert table.count('scope="col"') == 3 + len(ALWAYS)
    assert table.count("£700.00") == 2 * 12
