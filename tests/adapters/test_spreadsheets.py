"""Spreadsheets: what goes out calculates nothing, what comes in is measured first, and both keep every value."""

import io
import time
import zipfile
from datetime import date
from decimal import Decimal

import pytest
from openpyxl import Workbook, load_workbook

from marketplace.adapters.spreadsheets import (
    MAX_BYTES,
    MAX_LINES,
    Line,
    column_letter,
    csv_file,
    read_lines,
    xlsx_file,
)
from marketplace.rules.errors import Invalid

DANGEROUS = ("=1+1", "+44 1522", "-2", "@SUM(A1)", "\tx", "\rx", "\n=x")
LINES = [["Name", "Units", "Price", "Day"], ["Żaneta, “Fen” & Söhne £", 1200, Decimal("48.50"), date(2026, 3, 2)]]
READ = [
    Line(1, ("Name", "Units", "Price", "Day")),
    Line(2, ("Żaneta, “Fen” & Söhne £", "1200", "48.5", "2026-03-02")),
]


def workbook(cell: object) -> bytes:
    book, out = Workbook(), io.BytesIO()
    assert book.active is not None
    book.active["B2"] = cell
    book.save(out)
    return out.getvalue()


def refusal(content: bytes) -> Invalid:
    with pytest.raises(Invalid) as refused:
        read_lines(content)
    return refused.value


def test_what_is_written_is_read() -> None:
    """Words, whole numbers, amounts and days come back from both kinds of file."""
    assert read_lines(xlsx_file("A [title]", LINES)) == READ
    assert read_lines(csv_file(LINES)) == [READ[0], Line(2, (*READ[1].cells[:2], "48.50", "2026-03-02"))]


def test_nothing_that_goes_out_calculates() -> None:
    """Every dangerous beginning is quoted, in both kinds of file; numbers stay numbers."""
    lines = [[text, Decimal("-3.20")] for text in DANGEROUS]
    sheet = load_workbook(io.BytesIO(xlsx_file("x", lines))).active
    assert sheet is not None
    for row in sheet.iter_rows():
        assert [cell.data_type for cell in row] == ["s", "n"]
        assert str(row[0].value).startswith("'")
    told = csv_file(lines).decode("utf-8-sig").splitlines()
    assert len(told) == len(DANGEROUS)
    assert all(line.lstrip('"').startswith("'") for line in told)
    assert b"-3.20" in csv_file(lines)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_is_read_as_offices_write_it(encoding: str, separator: str) -> None:
    """Excel's encodings and separators; a blank line counts where lines are numbered."""
    text = f"Name{separator}Units\r\n\r\nMüller{separator}12\r\n"
    assert read_lines(text.encode(encoding)) == [Line(1, ("Name", "Units")), Line(3, ("Müller", "12"))]


def test_a_formula_is_refused_by_its_cell() -> None:
    """In a workbook and in a CSV alike; the message says which and what to do."""
    for content in (workbook("=1+1"), b"a,b\n1,=1+1\n"):
        found = refusal(content)
        assert (found.code, found.facts["cell"]) == ("file_has_formulas", "B2")
    assert refusal(workbook('=HYPERLINK("http://x")')).code == "file_has_formulas"


def test_what_is_no_spreadsheet_is_refused() -> None:
    """Empty, too large, locked, with macros, damaged, too long, too wide: each with its own code."""
    macros = io.BytesIO()
    with zipfile.ZipFile(macros, "w") as archive:
        archive.writestr("xl/vbaProject.bin", b"x")
    assert refusal(b"").code == "file_empty"
    assert refusal(b"x" * (MAX_BYTES + 1)).code == "file_too_large"
    assert refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 locked").code == "file_old"
    assert refusal(macros.getvalue()).code == "file_has_macros"
    assert refusal(workbook("x")[:-40]).code == "file_unreadable"
    assert refusal(b"PK\x03\x04 nonsense").code == "file_unreadable"
    assert refusal(b"a\0b").code == "file_unreadable"
    assert refusal(b"x\n" * (MAX_LINES + 1)).code == "too_many_lines"
    assert refusal(b"," * 60 + b"x").code == "too_many_columns"


def test_a_bomb_is_refused_quickly() -> None:
    """A small file that would unpack to gigabytes is measured by its table of contents, and never unpacked."""
    bomb = io.BytesIO()
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w") as to,
    ):
        for _ in range(30):
            to.write(b"\0" * 1_000_000)
    began = time.perf_counter()
    assert refusal(bomb.getvalue()).code == "file_unpacks_too_large"
    assert time.perf_counter() - began < 1


def test_entities_do_not_multiply() -> None:
    """A workbook whose text would grow a thousandfold by XML entities ends in the child, as unreadable."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    source, crafted = zipfile.ZipFile(io.BytesIO(workbook("x"))), io.BytesIO()
    with source, zipfile.ZipFile(crafted, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in source.namelist():
            text = source.read(part).decode()
            if part.endswith("sheet1.xml"):
                body = text.split("?>", 1)[-1]
                text = f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]>' + body.replace("<t>", "<t>&l11;")
            archive.writestr(part, text)
    assert refusal(crafted.getvalue()).code == "file_unreadable"


def test_columns_are_named_as_spreadsheets_do() -> None:
    assert [column_letter(at) for at in (0, 25, 26, 27, 701, 702)] == ["A", "Z", "AA", "AB", "ZZ", "AAA"]
