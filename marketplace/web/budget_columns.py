"""What a list of budgets says of each one's money: the same columns for a commissioner and for who holds budgets.

`FILE_COLUMNS` are a file's, all of them; `money_columns` a page's, without those that would be empty.
"""

from collections.abc import Sequence

from marketplace.adapters.spreadsheets import Cell, pounds_cell
from marketplace.queries.funding import BudgetRow

from .listing import Column

ALWAYS = (
    ("#In all", "total_pence"),
    ("#Free", "available_pence"),
    ("#Set aside", "reserved_pence"),
    ("#Promised", "committed_pence"),
    ("#Spent", "spent_pence"),
)
SHARED = (("#Given to groups", "given_pence"), ("#Of it from groups", "received_pence"))
"""Only where a shared group took or gave something: without them the others would not add up."""


def money_columns(rows: Sequence[BudgetRow]) -> list[tuple[str, str]]:
    """The headings and the figures under them, for a page with these rows."""
    return [*ALWAYS, *(column for column in SHARED if any(getattr(row.figures, column[1]) for row in rows))]


def _file_column(heading: str, name: str) -> Column[BudgetRow]:
    def cell(row: BudgetRow) -> Cell:
        return pounds_cell(getattr(row.figures, name))

    words = heading.removeprefix("#")
    return Column(words.lower().replace(" ", "-"), words, cell)


FILE_COLUMNS = [_file_column(heading, name) for heading, name in (*ALWAYS, *SHARED)]
