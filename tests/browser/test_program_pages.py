"""Connecting another program, and reading how programs use Carepool: walked and looked at."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.web.site import Site

pytestmark = pytest.mark.browser
Open = Callable[[str], Any]


def test_a_provider_connects_its_practice_system(site: Site, enter: Open) -> None:
    """The form says what is missing, the token is shown once, the program is listed and can be ended."""
    window = enter("near").go("/provider/").follow("For other programs").follow("Connect a program")
    window.look("programs-none")
    window.press("Connect it").look("programs-nothing", status=422)
    window.page.get_by_label("What do you call the program?").fill("Practice system")
    window.page.get_by_label("Read, and do all that you can do here").check()
    for part, value in (("Day", "31"), ("Month", "12"), ("Year", "2026")):
        window.page.get_by_label(part, exact=True).fill(value)
    window.press("Connect it").look("program-token")
    assert "carepool_" in window.text
    window.follow("Connect a program").look("programs-one")
    assert "Practice system" in window.text
    with window.page.expect_navigation():
        window.page.get_by_role("button", name="End now").click()
    window.look("programs-ended")
    assert "No program is connected." in window.text


def test_anybody_reads_how_programs_use_it(site: Site, enter: Open) -> None:
    """From the foot of the page to every document."""
    window = enter("p1").go("/")
    assert "program" not in window.page.locator("footer").inner_text()
    window.go("/account").follow("How programs use Carepool").look("for-programs")
    window.follow("OfferBody").look("program-document")
    window.follow("LineBody")
    assert "tiers" in window.text
