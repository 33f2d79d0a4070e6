"""Shapes of what the journey returns as plain values: `shape_of` reads a dataclass's own fields and sentences.

So a figure that is added to a claim is in the API, and in its description, without being written down again.
"""

import types
import typing
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any

from marshmallow import fields
from marshmallow.validate import OneOf

from .common import Moment, Shape

PLAIN: dict[type, type[fields.Field[Any]]] = {
    bool: fields.Boolean,
    int: fields.Integer,
    float: fields.Float,
    str: fields.String,
    datetime: Moment,
    date: fields.Date,
}


@cache
def shape_of(kind: type) -> type[Shape]:
    """The shape of a dataclass: every field of it, in its order."""
    hints = typing.get_type_hints(kind)
    made: dict[str, Any] = {item.name: _field(hints[item.name]) for item in dataclass_fields(kind)}
    made |= {"__doc__": kind.__doc__, "__module__": __name__}
    return type(f"{kind.__name__}Shape", (Shape,), made)


def _field(hint: Any) -> fields.Field[Any]:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (found,) = (part for part in inner if part is not type(None))
        field = _field(found)
        field.allow_none = True
        return field
    if origin in (tuple, list, Sequence, Collection):
        return fields.List(_field(inner[0]))
    if origin in (dict, Mapping):
        return fields.Dict(keys=_field(inner[0]), values=_field(inner[1]) if inner[1] is not Any else None)
    if isinstance(hint, type) and is_dataclass(hint):
        return fields.Nested(shape_of(hint))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return fields.String(validate=OneOf([member.value for member in hint]))
    return PLAIN[hint]()
