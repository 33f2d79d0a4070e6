"""Reading what a program sent: its body as strict JSON, its filters, each value of the kind that is written down.

The schemas are those of the pages' forms, where everything is typed as text: "48.50" is pounds and "12" kilometres. A
program must not be guessed at. `as_typed` sees to it that amounts come as whole pence, numbers as numbers and distances
in metres, and hands each on as the schema reads it.
"""

from collections.abc import Mapping
from typing import Any, NoReturn

from flask import Request
from marshmallow import RAISE, Schema, ValidationError, fields
from marshmallow.validate import Length
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from marketplace.schemas.fields import LONGEST_KM, Kilometres, Pounds

from .strict import MOST_BYTES, NotStrict, check_text, read

MOST_ITEMS = 50_000
"""Of a list whose schema says nothing else: as many ids as fit into a body."""
METRES = f"Send whole kilometres in metres, from 1000 to {LONGEST_KM * 1000}"
KINDS: tuple[tuple[type[fields.Field[Any]], type, str], ...] = (
    (Pounds, int, "Send a whole number of pence"),
    (Kilometres, int, METRES),
    (fields.Integer, int, "Send a whole number"),
    (fields.Boolean, bool, "Send true or false"),
    (fields.List, list, "Send a list"),
    (fields.Nested, dict, "Send an object"),
    (fields.Enum, str, "Send text"),
    (fields.String, str, "Send text"),
    (fields.Date, str, "Send a day like 2026-11-21"),
)
"""Which kind of JSON value a field takes from a program, and what to say to any other."""


class BadDocument(Exception):
    """What was sent does not fit its schema. `messages` are marshmallow's, `location` is where they are about."""

    def __init__(self, messages: Mapping[str, Any], location: str) -> None:
        super().__init__("what was sent does not fit")
        self.messages, self.location = messages, location


class StrictParser(FlaskParser):
    """Reads bodies by `strict.read`, and knows no filter that is not written down."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012 - webargs' own
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": RAISE,
    }

    def load_json(self, req: Request, schema: Schema) -> Any:  # noqa: ARG002 - webargs' signature
        """The body as a document."""
        if req.mimetype != "application/json":
            raise UnsupportedMediaType("Send the body as application/json.")
        content = req.get_data(cache=True)
        if len(content) > MOST_BYTES:
            raise RequestEntityTooLarge
        try:
            document = read(content)
        except NotStrict as error:
            raise BadRequest(str(error)) from None
        if not isinstance(document, dict):
            raise ValidationError({"_schema": ["Send an object"]})
        return document

    def pre_load(self, location_data: Any, *, schema: Schema, req: Request, location: str) -> Any:  # noqa: ARG002
        """Hand a body on as its schema reads it; look at what filters hold."""
        if location == "json":
            return as_typed(schema, location_data)
        for text in [*location_data.keys(), *location_data.values()]:
            try:
                check_text(str(text))
            except NotStrict as error:
                raise BadRequest(str(error)) from None
        return location_data

    def handle_error(
        self,
        error: ValidationError,
        req: Request,  # noqa: ARG002
        schema: Schema,  # noqa: ARG002
        *,
        error_status_code: int | None,  # noqa: ARG002
        error_headers: Mapping[str, str] | None,  # noqa: ARG002
    ) -> NoReturn:
        """Leave it to `problems` how this is told."""
        messages: dict[str, Any] = error.normalized_messages()  # type: ignore[no-untyped-call]
        location, inner = next(iter(messages.items())) if len(messages) == 1 else ("json", messages)
        if location not in {"json", "query", "headers"} or not isinstance(inner, Mapping):
            location, inner = "json", messages
        raise BadDocument(inner, location)


def as_typed(schema: Schema, document: Mapping[str, Any]) -> dict[str, Any]:
    """A program's document as the pages' schema reads it.

    Raises
    ------
    ValidationError
        By field: a value of another kind than the one that is written down.
    """
    found: dict[str, Any] = {}
    faults: dict[str, Any] = {}
    for name, value in document.items():
        field = schema.fields.get(name)
        try:
            found[name] = value if field is None or value is None else _typed(field, value)
        except ValidationError as error:
            faults[name] = error.messages
    if faults:
        raise ValidationError(faults)
    return found


def _typed(field: fields.Field[Any], value: Any) -> Any:
    for kind, wanted, told in KINDS:
        if isinstance(field, kind):
            if type(value) is not wanted:
                raise ValidationError(told)
            break
    if isinstance(field, Kilometres):
        if value % 1000 or not 1000 <= value <= LONGEST_KM * 1000:
            raise ValidationError(METRES)
        return value // 1000
    if isinstance(field, fields.Nested):
        return as_typed(field.schema, value)
    if isinstance(field, fields.List):
        _check_length(field, value)
        return _each(field.inner, value)
    return value


def _check_length(field: fields.List[Any], values: list[Any]) -> None:
    """A list has its length before anything in it is looked at: hundreds of thousands fit into a body."""
    for rule in field.validators:
        if isinstance(rule, Length):
            rule(values)
    if len(values) > MOST_ITEMS:
        raise ValidationError(f"Send at most {MOST_ITEMS:,} at a time")


def _each(inner: fields.Field[Any], values: list[Any]) -> list[Any]:
    found, faults = [], {}
    for at, value in enumerate(values):
        try:
            if value is None:
                raise ValidationError("Leave out what has no value")
            found.append(_typed(inner, value))
        except ValidationError as error:
            faults[at] = error.messages
    if faults:
        raise ValidationError(faults)
    return found
