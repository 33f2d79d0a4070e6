"""A broker from the opened offers to the confirmed award, with scenarios on the way: walked in Chromium."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from marketplace.rules.lifecycle import TenderStatus
from marketplace.work import advice
from tests.web.site import PASSWORD, Site
from tests.work.hands import do_what_was_asked

pytestmark = pytest.mark.browser
Open = Callable[[str], Any]


def test_a_broker_looks_at_scenarios_on_the_way_to_the_award(
    site: Site, serve: Callable[[Flask], str], visit: Open
) -> None:
    """Signs in, compares before the match under aliases, runs it, reads the result and what would have helped those
    without a match, compares again, follows the answers and confirms. The scenarios changed nothing.
    """
    world = site.world.draft(max_providers=2).agree().publish()
    world.offer("near", (0, 5_900), (60, 5_600), most=50)
    world.offer("bulk", (0, 5_700), (50, 4_900), fee=10_000, least=40, most=60)
    world.later(days=15)
    window = visit(serve(site.app)).sign_in("broker@example.test", PASSWORD)
    window.follow("Run the match").follow("Compare scenarios").look("broker-scenarios")
    window.press("Compare").look("broker-scenarios-nothing-chosen", status=422)
    assert "at least one thing" in window.text
    window.page.get_by_label("Offer A").check()
    window.page.get_by_label("How many providers a group may have").check()
    window.page.get_by_label("One kilometre of travel").fill("1.50")
    window.press("Compare").look("broker-study-waiting")
    assert do_what_was_asked(world) == 1
    window.page.get_by_role("heading", name="What each would change").wait_for()
    window.look("broker-study")
    assert "Physio" not in window.text.replace("Physiotherapy", "")
    assert window.page.get_by_role("button", name="propose").count() == 0

    window.go(f"/broker/tenders/{world.tender.id}").press("Run the match")
    assert do_what_was_asked(world) == 1
    window.page.wait_for_url("**/result")
    world.session.rollback()
    assert advice.advise_all(world.session, world.now) > 0
    window.go(f"/broker/tenders/{world.tender.id}/result").look("broker-result-with-unmatched")
    assert "11 of 12" in window.text
    window.go(f"/broker/tenders/{world.tender.id}/unmatched").look("broker-unmatched")
    window.go(f"/broker/tenders/{world.tender.id}/result").follow("how other rules would have come out").look(
        "broker-scenarios-after"
    )
    assert "Bulk Physio" in window.text

    matched = sorted(world.providers_by_patient())
    world.decline(matched[-1], "too far").accept(*matched[:-1])
    window.go(f"/broker/tenders/{world.tender.id}").follow("Confirm the award").look("broker-award")
    window.follow("See what each bidder will read").look("broker-letters")
    window.go(f"/broker/tenders/{world.tender.id}/award")
    window.page.get_by_label("Reasons for this award").fill("The published rules gave this result. We changed nothing.")
    window.press("Confirm the award")
    assert site.fresh().tender.status is TenderStatus.STANDSTILL
    assert world.books_balance()


def test_a_draft_has_its_rules_tried(site: Site, serve: Callable[[Flask], str], visit: Open) -> None:
    """From the form of the rules to what they would have done last time, and back to the form with what was typed."""
    world = site.world.proposed()
    world.draft()
    window = visit(serve(site.app)).carry(site.cookie("broker@example.test"))
    window.go(f"/broker/tenders/{world.tender.id}/policy").look("broker-policy-draft")
    window.page.get_by_label("What one kilometre of travel is worth").fill("far")
    window.press("Try these rules").look("broker-policy-try-wrong", status=422)
    window.page.get_by_label("What one kilometre of travel is worth").fill("9.00")
    window.press("Try these rules")
    assert do_what_was_asked(world) == 1
    window.page.get_by_role("heading", name="What each would have changed").wait_for()
    window.look("broker-study-preview")
    window.follow("Back to the rules")
    assert window.page.get_by_label("What one kilometre of travel is worth").input_value() == "9.00"
    window.press("Save the rules")
    assert site.fresh().tender.policy["matching"]["pence_per_km"] == 900
