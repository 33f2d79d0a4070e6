"""A group of resources: flask-smorest's blueprint, reading by `reading.StrictParser`."""

from collections.abc import Callable
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema

from .reading import StrictParser

Mark = Callable[[Callable[..., Any]], Callable[..., Any]]


class Resources(Blueprint):  # type: ignore[misc]
    """Resources for one kind of program, below ``/v1``.

    Parameters
    ----------
    name
        Their name in the document.
    path
        Where they are, below ``/v1``.
    told
        Whom they are for, in a sentence.
    """

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, name: str, path: str, told: str) -> None:
        super().__init__(name, __name__, url_prefix=f"/v1{path}", description=told)

    def asks(self, method: str, path: str) -> Mark:
        """A view of this method at this path."""
        mark: Mark = self.route(path, methods=[method])
        return mark

    def reads(self, schema: type[Schema] | Schema, location: str = "json") -> Mark:
        """A view that is handed what this schema has read."""
        mark: Mark = self.arguments(schema, location=location)
        return mark

    def answers(self, status: int, shape: Any, **described: Any) -> Mark:
        """A view that answers in this shape."""
        mark: Mark = self.response(status, shape, **described)
        return mark
