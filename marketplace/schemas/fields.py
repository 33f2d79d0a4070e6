"""Fields in the domain's units: pounds as people type them, whole numbers that are whole, days, districts."""

import re
from typing import Any

from marshmallow import ValidationError, fields
from marshmallow.validate import Range

from marketplace.rules.errors import Invalid
from marketplace.rules.money import MAX_PENCE, format_pounds, parse_pounds


class Pounds(fields.Field[int]):
    """An amount: typed in pounds ("48.50"), kept in whole pence. A program may send whole pence as a number.

    `like` is the example that a message gives: an amount that could stand in this field.
    """

    default_error_messages = {"not_an_amount": "Enter an amount in pounds, like {like}"}  # noqa: RUF012 - marshmallow's

    def __init__(
        self, *, minimum_pence: int = 0, most_pence: int = MAX_PENCE, like: str = "48.50", **arguments: Any
    ) -> None:
        self.like = like
        out_of_range = "Enter an amount above £0" if minimum_pence > 0 else "Enter £0 or more"
        if most_pence < MAX_PENCE:
            out_of_range = f"Enter an amount from {format_pounds(minimum_pence)} to {format_pounds(most_pence)}"
        super().__init__(validate=Range(min=minimum_pence, max=most_pence, error=out_of_range), **arguments)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> int:
        if type(value) is int:
            return value
        if not isinstance(value, str):
            raise self.make_error("not_an_amount", like=self.like)
        try:
            return parse_pounds(value)
        except Invalid as error:
            if error.code == "not_an_amount":
                raise self.make_error("not_an_amount", like=self.like) from None
            raise ValidationError(error.message) from None


class Whole(fields.Integer):
    """A whole number within bounds; "12.5" and "about 12" are told apart from 12."""

    def __init__(self, least: int, most: int, *, message: str = "", **arguments: Any) -> None:
        message = message or f"Enter a whole number from {least:,} to {most:,}"
        super().__init__(
            strict=True,
            validate=Range(min=least, max=most, error=message),
            error_messages={"invalid": message, "null": message, "too_large": message, "required": message},
            **arguments,
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, str):
            value = value.replace(",", "").strip()
            if not re.fullmatch(r"[+-]?\d{1,18}", value):
                raise self.make_error("invalid", input=value)
        elif type(value) is not int:
            raise self.make_error("invalid", input=value)
        return int(value)


LONGEST_KM = 200


class Kilometres(fields.Field[int]):
    """Whole kilometres as typed, kept in metres."""

    default_error_messages = {"invalid": f"Enter whole kilometres, from 1 to {LONGEST_KM}"}  # noqa: RUF012

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        text = str(value).lower().removesuffix("km").strip()
        if not text.isascii() or not text.isdigit() or len(text) > 3 or not 1 <= int(text) <= LONGEST_KM:
            raise ValidationError(self.default_error_messages["invalid"])
        return int(text) * 1000


class Words(fields.String):
    """Some text, trimmed; empty counts as missing. Control characters are refused: nobody types them."""

    def __init__(self, *, longest: int, missing: str, **arguments: Any) -> None:
        self.longest, self._missing = longest, missing
        told = missing or "Enter some text, or leave it out"
        super().__init__(error_messages={"required": told, "null": told, "invalid": told}, **arguments)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        text = text.replace("\r\n", "\n").strip()
        if self.required and not text:
            raise ValidationError(self._missing)
        if len(text) > self.longest:
            raise ValidationError(f"Use {self.longest:,} characters or fewer")
        if any(ord(letter) < 32 and letter not in "\n\t" for letter in text):
            raise ValidationError("Use plain text only")
        return text


DAY_TYPED, DAY_IN_A_FILE = "21 11 2026", "21/11/2026"
"""A day as an example: typed into three fields, and in one cell."""


class Day(fields.Date):
    """A calendar day, ``2026-11-21`` in documents; forms hand in day, month and year put together."""

    def __init__(self, *, missing: str, **arguments: Any) -> None:
        real = f"Enter a real date, like {DAY_TYPED}"
        errors: dict[str, Any] = {"required": missing or real, "null": missing or real, "invalid": real}
        super().__init__(format="iso", error_messages=errors, **arguments)


def choice(name: str) -> dict[str, Any]:
    """The messages of a field in which one of several must be chosen."""
    return dict.fromkeys(("required", "null", "unknown", "invalid"), f"Choose {name}")
