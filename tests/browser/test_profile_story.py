"""A provider keeps its profile and the commissioner its rating: walked and looked at, wide and narrow."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.web.site import Site
from tests.web.test_profile_pages import EVIDENCE, place_of

pytestmark = pytest.mark.browser
Open = Callable[[str], Any]


def test_a_profile_is_kept_and_read(site: Site, enter: Open) -> None:
    """From an unrated place with words of its own to a patient's match, and a place that is closed."""
    provider = site.world.providers["bulk"].id
    window = enter("funder").go(f"/commissioner/providers/{provider}")
    window.follow("Change the rating of bulk clinic").look("commissioner-rating")
    window.page.get_by_label("Inspected but not rated").check()
    window.page.get_by_label("Why is it changed?").fill("The inspection gave no rating.")
    for part, value in (("Day", "1"), ("Month", "3"), ("Year", "2026")):
        window.page.get_by_label(part, exact=True).fill(value)
    window.press("Change the rating")
    own = enter("bulk").go("/provider/").follow("My profile")
    own.follow("Change the details of this place").look("provider-state-site")
    own.page.get_by_label("Evening sessions").check()
    own.page.get_by_label("What shows how good you are here?").fill(EVIDENCE)
    own.press("Save").look("provider-state-site-no-day", status=422)
    for part, value in (("Day", "1"), ("Month", "2"), ("Year", "2026")):
        own.page.get_by_label(part, exact=True).fill(value)
    own.press("Save")
    assert EVIDENCE in own.text
    world = site.fresh()
    world.draft().agree().publish().offer("bulk", (0, 4_000))
    offer = site.fresh().tender.offers[0].id
    own.go(f"/provider/profile/{place_of(site, 'bulk').id}")
    own.page.get_by_label("Name of the place").fill("River clinic")
    own.press("Save").look("provider-profile-out-of-date")
    own.go(f"/provider/offers/{offer}").look("provider-offer-as-sealed")
    assert "bulk clinic" in own.text
    world.later(days=15).run_round()
    patient = enter("p1").go(f"/patient/matches/{world.match(1).id}").look("patient-match-own-words")
    assert EVIDENCE in patient.text
    patient.press("Show my pages in easy read").look("patient-match-own-words-easy")
    assert EVIDENCE in patient.text
    broker = enter("broker").go(f"/broker/tenders/{world.tender.id}/result").look("broker-result-own-words")
    assert EVIDENCE in broker.text
    window = enter("funder").go(f"/commissioner/providers/{provider}").follow("Move the place River clinic")
    window.look("commissioner-site-move").press("Move the place").look("commissioner-site-move-empty", status=422)
    for label, typed in (("Postcode district", "LN2"), ("Easting", "500000"), ("Northing", "375000")):
        window.page.get_by_label(label).fill(typed)
    window.page.get_by_label("Why has it moved?").fill("The river came in.")
    window.press("Move the place").look("commissioner-provider-moved")
    broker.go(f"/broker/tenders/{world.tender.id}/offers").look("broker-offers-moved")
    patient.go(f"/patient/matches/{world.match(1).id}").look("patient-match-moved-easy")
    enter("bulk").go("/provider/profile").look("provider-profile-moved")
    window.follow("Close the place River clinic")
    window.look("commissioner-site-close")
    window.page.get_by_label("Why is it closed?").fill("The lease has ended.")
    window.press("Close the place").look("commissioner-provider-closed")
    enter("bulk").go("/provider/profile").look("provider-profile-closed")
