"""Files that people send and take: an upload's bytes, the faults found in it line by line, a download's answer."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flask import Response, request

from marketplace.adapters.spreadsheets import CSV_TYPE, XLSX_TYPE, Cell, csv_file, xlsx_file
from marketplace.rules.errors import NotFound

KINDS = ("csv", "xlsx")
FILE = "file"
"""The name of the one file field on a page."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at one place of an upload: the line, the column in words, what stands there, what to do."""

    line: int | None
    column: str
    found: str
    told: str


def attached(answer: Response, name: str) -> Response:
    """An answer that a browser keeps as a file of this name."""
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def uploaded() -> bytes | None:
    """The bytes of the file that this request brought; None where it brought none."""
    file = request.files.get(FILE)
    if file is None or not file.filename:
        return None
    with file.stream as stream:
        return stream.read()


def download(
    kind: str, name: str, lines: Iterable[Sequence[Cell]], *, title: str = "", bold: Sequence[int] = (1,)
) -> Response:
    """Lines as a file to keep, of one of `KINDS`.

    Raises
    ------
    NotFound
        If there is no such kind.
    """
    if kind not in KINDS:
        raise NotFound("not_found", "We cannot find that file.")
    content = csv_file(lines) if kind == "csv" else xlsx_file(title or name, lines, bold=bold)
    safe = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "carepool"
    answer = Response(content, mimetype=CSV_TYPE if kind == "csv" else XLSX_TYPE)
    return attached(answer, f"{safe}.{kind}")
