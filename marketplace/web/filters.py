"""What templates can say: the words of `queries.words` as filters, and markup for names, tables and choices."""

import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from flask import Flask
from markupsafe import Markup, escape

from marketplace.queries.care import first_visit_by
from marketplace.queries.contracts import care_time, signers
from marketplace.queries.reasons import attribute, grade
from marketplace.queries.words import (
    change,
    clock_time,
    day,
    decision,
    distance,
    listed,
    moment,
    one_unit,
    permille,
    plural,
    pounds,
    seen_page,
    short_hash,
    units,
    units_of,
    words,
)
from marketplace.rules.contacts import dialled, is_email, is_telephone
from marketplace.rules.errors import whole_sentence
from marketplace.rules.quality import rating_words

_ROW = re.compile(r"<tr([^>]*)>(.*?)</tr>", re.DOTALL)
_EMPTY_CELL = re.compile(r'<td\b([^>]*?)class="([^"]*)"([^>]*)>\s*</td>')
_COUNTED = r"km|miles?|people|persons?|sessions?|visits?|hours?|(?:more )?days?|nights?|weeks?|tenths?"
_WHOLE = re.compile(
    r"\b\d{1,2} (?:[A-Z][a-z]+|\d{1,2}) \d{4}\b"
    rf"|\b\d[\d.,]* (?:{_COUNTED})\b"
    r"|\b(?:group )?\d+ of \d+\b(?: [a-z]+)?"
    r"|\b\d[\d.:]*[ap]m to \d[\d.:]*[ap]m\b"
    r"|\b0\d{2,4}(?: \d{3,4}){1,2}\b"
    r"|\bat \S+$"
)
_NO_BREAK = "\N{NO-BREAK SPACE}"
_CELL_OF_MOMENT = re.compile(r"(<t[dh]\b[^>]*>\s*(?:<strong>)?)the end of ")
_CELL_OPENS = re.compile(r"<(td|th)\b([^>]*)>(\s*<(?:form\b|a class=\"nhsuk-button\b))?")
"""A cell, and what it opens with if it holds a button."""


def in_one_line(says: Callable[..., str]) -> Callable[..., str]:
    """The same words for a page: see `unbroken`."""

    @wraps(says)
    def said(*values: Any) -> str:
        return unbroken(says(*values))

    return said


def whole(says: Callable[..., str]) -> Callable[..., str]:
    """The same words for a page: a number is never parted from what it counts."""

    @wraps(says)
    def said(*values: Any) -> str:
        return says(*values).replace(" ", _NO_BREAK)

    return said


def counted(says: Callable[..., str]) -> Callable[..., str]:
    """The same words for a page: the number is never parted from the first word of what it counts."""

    @wraps(says)
    def said(*values: Any) -> str:
        return says(*values).replace(" ", _NO_BREAK, 1)

    return said


def unbroken(text: str) -> str:
    """Words in which no date, hours, telephone number, or number with what it counts is broken into two lines."""
    return _WHOLE.sub(lambda found: found[0].replace(" ", _NO_BREAK), text)


def with_time(says: Callable[..., str]) -> Callable[..., str]:
    """The same words for a page: ``at 9am`` is in one line too where words follow it."""

    @wraps(says)
    def said(*values: Any) -> str:
        return re.sub(r"\bat (?=midday\b|\d[\d:]*[ap]m\b)", f"at{_NO_BREAK}", unbroken(says(*values)))

    return said


def breakable(name: str) -> Markup:
    """An address of programs that may be broken into two lines after ``/``, and within no name."""
    return Markup(re.sub(r"/(?=.)", "/<wbr>", str(escape(name))))  # noqa: S704 - escaped first


def stackable(rows: Markup, headings: Sequence[str]) -> Markup:
    """Table rows that can become blocks on a narrow screen: each cell carries its column's heading, for the eye only.

    A cell with nothing in it is marked, so that no heading stands there beside nothing; a cell with a button has none,
    since the button says what it does. The roles keep it a table for those who do not look: a screen reader takes
    blocks for no table any more.
    """

    def row(found: re.Match[str]) -> str:
        columns = iter(headings)

        def cell(opened: re.Match[str]) -> str:
            role = "rowheader" if opened[1] == "th" else "cell"
            heading = escape(next(columns).removeprefix("#"))
            label = "" if opened[3] else f'<span class="nhsuk-table__heading" aria-hidden="true">{heading}</span>'
            return f'<{opened[1]} role="{role}"{opened[2]}>{label}<div>{opened[3] or ""}'

        marked = _EMPTY_CELL.sub(r'<td\1class="\2 cp-empty"\3></td>', found[2])
        labelled = _CELL_OPENS.sub(cell, marked).replace("</td>", "</div></td>").replace("</th>", "</div></th>")
        return f'<tr role="row"{found[1]}>{labelled}</tr>'

    return Markup(_ROW.sub(row, str(rows)))  # noqa: S704 - the rows are our own templates', escaped there


def begun_large(rows: Markup) -> Markup:
    """Table rows whose cells begin with a large letter: ``the end of Monday`` is how sentences say it."""
    return Markup(_CELL_OF_MOMENT.sub(r"\1The end of ", str(rows)))  # noqa: S704 - the rows are our own templates'


def sentence(text: str) -> str:
    """Words that stand by themselves, with a large first letter."""
    return text[:1].upper() + text[1:]


def to_reach(reach: str) -> Markup:
    """How somebody is reached: a number to dial, in one line; an address to write to; or words, as they are."""
    if is_telephone(reach):
        link = f'<a class="cp-nowrap" href="tel:{escape(dialled(reach))}">{escape(reach)}</a>'
        return Markup("Telephone: " + link)  # noqa: S704 - escaped first
    if is_email(reach):
        return Markup(f'E-mail: <a href="mailto:{escape(reach)}">{escape(reach)}</a>')  # noqa: S704 - escaped first
    return Markup("To reach them: ") + reach


def init_app(app: Flask) -> None:
    """Give the templates their words."""
    for says in (
        begun_large,
        breakable,
        sentence,
        stackable,
        in_one_line(care_time),
        signers,
        pounds,
        change,
        first_visit_by,
        in_one_line(day),
        in_one_line(moment),
        clock_time,
        whole(units),
        units_of,
        listed,
        one_unit,
        counted(plural),
        words,
        seen_page,
        with_time(decision),
        permille,
        in_one_line(distance),
        unbroken,
        short_hash,
        whole_sentence,
        dialled,
        to_reach,
    ):
        app.jinja_env.filters[says.__name__] = says
        app.jinja_env.globals.setdefault(says.__name__, says)
    for name, rated in (("grade_words", grade), ("rating_words", rating_words), ("attribute_words", attribute)):
        app.jinja_env.filters[name] = rated
        app.jinja_env.globals[name] = rated


def as_choices(pairs: list[tuple[Any, str]], chosen: object) -> list[dict[str, object]]:
    """Radio, checkbox or select items for the macros: value, text and which of them is chosen."""
    chosen_values = {str(value) for value in chosen} if isinstance(chosen, (list, tuple, set)) else {str(chosen)}
    return [
        {
            "value": str(value),
            "text": text,
            "checked": str(value) in chosen_values,
            "selected": str(value) in chosen_values,
        }
        for value, text in pairs
    ]
