"""Extra support on the pages: patients read why and what it gives, their offices act, others see nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from marketplace.journey import budgets, people
from marketplace.journey.support import BY_RULE
from marketplace.queries.words import moment
from marketplace.records.audit import RecordView
from marketplace.records.budgets import PlanStatus
from marketplace.records.database import writing
from marketplace.records.people import Supporter
from marketplace.rules.budgets import FundingRules
from marketplace.rules.clock import london_date
from marketplace.web.support_words import RULE_DECIDES, condition_words, rule_words
from marketplace.work.feedback import prepare_all
from tests.web.crawl import reachable
from tests.web.site import Site
from tests.worlds import SmallWorld

RULES = FundingRules(
    support_from_age=85,
    support_to_decile=2,
    support_capacity=True,
    support_conditions=2,
    support_answer_days=5,
    support_supplement_pence=5_000,
)
RUTH = {"name": "Ruth Fell", "who": "Care coordinator", "reach": "01522 000000"}
FACTS = {"deprivation_decile": "1", "lacks_capacity": "true", "conditions": ["copd", "stroke"]}


@pytest.fixture
def ruled(site: Site) -> Site:
    """The commissioner's rule has all four grounds; patient 1 is 85 this year, patient 2 is not."""
    world = site.world
    with writing(world.session):
        budgets.set_rules(world.session, world.now, world.funder, RULES)
    return site


def at(site: Site, number: int, page: str = "") -> str:
    return f"/commissioner/people/{site.world.patients[number - 1].id}/support/{page}"


def client_at(site: Site, number: int, page: str = "support") -> str:
    return f"/broker/clients/{site.world.patients[number - 1].id}/{page}"


def plain(site: Site, number: int) -> None:
    """Ordinary pages for a patient, whatever the rule turned on."""
    world = site.fresh()
    with writing(world.session):
        people.set_easy_read(world.session, world.now, world.patient(number), easy_read=False)


def test_the_commissioner_records_and_the_patient_reads_why(ruled: Site) -> None:
    """Four grounds in plain words, what they give, and what is kept; nothing of it before. Each in their own words."""
    funder, patient = ruled.client("funder@example.test"), ruled.client("p1@example.test")
    before = patient.get("/patient/support").text
    assert "You do not get extra support now." in before
    for words in rule_words(RULES):
        assert words in before
    assert ">Extra support</a>" in patient.get("/patient/").text
    page = funder.get(at(ruled, 1)).text
    for words in rule_words(RULES):
        assert words not in page
    for words in (
        "Age: whoever turns 85 this year, or is older",
        "Deprivation: whoever lives in the most deprived 2 tenths of areas in England",
        "Capacity: whoever lacks capacity to decide on their care",
        "Long-term conditions: whoever has 2 or more",
    ):
        assert words in page
    assert "gets no extra support now. By your rule as it is now they would get it, on this ground:" in page
    assert "Age: born in 1941" in page
    assert "None recorded" in page
    done = funder.post(at(ruled, 1, "facts"), data=FACTS)
    assert done.location == at(ruled, 1)
    told = funder.get(at(ruled, 1)).text
    for words in (
        "Age: born in 1941",
        "Deprivation: the home area is in tenth 1 of 10",
        "Capacity: lacks capacity to decide on their care",
        "Long-term conditions: 2",
        "5 more days than others",
        "£50.00 paid in",
        "COPD (lung disease), Stroke",
        "Nobody is named yet",
    ):
        assert words in told
    plain(ruled, 1)
    read = patient.get("/patient/support").text
    for words in (
        "Your age: you were born in 1941",
        "Many people in your area have little money",
        "You need help to make choices about your care",
        "You live with 2 long-term health problems",
        "You count for more when a group",
        "5 more days than others to answer a match",
        "You got £50.00 of extra money",
        "Your area is in group 1 of 10",
        "COPD (lung disease), stroke",
    ):
        assert words in read
    assert BY_RULE in patient.get("/patient/budget").text
    assert "Lacks" not in read


def test_what_was_recorded_stands_in_the_form_again(ruled: Site) -> None:
    """Ticks and numbers; what means nothing is told at its field, and nothing is recorded."""
    funder, where = ruled.client("funder@example.test"), at(ruled, 2, "facts")
    assert " checked" not in funder.get(where).text
    funder.post(where, data=FACTS)
    assert funder.get(where).text.count(" checked") == 3
    for wrong in ({**FACTS, "deprivation_decile": "11"}, {**FACTS, "conditions": ["a cold"]}):
        assert funder.post(where, data=wrong).status_code == 422
    assert ruled.fresh().patients[1].deprivation_decile == 1
    assert funder.post(where, data={}).status_code == 302
    assert ruled.fresh().patients[1].lacks_capacity is False
    assert "gets no extra support now. No ground of your rule is met." in funder.get(at(ruled, 2)).text


def test_a_rule_that_was_changed_is_told_beside_what_was_decided(ruled: Site) -> None:
    """Somebody has support whom the new rule would not give it: the page says that it ends when that is next asked."""
    funder = ruled.client("funder@example.test")
    funder.post(at(ruled, 1, "facts"), data={})
    assert "no ground is met any more" not in funder.get(at(ruled, 1)).text
    world = ruled.fresh()
    with writing(world.session):
        budgets.set_rules(world.session, world.now, world.funder, FundingRules())
    told = funder.get(at(ruled, 1)).text
    assert "Your rule gives extra support to nobody now. When it is next applied, the support ends." in told
    assert "You have set no ground for extra support." in told
    assert "gets no extra support now.</p>" in funder.get(at(ruled, 2)).text
    funder.post(at(ruled, 1, "facts"), data={})
    assert "gets no extra support now.</p>" in funder.get(at(ruled, 1)).text


def test_when_the_rule_is_asked_is_said_once_and_in_the_same_words(ruled: Site) -> None:
    funder, broker = ruled.client("funder@example.test"), ruled.client("broker@example.test")
    for client, page in (
        (funder, at(ruled, 1)),
        (funder, at(ruled, 2)),
        (funder, "/commissioner/rules"),
        (broker, client_at(ruled, 1)),
    ):
        assert client.get(page).text.count(RULE_DECIDES) == 1


def test_broker_and_commissioner_name_a_supporter(ruled: Site) -> None:
    """The broker reads why and names somebody, the commissioner somebody else; the patient reads the name at home."""
    funder, broker = ruled.client("funder@example.test"), ruled.client("broker@example.test")
    assert "gets no extra support now" in broker.get(client_at(ruled, 1)).text
    refused = broker.post(client_at(ruled, 1, "supporter"), data=RUTH)
    assert refused.status_code == 422
    assert "This person has none now" in refused.text
    funder.post(at(ruled, 1, "facts"), data=FACTS)
    assert "1 person without a supporter yet" in funder.get("/commissioner/").text
    page = broker.get(client_at(ruled, 1)).text
    assert "Capacity: lacks capacity to decide on their care" in page
    assert broker.post(client_at(ruled, 1, "supporter"), data={**RUTH, "reach": " "}).status_code == 422
    assert broker.post(client_at(ruled, 1, "supporter"), data=RUTH).location == client_at(ruled, 1)
    assert "without a supporter yet" not in funder.get("/commissioner/").text.lower()
    assert 'value="Ruth Fell"' in funder.get(at(ruled, 1, "supporter")).text
    for easy in ("on", "off"):
        patient = ruled.client("p1@example.test")
        patient.post("/patient/easy-read", data={"easy_read": easy})
        for where in ("/patient/", "/patient/support"):
            assert all(said in patient.get(where).text for said in RUTH.values())
    other = {**RUTH, "name": "Omar Lund"}
    assert funder.post(at(ruled, 1, "supporter"), data=other).location == at(ruled, 1)
    assert "Omar Lund" in broker.get(client_at(ruled, 1)).text
    names = ruled.fresh().session.scalars(select(Supporter.name).order_by(Supporter.ended_at.is_(None)))
    assert list(names) == ["Ruth Fell", "Omar Lund"]


def test_lists_find_who_has_support_and_no_supporter(ruled: Site) -> None:
    """Both offices can narrow their list to those with extra support, and to those for whom nobody is named."""
    funder, broker = ruled.client("funder@example.test"), ruled.client("broker@example.test")
    funder.post(at(ruled, 1, "facts"), data=FACTS)
    funder.post(at(ruled, 2, "facts"), data=FACTS)
    broker.post(client_at(ruled, 1, "supporter"), data=RUTH)
    for client, where, name in ((funder, "/commissioner/people", "who"), (broker, "/broker/clients", "group")):
        everybody, supported, alone = (
            client.get(where, query_string={name: value}).text for value in ("", "supported", "no-supporter")
        )
        assert [text.count("Patient 01") > 0 for text in (everybody, supported, alone)] == [True, True, False]
        assert [text.count("Patient 02") > 0 for text in (everybody, supported, alone)] == [True, True, True]
        assert [text.count("Patient 03") > 0 for text in (everybody, supported, alone)] == [True, False, False]
        file = client.get(where, query_string={name: "supported", "export": "csv"})
        assert file.status_code == 200


def test_looks_are_noted_and_others_are_kept_out(ruled: Site) -> None:
    """The patient reads who looked; a provider and other patients find nothing, at any address."""
    ruled.client("funder@example.test").get(at(ruled, 1))
    ruled.client("broker@example.test").get(client_at(ruled, 1))
    looks = ruled.fresh().session.scalars(select(RecordView.role).where(RecordView.page == "extra support"))
    assert sorted(looks) == ["broker", "commissioner"]
    assert "xtra support" in ruled.client("p1@example.test").get("/patient/seen").text
    for email in ("near@example.test", "p2@example.test"):
        for where in (at(ruled, 1), at(ruled, 1, "facts"), client_at(ruled, 1), client_at(ruled, 1, "supporter")):
            assert ruled.client(email).get(where).status_code == 403


def test_a_provider_reads_nothing_of_it(ruled: Site) -> None:
    """From the tender to the contract: no page of the provider says who has support, or gives another day to sign."""
    ruled.client("funder@example.test").post(at(ruled, 1, "facts"), data=FACTS)
    world = ruled.fresh().proposed().accept().confirm().later(days=20)
    contracts = {world.contract(1).sign_by, world.contract(2).sign_by}
    assert len(contracts) == 1
    for number in (1, 2):
        world.sign(number)
    provider = next(
        name for name, row in world.providers.items() if row.id == world.contract(1).provider_id and name != "far"
    )
    prepare_all(world.session, world.now)
    client = ruled.client(f"{provider}@example.test")
    offer = f"/provider/offers/{world.match(1).award.offer_id}"
    assert "Your offer was used" in client.get(f"{offer}/feedback").text
    for where in (
        "/provider/",
        "/provider/profile",
        f"/provider/tenders/{world.tender.id}",
        offer,
        f"{offer}/feedback",
        "/provider/contracts",
        f"/provider/contracts/{world.contract(1).id}",
    ):
        answer = client.get(where)
        assert answer.status_code == 200, where
        for word in ("support", "easy read", "easy-read", "priority", "deprivation", "capacity"):
            assert word not in answer.text.lower(), (where, word)
    assert world.record(1).confirm_by == world.record(2).confirm_by


MOMENTS: dict[str, Callable[[SmallWorld], object]] = {
    "asked": lambda world: world.proposed(),
    "yes": lambda world: world.proposed().accept(2),
    "no, and another one wanted": lambda world: world.proposed().decline(2),
    "offer left out": lambda world: world.proposed().leave_out("far"),
    "offer left out after a yes": lambda world: world.proposed().accept(2).leave_out("far"),
}
"""Moments of a result that waits for somebody with more time to answer, as patient 2 meets them."""


@pytest.mark.parametrize("moment_of", MOMENTS)
def test_nobody_can_work_out_that_somebody_has_more_time(ruled: Site, moment_of: str) -> None:
    """The broker's own dates are those of whoever has longest: no page of another patient or of a provider has them."""
    ruled.client("funder@example.test").post(at(ruled, 1, "facts"), data=FACTS)
    world = ruled.fresh()
    MOMENTS[moment_of](world)
    tender = world.tender
    dates = {moment(tender.answers_due_at), moment(tender.confirm_by)}
    assert moment(world.match(2).answer_by) not in dates
    assert any(
        date in ruled.client("broker@example.test").get(f"/broker/tenders/{tender.id}").text for date in dates
    ), "the broker needs them"
    visits = [("p2@example.test", "/patient/", easy) for easy in ("off", "on")]
    if moment_of == "asked":
        visits += [("near@example.test", "/provider/", ""), ("", f"/tenders/{tender.id}", "")]
    for email, home, easy in visits:
        client = ruled.client(email or None)
        if easy:
            client.post("/patient/easy-read", data={"easy_read": easy})
        pages = reachable(ruled.app, client, home)
        if easy:
            pages["patient.match"] = f"/patient/matches/{world.match(2).id}"
        for path in pages.values():
            told = {date for date in dates if date.encode() in client.get(path).data}
            assert not told, (email, easy, path, told)


def test_the_longer_time_stands_on_every_page(ruled: Site) -> None:
    """Home, match and the way tell the patient's own day; the next patient's page tells the general one."""
    ruled.client("funder@example.test").post(at(ruled, 1, "facts"), data=FACTS)
    world = ruled.fresh().proposed()
    own, general = moment(world.match(1).answer_by), moment(world.match(2).answer_by)
    assert own != general
    for number, until, other in ((1, own, general), (2, general, own)):
        for easy in ("on", "off"):
            client = ruled.client(f"p{number}@example.test")
            client.post("/patient/easy-read", data={"easy_read": easy})
            for where in ("/patient/", f"/patient/matches/{world.match(number).id}"):
                text = client.get(where).text
                assert until in text, (number, easy, where)
                assert other not in text, (number, easy, where)
    assert own in ruled.client("broker@example.test").get(f"/broker/tenders/{world.tender.id}/award").text
    world.now = world.match(2).answer_by + timedelta(hours=1)
    world.later()
    answer = ruled.client("p1@example.test").post(
        f"/patient/matches/{world.match(1).id}", data={"answer": "accept", "look_again": "yes"}
    )
    assert answer.status_code == 302
    assert ruled.fresh().match(1).status.value == "accepted"


def test_the_rule_is_told_ground_by_ground() -> None:
    """Nothing where there is no ground; one and several are told apart."""
    assert rule_words(FundingRules()) == []
    assert rule_words(FundingRules(support_to_decile=1)) == ["People in the poorest tenth of areas in England"]
    assert rule_words(FundingRules(support_to_decile=3)) == ["People in the poorest 3 tenths of areas in England"]
    assert len(rule_words(RULES)) == 4
    assert rule_words(FundingRules(), to_patient=False) == []
    (part,) = rule_words(FundingRules(support_to_decile=1), to_patient=False)
    assert part == "Deprivation: whoever lives in the most deprived tenth of areas in England"
    assert condition_words("heart_failure") == "Heart failure"


@pytest.mark.parametrize("ending", ["over", "left", "not approved"])
def test_the_rule_promises_nothing_where_no_budget_runs(ruled: Site, ending: str) -> None:
    """A ground may be met all the same: the page says that there is no budget to which the rule could give support."""
    world = ruled.world
    with writing(world.session):
        budget = world.budget(1)
        if ending == "over":
            world.now += timedelta(days=1 + (budget.valid_to - london_date(world.now)).days)
        elif ending == "left":
            budget.left_at = world.now
        else:
            budget.plan_status = PlanStatus.DRAFTED
    page = ruled.client("funder@example.test").get(at(ruled, 1)).text
    assert "would get it" not in page
    assert "To have it decided now" not in page
    assert "The rule gives it to nobody without a budget that runs" in page


def test_a_rule_that_gives_no_priority_promises_none(ruled: Site) -> None:
    """Priority is a weight that the rule may leave at that of everybody: then nobody reads that they count for more."""
    world = ruled.world
    funder, patient = ruled.client("funder@example.test"), ruled.client("p1@example.test")
    for priority, told in ((1, False), (3, True)):
        with writing(ruled.fresh().session):
            rules = replace(RULES, support_priority=priority)
            budgets.set_rules(world.session, world.now, world.funder, rules)
        funder.post(at(ruled, 1, "facts"), data=FACTS)
        assert ("Counts as 3 people" in funder.get(at(ruled, 1)).text) is told
        for easy in ("off", "on"):
            patient.post("/patient/easy-read", data={"easy_read": easy})
            assert ("count for more" in patient.get("/patient/support").text) is told
