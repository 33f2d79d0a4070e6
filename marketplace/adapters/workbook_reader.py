"""Reads the first sheet of a workbook from stdin and writes its rows as JSON: `spreadsheets` runs it as a child.

It is a script, not a module of ours: it limits its own memory and time, opens what a stranger sent, and dies of it if
it must. It imports nothing but openpyxl. Arguments: the most rows and the most columns to read.
"""

import json
import resource
import sys
from datetime import date, datetime
from io import BytesIO
from typing import Any

MEMORY_BYTES = 400_000_000
SECONDS = 8


def text_of(cell: Any) -> str:
    """A cell as a person would type it; a formula as it is written, which the caller refuses."""
    value = cell.value
    if cell.data_type == "f":
        return f"={value}" if not str(value).startswith("=") else str(value)
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.date() if (value.hour, value.minute, value.second) == (0, 0, 0) else value
    if isinstance(value, date):
        return str(value.isoformat())
    if isinstance(value, float):
        return format(value, ".15g")
    return str(value)


def main() -> None:
    """Read, write, end."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    for heavy in ("numpy", "lxml", "PIL"):  # openpyxl would load them if they were there; it needs none to read
        sys.modules[heavy] = None  # type: ignore[assignment]
    from openpyxl import load_workbook  # noqa: PLC0415 - under the limits, and without the heavy ones

    most_rows, most_columns = int(sys.argv[1]), int(sys.argv[2])
    book = load_workbook(BytesIO(sys.stdin.buffer.read()), read_only=True, keep_links=False)
    rows = [
        [text_of(cell) for cell in row] for row in book.worksheets[0].iter_rows(max_row=most_rows, max_col=most_columns)
    ]
    for row in rows:
        while row and not row[-1]:
            row.pop()
    while rows and not rows[-1]:
        rows.pop()
    sys.stdout.write(json.dumps(rows))


if __name__ == "__main__":
    main()
