"""Strict JSON: what two programs could read in two ways is refused before anything reads it.

A document has no duplicate names, no NaN, no fractions (money is whole pence, units are whole), no number beyond 64
bits, no text that a database cannot hold, and is not nested without end.
"""

import json
from collections.abc import Iterator
from typing import Any

MOST_BYTES = 1_000_000
DEEPEST = 16
MOST_DIGITS = 19
LEAST_INTEGER, MOST_INTEGER = -(2**63), 2**63 - 1


class NotStrict(ValueError):
    """No document that we read. The message says why."""


def read(content: bytes) -> Any:
    """The document in these bytes.

    Raises
    ------
    NotStrict
        Saying what is wrong with it.
    """
    try:
        text = content.decode("utf-8")
        document = json.loads(
            text,
            parse_int=_integer,
            parse_float=_fraction,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError:
        raise NotStrict("The body is not UTF-8 text.") from None
    except json.JSONDecodeError as error:
        raise NotStrict(f"The body is not JSON: see line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise NotStrict(f"The body is nested deeper than {DEEPEST} levels.") from None
    for text in _texts(document):
        check_text(text)
    return document


def check_text(text: str) -> None:
    """Refuse what a database cannot hold, or what nobody can have meant.

    Raises
    ------
    NotStrict
        If there is a null character, or half of a character.
    """
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise NotStrict("A text has a null character, or half of a character, in it.")


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MOST_DIGITS or not LEAST_INTEGER <= (number := int(digits)) <= MOST_INTEGER:
        raise NotStrict("A number does not fit into 64 bits.")
    return number


def _fraction(_digits: str) -> Any:
    raise NotStrict("A number has a fraction or an exponent. All numbers here are whole: money is in pence.")


def _constant(name: str) -> Any:
    raise NotStrict(f"{name} is no JSON.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise NotStrict("A name stands twice in one object.")
    return document


def _texts(document: Any, depth: int = 0) -> Iterator[str]:
    """Every text in a document, names too; on the way it is seen how deep it goes."""
    if depth > DEEPEST:
        raise NotStrict(f"The body is nested deeper than {DEEPEST} levels.")
    if isinstance(document, str):
        yield document
    elif isinstance(document, list):
        for item in document:
            yield from _texts(item, depth + 1)
    elif isinstance(document, dict):
        for name, item in document.items():
            yield name
            yield from _texts(item, depth + 1)
