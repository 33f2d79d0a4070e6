"""What anybody reads: notices, an award, who found no provider, the six claims; empty, and with figures."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from marketplace.journey import amendments
from marketplace.records.database import writing
from tests.web.site import Site

pytestmark = pytest.mark.browser
Serve = Callable[[Flask], str]
Open = Callable[[str], Any]


def test_before_anything_was_awarded(site: Site, serve: Serve, visit: Open) -> None:
    """Every empty page says what to do next."""
    window = visit(serve(site.app))
    window.go("/figures").look("figures-none")
    assert "Come back when the first tender is awarded" in window.text
    window.go("/unmet-needs").look("unmet-needs-none").follow("See open tenders")
    assert "Choose another state, service or area" in window.text


def test_a_passer_by_reads_an_award_and_what_it_saves(site: Site, serve: Serve, visit: Open) -> None:
    """From the list of awards to the notice with its reasons and hashes, and on to the figures."""
    world = site.world.draft().agree().publish()
    with writing(world.session):
        question = amendments.ask(world.session, world.now, world.provider("near"), world.tender.id, "Is parking free?")
        amendments.answer(world.session, world.now, world.broking, question.id, "Yes, at every site.")
        amendments.clarify(world.session, world.now, world.broking, world.tender.id, "Sessions last 40 minutes.")
    window = visit(serve(site.app))
    window.go("/tenders").follow("Physiotherapy, Lincoln").look("notice-open")
    assert "Yes, at every site." in window.text
    assert "Sessions last 40 minutes." in window.text
    world.three_offers().later(days=15).run_round().accept().confirm().later(days=20)
    window.go("/tenders")
    window.page.get_by_label("State").select_option("Awards")
    window.page.get_by_label("Area or place").fill("lincoln")
    window.press("Show").look("notices-awards")
    window.follow("Physiotherapy, Lincoln").look("notice-awarded")
    assert "The published policy's result, unchanged." in window.text
    assert site.fresh().tender.rounds[-1].market_sha256 in window.text
    assert "Patient 0" not in window.text
    window.follow("Figures").look("figures")
    assert "Groups pay £600.00 less than the same people would pay alone" in window.text
    window.page.locator("summary", has_text="Saving by tender").click()
    window.look("figures-table")


def test_providers_see_where_they_are_needed(site: Site, serve: Serve, visit: Open) -> None:
    """Nobody offered: the care is asked for, in this area, with the money that is there for it."""
    site.world.draft().agree().publish().later(days=15)
    window = visit(serve(site.app)).go("/unmet-needs").look("unmet-needs")
    assert "people without a provider" in window.text
    assert "£7,200.00" in window.text
    window.page.get_by_label("Area or place").fill("Skegness")
    window.press("Show").look("unmet-needs-elsewhere")
    assert "No group of 8 or more people is without a provider here" in window.text
    assert "rounded down" not in window.text
    patient = visit(window.address).carry(site.cookie("p1@example.test"))
    patient.go(f"/patient/invitations/{site.world.need(1).id}").look("patient-no-provider")
    assert "This group has ended" in patient.text
