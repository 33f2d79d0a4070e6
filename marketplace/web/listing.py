"""Long lists, page by page: `page_of` and `page_from` take what the address asks for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask import current_app, request, url_for

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class ListPage(Generic[Row]):
    """Some rows of a list, and the way to the others."""

    rows: Sequence[Row]
    number: int
    pages: int
    total: int

    @property
    def links(self) -> dict[str, Any] | None:
        """What the pagination component needs, or None where there is one page only."""
        if self.pages < 2:
            return None
        links: dict[str, Any] = {"landmarkLabel": "Pages of the list"}
        if self.number > 1:
            links["previous"] = {"href": _address(self.number - 1), "labelText": f"{self.number - 1} of {self.pages}"}
        if self.number < self.pages:
            links["next"] = {"href": _address(self.number + 1), "labelText": f"{self.number + 1} of {self.pages}"}
        return links


def page_of(rows: Sequence[Row]) -> ListPage[Row]:
    """The page that was asked for, of rows that are all there; one beyond the end is the last."""
    return page_from(len(rows), lambda first, size: rows[first : first + size])


def page_from(total: int, fetch: Callable[[int, int], Sequence[Row]]) -> ListPage[Row]:
    """The page that was asked for, of rows that are fetched page by page: ``fetch(first, size)``."""
    size = int(current_app.config["PAGE_ROWS"])
    pages = max(1, -(-total // size))
    asked = request.args.get("page", "1")
    number = min(max(int(asked) if asked.isdecimal() and asked.isascii() and len(asked) < 7 else 1, 1), pages)
    return ListPage(fetch((number - 1) * size, size), number, pages, total)


def _address(number: int) -> str:
    arguments = {**request.args.to_dict(), **(request.view_args or {}), "page": number}
    return url_for(str(request.endpoint), **arguments)
