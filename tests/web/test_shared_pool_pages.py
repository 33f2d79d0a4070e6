"""Sharing, as people read it: the question of its own, what a match gives or gets, who waits, where the money went."""

import re

from sqlalchemy import select

from marketplace.journey import contracts
from marketplace.records.budgets import ManagedAs
from marketplace.records.contracts import Contract
from marketplace.records.database import writing
from marketplace.rules.permissions import Actor, Role
from marketplace.rules.sharing import Pooling
from marketplace.rules.tendering import Policy
from tests.web.reading import grade_of, sentences_of
from tests.web.site import Site
from tests.web.test_easy_read import main_part
from tests.web.test_group_pages import change
from tests.web.test_reading_age import MOST_GRADE, MOST_WORDS
from tests.web.test_reading_age import _page as page_as
from tests.web.test_tender_life_pages import BROKER, FUNDER, NEAR, refuses, takes

P1, P3 = "p1@example.test", "p3@example.test"
GIVES, RECEIVES = 70_000, 40_000
"""What the plans of patient 1 and of patient 3 set aside; the others have £600, and care costs £550."""


def shared(site: Site) -> Site:
    """The broker drafts a tender whose members share, and everybody is invited."""
    world = site.world
    with writing(world.session):
        world.plan_line(1).budget_pence, world.plan_line(3).budget_pence = GIVES, RECEIVES
    world.draft(Policy(pence_per_km=30, pooling=Pooling.SHARED_POOL))
    return site


def proposed(site: Site) -> Site:
    world = shared(site).world.agree().publish()
    world.offer("near", (0, 5_500))
    world.later(days=15).run_round()
    return site


def test_the_broker_chooses_who_may_pay_for_whom(site: Site) -> None:
    """A draft begins with everybody paying alone; the broker can choose otherwise, and the notice says so."""
    page = site.client(BROKER).get("/broker/tenders/new").text
    assert "Who may pay for whom?" in page
    rules = {"title": "Walking again", "pence_per_km": "0.30", "minimum_offers": "1", "answer_days": "7"}
    refuses(site, BROKER, "/broker/tenders/new", {**rules, "pooling": "all"}, "pooling")
    at = takes(site, BROKER, "/broker/tenders/new", {**rules, "pooling": "shared_pool"}).removesuffix("/groups/new")
    assert "help to pay for each other" in site.client(BROKER).get(at).text
    del rules["title"]
    takes(site, BROKER, f"{at}/policy", {**rules, "pooling": "own_budget"})
    assert "nobody pays for anybody else" in site.client(BROKER).get(at).text


def test_sharing_is_a_question_of_its_own(site: Site) -> None:
    """In pounds, with an example; without an answer, or with a no, the form comes back with what was typed."""
    world = shared(site).world
    path = f"/patient/invitations/{world.need(1).id}"
    page = site.client(P1).get(path).text
    assert "your care costs £630.00. Then at most £70.00 can help others" in page
    assert "your care costs £770.00. Then others pay £70.00 of it" in page
    assert 'name="shares_pool"' in page
    refuses(site, P1, path, {"default_answer": "accept"} | world.read(1), "shares_pool")
    told = refuses(site, P1, path, {"default_answer": "accept", "shares_pool": "no"} | world.read(1), "shares_pool")
    assert "Say yes to that too, or choose not now" in told
    takes(site, P1, path, {"default_answer": "accept", "shares_pool": "yes"} | world.read(1))
    assert site.fresh().need(1).consents[-1].shares_pool


def test_sharing_is_told_in_plain_words(site: Site) -> None:
    """Invitation, match and the wait, in full and in easy read, are read as easily as a patient's other pages."""
    hard = []
    client = site.client(P1)

    def read(path: str) -> None:
        for kind, most in MOST_WORDS.items():
            sentences = sentences_of(page_as(client, path, easy=bool(kind)))
            longest = max(sentences, key=len)
            if grade_of(sentences) > MOST_GRADE or len(longest) > most:
                hard.append(f"{path}{kind}: {grade_of(sentences):.1f}, {' '.join(longest)}")

    world = shared(site).world
    with writing(world.session):
        world.plan_line(1).budget_pence, world.plan_line(3).budget_pence = RECEIVES, GIVES
        world.need(1).budget_pence, world.need(3).budget_pence = RECEIVES, GIVES
    read(f"/patient/invitations/{world.need(1).id}")
    world.agree().publish()
    world.offer("near", (0, 5_400), fee=12_000)
    world.later(days=15).run_round()
    client = site.client(P1)
    read(f"/patient/matches/{world.match(1).id}")
    world.accept().confirm().later(days=20).sign(1)
    client = site.client(P1)
    read(f"/patient/contracts/{world.contract(1).id}")
    read("/patient/")
    read(f"/contracts/{world.contract(1).id}/end")
    assert not hard, "\n".join(hard)


def test_nothing_is_set_aside_for_who_is_asked_again(site: Site) -> None:
    """A change of the rules has ended their yes, and with it what it held: it takes a new one."""
    world = shared(site).world.agree().publish()
    change(world, pence_per_km=60)
    for easy in (False, True):
        page = " ".join(main_part(site.client(P1), f"/patient/invitations/{world.need(1).id}", easy=easy).split())
        assert "If you say yes, we set aside £700.00" in page
        assert ">We set aside" not in page


def test_a_group_that_does_not_share_asks_nothing_of_it(site: Site) -> None:
    """The second question stands on no other invitation, and cannot be smuggled in."""
    world = site.world.draft()
    path = f"/patient/invitations/{world.need(1).id}"
    assert "shares_pool" not in site.client(P1).get(path).text
    smuggled = {"default_answer": "accept", "shares_pool": "yes"} | world.read(1)
    assert site.client(P1).post(path, data=smuggled).status_code == 422


def test_a_match_says_who_carries_what(site: Site) -> None:
    """To each their own part in pounds; to the broker all of it; to nobody else anybody's."""
    world = proposed(site).world
    assert world.match(1).pool_pence == 3_461
    assert world.match(3).pool_pence == -15_000
    giver = site.client(P1).get(f"/patient/matches/{world.match(1).id}").text
    assert "£584.61 from your budget. Of this, £550.00 is for your care. £34.61 helps others" in giver
    assert giver.count("helps others") == 1, "what is given is told once"
    assert "What the others do not need of your help comes back to your budget." in giver
    assert "Then your care can start." in giver
    dearer = "Buying alone would cost £34.61 less. You can say no."
    assert re.search(rf"{re.escape(dearer)}</p>\s*<p>People in your group help each other", giver), "why it is dearer"
    receiver = site.client(P3).get(f"/patient/matches/{world.match(3).id}").text
    assert "£400.00 from your budget. Your care costs £550.00. Others in the group pay £150.00 of it" in receiver
    assert receiver.count("£150.00") == 1, "what is got is told once"
    assert "Your care can start when the others who pay a part have signed theirs too." in receiver
    assert "Within 14 days of the day when all have signed" in receiver
    assert "Alone your care would cost the same, and you would pay all of it." in receiver
    assert "saves you" not in receiver
    assert "set aside" not in receiver[receiver.index("What it costs") : receiver.index("Why this provider")]
    people = site.client(BROKER).get(f"/broker/tenders/{world.tender.id}/people").text
    assert "+£34.61" in people
    assert "−£150.00" in people
    result = site.client(BROKER).get(f"/broker/tenders/{world.tender.id}/result").text
    assert "11 people give £150.00" in result
    assert "1 person gets £150.00" in result
    assert "Least cost, with distance counted" in result, "this policy counts neither quality nor waiting"


def test_an_award_waits_for_the_match_without_who_said_no(site: Site) -> None:
    """Where givers are gone, the broker's page says above the form what is missing and what to do first."""
    world = proposed(site).world.accept(*range(2, 13)).decline(1, look_again=False)
    path = f"/broker/tenders/{world.tender.id}/award"
    reasons = {"reasons": "The result of the published rules."}
    assert "£34.61 is missing" in refuses(site, BROKER, path, reasons)
    assert site.fresh().tender.award_reasons is None


def test_who_waits_is_told_what_for(site: Site) -> None:
    """The contract of somebody whom others carry waits; the provider reads the bill and nothing of who pays it."""
    world = proposed(site).world.accept().confirm().later(days=20).sign(3)
    contract = world.contract(3)
    assert contracts.waits_for_pool(contract)
    page = site.client(P3).get(f"/patient/contracts/{contract.id}").text
    assert "You and your provider have signed. The contract waits for others in your group" in page
    shown = site.client(NEAR).get(f"/provider/contracts/{contract.id}").text
    assert "£550.00" in shown
    assert "it waits for others to sign" in shown
    assert not any(amount in shown for amount in ("£400.00", "£150.00"))
    for row in world.session.scalars(select(Contract)).all():
        if row.id != contract.id:
            for role, party in ((Role.PATIENT, row.patient_id), (Role.PROVIDER, row.provider_id)):
                with writing(world.session):
                    contracts.sign_contract(world.session, world.now, Actor("user-x", role, party), row.id)
    assert "It waits" not in site.client(P3).get(f"/patient/contracts/{contract.id}").text
    assert "Given to others in the group for physiotherapy" in site.client(P1).get("/patient/budget").text
    budget = site.client(P3).get("/patient/budget").text
    assert "Carried by others in the group for physiotherapy" in budget
    assert "£150.00 from others in the group" in budget
    end = f"/contracts/{contract.id}/end"
    assert "goes back to them" in site.client(P3).get(end).text
    assert "goes back to them" not in site.client(NEAR).get(end).text
    assert site.client(FUNDER).get("/commissioner/").status_code == 200


def test_money_kept_by_its_owners_is_paid_on(site: Site) -> None:
    """Giver and receiver keep their own money: both read what to pay and to get, until the commissioner notes it."""
    world = shared(site).world
    with writing(world.session):
        for number in (1, 3):
            world.budget(number).managed_as = ManagedAs.DIRECT_PAYMENT
    world.agree().publish()
    world.offer("near", (0, 5_500))
    world.later(days=15).run_round().accept().confirm().later(days=20).sign(*range(1, 13))
    giver, receiver = world.patients[0].id, world.patients[2].id
    assert (
        "£34.61 that you give to others is still in your bank account." in site.client(P1).get("/patient/budget").text
    )
    budget = site.client(P3).get("/patient/budget").text
    assert "£150.00 from others is not in your bank account yet." in budget
    assert "Others in your group pay <strong>£150.00</strong> of your care." in budget
    assert "came from" not in budget
    funder = site.client(FUNDER)
    listed = funder.get("/commissioner/hand-overs/").text
    assert "Owes you <strong>£34.61</strong>" in listed
    assert "You owe <strong>£150.00</strong>" in listed
    assert "Patient 02" not in listed
    at = f"/commissioner/hand-overs/{giver}"
    page = funder.get(at).text
    request = re.search(r'name="request_id" value="([^"]+)"', page)
    assert request is not None
    told = funder.post(at, data={"amount_pence": "40", "request_id": request[1], "due_pence": "3461"})
    assert (told.status_code, "Enter an amount up to £34.61" in told.text) == (422, True)
    old = funder.post(at, data={"amount_pence": "30", "request_id": request[1], "due_pence": "3000"})
    assert (old.status_code, "What is owed has changed since you opened the page" in old.text) == (422, True)
    assert 'name="due_pence" value="3461"' in old.text
    for _ in range(2):  # a form sent twice counts once
        paid = {"amount_pence": "34.61", "request_id": request[1], "due_pence": "3461"}
        assert funder.post(at, data=paid).location == "/commissioner/hand-overs/"
    assert "Nothing is owed" in funder.get("/commissioner/hand-overs/").text
    assert "You keep" not in site.client(P1).get("/patient/budget").text
    rows = funder.get("/commissioner/hand-overs/?export=csv").text.splitlines()
    assert rows[1:] == ["Patient 01,Patient,34.61,34.61,0.00", "Patient 03,Patient,-150.00,0.00,-150.00"]
    assert funder.get(f"/commissioner/hand-overs/{world.patients[1].id}").status_code == 404
    seen = site.client(P3).get("/patient/seen").text
    assert "Money of your shared groups" in seen
    assert funder.get(f"/commissioner/hand-overs/{receiver}").status_code == 200
    assert site.fresh().books_balance()
