"""Scenarios on their pages: asked for, followed, read under aliases; nothing on them leads to an award."""

import re

from sqlalchemy import select

from marketplace.journey.studies import RULES, stated_in
from marketplace.records.database import writing
from marketplace.records.jobs import Job, JobStatus
from marketplace.records.studies import Study
from marketplace.rules.lifecycle import TenderStatus
from matching import read_market, stated_rules
from tests.web.site import Site
from tests.work.hands import do_what_was_asked


def closed(site: Site) -> str:
    """A tender whose offers are open: the address of its scenarios."""
    world = site.world.draft(max_providers=2, min_grade=2).agree().publish().three_offers().later(days=15)
    return f"/broker/tenders/{world.tender.id}/scenarios"


def test_asked_followed_and_read(site: Site) -> None:
    """Under aliases before the proposal; who may be named afterwards is named then."""
    at = closed(site)
    client = site.client("broker@example.test")
    text = client.get(at).text
    assert "For information only" in text
    assert "All that you change here is tried together, in one column." in text
    assert "Offer A" in text
    assert "Physio<" not in text.replace("Physiotherapy", "")
    offers = re.findall(r'name="without_offers"[^>]*value="(\w+)"', text)
    assert len(offers) == 3
    asked = {
        "without_rules": ["provider_count", "wait"],
        "without_offers": offers[:1],
        "pence_per_km": "1.50",
        "pooling": "shared_pool",
    }
    page = client.post(at, data=asked).location
    assert "about to begin" in client.get(page).text or "Other work is being done first" in client.get(page).text
    world = site.fresh()
    with writing(world.session):
        job = world.session.scalars(select(Job)).one()
        scenario = world.session.scalars(select(Study)).one().asked["scenarios"][2]
        part = {"level": "coverage", "value": 9, "bound": 12, "gap_permille": 333.0}
        job.progress = {
            "part_count": 1,
            "parts": [part],
            "gap_permille": 333.0,
            "history": [[0.4, 500.0], [0.8, 333.0]],
            "stage": {"number": 3, "of": 5, "scenario": scenario},
        }
    text = client.get(page).text
    assert "Without Offer" in text
    assert "(3 of 5)" in text
    assert "How near the best it comes" in text
    assert do_what_was_asked(world) == 1
    moved = client.get(page, headers={"HX-Request": "true"})
    assert (moved.status_code, moved.headers["HX-Redirect"]) == (204, page)
    text = client.get(page).text
    for told in (
        "The published rules",
        "Side by side",
        "A kilometre counts £1.50",
        "People help each other to pay",
        "Nothing to leave out",
        "12 of 12",
    ):
        assert told in text, told
    assert "Bulk Physio" not in text
    assert "/award" not in text
    assert not re.search(r"<form(?![^>]*sign-out)", text)
    assert site.fresh().tender.status is TenderStatus.CLOSED
    site.world.run_round()
    assert "Bulk Physio" in client.get(page).text
    assert "Ready" in client.get(at).text


def test_wrong_questions_come_back_with_what_was_typed(site: Site) -> None:
    at = closed(site)
    client = site.client("broker@example.test")
    assert "at least one thing" in (answer := client.post(at, data={})).text
    assert answer.status_code == 422
    answer = client.post(at, data={"pence_per_km": "a lot", "budgets_percent": "1"})
    assert answer.status_code == 422
    assert 'value="a lot"' in answer.text
    assert client.post(at, data={"without_rules": "own_budget"}).status_code == 422
    assert client.post(at, data={"pooling": "own_budget and theirs"}).status_code == 422
    assert client.post(at, data={"budgets_percent": "110"}).status_code == 302
    answer = client.post(at, data={"budgets_percent": "120"})
    assert (answer.status_code, "Another comparison" in answer.text) == (422, True)


def test_stopped(site: Site) -> None:
    at = closed(site)
    client = site.client("broker@example.test")
    page = client.post(at, data={"budgets_percent": "110"}).location
    assert client.post(f"{page}/stop").location == page
    assert "was stopped before it was finished" in client.get(page).text
    assert site.fresh().session.scalars(select(Job.status)).one() is JobStatus.CANCELLED


def test_nobody_else_sees_them(site: Site) -> None:
    at = closed(site)
    page = site.client("broker@example.test").post(at, data={"budgets_percent": "110"}).location
    for email in ("near@example.test", "p1@example.test", "funder@example.test"):
        assert site.client(email).get(at).status_code == 403
        assert site.client(email).get(page).status_code == 403
        assert site.client(email).post(f"{page}/stop").status_code == 403
    assert site.client("broker@example.test").get("/broker/scenarios/0000000000000000").status_code == 404


def test_a_draft_has_its_rules_tried_before_they_are_saved(site: Site) -> None:
    """What was typed is tried and not saved; back on the form it stands there again."""
    world = site.world.draft().agree().publish().three_offers().later(days=15).run_round()
    world.draft()
    at = f"/broker/tenders/{world.tender.id}"
    client = site.client("broker@example.test")
    typed = {"pence_per_quality_grade": "3.00", "pence_per_km": "9.00", "pence_per_wait_day": "0"}
    typed |= {"pence_per_change": "20", "minimum_offers": "1", "answer_days": "7"}
    sent = re.findall(r'name="(\w+)"', client.get(f"{at}/policy").text)
    typed |= {"pooling": "own_budget"} if "pooling" in sent else {}
    answer = client.post(f"{at}/policy/try", data={**typed, "pence_per_km": "far"})
    assert (answer.status_code, 'value="far"' in answer.text) == (422, True)
    page = client.post(f"{at}/policy/try", data=typed).location
    again = client.post(f"{at}/policy/try", data=typed)
    assert (again.status_code, "Another comparison" in again.text) == (422, True)
    assert do_what_was_asked(world) == 1
    text = client.get(page).text
    for told in (
        "Your rules, tried out",
        "Your last tender like this one",
        "The rules as they were then",
        "Your rules are tried here on an earlier tender of yours.",
        "What each would have changed",
        "People who would have paid more",
    ):
        assert told in text, told
    back = re.search(r'href="(/broker/tenders/\w+/policy\?tried=\w+)"', text)
    assert back is not None
    assert 'value="9.00"' in client.get(back[1]).text
    assert 'value="0.30"' in client.get(f"{at}/policy").text
    assert site.fresh().tender.policy["matching"]["pence_per_km"] == 30
    assert "Your rules" in client.get(f"{at}/scenarios").text


def test_rules_without_an_earlier_tender_are_tried_on_a_made_up_group(site: Site) -> None:
    """Nothing of it is past: the page says what would change."""
    world = site.world.draft()
    client = site.client("broker@example.test")
    typed = {"pence_per_quality_grade": "3.00", "pence_per_km": "9.00", "pence_per_wait_day": "0"}
    typed |= {"pence_per_change": "20", "minimum_offers": "1", "answer_days": "7", "pooling": "own_budget"}
    page = client.post(f"/broker/tenders/{world.tender.id}/policy/try", data=typed).location
    assert "an earlier tender of yours, or on a made-up group if there is none" in client.get(page).text
    assert do_what_was_asked(world) == 1
    text = client.get(page).text
    assert "Your rules are tried here on a made-up group." in text
    assert "What each would change" in text
    assert "would have" not in text


def test_the_rules_told_on_the_page_are_the_engines(site: Site) -> None:
    """What a document states is told without reading it as the engine does, and is the same."""
    world = site.world.draft(max_providers=2, min_grade=2).agree().publish().three_offers().later(days=15).run_round()
    market = world.tender.rounds[0].market
    assert set(stated_in(market)) == set(stated_rules(read_market(market))) >= {"provider_count", "grade", "distance"}
    need = {
        **market["needs"][0],
        "max_wait_days": 0,
        "requires": ["step_free"],
        "excludes": ["x"],
        "keep_provider": True,
        "current_provider": "y",
    }
    offer = market["offers"][0]
    line = {**offer["lines"][0], "min_units": 1, "max_units": 0}
    richer = {
        **market,
        "needs": [need],
        "offers": [{**offer, "exclusive": "x", "min_units": 1, "max_units": 5, "lines": [line]}],
    }
    assert set(stated_in(richer)) == set(stated_rules(read_market(richer)))
    assert set(stated_in(richer)) == set(RULES)
    plain = {"bundles": [{"id": "b"}], "needs": [], "offers": [], "providers": []}
    assert stated_in(plain) == []
