"""Long lists: page by page, in the order that is asked for, narrowed by filters, and the same rows as a file.

A page with a list says once what its columns are (`Column`), makes a `Listing` of what the address asks for, and takes
its rows from it: `Listing.page_of` for rows that are all there, `Listing.page_from` for rows fetched from the
database in `Listing.order`. Where the address asks for a file, the "page" is the whole list, and `Listing.file` is the
answer: exactly the rows and the columns that the page has for this person, no others. `page_of` and `page_from` are
for lists that need no order of their own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask import Response, current_app, request, url_for
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.elements import ColumnElement

from marketplace.adapters.spreadsheets import Cell
from marketplace.rules.errors import WrongState

from .files import KINDS, download

Row = TypeVar("Row")

MOST_EXPORTED = 20_000
"""Rows in one file. Who needs more narrows the list down: a file of a county's patients is nobody's daily work."""

ORDER_WORDS = {
    "text": ("A to Z", "Z to A"),
    "number": ("lowest first", "highest first"),
    "day": ("earliest first", "latest first"),
    "turn": ("to do first", "to do last"),
    "these": ("these first", "these last"),
    "suspended": ("suspended first", "suspended last"),
}


@dataclass(frozen=True, slots=True)
class ListPage(Generic[Row]):
    """Some rows of a list, and the way to the others."""

    rows: Sequence[Row]
    number: int
    pages: int
    total: int
    first: int = 1
    """The place of its first row in the whole list."""

    @property
    def links(self) -> dict[str, Any] | None:
        """What the pagination component needs, or None where there is one page only."""
        if self.pages < 2:
            return None
        links: dict[str, Any] = {"landmarkLabel": "Pages of the list"}
        if self.number > 1:
            links["previous"] = {
                "href": _address(page=self.number - 1),
                "labelText": f"{self.number - 1} of {self.pages}",
            }
        if self.number < self.pages:
            links["next"] = {"href": _address(page=self.number + 1), "labelText": f"{self.number + 1} of {self.pages}"}
        return links


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column of a list.

    Attributes
    ----------
    name, heading
        Its name in the address, and in words.
    cell
        A row's value in a file; None where a file has no such column.
    by
        What the rows are ordered by: a column of the database, or a function of a row; None where they cannot be.
    kind
        One of `ORDER_WORDS`.
    """

    name: str
    heading: str
    cell: Callable[[Row], Cell] | None
    by: Any = None
    kind: str = "text"


class Listing(Generic[Row]):
    """One list as the address asks for it (``sort=-name``, ``page=2``, ``export=csv``).

    Parameters
    ----------
    name
        What the list is, for the file's name.
    columns
        Its columns.
    usual
        The order where none is asked for: a column's name, with a minus in front for the other way round.
    """

    def __init__(self, name: str, columns: Sequence[Column[Row]], usual: str) -> None:
        self.name, self.columns = name, columns
        sortable = {column.name: column for column in columns if column.by is not None}
        asked = request.args.get("sort", "")
        self.sort = asked if asked.removeprefix("-") in sortable else usual
        self.down = self.sort.startswith("-")
        self._column = sortable[self.sort.removeprefix("-")]
        kind = request.args.get("export", "")
        self.export = kind if kind in KINDS else None

    @property
    def order(self) -> ColumnElement[Any]:
        """What the database is to order by: rows without a value come last, where there can be any.

        Where there can be none it is not said, because an index knows no such order and would not be used.
        """
        by: ColumnElement[Any] = self._column.by
        ordered = by.desc() if self.down else by.asc()
        return ordered.nulls_last() if getattr(by, "nullable", True) else ordered

    def order_then(self, tie: InstrumentedAttribute[Any]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        """The same with what decides between equals, the same way round, so that one index can serve both."""
        return self.order, tie.desc() if self.down else tie.asc()

    @property
    def orders(self) -> list[tuple[str, str]]:
        """The orders to choose from, in words."""
        found = []
        for column in self.columns:
            if column.by is not None:
                up, down = ORDER_WORDS[column.kind]
                found += [(column.name, f"{column.heading}, {up}"), (f"-{column.name}", f"{column.heading}, {down}")]
        return found

    @property
    def files(self) -> list[tuple[str, str]]:
        """The address of the list as a file, by kind."""
        return [(kind, _address(export=kind, page=None)) for kind in KINDS]

    def page_of(self, rows: Sequence[Row]) -> ListPage[Row]:
        """The page that was asked for, of rows that are all there: put in order here, those without value last."""
        key: Callable[[Row], Any] = self._column.by
        valued = sorted((row for row in rows if key(row) is not None), key=key, reverse=self.down)
        ordered = [*valued, *(row for row in rows if key(row) is None)]
        return self.page_from(len(ordered), lambda first, size: ordered[first : first + size])

    def page_from(self, total: int, fetch: Callable[[int, int], Sequence[Row]]) -> ListPage[Row]:
        """The page that was asked for, of rows fetched in `order`: ``fetch(first, size)``. For a file: all of them.

        Raises
        ------
        WrongState
            If a file is asked for of more rows than a file takes.
        """
        if self.export is None:
            return page_from(total, fetch)
        if total > MOST_EXPORTED:
            raise WrongState(
                "list_too_long",
                f"This list has {total:,} rows. A file takes {MOST_EXPORTED:,}: narrow the list down first.",
                rows=total,
            )
        return ListPage(fetch(0, MOST_EXPORTED), 1, 1, total)

    def file(self, rows: Sequence[Row]) -> Response:
        """These rows as the file that was asked for."""
        cells = [(column.heading, column.cell) for column in self.columns if column.cell is not None]
        lines: list[list[Cell]] = [[heading for heading, _ in cells]]
        lines += ([cell(row) for _, cell in cells] for row in rows)
        return download(str(self.export), self.name, lines)


def page_of(rows: Sequence[Row]) -> ListPage[Row]:
    """The page that was asked for, of rows that are all there; one beyond the end is the last."""
    return page_from(len(rows), lambda first, size: rows[first : first + size])


def page_from(total: int, fetch: Callable[[int, int], Sequence[Row]]) -> ListPage[Row]:
    """The page that was asked for, of rows that are fetched page by page: ``fetch(first, size)``."""
    size = int(current_app.config["PAGE_ROWS"])
    pages = max(1, -(-total // size))
    asked = request.args.get("page", "1")
    number = min(max(int(asked) if asked.isdecimal() and asked.isascii() and len(asked) < 7 else 1, 1), pages)
    first = (number - 1) * size
    return ListPage(fetch(first, size), number, pages, total, first + 1)


def asked(name: str) -> str:
    """What a filter in the address asks for."""
    return request.args.get(name, "").strip()[:80]


def _address(**changed: object) -> str:
    arguments = {**request.args.to_dict(), **(request.view_args or {}), **changed}
    return url_for(str(request.endpoint), **arguments)
