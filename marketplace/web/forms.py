"""A marshmallow schema as an HTML form: `WebForm` reads what was typed, checks it, and keeps it for the page.

HTML knows flat names with text; a schema knows a document. The names of the form say where a value belongs:

=====================  =========================================================================
``title``              a value; blank means that it was not given
``districts``          a list: every value sent under the name
``tiers-0-price``      row 0 of a list of rows; a row left blank altogether was not given
``starts-day`` ...     with ``-month`` and ``-year``: a date; with ``-time``: a moment in London time
=====================  =========================================================================

The schema has the last word on every value, and its ``metadata`` (``title``, ``description``, ``x-...``) is what the
person reads. Unknown names reach the schema too, which refuses them. Messages are kept by the form's own names, so that
the error summary can link to the field.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from flask import request
from marshmallow import Schema, ValidationError, fields, validate
from werkzeug.datastructures import MultiDict

from marketplace.rules.clock import LONDON
from marketplace.rules.errors import DomainError, whole_sentence

from .filters import unbroken

NOT_OURS = frozenset({"csrf_token", "action", "next"})
"""Names that belong to the page and not to the document: the form's token and the button that was pressed."""

WHOLE_FORM = "form"
"""Where a message stands that is about no single field."""

_DATE_PARTS = ("day", "month", "year")
_LONG_TEXT = 200
Choices = Mapping[str, Sequence[tuple[Any, str]]]


def sent() -> MultiDict[str, str] | None:
    """What this request's person typed, or None where they only came to look."""
    return request.form if request.method == "POST" else None


TELL_NOTHING = {"from", "this", "that", "with", "like", "enter", "write", "choose"}
"""Words of a message that name no field, though its title may have them too."""


class WebForm:
    """One form on one page.

    Parameters
    ----------
    schema
        What the document must be.
    typed
        The request's form, or None where the form is shown for the first time.
    initial
        The document that the empty form starts from, as the schema would dump it.
    choices
        For a field by its (last) name: the values to choose from, with their words.
    beside
        Names on the same page that belong to something else than this document.
    told_as
        How the summary calls a field whose words on the page are not its schema's, or stand there more than once.
    """

    def __init__(
        self,
        schema: Schema,
        typed: MultiDict[str, str] | None = None,
        *,
        initial: Mapping[str, Any] | None = None,
        choices: Choices | None = None,
        beside: Collection[str] = (),
        told_as: Mapping[str, str] | None = None,
    ) -> None:
        self.schema = schema
        self.typed: MultiDict[str, str] = MultiDict() if typed is None else MultiDict(typed)
        if typed is None and initial:
            _flatten(initial, schema, "", self.typed)
        self.choices = choices or {}
        self.beside = NOT_OURS.union(beside)
        self.told_as = told_as or {}
        self.data: Any = None
        self.errors: dict[str, str] = {}
        self._row_numbers: dict[str, list[int]] = {}

    def validate(self) -> bool:
        """Check what was typed. Fills `data`, or `errors`."""
        self.errors = {}
        document = self._document(self.schema, "")
        for name in self.typed:
            if name not in self._read and name not in self.beside:
                document.setdefault(name, self.typed[name])
        try:
            self.data = self.schema.load(document)
        except ValidationError as error:
            self._collect(error.messages_dict, self.schema, "")
            return False
        return True

    def refuse(self, place: str, message: str) -> None:
        """Add a message: the schema's, or one found after the schema was content (a wrong password)."""
        self.errors.setdefault(place, whole_sentence(message))

    def refuse_for(self, error: DomainError) -> None:
        """Show a rule's refusal at the field it names (``lines[0].max_units``), else above the form."""
        place = str(error.facts.get("place", WHOLE_FORM))
        steps = [step for step in place.replace("]", "").replace("[", ".").split(".") if step]
        name = ""
        for step in steps:
            number = self._row_numbers.get(name.rstrip("-"), []) if step.isdigit() else []
            name += f"{number[int(step)] if step.isdigit() and int(step) < len(number) else step}-"
        self.refuse(name.rstrip("-"), error.message)

    def value(self, name: str) -> str:
        """What stands in a field now."""
        return self.typed.get(name, "")

    def values(self, name: str) -> list[str]:
        """What is ticked in a list now."""
        return self.typed.getlist(name)

    def rows(self, name: str, at_least: int = 1, spare: int = 0) -> list[str]:
        """The prefixes of the rows to show for a list of rows: those typed, some spare, at least so many."""
        numbers = _numbers_of(self.typed, name)
        count = max((numbers[-1] + 1 if numbers else 0) + spare, at_least)
        return [f"{name}-{number}" for number in range(count)]

    @property
    def summary(self) -> list[dict[str, str]]:
        """The error summary's list: every message with a link to its field."""
        return [
            {"text": unbroken(text)}
            if name == WHOLE_FORM
            else {"text": unbroken(self._told(name, text)), "href": f"#{self._anchor(name)}"}
            for name, text in self.errors.items()
        ]

    def error(self, name: str) -> dict[str, str] | None:
        """A field's message in the macros' form."""
        return {"text": unbroken(self.errors[name])} if name in self.errors else None

    def field(self, name: str, **more: Any) -> dict[str, Any]:
        """What the component for this field needs: kind, name, words, value, message, choices."""
        field = _find(self.schema, name)
        about = field.metadata
        choices = self._choices(field, name)
        kind = _kind(field)
        params: dict[str, Any] = {
            "kind": "radios" if kind == "text" and choices else kind,
            "name": name,
            "id": name,
            "label": str(about.get("title", _words(name))),
            "hint": about.get("description"),
            "prefix": about.get("x-prefix"),
            "suffix": about.get("x-suffix"),
            "width": about.get("x-width"),
            "value": _shown_after(about.get("x-prefix"), self.value(name)),
            "values": self.values(name),
            "parts": {part: self.value(f"{name}-{part}") for part in (*_DATE_PARTS, "time")},
            "errorMessage": self.error(name),
            "choices": choices,
        }
        return {**params, **more}

    def _choices(self, field: fields.Field[Any], name: str) -> list[tuple[str, str]]:
        given = self.choices.get(name) or self.choices.get(name.rsplit("-", 1)[-1])
        if given is not None:
            return [(str(value), text) for value, text in given]
        inner = field.inner if isinstance(field, fields.List) else field
        words: Mapping[str, str] = field.metadata.get("x-words", {})
        for rule in inner.validators:
            if isinstance(rule, validate.OneOf):
                labels = list(rule.labels) or [words.get(str(value), _words(str(value))) for value in rule.choices]
                return [(str(value), label) for value, label in zip(rule.choices, labels, strict=False)]
        if isinstance(inner, fields.Enum):
            return [
                (str(member.value), words.get(str(member.value), _words(str(member.value)))) for member in inner.enum
            ]
        return []

    # ---- what was typed -> document

    def _document(self, schema: Schema, prefix: str) -> dict[str, Any]:
        if not prefix:
            self._read: set[str] = set()
        document: dict[str, Any] = {}
        for key, field in schema.fields.items():
            if field.dump_only:
                continue
            name, target = f"{prefix}{key}", field.data_key or key
            value = self._value(field, name)
            if value is not None:
                document[target] = value
        return document

    def _value(self, field: fields.Field[Any], name: str) -> Any:
        rows_of = _row_schema(field)
        if rows_of is not None:
            return self._rows(rows_of, name)
        if isinstance(field, fields.Nested):
            return self._document(field.schema, f"{name}-") or None
        if isinstance(field, fields.List):
            self._read.add(name)
            return [text.strip() for text in self.typed.getlist(name) if text.strip()] or None
        if isinstance(field, fields.Date | fields.DateTime) and f"{name}-year" in self.typed:
            return self._date(name, with_time=isinstance(field, fields.DateTime))
        self._read.add(name)
        return self.typed.get(name, "").strip() or None

    def _rows(self, schema: Schema, name: str) -> list[dict[str, Any]] | None:
        rows, numbers = [], []
        for number in _numbers_of(self.typed, name):
            row = self._document(schema, f"{name}-{number}-")
            if row:
                rows.append(row)
                numbers.append(number)
        self._row_numbers[name] = numbers
        return rows or None

    def _date(self, name: str, *, with_time: bool) -> str | None:
        names = [f"{name}-{part}" for part in _DATE_PARTS]
        self._read.update(names, {f"{name}-time"} if with_time else ())
        day, month, year = (self.typed.get(part, "").strip() for part in names)
        if not (day or month or year):
            return None
        text = f"{year.zfill(4)}-{month.zfill(2)}-{day.zfill(2)}"
        if not with_time:
            return text
        try:
            typed_time = time.fromisoformat(self.typed.get(f"{name}-time", "").strip() or "12:00")
            return datetime.combine(date.fromisoformat(text), typed_time, tzinfo=LONDON).isoformat()
        except ValueError:
            return f"{text} {self.typed.get(f'{name}-time', '')}"  # the schema says what is wrong with it

    # ---- messages -> the form's names

    def _collect(self, messages: Mapping[Any, Any], schema: Schema, prefix: str) -> None:
        keys = {field.data_key or key: (key, field) for key, field in schema.fields.items()}
        for target, found in messages.items():
            key, field = keys.get(target, (str(target), None))
            name = f"{prefix}{key}"
            rows_of = _row_schema(field) if field else None
            if target == "_schema":
                self.refuse(prefix.rstrip("-") or WHOLE_FORM, _first(found))
            elif rows_of is not None and isinstance(found, Mapping):
                for position, inner in found.items():
                    number = self._row_numbers[name][position] if isinstance(position, int) else position
                    place = f"{name}-{number}"
                    if isinstance(inner, Mapping):
                        self._collect(inner, rows_of, f"{place}-")
                    else:
                        self.refuse(name, _first(inner))
            elif isinstance(field, fields.Nested) and isinstance(found, Mapping):
                self._collect(found, field.schema, f"{name}-")
            else:
                self.refuse(name, _say(_first(found), field, name))

    def _told(self, name: str, text: str) -> str:
        """A message away from its field says which field it is about, if it does not do so in its own words."""
        if name in self.told_as:
            return f"{self.told_as[name]}: {_lower(text)}"
        try:
            title = str(_find(self.schema, name).metadata.get("title", "")).removesuffix(" (optional)")
        except KeyError:
            return text
        long = [word for word in title.lower().replace("?", " ").split() if len(word) > 3]
        said = text.lower().replace("whole number", "")
        if not long or any(word in said for word in long if word not in TELL_NOTHING):
            return text
        # a question and a message are two sentences: it is asked only where the message could be of another field
        if "?" in title:
            alike = list(self.errors.values()).count(text) > 1
            any_field = text.startswith("Use ") and len(self.schema.fields) > 1
            return f"{title} {text}" if alike or any_field else text
        return f"{title}: {_lower(text)}"

    def _anchor(self, name: str) -> str:
        try:
            kind = _kind(_find(self.schema, name))
        except KeyError:
            return name
        return f"{name}-day" if kind in {"date", "moment"} else name


def _lower(text: str) -> str:
    """A sentence as it goes on after a colon; a name in capitals stays."""
    return text if text[1:2].isupper() else f"{text[:1].lower()}{text[1:]}"


def _row_schema(field: fields.Field[Any]) -> Schema | None:
    """The schema of a list of rows, or None where the field is something else."""
    if isinstance(field, fields.List) and isinstance(field.inner, fields.Nested):
        return field.inner.schema
    if isinstance(field, fields.Nested) and field.many:
        return field.schema
    return None


_KIND_OF: tuple[tuple[type[fields.Field[Any]], str], ...] = (
    (fields.List, "checkboxes"),
    (fields.Boolean, "tick"),
    (fields.Date, "date"),
    (fields.DateTime, "moment"),
    (fields.Enum, "radios"),
)


def _kind(field: fields.Field[Any]) -> str:
    """Which component shows a field: what its metadata asks for, else what its type suggests."""
    if "x-widget" in field.metadata:
        return str(field.metadata["x-widget"])
    for kind, component in _KIND_OF:
        if isinstance(field, kind):
            return component
    if any(isinstance(rule, validate.OneOf) for rule in field.validators):
        return "radios"
    longest = max((rule.max or 0 for rule in field.validators if isinstance(rule, validate.Length)), default=0)
    return "long_text" if longest > _LONG_TEXT else "text"


def _find(schema: Schema, name: str) -> fields.Field[Any]:
    """The schema's field for a name of the form, such as ``lines-0-tiers-1-price``."""
    key, _, rest = name.partition("-")
    field = schema.fields[key]
    rows_of = _row_schema(field)
    if rows_of is not None and rest:
        _, _, rest = rest.partition("-")
        return _find(rows_of, rest)
    if isinstance(field, fields.Nested) and rest:
        return _find(field.schema, rest)
    return field


def _numbers_of(typed: Mapping[str, str], name: str) -> list[int]:
    """The row numbers sent for a list of rows, in order."""
    start = f"{name}-"
    numbers = {key[len(start) :].partition("-")[0] for key in typed if key.startswith(start)}
    return sorted(int(number) for number in numbers if number.isdigit() and len(number) < 4)


def _flatten(document: Mapping[str, Any], schema: Schema, prefix: str, into: MultiDict[str, str]) -> None:
    for key, value in document.items():
        name, field = f"{prefix}{key}", schema.fields.get(key)
        rows_of = _row_schema(field) if field else None
        if value is None:
            continue
        if rows_of is not None:
            for number, row in enumerate(value):
                _flatten(row, rows_of, f"{name}-{number}-", into)
        elif isinstance(field, fields.Nested):
            _flatten(value, field.schema, f"{name}-", into)
        elif isinstance(value, list | tuple):
            into.setlist(name, [str(item) for item in value])
        elif isinstance(value, date):
            into.update(dict(_date_parts(name, value)))
        else:
            into[name] = str(value)


def _date_parts(name: str, value: date) -> Iterator[tuple[str, str]]:
    if isinstance(value, datetime):
        value = value.astimezone(LONDON)
        yield f"{name}-time", f"{value:%H:%M}"
    yield from ((f"{name}-{part}", str(getattr(value, part))) for part in _DATE_PARTS)


def _first(found: Any) -> str:
    while isinstance(found, Mapping):
        found = next(iter(found.values()))
    return str(found[0] if isinstance(found, list | tuple) else found)


def _say(message: str, field: fields.Field[Any] | None, name: str) -> str:
    """Marshmallow's own words for programmers, in words for people; a schema's own words stay."""
    if field is None:
        return f"This form has no field called {name.rsplit('-', 1)[-1]}" if message == "Unknown field." else message
    title = str(field.metadata.get("title", _words(name)))
    missing = "Choose" if _kind(field) in {"radios", "checkboxes", "select"} else "Enter"
    return {
        "Missing data for required field.": str(
            field.metadata.get("x-missing", f"{missing} {title[:1].lower()}{title[1:]}")
        ),
        "Field may not be null.": f"{missing} {title[:1].lower()}{title[1:]}",
        "Not a valid integer.": f"{title} must be a whole number",
        "Not a valid date.": f"{title} must be a real date, like 21 11 2026",
        "Not a valid datetime.": f"{title} must be a real date and time",
        "Not a valid aware datetime.": f"{title} must be a real date and time",
    }.get(message, message)


def _words(name: str) -> str:
    text = name.rsplit("-", 1)[-1].replace("_", " ")
    return text[:1].upper() + text[1:]


def _shown_after(prefix: str | None, typed: str) -> str:
    """What was typed, without the sign that stands before the field already."""
    return typed.strip().removeprefix(prefix).lstrip() if prefix else typed
