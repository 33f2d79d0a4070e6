"""Easy-read: a switch that is kept, and pages that tell the same facts and have the same forms."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from marketplace.journey import budgets, cancellations, deliveries, support, supporters
from marketplace.journey.support import PersonFacts
from marketplace.journey.supporters import SupporterDetails
from marketplace.records.audit import AuditEvent
from marketplace.records.budgets import ManagedAs
from marketplace.records.database import writing
from marketplace.records.rounds import MatchStatus
from marketplace.records.tenders import CancelCode
from marketplace.rules.budgets import FundingRules
from marketplace.rules.sharing import Pooling
from marketplace.rules.tendering import Policy
from tests.web.site import Site
from tests.worlds import SmallWorld

FACTS = re.compile(
    r"£[\d,]+\.\d\d|\d{1,2} [A-Z][a-z]+ 20\d\d|\b\w+ Physio\b|Fen Brokers|\d+(?:\.\d)?\skm|\d+ sessions?"
)
CONTROLS = re.compile(r'<(?:form|input|textarea|button)[^>]*?\b(?:action|name)="([^"]+)"')
LINKS = re.compile(r'<a[^>]+href="(/patient/[^"]+)"')


P1 = "p1@example.test"


def main_part(client: FlaskClient, path: str, *, easy: bool) -> str:
    client.post("/patient/easy-read", data={"easy_read": "on" if easy else "off"})
    client.get("/patient/seen")  # the word that it was done is said on the next page
    answer = client.get(path)
    assert answer.status_code == 200
    text = answer.get_data(as_text=True)
    assert ('class="cp-easy"' in text) is easy
    return text[text.index("<main") : text.index("</main>")]


def same(site: Site, path: str) -> None:
    client = site.client("p1@example.test")
    plain, easy = main_part(client, path, easy=False), main_part(client, path, easy=True)
    assert easy.count("cp-idea__words") > 3, path
    for told in (FACTS, CONTROLS, LINKS):
        assert set(told.findall(plain)) == set(told.findall(easy)), path
    assert FACTS.search(plain) or path == "/patient/support", path


def support_first(world: SmallWorld) -> None:
    """The rule gives patient 1, who is 85 this year, extra support with days and money."""
    rules = FundingRules(support_from_age=85, support_to_decile=2, support_supplement_pence=5_000)
    facts = PersonFacts(deprivation_decile=1, conditions=("copd", "stroke"))
    with writing(world.session):
        budgets.set_rules(world.session, world.now, world.funder, rules)
        support.record_facts(world.session, world.now, world.funder, world.patients[0].id, facts)


def test_every_twin_tells_the_same(site: Site) -> None:
    """Amounts, dates, names, distances, links and fields: none is lost and none is added, from invitation to care."""
    world = site.world.draft()
    need = f"/patient/invitations/{world.need(1).id}"
    same(site, "/patient/")
    same(site, need)
    world.agree()
    same(site, need)
    world.publish().three_offers().later(days=15).run_round()
    match = f"/patient/matches/{world.match(1).id}"
    same(site, "/patient/")
    same(site, match)
    world.accept()
    same(site, match)
    world.confirm()
    same(site, match)
    world.later(days=20)
    contract = f"/patient/contracts/{world.contract(1).id}"
    same(site, contract)
    delivery = world.sign(1).record(1, 2).id
    same(site, "/patient/")
    same(site, contract)
    same(site, f"/patient/deliveries/{delivery}")
    same(site, "/patient/budget")
    with writing(world.session):
        deliveries.confirm_delivery(world.session, world.now, world.patient(1), delivery)
    same(site, contract)


def test_a_match_that_is_made_again_says_so_on_both(site: Site) -> None:
    """Whether somebody has said yes to it or not; and once the tender is cancelled, when, by whom and why."""
    world = site.world.proposed()
    match = f"/patient/matches/{world.match(1).id}"
    world.leave_out("bulk")
    same(site, match)
    same(site, "/patient/")
    world.run_round().accept(1).leave_out("near")
    match = f"/patient/matches/{world.match(1).id}"
    same(site, match)
    with writing(world.session):
        cancellations.cancel(
            world.session, world.now, world.funder, world.tender.id, code=CancelCode.CONDUCT, reason="It was not fair"
        )
    same(site, match)
    same(site, f"/patient/invitations/{world.need(1).id}")


def test_somebody_without_a_match_reads_the_same_why(site: Site) -> None:
    world = site.world.draft().agree().publish()
    world.offer("near", (0, 6_100))
    world.later(days=15).run_round()
    same(site, f"/patient/invitations/{world.need(1).id}")


def test_a_group_that_shares_says_so_in_easy_read_too(site: Site) -> None:
    """The question of its own, and the example in pounds, stand on both."""
    world = site.world.draft(Policy(pooling=Pooling.SHARED_POOL))
    need = f"/patient/invitations/{world.need(1).id}"
    same(site, need)
    text = site.client("p1@example.test").get(need).get_data(as_text=True)
    assert "cp-idea__words" in text
    assert "You pay for your own care only" not in text
    assert 'name="shares_pool"' in text


@pytest.mark.parametrize(
    ("share_pence", "told"),
    [
        (70_000, "comes back to your budget"),
        (40_000, "others who pay a part"),
    ],
)
def test_a_shared_match_with_a_fee_costs_the_same_on_both(site: Site, share_pence: int, told: str) -> None:
    """Who gives and who receives read the part of the set-up fee, and what comes of what is shared; then what was."""
    world = site.world
    with writing(world.session):
        world.plan_line(1).budget_pence, world.plan_line(2).budget_pence = share_pence, 110_000 - share_pence
    world.draft(Policy(pence_per_km=30, pooling=Pooling.SHARED_POOL)).agree().publish()
    world.offer("near", (0, 5_400), fee=12_000)
    world.later(days=15).run_round()
    assert world.match(1).pool_pence
    match = f"/patient/matches/{world.match(1).id}"
    same(site, match)
    for easy in (False, True):
        page = main_part(site.client("p1@example.test"), match, easy=easy)
        assert "£10.00" in page, easy
        assert "The care itself" not in page, "care is one sum, the set-up fee within it"
        assert told in page, easy
    world.decline(1)
    same(site, match)


def test_a_contract_whose_time_to_sign_is_over_says_so_on_both(site: Site) -> None:
    """Before anybody has written its end down; how it ends, and what then holds for the money, is said in time."""
    world = site.world.proposed().accept().confirm().later(days=20)
    contract = world.contract(1)
    pages = []
    for late in (False, True):
        if late:
            world.now = contract.sign_by + timedelta(minutes=1)
        path = f"/patient/contracts/{contract.id}"
        same(site, path)
        client = site.client("p1@example.test")
        pages.append([main_part(client, path, easy=easy) for easy in (False, True)])
    for in_time, late in zip(*pages, strict=True):
        assert "The time to sign is over." not in in_time
        assert "The time to sign is over." in late
        for terms in ("ends when you have had all your care.", "Your money is treated in the same way."):
            assert terms in in_time
            assert terms not in late, "of a contract that cannot come about nothing is promised"


def test_rating_and_paying_are_told_in_easy_read_too(site: Site) -> None:
    """The same questions with the same fields: before there was care, for the stars, after them; for one payment, two
    and all; and what was typed wrong stands there again.
    """
    world = site.world
    with writing(world.session):
        world.budget(1).managed_as = ManagedAs.DIRECT_PAYMENT
    world.awarded()
    rate = f"/patient/contracts/{world.contract(1).id}/rate"
    for easy, told in ((False, "once you have had some care"), (True, "First you must have had some care.")):
        assert told in main_part(site.client(P1), rate, easy=easy)
    world.deliver(1)
    same(site, rate)
    pay = f"/patient/payments/{world.contract(1).provider_id}"
    same(site, pay)
    world.later(days=1).deliver(1, 2)
    same(site, pay)
    same(site, "/patient/payments/all")
    client = site.client(P1)
    wrong = client.post(rate, data={"words": "It was fine.", "provider_may_read": "yes"})
    assert wrong.status_code == 422
    assert "cp-idea__words" in wrong.text
    assert "It was fine.</textarea>" in wrong.text
    assert 'href="#stars"' in wrong.text
    typed = {"stars": "4", "words": "It was fine.", "provider_may_read": "yes"}
    assert client.post(rate, data=typed).status_code == 302
    same(site, rate)
    assert client.post(f"{rate}/keep-back").status_code == 302
    same(site, rate)
    shown = re.search(r'name="shown_sha256" value="([0-9a-f]+)"', client.get(pay).text)
    assert shown
    assert client.post(pay, data={"shown_sha256": shown[1]}).status_code == 302


def test_the_switch_is_kept_and_recorded_once(site: Site) -> None:
    """It outlives the sign-in, is turned off where it was turned on, and leaves a trace of who did it."""
    first = site.client("p1@example.test")
    answer = first.post("/patient/easy-read", data={"easy_read": "on", "back": "/patient/budget"})
    assert answer.location == "/patient/budget"
    assert first.post("/patient/easy-read", data={"easy_read": "on"}).status_code == 302
    assert "Turn easy read off" in site.client("p1@example.test").get("/patient/budget").get_data(as_text=True)
    assert "Show my pages in easy read" in site.client("p2@example.test").get("/patient/").get_data(as_text=True)
    kinds = select(AuditEvent).where(AuditEvent.event == "patient.easy_read_set")
    assert [event.about_id for event in site.fresh().session.scalars(kinds)] == [site.world.patients[0].id]
    away = first.post("/patient/easy-read", data={"easy_read": "off", "back": "https://elsewhere.example"})
    assert away.location == "/patient/"
    assert 'class="cp-easy"' not in first.get("/patient/").get_data(as_text=True)
    assert site.client("broker@example.test").post("/patient/easy-read", data={}).status_code == 403


def test_a_match_is_accepted_from_its_easy_page(site: Site) -> None:
    world = site.world.proposed()
    match = f"/patient/matches/{world.match(1).id}"
    client = site.client("p1@example.test")
    client.post("/patient/easy-read", data={"easy_read": "on"})
    wrong = client.post(match, data={"answer": "decline"})
    assert wrong.status_code == 422
    assert "Say why you turn it down, in a few words" in wrong.get_data(as_text=True)
    assert "cp-idea__words" in wrong.get_data(as_text=True)
    assert client.post(match, data={"answer": "accept", "look_again": "yes"}).location == match
    assert site.fresh().match(1).status is MatchStatus.ACCEPTED
    assert "You said yes to this match." in client.get(match).get_data(as_text=True)


def test_extra_support_turns_easy_read_on(site: Site) -> None:
    """On by default for whoever the rule finds, off when they turn it off, and then it stays off."""
    world = site.world
    support_first(world)
    client = site.client("p1@example.test")
    assert 'class="cp-easy"' in client.get("/patient/").get_data(as_text=True)
    assert 'class="cp-easy"' not in site.client("p2@example.test").get("/patient/").get_data(as_text=True)
    client.post("/patient/easy-read", data={"easy_read": "off"})
    with writing(site.fresh().session):
        budgets.review_plan(world.session, world.now, world.funder, world.budget(1).id, "All stays as it is")
    assert 'class="cp-easy"' not in client.get("/patient/").get_data(as_text=True)


def test_extra_support_is_told_the_same(site: Site) -> None:
    """With it and without, with a supporter and before one is named: at home and on its own page."""
    world = site.world
    same(site, "/patient/support")
    support_first(world)
    same(site, "/patient/")
    same(site, "/patient/support")
    with writing(world.session):
        details = SupporterDetails("Ruth Fell", "Care coordinator", "01522 000000")
        supporters.name_supporter(world.session, world.now, world.funder, world.patients[0].id, details)
    for path in ("/patient/", "/patient/support"):
        same(site, path)
        for easy in (False, True):
            page = main_part(site.client("p1@example.test"), path, easy=easy)
            assert all(said in page for said in ("Ruth Fell", "Care coordinator", "01522 000000"))
