"""The reader's tools: a document becomes checked values, and every refusal names its place and remedy.

`load` turns a path, text, bytes or mapping into a mapping; `Record` walks one JSON object, field by field, and
`Record.close` refuses the keys nobody asked for. `market` and `outcome` are written on these.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matching.errors import DocumentError

Source = Mapping[str, Any] | str | bytes | Path

MAX_PENCE = 10**10
"""A hundred million pounds: above every honest figure, far below what 64 bits hold."""
MAX_COUNT = 10**6
"""Units, grades, days, priorities."""
MAX_METRES = 10**7
"""Coordinates and distances: a fourth of the way round the earth."""
MAX_TEXT = 200
_MISSING = object()


def load(source: Source) -> Mapping[str, Any]:
    """Read one JSON object.

    Parameters
    ----------
    source
        A mapping (taken as it is), a `Path` to a file, or JSON as text or UTF-8 bytes.

    Raises
    ------
    DocumentError
        If the file cannot be read or is not one JSON object.
    """
    if isinstance(source, Mapping):
        return source
    if isinstance(source, Path):
        try:
            source = source.read_bytes()
        except OSError as error:
            raise DocumentError("unreadable_file", "", f"cannot read the file: {error.strerror or error}") from error
    try:
        text = source.decode("utf-8") if isinstance(source, bytes) else source
        document = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise DocumentError("not_utf8", "", f"is not UTF-8 at byte {error.start}: save it as UTF-8") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise DocumentError("not_json", place, f"is not JSON: {error.msg}", {"line": error.lineno}) from error
    except (ValueError, RecursionError) as error:
        raise DocumentError("not_json", "", f"is not JSON that can be read: {error}") from error
    if not isinstance(document, dict):
        raise DocumentError("wrong_type", "", "must be one JSON object: { ... }")
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise DocumentError("duplicate_key", key, "stands twice in one object: keep one", {"key": key})
            seen.add(key)
    return found


def _refuse_constant(name: str) -> None:
    raise DocumentError("not_a_number", "", f"{name} is not a figure: write a whole number", {"found": name})


class Record:
    """One JSON object at a place, read field by field.

    Parameters
    ----------
    value
        What stands at the place; anything but an object is refused.
    place
        Where it stands, for messages.
    """

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, Mapping):
            raise DocumentError("wrong_type", place, "must be an object: { ... }")
        self._fields = value
        self._asked: set[str] = set()
        self.place = place

    def at(self, name: str) -> str:
        """Where the field `name` stands."""
        return f"{self.place}.{name}" if self.place else name

    def _take(self, name: str) -> object:
        self._asked.add(name)
        return self._fields.get(name, _MISSING)

    def _required(self, name: str) -> object:
        value = self._take(name)
        if value is _MISSING or value is None:
            raise DocumentError("missing", self.at(name), "is missing: give it a value")
        return value

    def text(self, name: str) -> str:
        """Read a text that must be there and is not empty."""
        return text(self._required(name), self.at(name))

    def text_or(self, name: str, default: str) -> str:
        """Read a text, `default` where the key is absent; empty is allowed."""
        value = self._take(name)
        return default if value is _MISSING or value is None else text(value, self.at(name), empty=True)

    def optional_text(self, name: str) -> str | None:
        """Read a text or None."""
        value = self._take(name)
        return None if value is _MISSING or value is None else text(value, self.at(name))

    def choice(self, name: str, choices: Sequence[str], default: str | None = None) -> str:
        """Read one of some words."""
        value = self._take(name)
        if (value is _MISSING or value is None) and default is not None:
            return default
        if not isinstance(value, str) or value not in choices:
            words = ", ".join(choices)
            raise DocumentError("unknown_choice", self.at(name), f"must be one of: {words}", {"choices": words})
        return value

    def whole(self, name: str, *, minimum: int = 0, maximum: int = MAX_COUNT) -> int:
        """Read a whole number that must be there."""
        return whole(self._required(name), self.at(name), minimum, maximum)

    def whole_or(self, name: str, default: int, *, minimum: int = 0, maximum: int = MAX_COUNT) -> int:
        """Read a whole number, `default` where the key is absent."""
        value = self._take(name)
        return default if value is _MISSING or value is None else whole(value, self.at(name), minimum, maximum)

    def optional_whole(self, name: str, *, minimum: int = 0, maximum: int = MAX_COUNT) -> int | None:
        """Read a whole number or None."""
        value = self._take(name)
        return None if value is _MISSING or value is None else whole(value, self.at(name), minimum, maximum)

    def truth(self, name: str) -> bool:
        """Read true or false, false where the key is absent."""
        value = self._take(name)
        if value is _MISSING or value is None:
            return False
        if not isinstance(value, bool):
            raise DocumentError("wrong_type", self.at(name), "must be true or false")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list of texts as a set: sorted, a repeated one refused."""
        items = [text(value, place) for value, place in self.items(name, default_empty=True)]
        if len(set(items)) < len(items):
            raise DocumentError("duplicate", self.at(name), "names something twice: name it once")
        return tuple(sorted(items))

    def items(self, name: str, *, default_empty: bool = False) -> Iterator[tuple[object, str]]:
        """Walk a list: each member with its place."""
        value = self._take(name) if default_empty else self._required(name)
        if default_empty and (value is _MISSING or value is None):
            return
        if not isinstance(value, (list, tuple)):
            raise DocumentError("wrong_type", self.at(name), "must be a list: [ ... ]")
        for position, member in enumerate(value):
            yield member, f"{self.at(name)}[{position}]"

    def records(self, name: str, *, default_empty: bool = False) -> Iterator["Record"]:
        """Walk a list of objects."""
        for member, place in self.items(name, default_empty=default_empty):
            yield Record(member, place)

    def record_or_empty(self, name: str) -> "Record":
        """Read an object, an empty one where the key is absent."""
        value = self._take(name)
        return Record({} if value is _MISSING or value is None else value, self.at(name))

    def has(self, name: str) -> bool:
        """Say whether the key is there with a value."""
        return self._fields.get(name) is not None

    def free_value(self, name: str) -> object:
        """Look at what stands at a key, for a field that may be of several types."""
        return self._fields.get(name)

    def free(self, name: str) -> Mapping[str, Any]:
        """Read an object whose inside belongs to somebody else."""
        value = self._take(name)
        if value is _MISSING or value is None:
            return {}
        if not isinstance(value, Mapping):
            raise DocumentError("wrong_type", self.at(name), "must be an object: { ... }")
        return value

    def number(self, name: str) -> float:
        """Read a measurement (seconds, per mille of gap): the only floats of these documents."""
        value = self._required(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
            raise DocumentError("not_a_number", self.at(name), "must be a number, 0 or more")
        return float(value)

    def optional_number(self, name: str) -> float | None:
        """Read a measurement or None."""
        self._asked.add(name)
        return self.number(name) if self.has(name) else None

    def close(self) -> None:
        """Refuse the keys that nobody asked for."""
        unknown = sorted(str(key) for key in self._fields if key not in self._asked)
        if unknown:
            known = ", ".join(sorted(self._asked))
            raise DocumentError(
                "unknown_key",
                self.at(unknown[0]),
                f"is not a key of this object: remove it (known: {known})",
                {"key": unknown[0]},
            )


def text(value: object, place: str, *, empty: bool = False) -> str:
    """Check one text."""
    if not isinstance(value, str):
        raise DocumentError("wrong_type", place, 'must be text in quotes: "..."')
    if not value and not empty:
        raise DocumentError("empty_text", place, "must not be empty")
    if len(value) > MAX_TEXT or not value.isprintable():
        raise DocumentError("bad_text", place, f"must be at most {MAX_TEXT} printable characters")
    return value


def whole(value: object, place: str, minimum: int, maximum: int) -> int:
    """Check one whole number: no true/false, no 12.0, inside its limits."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise DocumentError("not_whole", place, "must be a whole number, without quotes or decimals")
    if not minimum <= value <= maximum:
        code = "too_small" if value < minimum else "too_large"
        facts: dict[str, int | float | str | None] = {"minimum": minimum, "maximum": maximum}
        raise DocumentError(code, place, f"must be between {minimum} and {maximum}", facts)
    return int(value)
