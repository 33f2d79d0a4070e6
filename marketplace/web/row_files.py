"""Files of rows: one line of a spreadsheet is one document of a schema. `headings`, `read_rows`.

The columns are known by their headings, which are the titles of the schema's fields; their order does not matter. What
is wrong is told by line and column, in the schema's words. A secret is not shown again.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema, fields
from werkzeug.datastructures import MultiDict

from marketplace.adapters.spreadsheets import Line, column_letter
from marketplace.rules.errors import Conflict, Invalid
from marketplace.schemas.fields import DAY_IN_A_FILE, DAY_TYPED

from .files import Fault
from .forms import WebForm

MOST_ROWS = 1_000
_TYPED_DAY = re.compile(r"(\d{1,2})[/. -](\d{1,2})[/. -](\d{4})")


@dataclass(slots=True)
class Rows:
    """What a file holds: each line with its document, and the faults."""

    schema: Schema
    columns: dict[str, int]
    lines: list[Line] = field(default_factory=list)
    documents: list[Any] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def refuse(self, line: Line, name: str, told: str) -> None:
        """Note what is wrong with a field of a line."""
        at = self.columns.get(name)
        known = self.schema.fields.get(name)
        secret = known is not None and "x-secret" in known.metadata
        found = "" if at is None else line.cell(at)
        shown = "Not shown again" if secret and found else found
        column = "The whole line" if at is None else f"{column_letter(at)} ({_short_title(self.schema, name)})"
        told = told.replace(DAY_TYPED, DAY_IN_A_FILE)
        self.faults.append(Fault(line.number, column, shown, told))

    def refuse_for(self, position: int, error: Invalid | Conflict) -> None:
        """Note a rule's refusal of one document."""
        self.refuse(self.lines[position], str(error.facts.get("place", "")), error.message)

    @property
    def sorted_faults(self) -> list[Fault]:
        """The faults by line."""
        return sorted(self.faults, key=lambda fault: fault.line or 0)


def title_of(schema: Schema, name: str) -> str:
    """A column's heading."""
    return str(schema.fields[name].metadata["title"])


def _short_title(schema: Schema, name: str) -> str:
    return title_of(schema, name).removesuffix(" (optional)")


def headings(schema: Schema) -> list[str]:
    """The headings of a file of such documents."""
    return [title_of(schema, name) for name in schema.fields]


def read_rows(make: Callable[[], Schema], lines: Sequence[Line], *, beside: Collection[str] = ()) -> Rows:
    """The documents of a file; `beside` are headings of columns that are there for the reader only.

    Raises
    ------
    Invalid
        If the first line is not of these headings, nothing stands below it, or too much does.
    """
    schema = make()
    columns = _columns(schema, lines[0] if lines else Line(1, ()), beside)
    if not 1 <= len(lines) - 1 <= MOST_ROWS:
        message = f"The file must have from 1 to {MOST_ROWS:,} lines below its headings."
        raise Invalid("rows_out_of_range", message, place="file")
    found = Rows(schema, columns)
    for line in lines[1:]:
        typed = MultiDict({name: _typed(schema.fields[name], line.cell(at)) for name, at in columns.items()})
        form = WebForm(schema, typed)
        if form.validate():
            found.lines.append(line)
            found.documents.append(form.data)
        for name, message in form.errors.items():
            found.refuse(line, name, message)
    return found


def _columns(schema: Schema, first: Line, beside: Collection[str]) -> dict[str, int]:
    name_of = {title_of(schema, name).casefold(): name for name in schema.fields}
    columns: dict[str, int] = {}
    for at, heading in enumerate(first.cells):
        name = name_of.get(heading.casefold())
        if name is not None and name not in columns:
            columns[name] = at
        elif heading and heading not in beside:
            message = f"We do not know the column {heading[:60]}. Use the headings of the template, each once."
            raise Invalid("column_unknown", message, place="file")
    missing = [
        title_of(schema, name) for name, known in schema.fields.items() if known.required and name not in columns
    ]
    if missing:
        message = f"The first line must have the headings of the template. We miss: {', '.join(missing)}."
        raise Invalid("column_missing", message, place="file")
    return columns


def _typed(known: fields.Field[Any], cell: str) -> str:
    """A cell as a form would send it: a day as 21/11/2026 is turned round."""
    day = _TYPED_DAY.fullmatch(cell) if isinstance(known, fields.Date) else None
    return f"{day[3]}-{day[2].zfill(2)}-{day[1].zfill(2)}" if day else cell
