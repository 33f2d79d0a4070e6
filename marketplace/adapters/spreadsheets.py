"""Spreadsheets in and out: CSV and XLSX as lines of cells. What they mean is said elsewhere.

`read_lines` takes what somebody uploads; `csv_file` and `xlsx_file` make what they download. An upload is measured
before anything of it is unpacked, and a workbook is opened by a child process of little memory and time
(`workbook_reader`): a crafted file costs one refusal. Nothing that a spreadsheet would calculate goes either way.
"""

import csv
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from marketplace.rules.errors import Invalid

MAX_BYTES = 1_000_000
MAX_UNPACKED_BYTES = 20_000_000
MAX_PARTS = 200
MAX_LINES = 2_000
MAX_COLUMNS = 40
MAX_CELL = 2_000
READER_SECONDS = 10
"""A workbook of the largest size we take is read in well under two."""

CSV_TYPE = "text/csv"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_READER = Path(__file__).with_name("workbook_reader.py")
_ZIP, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")

Cell = str | int | Decimal | date | None
"""What a cell of a download may hold: amounts are `Decimal` pounds, so that they stay numbers."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an upload: its number as the spreadsheet shows it, and its cells as trimmed text."""

    number: int
    cells: tuple[str, ...]

    def cell(self, at: int) -> str:
        """The cell in this column (0 is A); empty where the line is shorter."""
        return self.cells[at] if at < len(self.cells) else ""


def plain_cell(text: str) -> str:
    """Text that no spreadsheet will execute."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def column_letter(at: int) -> str:
    """``0`` -> ``A``, ``27`` -> ``AB``: a column as the spreadsheet names it."""
    letters = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def pounds_cell(pence: int) -> Decimal:
    """An amount for a cell, in pounds."""
    return Decimal(pence) / 100


def csv_file(lines: Iterable[Sequence[Cell]]) -> bytes:
    """Lines as CSV in UTF-8, marked as such, so that Excel reads names as they are written."""
    out = io.StringIO()
    rows = csv.writer(out)
    for line in lines:
        rows.writerow([_csv_cell(cell) for cell in line])
    return out.getvalue().encode("utf-8-sig")


def xlsx_file(title: str, lines: Iterable[Sequence[Cell]], *, bold: Sequence[int] = (1,)) -> bytes:
    """Lines as one sheet of a workbook; the lines numbered in `bold` are headings. Text stays text."""
    from openpyxl import Workbook  # noqa: PLC0415 - half a second that only downloads should pay
    from openpyxl.styles import Font  # noqa: PLC0415

    book = Workbook()
    sheet: Any = book.active
    sheet.title = "".join(" " if letter in "[]:*?/\\" else letter for letter in title)[:31].strip() or "Sheet"
    widths: dict[int, int] = {}
    for number, line in enumerate(lines, start=1):
        for at, value in enumerate(line, start=1):
            if value is None or value == "":
                continue
            cell = sheet.cell(number, at, plain_cell(value) if isinstance(value, str) else value)
            if isinstance(value, str):
                cell.data_type = "s"
            elif isinstance(value, Decimal):
                cell.number_format = "#,##0.00"
            elif isinstance(value, date):
                cell.number_format = "yyyy-mm-dd"
            if number in bold:
                cell.font = Font(bold=True)
            widths[at] = max(widths.get(at, 10), min(len(str(value)) + 2, 50))
    for at, width in widths.items():
        sheet.column_dimensions[column_letter(at - 1)].width = width
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read_lines(content: bytes) -> list[Line]:
    """The lines of an uploaded CSV or XLSX file that hold anything; which of the two it is, its first bytes say.

    Raises
    ------
    Invalid
        If it is empty, too large (as it comes, or unpacked), has macros or formulas, or is no such file.
    """
    if not content:
        raise _refused("file_empty", "Choose a file that has something in it.")
    if len(content) > MAX_BYTES:
        raise _refused("file_too_large", f"This file is larger than {MAX_BYTES // 1_000_000} MB. Send it in parts.")
    if content.startswith(_OLD_OFFICE):
        raise _refused(
            "file_old", "This file is of an older kind or has a password. Save it as .xlsx or .csv without a password."
        )
    if content.startswith(_ZIP):
        _check_parts(content)
        rows = _rows_of_workbook(content)
    else:
        rows = _rows_of_text(content)
    lines = []
    for number, cells in enumerate(rows, start=1):
        if number > MAX_LINES:
            raise _too_many("lines", f"at most {MAX_LINES:,} lines")
        if len(cells) > MAX_COLUMNS:
            raise _too_many("columns", f"at most {MAX_COLUMNS} columns")
        trimmed = tuple(cell.strip() for cell in cells)
        if any(trimmed):
            lines.append(Line(number, trimmed))
            _check_cells(lines[-1])
    return lines


def _check_parts(content: bytes) -> None:
    """Measure a workbook by its table of contents, before any of it is unpacked; reading never exceeds that table."""
    try:
        parts = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise _unreadable() from None
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        raise _refused("file_unpacks_too_large", "This workbook is too large inside. Keep one small sheet in it.")
    if any(part.filename.lower().endswith("vbaproject.bin") for part in parts):
        raise _refused("file_has_macros", "This workbook has macros. Save it as .xlsx, without macros.")


def _rows_of_workbook(content: bytes) -> list[list[str]]:
    command = [sys.executable, "-I", str(_READER), str(MAX_LINES + 1), str(MAX_COLUMNS + 1)]
    try:
        done = subprocess.run(  # noqa: S603 - our own reader; the upload is its input, not its command
            command, input=content, capture_output=True, timeout=READER_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise _unreadable() from None
    if done.returncode != 0:
        raise _unreadable()
    rows: list[list[str]] = json.loads(done.stdout)
    return rows


def _rows_of_text(content: bytes) -> list[list[str]]:
    text = _decoded(content)
    if "\0" in text:
        raise _unreadable()
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        return list(islice(reader, MAX_LINES + 1))
    except csv.Error:
        raise _unreadable() from None


def _decoded(content: bytes) -> str:
    """Excel writes UTF-8 with a mark, UTF-16 as "Unicode text", and Windows' own letters as plain CSV."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _check_cells(line: Line) -> None:
    for at, cell in enumerate(line.cells):
        place = f"{column_letter(at)}{line.number}"
        if cell.startswith("="):
            raise _refused(
                "file_has_formulas",
                f"Cell {place} is a formula. Put the value itself there, then send the file again.",
                cell=place,
            )
        if len(cell) > MAX_CELL:
            raise _refused("cell_too_long", f"Cell {place} holds more than {MAX_CELL:,} characters.", cell=place)


def _csv_cell(cell: Cell) -> str:
    if isinstance(cell, str):  # on one line: a reader that cuts at every line end would meet the second line bare
        return plain_cell(cell).replace("\r", " ").replace("\n", " ")
    if isinstance(cell, Decimal):
        return f"{cell:.2f}"
    return "" if cell is None else str(cell)


def _too_many(kind: str, most: str) -> Invalid:
    return _refused(f"too_many_{kind}", f"This file is too long or too wide. Send {most} at a time.")


def _unreadable() -> Invalid:
    return _refused("file_unreadable", "We cannot read this file. Save it again as .xlsx or .csv and try once more.")


def _refused(code: str, message: str, **facts: object) -> Invalid:
    return Invalid(code, message, place="file", **facts)
