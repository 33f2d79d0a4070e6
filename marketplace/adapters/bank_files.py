"""Payment files in the shape banks take (CSV), and their answers, read line by line.

`write` makes the file; `read_answer` reads what comes back and says by line number what cannot be used.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from marketplace.rules.errors import Invalid
from marketplace.rules.money import parse_pounds

from .spreadsheets import plain_cell

COLUMNS = ("Reference", "Payee", "Amount", "Currency", "Payment date")
ANSWER_COLUMNS = ("Reference", "Amount", "Result", "Reason")
RESULTS = ("paid", "returned")
MAX_BYTES = 1_000_000
MAX_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Instruction:
    """One payment to be made."""

    reference: str
    payee: str
    amount_pence: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bank says of one payment, and in which line of its file (0: it came from no file)."""

    reference: str
    amount_pence: int
    paid: bool
    reason: str
    line: int = field(default=0, compare=False)


def write(instructions: Iterable[Instruction], day: date) -> str:
    """The file to hand to the bank; a name that a spreadsheet would take for a formula is quoted."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    for row in instructions:
        pounds = f"{row.amount_pence // 100}.{row.amount_pence % 100:02d}"
        rows.writerow([row.reference, plain_cell(row.payee), pounds, "GBP", day.isoformat()])
    return out.getvalue()


def read_answer(text: str) -> list[Answer]:
    """Read a bank's answer.

    Raises
    ------
    Invalid
        If the file is too large, its columns are others, or a line cannot be used (place: ``line 3``).
    """
    if len(text.encode()) > MAX_BYTES:
        raise Invalid("file_too_large", "This file is larger than 1 MB. Send it in parts.", place="file")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    if not rows or tuple(cell.strip() for cell in rows[0]) != ANSWER_COLUMNS:
        raise Invalid("columns", f"The first line must be: {', '.join(ANSWER_COLUMNS)}", place="line 1")
    if len(rows) > MAX_ROWS:
        raise Invalid("too_many_rows", f"Send at most {MAX_ROWS:,} lines at a time.", place="file")
    return [_answer(row, number) for number, row in enumerate(rows[1:], start=2) if any(cell.strip() for cell in row)]


def _answer(row: list[str], number: int) -> Answer:
    place = f"line {number}"
    if len(row) != len(ANSWER_COLUMNS):
        raise Invalid("cells", f"{place}: there must be {len(ANSWER_COLUMNS)} cells, not {len(row)}.", place=place)
    reference, amount, result, reason = (cell.strip() for cell in row)
    if result.lower() not in RESULTS:
        raise Invalid("result", f"{place}: {_holds(2, result)}. Write {' or '.join(RESULTS)}.", place=place)
    try:
        amount_pence = parse_pounds(amount)
    except Invalid:
        raise Invalid("amount", f"{place}: {_holds(1, amount)}. Write it like 48.50.", place=place) from None
    return Answer(reference, amount_pence, result.lower() == "paid", reason, number)


def _holds(column: int, cell: str) -> str:
    return f"{ANSWER_COLUMNS[column]} is {f'“{cell[:40]}”' if cell else 'empty'}"
