"""Each role's main job, walked in Chromium from the first page to done, wrong input on the way."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace.records.contracts import DeliveryStatus
from marketplace.records.database import writing
from marketplace.records.jobs import Job, JobStatus, Worker
from marketplace.records.offers import OfferStatus
from marketplace.records.pools import NeedStatus
from marketplace.records.rounds import MatchStatus
from marketplace.rules.lifecycle import TenderStatus
from tests.web.site import PASSWORD, Site
from tests.work.hands import do_what_was_asked

pytestmark = pytest.mark.browser
Open = Callable[[str], Any]


def fill_date(window: Any, group: str, day: str, month: str, year: str) -> None:
    fields = window.page.get_by_role("group", name=group)
    for label, value in (("Day", day), ("Month", month), ("Year", year)):
        fields.get_by_label(label).fill(value)


def test_a_patient_signs_in_and_accepts(site: Site, serve: Callable[[Flask], str], visit: Open) -> None:
    """From the front door to a yes: sign in, see what waits, read why, answer."""
    world = site.world.proposed()
    window = visit(serve(site.app)).sign_in("p1@example.test", PASSWORD)
    window.follow("Answer your match for physiotherapy")
    assert "Bulk Physio" in window.text
    assert "£500.00" in window.text
    window.page.get_by_label("Yes, I want this provider").check()
    window.press("Send my answer")
    assert "You said yes" in window.text
    assert site.fresh().match(1).status is MatchStatus.ACCEPTED
    window.press("Sign out")
    window.go(f"/patient/matches/{world.match(1).id}")
    assert window.heading == "Sign in"


def test_a_patient_declines_with_a_reason(site: Site, enter: Open) -> None:
    """A no without its reason comes back with the field named; with it, the money is free again."""
    world = site.world.proposed()
    window = enter("p2").go(f"/patient/matches/{world.match(2).id}")
    window.press("Send my answer").look("patient-match-no-answer", status=422)
    window.page.get_by_label("No, I turn it down").check()
    window.press("Send my answer").look("patient-match-no-reason", status=422)
    assert window.page.get_by_label("No, I turn it down").is_checked()
    window.page.get_by_label("If no, why not?").fill("I cannot get there by bus")
    window.press("Send my answer").look("patient-match-declined")
    match = site.fresh().match(2)
    assert (match.status, match.decline_reason) == (MatchStatus.DECLINED, "I cannot get there by bus")
    assert world.money(2) == {"available": 70_000, "reserved": 0, "committed": 0}


def test_a_patient_declines_and_is_matched_anew(site: Site, enter: Open) -> None:
    """A no with its reason, the broker looks again, and the patient says yes to another provider."""
    world = site.world.proposed()
    first = world.match(1)
    patient = enter("p1").go(f"/patient/matches/{first.id}")
    patient.page.get_by_label("No, I turn it down").check()
    patient.page.get_by_label("If no, why not?").fill("Too far for me in winter")
    patient.press("Send my answer")
    world.accept(*range(2, 13))
    broker = enter("broker").go(f"/broker/tenders/{world.tender.id}/award").press("Look again for those who said no")
    do_what_was_asked(world)
    broker.page.wait_for_url("**/result")
    patient.go("/patient/").follow("Answer your match for physiotherapy")
    second = site.fresh().match(1)
    assert second.award.offer.provider_id != first.award.offer.provider_id
    patient.page.get_by_label("Yes, I want this provider").check()
    patient.press("Send my answer").look("patient-match-anew-accepted")
    assert site.fresh().match(1).status is MatchStatus.ACCEPTED
    assert world.books_balance()


def test_a_patient_joins_a_group_and_leaves_it(site: Site, enter: Open) -> None:
    world = site.world.draft()
    window = enter("p1").go("/patient/").follow("Join a group for physiotherapy?")
    window.follow("Change what counts for you")
    window.page.get_by_label("How far can you go at most?").fill("not far")
    window.press("Save what counts for me").look("patient-preferences-wrong", status=422)
    window.page.get_by_label("How far can you go at most?").fill("12 km")
    window.page.get_by_role("group", name="How much does quality count").get_by_label("More than").check()
    window.press("Save what counts for me")
    assert "No further than 12 km" in window.text
    window.press("Yes, join the group").look("patient-invitation-no-choice", status=422)
    window.page.get_by_label("Say no for me").check()
    window.press("Yes, join the group")
    assert "You joined the group" in window.text
    assert site.fresh().need(1).status is NeedStatus.AGREED
    window.follow("See the group").look("patient-group").press("Leave the group")
    assert site.fresh().need(1).status is NeedStatus.LEFT
    other = enter("p2").go(f"/patient/invitations/{world.need(2).id}").press("Not now")
    assert "Your money stays free" in other.text
    assert site.fresh().need(2).status is NeedStatus.DECLINED


def test_a_broker_builds_a_group_and_publishes(site: Site, enter: Open) -> None:
    """Policy, group, invitations, publication; each form names what is wrong and keeps what was typed."""
    world, window = site.world, enter("broker")
    window.go("/broker/").follow("Start a tender")
    window.page.get_by_label("What one kilometre of travel is worth").fill("thirty pence")
    window.press("Save the draft").look("broker-tender-new-wrong", status=422)
    assert "Enter a title" in window.text
    assert window.page.get_by_label("What one kilometre of travel is worth").input_value() == "thirty pence"
    window.page.get_by_label("Title of the tender").fill("Physiotherapy in Lincoln")
    window.page.get_by_label("What one kilometre of travel is worth").fill("£0.30")
    window.press("Save the draft")

    window.page.get_by_label("Service").select_option("physiotherapy")
    window.page.get_by_label("LN1", exact=True).check()
    fill_date(window, "Starts on", "1", "5", "2026")
    fill_date(window, "Ends on", "31", "2", "2026")
    window.press("Show who could join").look("broker-bundle-wrong", status=422)
    assert window.page.get_by_role("group", name="Ends on").get_by_label("Month").input_value() == "2"
    fill_date(window, "Ends on", "31", "10", "2026")
    window.press("Show who could join").look("broker-bundle-preview")
    assert "£7,200.00" in window.text
    for tick in window.page.get_by_role("checkbox", name="Patient").all():
        tick.uncheck()
    window.press("Build the group and invite").look("broker-bundle-nobody", status=422)
    for tick in window.page.get_by_role("checkbox", name="Patient").all():
        tick.check()
    window.press("Build the group and invite")
    assert "12 people are invited" in window.text

    world.tender = site.fresh().session.get_one(type(world.need(1).bundle.tender), world.need(1).bundle.tender_id)
    world.agree()
    window.go(f"/broker/tenders/{world.tender.id}").follow("Publish the tender")
    fill_date(window, "Last day for offers", "1", "3", "2026")
    window.press("Publish the tender").look("broker-publish-too-soon", status=422)
    assert "at least one full day" in window.text
    fill_date(window, "Last day for offers", "20", "3", "2026")
    window.press("Publish the tender")
    assert site.fresh().tender.status is TenderStatus.OPEN
    assert world.books_balance()


def test_a_broker_runs_the_match_and_confirms(site: Site, enter: Open) -> None:
    """Aliases before, names after; reasons are asked for; every number leads to its rows."""
    world = site.world.draft().agree().publish().three_offers().later(days=15)
    window = enter("broker").go("/broker/").follow("Run the match")
    assert "Bulk Physio" not in window.text
    window.press("Run the match")
    do_what_was_asked(world)
    window.page.wait_for_url("**/result")
    assert window.heading.endswith("Result of the match")
    assert "12 of 12" in window.text
    window.follow("people matched")
    assert "12 matches" in window.text
    world.decline(12, "too far").accept(*range(1, 12))
    window.go(f"/broker/tenders/{world.tender.id}/award").look("broker-award-refused")
    window.press("Look again for those who said no")
    do_what_was_asked(world)
    window.page.wait_for_url("**/result")
    assert "independent check" in window.text
    world.session.rollback()
    for number in range(1, 13):
        if world.match(number).status is MatchStatus.PROPOSED:
            world.accept(number)
    window.go(f"/broker/tenders/{world.tender.id}").follow("Confirm the award").press("Confirm the award")
    window.look("broker-award-no-reasons", status=422)
    window.page.get_by_label("Reasons for this award").fill("short")
    window.press("Confirm the award").look("broker-award-short-reasons", status=422)
    assert window.page.get_by_label("Reasons for this award").input_value() == "short"
    window.page.get_by_label("Reasons for this award").fill("The published rules gave this result. We changed nothing.")
    window.press("Confirm the award")
    assert site.fresh().tender.status is TenderStatus.STANDSTILL


def test_a_broker_follows_a_match_that_a_worker_does(site: Site, enter: Open) -> None:
    """The page moves by itself while the worker works, and goes on to the result when it is done."""
    world = site.world.draft().agree().publish().three_offers().later(days=15)
    with writing(world.session):
        world.session.add(Worker(id="w", version="1", started_at=world.now, seen_at=world.now, stopped_at=None))
    window = enter("broker").go(f"/broker/tenders/{world.tender.id}").press("Run the match")
    window.look("broker-progress-queued")
    with writing(world.session):
        job = world.session.scalars(select(Job)).one()
        job.status, job.started_at = JobStatus.RUNNING, world.now
        part = {"level": "effective_cost", "value": 600_000, "bound": 597_000, "gap_permille": 5.0}
        job.progress = {"part_count": 1, "parts": [part]}
    window.page.get_by_text("0.5% at most from the best").wait_for()
    window.look("broker-progress-running")
    world.run_round()
    with writing(world.session):
        job.status, job.finished_at = JobStatus.DONE, world.now
    window.page.wait_for_url("**/result")
    window.look("broker-progress-done")


def test_a_provider_makes_an_offer(site: Site, enter: Open) -> None:
    """Wrong, checked, sealed, changed, withdrawn; what it would earn follows the typing."""
    world = site.world.draft().agree().publish()
    window = enter("near").go("/provider/").follow("Physiotherapy, Lincoln").follow("Make an offer")
    window.page.get_by_label("Price per session").fill("a lot")
    window.page.get_by_label("Band 2 from").fill("60")
    window.press("Seal and send the offer").look("provider-offer-wrong", status=422)
    assert window.page.get_by_label("Price per session").input_value() == "a lot"
    window.page.get_by_label("near clinic").check()
    window.page.get_by_label("Price per session").fill("59.00")
    window.page.get_by_label("Price in band 2").fill("£56")
    window.page.get_by_label("Price in band 2").blur()
    window.page.get_by_text("£6,720.00").wait_for()
    window.press("Check what I would earn").look("provider-offer-checked")
    assert "£6,720.00" in window.text
    window.press("Seal and send the offer").look("provider-offer-sealed")
    assert site.fresh().tender.offers[0].receipt_sha256 in window.text
    window.go(f"/provider/tenders/{world.tender.id}/offer?number=2").look("provider-offer-further")
    assert "Offer 1 says no." in window.text
    window.go(f"/provider/tenders/{world.tender.id}/offer")
    assert window.page.get_by_label("Price in band 2").input_value() == "56.00"
    window.page.get_by_label("Most sessions in all").fill("50")
    window.page.get_by_label("Fewest sessions in all").fill("60")
    window.press("Seal and send the offer").look("provider-offer-limits", status=422)
    window.page.get_by_label("Fewest sessions in all").fill("20")
    window.press("Seal and send the offer")
    window.follow("Withdraw the offer").look("provider-offer-withdraw").press("Withdraw the offer")
    states = [offer.status for offer in sorted(site.fresh().tender.offers, key=lambda offer: offer.version)]
    assert states == [OfferStatus.REPLACED, OfferStatus.WITHDRAWN]
    assert world.books_balance()


def test_care_is_signed_delivered_and_confirmed(site: Site, enter: Open) -> None:
    """Both sign, the provider records, the patient disputes one and confirms another, the funder pays."""
    world = site.world.proposed().accept().confirm().later(days=20)
    patient, provider = enter("p1"), enter("bulk")
    patient.go("/patient/").follow("Sign your contract").press("Sign the contract")
    provider.go(f"/provider/contracts/{world.contract(1).id}").press("Sign the contract")
    provider.page.get_by_label("How many sessions were delivered").fill("1")
    fill_date(provider, "On which day", "1", "1", "2020")
    provider.press("Record it").look("provider-contract-wrong-day", status=422)
    today = world.now
    for _ in range(2):
        provider.page.get_by_label("How many sessions were delivered").fill("1")
        fill_date(provider, "On which day", str(today.day), str(today.month), str(today.year))
        provider.press("Record it")
    patient.go("/patient/").follow("Did your physiotherapy").press("Send my answer")
    patient.look("patient-delivery-no-answer", status=422)
    patient.page.get_by_label("No, something is wrong").check()
    patient.page.get_by_label("If no, what is wrong?").fill("Nobody came")
    patient.press("Send my answer")
    patient.go("/patient/").follow("Did your physiotherapy")
    patient.page.get_by_label("Yes, it took place").check()
    patient.press("Send my answer")
    funder = enter("funder").go("/commissioner/").follow("Note as paid").press("Yes, note £50.00 as paid")
    assert "£50.00 is noted as paid." in funder.text
    statuses = sorted(delivery.status for delivery in site.fresh().contract(1).deliveries)
    assert statuses == [DeliveryStatus.DISPUTED, DeliveryStatus.PAID]
    assert world.books_balance()
