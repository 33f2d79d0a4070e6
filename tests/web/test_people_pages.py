"""The people around a patient: the broker, who may act for them and how that looks, the stars they give."""

import re
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from marketplace.journey import accounts, people, representatives
from marketplace.journey.ratings import rate
from marketplace.queries.words import day, pounds
from marketplace.records.budgets import ManagedAs
from marketplace.records.contracts import Rating
from marketplace.records.database import writing
from marketplace.records.people import Authority, AuthorityBasis
from marketplace.records.pools import NeedStatus
from marketplace.records.rounds import MatchStatus
from marketplace.rules.permissions import Role, Scope
from marketplace.rules.sharing import Pooling
from marketplace.rules.tendering import Policy
from tests.web.crawl import reachable
from tests.web.site import PASSWORD, Site

STOP = "/representative/stop"


def daughter_of(site: Site, number: int, *scopes: Scope, days: int = 365) -> Authority:
    """A daughter with an account, who may act for this patient."""
    world = site.world
    with writing(world.session):
        user = accounts.open_account(
            world.session,
            world.now,
            email="daughter@example.test",
            name="A Daughter",
            role=Role.REPRESENTATIVE,
            party_id="daughter",
            password=PASSWORD,
        )
        return representatives.appoint(
            world.session,
            world.now,
            world.funder,
            patient_id=world.patients[number - 1].id,
            representative_id=user.id,
            basis=AuthorityBasis.PATIENTS_WISH,
            scopes=scopes or tuple(Scope),
            valid_from=world.now.date(),
            valid_to=world.now.date() + timedelta(days=days),
        )


def act(site: Site, authority: Authority) -> FlaskClient:
    """The daughter's browser, once she acts for the patient."""
    client = site.client("daughter@example.test")
    assert client.post(f"/representative/act-for/{authority.patient_id}").location == "/patient/"
    return client


@pytest.fixture
def other_broker(site: Site) -> str:
    """Another broker whom the commissioner has approved."""
    with writing(site.world.session):
        return people.approve_broker(site.world.session, site.world.now, site.world.funder, "Wold Brokers").id


def test_a_patient_chooses_another_broker(site: Site, other_broker: str) -> None:
    """The page names the groups that are left; nothing chosen, or somebody unknown, is named and changes nothing."""
    world = site.world.draft().agree(1)
    client = site.client("p1@example.test")
    assert "/patient/broker" in client.get("/patient/").text
    page = client.get("/patient/broker").text
    assert "Fen Brokers" in page
    assert "Wold Brokers" in page
    assert "Physiotherapy, Lincoln" in page
    for typed in ({}, {"broker_id": "nobody"}, {"broker_id": world.broker.id}):
        refused = client.post("/patient/broker", data=typed)
        assert refused.status_code == 422
        assert 'href="#broker_id"' in refused.text
    assert client.post("/patient/broker", data={"broker_id": other_broker}).status_code == 302
    told = client.get("/patient/broker").text
    assert "Wold Brokers is your broker now. You left this group: Physiotherapy, Lincoln." in told
    assert "yours to use again." not in told.partition("</h1>")[0]
    assert "Wold Brokers has not given a telephone number yet. Your local care team can tell you how to reach" in told
    assert "You are in no group that you would leave." in told
    assert site.fresh().need(1).status is NeedStatus.LEFT
    assert site.client("broker@example.test").post("/patient/broker").status_code == 403


def test_without_another_broker_nothing_is_asked_for(site: Site) -> None:
    """A page of before was sent: the answer points at no field that is not there."""
    site.world.draft()
    answer = site.client("p1@example.test").post("/patient/broker", data={"broker_id": "x"})
    assert answer.status_code == 422
    assert "Your broker was not changed." in answer.text
    assert "There is no other broker to choose now." in answer.text
    assert 'href="#broker_id"' not in answer.text


def test_a_change_of_broker_says_what_came_back(site: Site, other_broker: str) -> None:
    """To the penny, where money was set aside for the group that is left."""
    world = site.world.draft().agree().publish()
    client = site.client("p1@example.test")
    assert (
        "Leaving is free. Any money set aside for this group is yours to use again."
        in client.get("/patient/broker").text
    )
    client.post("/patient/broker", data={"broker_id": other_broker})
    told = client.get("/patient/broker").text
    assert f"{pounds(world.need(1).budget_pence)} that was set aside is yours to use again." in told


def test_a_patient_gives_stars_once(site: Site) -> None:
    """After something was delivered; without stars the field is named and the words are kept."""
    world = site.world.awarded()
    contract = world.contract(1).id
    client, at = site.client("p1@example.test"), f"/patient/contracts/{contract}/rate"
    assert "once you have had some care" in client.get(at).text
    assert client.post(at, data={"stars": "4"}).status_code == 422
    world.deliver(1)
    assert at in client.get(f"/patient/contracts/{contract}").text
    refused = client.post(at, data={"stars": "6", "words": "Kind people"})
    assert refused.status_code == 422
    assert 'href="#stars"' in refused.text
    assert "Kind people" in refused.text
    assert site.client("p2@example.test").get(at).status_code == 404
    assert site.client("p2@example.test").post(at, data={"stars": "1"}).status_code == 404
    assert site.client("near@example.test").get(at).status_code == 403
    assert client.post(at, data={"stars": "4", "words": "Kind people"}).status_code == 302
    assert "You gave this provider 4 stars" in client.get(f"/patient/contracts/{contract}").text
    assert client.post(at, data={"stars": "1"}).status_code == 422
    assert site.fresh().session.scalars(select(Rating.stars)).all() == [4]


def test_words_are_read_by_whom_the_form_says(site: Site) -> None:
    """The care team reads them with the name; the provider only after a yes, without it, once eight have rated."""
    world = site.world.awarded()
    contract = world.contract(1)
    for number in range(1, 9):
        world.deliver(number)
    client, at = site.client("p1@example.test"), f"/patient/contracts/{contract.id}/rate"
    form = client.get(at).text
    assert "Your local care team reads it, with your name." in form
    assert re.search(r'value="no"[^>]*checked', form)
    typed = {"stars": "4", "words": "The room was cold", "provider_may_read": "yes"}
    assert client.post(at, data={**typed, "provider_may_read": "maybe"}).status_code == 422
    assert client.post(at, data=typed).status_code == 302
    assert at in client.get(f"/patient/contracts/{contract.id}").text
    for number in range(2, 9):
        with writing(world.session):
            rate(world.session, world.now, world.patient(number), world.contract(number).id, 5, "Never shown")
    provider = site.client("bulk@example.test").get("/provider/profile").text
    assert "“The room was cold”" in provider
    assert "Never shown" not in provider
    assert "Patient 01" not in provider
    funder = site.client("funder@example.test")
    page_at = f"/commissioner/providers/{contract.provider_id}/words"
    assert page_at in funder.get(f"/commissioner/providers/{contract.provider_id}").text
    page = funder.get(page_at).text
    assert all(told in page for told in ("The room was cold", "Never shown", "Patient 01", "8 people wrote"))
    assert "star" not in page[page.index("<table") : page.index("</table>")]
    assert len(funder.get(f"{page_at}?export=csv").text.splitlines()) == 9
    own = client.get(at).text
    assert "without your name" in own
    assert "What you wrote of your care" in client.get("/patient/seen").text
    assert client.post(f"{at}/keep-back").location == at
    assert "cannot read it here" in client.get(at).text
    assert "The room was cold" not in site.client("bulk@example.test").get("/provider/profile").text
    assert "The room was cold" in funder.get(page_at).text


def test_another_commissioner_reads_no_words_of_these_patients(site: Site) -> None:
    """A provider is everybody's; what patients wrote of it is for those who look after them."""
    world = site.world.awarded()
    world.deliver(1)
    with writing(world.session):
        rate(world.session, world.now, world.patient(1), world.contract(1).id, 2, "Nobody said hello")
        other = people.found_commissioner(world.session, "Another funder")
        accounts.open_account(
            world.session,
            world.now,
            email="other@example.test",
            name="Other",
            role=Role.COMMISSIONER,
            party_id=other.id,
            password=PASSWORD,
        )
    at = f"/commissioner/providers/{world.contract(1).provider_id}/words"
    assert "Nobody said hello" in site.client("funder@example.test").get(at).text
    assert "Nobody said hello" not in site.client("other@example.test").get(at).text
    assert site.client("bulk@example.test").get(at).status_code == 403


def test_a_match_shows_what_patients_say(site: Site) -> None:
    """Few ratings are not shown: somebody's own could be read off them."""
    world = site.world.proposed()
    page = site.client("p1@example.test").get(f"/patient/matches/{world.match(1).id}").text
    assert "Too few people have rated this place yet" in page


@pytest.mark.parametrize(
    ("typed", "wanted"), [({}, True), ({"look_again": "yes"}, True), ({"look_again": "no"}, False)]
)
def test_a_no_says_whether_to_look_again(site: Site, typed: dict[str, str], wanted: bool) -> None:
    """Whoever wants no other provider is left out of the next matching."""
    world = site.world.proposed()
    client, at = site.client("p1@example.test"), f"/patient/matches/{world.match(1).id}"
    assert "shall we look for another provider" in client.get(at).text
    wrong = client.post(at, data={"answer": "decline", "reason": "Too far", "look_again": "maybe"})
    assert wrong.status_code == 422
    assert 'href="#look_again"' in wrong.text
    assert client.post(at, data={"answer": "decline", "reason": "Too far", **typed}).status_code == 302
    match = site.fresh().match(1)
    assert (match.status, match.look_again) == (MatchStatus.DECLINED, wanted)


def test_a_patient_ends_an_authority(site: Site) -> None:
    """The list says who, for what and until when; ending asks once more; nobody else can."""
    authority = daughter_of(site, 1, Scope.POOLS)
    client, end = site.client("p1@example.test"), f"/patient/representatives/{authority.id}/end"
    page = client.get("/patient/representatives").text
    assert "A Daughter" in page
    assert "Join and leave groups" in page
    assert "2 March 2027" in page
    assert client.get(end).status_code == 200
    other = site.client("p2@example.test")
    assert "Nobody may act for you" in other.get("/patient/representatives").text
    assert {other.get(end).status_code, other.post(end).status_code} == {404}
    daughter = act(site, authority)
    assert {daughter.get(end).status_code, daughter.post(end).status_code} == {403}
    assert end not in daughter.get("/patient/representatives").text
    assert client.post(end).status_code == 302
    assert "Nobody may act for you" in client.get("/patient/representatives").text
    # the daughter's next click finds herself again, and nobody's pages
    refused = daughter.get("/patient/")
    assert (refused.status_code, refused.location) == (302, "/representative/")
    own = daughter.get("/representative/").text
    assert "You can no longer act for this person" in own
    assert "There is nobody for whom you may act today." in own
    assert "Choose for whom" not in own


def test_a_representative_acts_in_a_patients_place(site: Site) -> None:
    """Their pages, under a banner; the act is recorded as the daughter's; the patient reads that she looked."""
    world = site.world.draft()
    authority = daughter_of(site, 1)
    client = site.client("daughter@example.test")
    assert client.get("/home").location == "/representative/"
    assert "Patient 01" in client.get("/representative/").text
    assert client.get("/patient/").status_code == 403
    client = act(site, authority)
    assert client.get("/home").location == "/patient/"
    for path in ("/patient/", "/patient/budget", "/patient/care", f"/patient/invitations/{world.need(1).id}", "/"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "You act for <strong>Patient 01</strong>" in answer.text
    assert client.get(f"/patient/invitations/{world.need(2).id}").status_code == 404
    agreed = client.post(f"/patient/invitations/{world.need(1).id}", data={"default_answer": "accept"} | world.read(1))
    assert agreed.status_code == 302
    need = site.fresh().need(1)
    assert need.status is NeedStatus.AGREED
    assert need.consents[-1].authority_id == authority.id
    seen = site.client("p1@example.test").get("/patient/seen").text
    assert "A Daughter" in seen
    assert "Your care plan" in seen
    assert client.post(STOP).location == "/representative/"
    assert client.get("/patient/").status_code == 403


def test_what_is_not_covered_is_refused_in_words(site: Site) -> None:
    """Authority for deliveries alone opens the pages, and neither the pool nor the choice of a broker.

    How the broker is reached is read all the same: whoever sees to the visits may have to ask.
    """
    world = site.world.draft()
    client = act(site, daughter_of(site, 1, Scope.DELIVERIES))
    refused = client.post(f"/patient/invitations/{world.need(1).id}", data={"default_answer": "accept"} | world.read(1))
    read = client.get("/patient/broker").text
    assert "tel:01632960101" in read
    assert "Choose this broker" not in read
    assert "choose another broker" not in read
    assert "You may not change the broker for Patient 01." in read
    for page in (read, client.get("/patient/representatives").text):
        assert "This page is written to" not in page, "it says you to who reads it, or to nobody"
    assert "This page is written to Patient 01" in client.get("/patient/").text
    assert "The broker costs Patient 01 nothing." in read
    invited = client.get(f"/patient/invitations/{world.need(1).id}").text
    assert "A Daughter may not answer this for Patient 01." in invited
    assert not any(words in invited for words in ("Yes, join the group", "Not now", "Change what counts"))
    for answer in (refused, client.post("/patient/broker", data={"broker_id": "x"})):
        assert answer.status_code == 403
        assert "You may not do this for this person" in answer.text
        assert "right account" not in answer.text
        assert '<p><a href="/representative/">' in answer.text
    assert site.fresh().need(1).status is NeedStatus.INVITED


@pytest.mark.parametrize(("scopes", "may"), [((Scope.POOLS,), False), ((Scope.POOLS, Scope.SHARING), True)])
def test_who_may_not_share_is_offered_no_yes_to_sharing(site: Site, scopes: tuple[Scope, ...], may: bool) -> None:
    """In a group whose people help each other to pay, a yes needs authority for that too; not now needs none."""
    world = site.world.draft(Policy(pooling=Pooling.SHARED_POOL))
    page = act(site, daughter_of(site, 1, *scopes)).get(f"/patient/invitations/{world.need(1).id}").text
    assert ("Yes, join the group" in page) is may
    assert ("A Daughter may not say yes to this for Patient 01." in page) is not may
    assert "Not now" in page


TO_WHOM = re.compile(r"\b(?:your|my)\b|\b(?:for|around|gives) you\b", re.IGNORECASE)
"""What a heading or a link of the menu says to a patient, and not to somebody who acts for them."""
NAMED_AT = re.compile(
    r'<(title|h[1-4])(?: class[^>]*)?>.*?</\1>|<a class="nhsuk-(?:back-link|header__navigation-link)".*?</a>', re.DOTALL
)
OWN = ("passwords.", "second_step", "programs.", "representing.", "public.", "account.")
"""Pages that are the representative's own, or everybody's, also while they act."""


@pytest.mark.parametrize("easy", ["off", "on"])
def test_whoever_acts_reads_whose_pages_these_are(site: Site, easy: str) -> None:
    """In the menu, every heading and every way back: nothing of the patient's is called theirs, from group to care."""
    world = site.world.draft()
    world.budget(1).managed_as = ManagedAs.DIRECT_PAYMENT
    world.session.commit()
    authority = daughter_of(site, 1)
    pages: set[str] = set()

    def walk() -> None:
        client = act(site, authority)
        client.post("/patient/easy-read", data={"easy_read": easy})
        for endpoint, path in reachable(site.app, client, "/patient/").items():
            if endpoint.startswith(OWN) or (answer := client.get(path)).mimetype != "text/html":
                continue
            pages.add(endpoint)
            assert "Patient 01’s budget" in answer.text or endpoint.startswith("paper."), endpoint
            for found in NAMED_AT.finditer(answer.text):
                assert not TO_WHOM.search(re.sub("<[^>]+>", "", found[0])), (endpoint, found[0])

    walk()
    world.agree().publish()
    walk()
    world.three_offers().later(days=15).run_round()
    walk()
    world.accept().confirm().later(days=20)
    walk()
    world.sign(1).record(1)
    walk()
    world.deliver(1)
    walk()
    expected = {"home", "budget", "invitation", "preferences", "match", "contract", "delivery", "care_plan", "seen"}
    assert {f"patient.{name}" for name in expected} <= pages
    assert {"leaving.leave", "paper.contract", "paper.statement", "paying.pay", "people.rate"} <= pages


def test_paying_and_leaving_are_two_powers(site: Site) -> None:
    """Who may pay cannot leave the budget; who may leave reads what is due and finds no button."""
    world = site.world
    with writing(world.session):
        world.budget(1).managed_as = ManagedAs.DIRECT_PAYMENT
    world.awarded().deliver(1)
    payer = daughter_of(site, 1, Scope.PAYMENTS)
    client, leave = act(site, payer), f"/patient/budgets/{world.budget(1).id}/leave/"
    for answer in (client.get(leave), client.post(leave, data={"plan_line_ids": world.plan_line(1).id})):
        assert answer.status_code == 403
        assert "You may not do this for this person" in answer.text
    assert "I have paid" in client.get("/patient/payments/").text
    with writing(site.fresh().session):
        world.session.get_one(Authority, payer.id).scopes = [Scope.LEAVING.value]
    page = client.get("/patient/payments/").text
    assert "does not cover paying" in page
    assert "I have paid" not in page
    assert client.post(f"/patient/payments/{world.contract(1).provider_id}").status_code == 403
    assert client.get(leave).status_code == 200


def test_a_representative_declares_an_interest(site: Site) -> None:
    """Not while they act for somebody; nothing chosen names both fields; once declared, nobody can appoint them."""
    authority = daughter_of(site, 1)
    world, client, at = site.world, site.client("daughter@example.test"), "/representative/interests"
    assert at in client.get("/representative/").text
    refused = client.post(at, data={})
    assert refused.status_code == 422
    assert 'href="#provider_id"' in refused.text
    assert 'href="#kind"' in refused.text
    typed = {"provider_id": world.providers["near"].id, "kind": "paid_by"}
    assert "You act for a patient" in client.post(at, data=typed).text
    assert site.client("p1@example.test").post(f"/patient/representatives/{authority.id}/end").status_code == 302
    assert client.post(at, data=typed).status_code == 302
    page = client.get(at).text
    assert "It pays me" in page
    assert "Near Physio" in page
    assert site.client("p1@example.test").get(at).status_code == 403


def test_nobody_acts_without_an_authority_that_holds(site: Site) -> None:
    """Not for another patient, not a patient, not after the last day, not by a cookie of one's own making."""
    authority = daughter_of(site, 1, days=30)
    client = site.client("daughter@example.test")
    assert client.post(f"/representative/act-for/{site.world.patients[1].id}").status_code == 404
    patient = site.client("p2@example.test")
    assert patient.post(f"/representative/act-for/{authority.patient_id}").status_code == 403
    assert patient.get("/representative/").status_code == 403
    with patient.session_transaction() as cookie:
        cookie["acting_for"] = authority.patient_id
    assert "Patient 02" in patient.get("/patient/").text
    site.world.now += timedelta(days=31)
    late = site.client("daughter@example.test")
    assert site.world.now.date() > date(2026, 4, 1)
    assert late.post(f"/representative/act-for/{authority.patient_id}").status_code == 404
    with late.session_transaction() as cookie:
        cookie["acting_for"] = authority.patient_id
    assert late.get("/patient/").location == "/representative/"
    assert late.get("/patient/").status_code == 403


def test_an_invitation_says_who_is_asked_and_until_when(site: Site) -> None:
    """At least so many with so much, in whole groups of eight; by when, and that the group may start sooner."""
    site.world.draft()
    client = site.client("p1@example.test")
    page = client.get(f"/patient/invitations/{site.world.need(1).id}").text
    assert "At least 8 people, with at least £4,800.00 together" in page
    assert "Please answer by <strong>the end of Friday 1 May 2026</strong>. The group may start sooner" in page
    assert "Answer by the end of Friday 1 May 2026. The group may start sooner." in client.get("/patient/").text


WRITTEN_TO = "This page is written to Patient 01"


def test_a_page_says_whom_it_means_by_you(site: Site) -> None:
    """The patient's pages do, plain and easy; the representative's own, everybody's and a refusal do not."""
    site.world.draft()
    client = act(site, daughter_of(site, 1, Scope.POOLS, Scope.LEAVING))
    leave = f"/patient/budgets/{site.world.budget(1).id}/leave/"
    for easy in ("off", "on"):
        client.post("/patient/easy-read", data={"easy_read": easy})
        for path in ("/patient/", "/patient/budget", "/patient/support", leave):
            assert client.get(path).text.count(WRITTEN_TO) == 1, path
        for path in ("/representative/", "/account", "/", "/patient/contracts/none"):
            assert WRITTEN_TO not in client.get(path).text, path
    assert WRITTEN_TO not in site.client("p1@example.test").get("/patient/").text


@pytest.mark.parametrize("may_answer", [True, False])
def test_who_joins_for_somebody_reads_who_answers_the_match(site: Site, may_answer: bool) -> None:
    """The form names the patient; without the power over matches the page says that the patient alone can say no."""
    world = site.world.draft()
    scopes = [Scope.POOLS, *([Scope.MATCHES] if may_answer else [])]
    client = act(site, daughter_of(site, 1, *scopes))
    for easy in ("off", "on"):
        client.post("/patient/easy-read", data={"easy_read": easy})
        page = client.get(f"/patient/invitations/{world.need(1).id}").text
        assert "Say yes for Patient 01" in page
        assert "Change what counts for Patient 01" in page
        assert ("You can still say no then." in page) is may_answer
        assert ("A Daughter may not answer it for Patient 01." in page) is not may_answer
    own = site.client("p1@example.test").get(f"/patient/invitations/{world.need(1).id}").text
    assert "Say yes for me" in own
    assert "You can still say no then." in own


def test_an_appointment_says_who_for_whom_and_when(site: Site) -> None:
    """The word after it has both names and both dates."""
    daughter_of(site, 2)
    funder, patient = site.client("funder@example.test"), site.world.patients[0]
    at = f"/commissioner/patients/{patient.id}/representatives"
    assert "Nobody may act for Patient 01 now." in funder.get(at).text
    first = site.world.now.date()
    dates = {"valid_from": first, "valid_to": first + timedelta(days=9)}
    typed = {
        f"{name}-{part}": getattr(value, part) for name, value in dates.items() for part in ("day", "month", "year")
    }
    asked = {"email": "daughter@example.test", "basis": "patients_wish", "scopes": ["broker"]}
    assert funder.post(at, data=asked | typed).status_code == 302
    told = (
        f"A Daughter may act for Patient 01 from {day(first)} to {day(first + timedelta(days=9))}. Patient 01 is told."
    )
    assert told in funder.get(at).text.replace("\N{NO-BREAK SPACE}", " ")
