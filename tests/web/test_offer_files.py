"""An offer by spreadsheet: the template comes back filled in, is told cell by cell, and is sealed as by the form."""

import io
import re
import time
import zipfile

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from werkzeug.test import TestResponse

from marketplace.adapters.spreadsheets import csv_file, read_lines
from tests.web.site import Site


@pytest.fixture
def provider(site: Site) -> FlaskClient:
    site.world.draft().agree().publish()
    return site.client("near@example.test")


def address(site: Site, end: str = "upload") -> str:
    return f"/provider/tenders/{site.world.tender.id}/offer/{end}"


def filled(client: FlaskClient, site: Site, cells: dict[str, object]) -> bytes:
    """The XLSX template with these cells filled in."""
    book = load_workbook(io.BytesIO(client.get(address(site, "sheet.xlsx")).data))
    assert book.active is not None
    for place, value in cells.items():
        book.active[place] = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def send(client: FlaskClient, site: Site, content: bytes, name: str = "offer.xlsx") -> TestResponse:
    return client.post(address(site), data={"file": (io.BytesIO(content), name)})


def confirm(client: FlaskClient, site: Site, report: TestResponse, action: str) -> TestResponse:
    """Press a button below a sound report: what it holds goes to the form's door."""
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', report.get_data(as_text=True)))
    return client.post(f"/provider/tenders/{site.world.tender.id}/offer", data={**fields, "action": action})


GOOD = {"B4": 120, "B5": 10, "B6": 500, "B7": 12, "B8": "spring", "G11": 50, "F12": 55, "G12": 48.5, "D12": 5}


def test_a_filled_template_is_sealed(site: Site, provider: FlaskClient) -> None:
    """All that the form can say comes through a workbook; the receipt is the form's; its download says the same."""
    report = send(provider, site, filled(provider, site, GOOD))
    assert report.status_code == 200
    assert "Nothing is kept yet" in report.get_data(as_text=True)
    assert site.fresh().tender.offers == []
    sealed = confirm(provider, site, report, "seal")
    assert sealed.status_code == 302
    offer = site.fresh().tender.offers[0]
    assert offer.status.value == "standing"
    told = provider.get(f"/provider/offers/{offer.id}").get_data(as_text=True)
    assert all(text in told for text in (offer.receipt_sha256, "£120.00", "£48.50", "12 km", "spring"))
    for kind in ("csv", "xlsx"):
        kept = provider.get(f"/provider/offers/{offer.id}/offer.{kind}").data
        again = send(provider, site, kept, f"x.{kind}")
        assert again.status_code == 200
        assert confirm(provider, site, again, "keep").status_code == 302
        versions = site.fresh().tender.offers
        assert versions[-1].receipt_sha256 == offer.receipt_sha256


def test_what_is_wrong_is_told_by_cell(site: Site, provider: FlaskClient) -> None:
    """Every fault at once, by line and column, and nothing is kept."""
    bad = {"B3": "Elsewhere", "B4": "about 5", "B6": "ten", "F12": "dear", "H11": 20, "G11": 50, "G12": 5, "H12": 4}
    report = send(provider, site, filled(provider, site, bad))
    text = report.get_data(as_text=True)
    assert report.status_code == 422
    assert "Enter an amount in pounds, like 48.50" in text
    assert "about 5" in text
    assert "B (Fixed fee)" in text
    assert "F (Price in band 1 (£))" in text
    assert "Enter one of your places" in text
    assert "ten" in text
    assert "dear" in text
    bands = send(provider, site, filled(provider, site, {"H11": 20, "G11": 50, "F12": 6, "G12": 5, "H12": 4}))
    assert "Each price must start from more units than the one before" in bands.get_data(as_text=True)
    assert site.fresh().tender.offers == []


def test_a_sheet_that_is_not_ours_says_so(site: Site, provider: FlaskClient) -> None:
    """Another tender's, another layout, a lot twice, too many bands, no file, a formula: each in plain words."""
    lines = [list(line.cells) for line in read_lines(provider.get(address(site, "sheet.csv")).data)]
    lot = lines[-1][0]

    def told(change: list[list[str]]) -> str:
        answer = send(provider, site, csv_file(change), "offer.csv")
        assert answer.status_code == 422
        return answer.get_data(as_text=True)

    assert "This file is for another tender" in told([[lines[1][0], "0000"], *lines[2:]])
    assert "We miss the line that begins with" in told(lines[:6])
    assert "This lot is there twice" in told([*lines, [lot, "", "", "", "", "9"]])
    assert "We do not know this lot" in told([*lines, ["x", "", "", "", "", "9"]])
    assert "There are at most 4 bands" in told([*lines[:-1], [lot, "", "", "", "", "9", "8", "7", "6", "5"]])
    assert "Choose the file" in provider.post(address(site), data={}).get_data(as_text=True)
    assert "Cell B4 is a formula" in send(provider, site, filled(provider, site, {"B4": "=1+1"})).get_data(as_text=True)


def test_a_sheet_is_for_its_provider_and_its_time(site: Site, provider: FlaskClient) -> None:
    """Nobody else opens an offer's file; after the deadline there is no template; other kinds of file are not found."""
    world = site.world
    world.offer("bulk", (0, 123_457))
    offer = site.fresh().tender.offers[0].id
    assert provider.get(f"/provider/offers/{offer}/offer.csv").status_code == 404
    assert site.client("broker@example.test").get(f"/provider/offers/{offer}/offer.csv").status_code == 403
    assert b"1234.57" in site.client("bulk@example.test").get(f"/provider/offers/{offer}/offer.csv").data
    assert provider.get(address(site, "sheet.ods")).status_code == 404
    world.later(days=15)
    assert site.client("near@example.test").get(address(site, "sheet.xlsx")).status_code == 409


def test_a_crafted_upload_is_one_refusal(site: Site, provider: FlaskClient) -> None:
    """Larger than a request may be, larger inside than outside, or with macros: an answer in words, at once."""
    bomb, macros = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"\0" * 25_000_000)
    with zipfile.ZipFile(macros, "w") as archive:
        archive.writestr("xl/vbaProject.bin", b"x")
    began = time.perf_counter()
    assert "too large inside" in send(provider, site, bomb.getvalue()).get_data(as_text=True)
    assert "has macros" in send(provider, site, macros.getvalue()).get_data(as_text=True)
    said = {"CONTENT_LENGTH": "5000000"}
    assert (
        provider.post(address(site), data={"file": (io.BytesIO(b"x"), "x.csv")}, environ_overrides=said).status_code
        == 413
    )
    assert time.perf_counter() - began < 2
