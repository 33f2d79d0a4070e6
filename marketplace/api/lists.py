"""Long lists, page by page: `PageQuery` is what may be asked, `page` some rows and the way on, `listed` its shape."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from flask import request, url_for
from marshmallow import Schema, fields
from marshmallow.validate import OneOf

from marketplace.schemas.fields import Whole, Words

from .shapes.common import Shape, integer

MOST_ROWS = 200
USUAL_ROWS = 50


class PageQuery(Schema):
    """Which rows of a list."""

    page = Whole(1, 100_000, load_default=1, metadata={"description": "Which page, from 1 on."})
    size = Whole(1, MOST_ROWS, load_default=USUAL_ROWS, metadata={"description": "How many rows a page has."})


def search(described: str) -> Words:
    """A filter by some words."""
    return Words(longest=80, missing="", load_default="", metadata={"description": described})


def one_of(described: str, choices: Sequence[str], usual: str = "") -> fields.String:
    """A filter by one of several values."""
    rule = OneOf(choices, error="Choose one of: " + ", ".join(choices))
    return fields.String(load_default=usual, validate=rule, metadata={"description": described})


def page(asked: Mapping[str, Any], total: int, fetch: Callable[[int, int], Sequence[Any]]) -> dict[str, Any]:
    """The rows that were asked for, fetched by ``fetch(first, size)``; beyond the end there are none."""
    first, size = (asked["page"] - 1) * asked["size"], asked["size"]
    following = None
    if first + size < total:
        arguments = {**request.args.to_dict(), **(request.view_args or {}), "page": asked["page"] + 1}
        following = url_for(str(request.endpoint), **arguments)
    return {"rows": fetch(first, size) if first < total else [], "total": total, "next": following}


@cache
def listed(shape: type[Shape]) -> type[Shape]:
    """The shape of a page of such rows."""
    name = shape.__name__.removesuffix("Shape")
    described = {"description": "The address of the next page; null on the last one."}
    made: type[Shape] = type(
        f"{name}ListShape",
        (Shape,),
        {
            "__doc__": f"A page of a list. Each row: {(shape.__doc__ or '').strip()}",
            "__module__": shape.__module__,
            "rows": fields.List(fields.Nested(shape)),
            "total": integer("How many rows there are on all pages"),
            "next": fields.String(allow_none=True, metadata=described),
        },
    )
    return made
