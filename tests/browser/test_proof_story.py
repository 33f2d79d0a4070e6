"""In Chromium: a patient takes their part of a result away, a commissioner hands the whole out; both check."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from marketplace.cli import main
from marketplace.records.auditors import Handout
from tests.web.site import Site

pytestmark = pytest.mark.browser


def fetched(window: Any, name: str, folder: Path) -> Path:
    """Press the button, or follow the link, of this name and keep the file that comes."""
    with window.page.expect_download() as coming:
        window.page.get_by_text(name, exact=False).first.click()
    file = folder / coming.value.suggested_filename
    coming.value.save_as(file)
    return file


def test_a_result_is_checked_from_both_ends(site: Site, enter: Callable[[str], Any], tmp_path: Path) -> None:
    world = site.world.proposed().accept().confirm()
    patient = enter("p1").go(f"/patient/matches/{world.match(1).id}")
    patient.follow("Check that your part was counted").look("patient-check-result")
    mine = fetched(patient, "Get my part as a file", tmp_path)
    patient.follow("the page that all can read").look("public-award-with-roots")
    listed = dict(
        zip(patient.page.locator("dt").all_inner_texts(), patient.page.locator("dd").all_inner_texts(), strict=True)
    )
    roots = [digest for name, digest in listed.items() if "_root" in name]
    whole = fetched(patient, "the matching with all its rows", tmp_path)

    funder = enter("funder").go("/commissioner/tenders").look("commissioner-tenders-with-auditors")
    funder.follow("Auditors").look("commissioner-auditors-none").press("Name the auditor")
    funder.look("commissioner-auditors-wrong", status=422)
    for name, typed in (("Name", "Ada Byron"), ("Organisation", "County Audit"), ("What may they", "Contract 12")):
        funder.page.get_by_label(name).fill(typed)
    funder.press("Name the auditor")
    handed = fetched(funder, "Get the file to hand out", tmp_path / "handed")
    hashed = site.fresh().session.scalars(select(Handout.sha256)).one()
    assert hashed in funder.go(f"/commissioner/tenders/{world.tender.id}/auditors").text
    funder.look("commissioner-auditors").follow("Strike off").look("commissioner-auditor-strike")
    funder.page.get_by_label("Why are they struck off?").fill("Her contract has ended.")
    funder.press("Strike them off").look("commissioner-auditors-struck")
    assert handed.read_bytes() == whole.read_bytes()

    for file in (mine, whole, handed):
        told = CliRunner().invoke(main, ["proof", "check", str(file), "--root", roots[0], "--root", roots[1]])
        assert told.exit_code == 0, told.output
        assert told.output.count("is the published one") == 2
