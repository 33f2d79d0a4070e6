"""The ground of all shapes: every field is always there; what has no value is null."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from marshmallow import RAISE, Schema, fields
from marshmallow.validate import OneOf

from marketplace.rules.clock import utc

__all__ = [
    "Beside",
    "Moment",
    "OutcomeShape",
    "Shape",
    "calendar_day",
    "instant",
    "integer",
    "nested",
    "one_of",
    "pence",
    "string",
    "yes_or_no",
]


class Shape(Schema):
    """A document that the API answers with."""

    class Meta:
        """Closed: there is nothing in it that is not written down."""

        unknown = RAISE

    def on_bind_field(self, _field_name: str, field_obj: fields.Field[Any]) -> None:
        """Every field is there."""
        field_obj.required = True


class Moment(fields.DateTime):
    """A moment in UTC: ``2026-03-02T09:00:00Z``."""

    def _serialize(self, value: datetime | None, *_: Any, **__: Any) -> str | None:
        return (
            None if value is None else utc(value).astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        )


def string(described: str, *, attribute: str | None = None, none: bool = False) -> fields.String:
    """Some text."""
    return fields.String(attribute=attribute, allow_none=none, metadata={"description": described})


def integer(described: str, *, attribute: str | None = None, none: bool = False) -> fields.Integer:
    """A whole number."""
    return fields.Integer(attribute=attribute, allow_none=none, metadata={"description": described})


def pence(described: str, *, attribute: str | None = None, none: bool = False) -> fields.Integer:
    """An amount in whole pence."""
    return integer(f"{described}, in pence", attribute=attribute, none=none)


def instant(described: str, *, attribute: str | None = None, none: bool = False) -> Moment:
    """A moment."""
    return Moment(attribute=attribute, allow_none=none, metadata={"description": described})


def calendar_day(described: str, *, attribute: str | None = None, none: bool = False) -> fields.Date:
    """A calendar day, London's."""
    return fields.Date(attribute=attribute, allow_none=none, metadata={"description": described})


def yes_or_no(described: str, *, attribute: str | None = None) -> fields.Boolean:
    """True or false."""
    return fields.Boolean(attribute=attribute, metadata={"description": described})


def one_of(kind: type[StrEnum], described: str, *, attribute: str | None = None, none: bool = False) -> fields.String:
    """One of several values, by its own word."""
    words = [member.value for member in kind]
    rule = OneOf([*words, None] if none else words)
    return fields.String(attribute=attribute, allow_none=none, validate=rule, metadata={"description": described})


def nested(
    shape: type[Schema], described: str, *, attribute: str | None = None, many: bool = False
) -> fields.Field[Any]:
    """A document within this one, or a list of them."""
    if many:
        return fields.List(fields.Nested(shape), attribute=attribute, metadata={"description": described})
    return fields.Nested(shape, attribute=attribute, metadata={"description": described})


class OutcomeShape(Shape):
    """Where something stands after an answer."""

    id = string("Its id")
    status = string("Where it stands now")


class Beside:
    """A record, with some values beside its own: what a shape takes from both."""

    def __init__(self, record: object, **more: object) -> None:
        self._record = record
        self.__dict__.update(more)

    def __getattr__(self, name: str) -> Any:
        """What is not beside it is its own."""
        return getattr(self._record, name)
