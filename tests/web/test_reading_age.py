"""Every page of a patient can be read at the age of nine to eleven; the grades stand at the end of the tests' output.

The measure and its source are in `tests.web.reading`. Two more rules: no sentence is longer than 25 words (the
Government Digital Service's style guide, 2014), and none of an easy-read page is longer than 15.
"""

import re
from collections.abc import Callable
from datetime import datetime

from flask.testing import FlaskClient

from marketplace.journey import budgets, deliveries, support, supporters
from marketplace.journey.support import PersonFacts
from marketplace.journey.supporters import SupporterDetails
from marketplace.records.budgets import ManagedAs
from marketplace.records.database import writing
from marketplace.rules.budgets import FundingRules
from tests.second_steps import App
from tests.web.reading import grade_of, sentences_of
from tests.web.site import PASSWORD, Site
from tests.worlds import SmallWorld

MOST_GRADE = 6.0
MOST_WORDS = {"": 25, " (easy read)": 15}
TWINS = {
    "home",
    "home with extra support",
    "extra support",
    "no extra support",
    "budget",
    "invitation",
    "match",
    "contract",
    "contract in force",
    "delivery",
    "rating",
    "paying",
}


def test_patient_pages_are_read_at_nine_to_eleven(site: Site, record_property: Callable[[str, object], None]) -> None:
    world = site.world
    hard: list[str] = []
    readers: dict[datetime, FlaskClient] = {}

    def read(name: str, path: str) -> None:
        if world.now not in readers:  # time has passed: the sign-in has ended
            readers[world.now] = site.client("p1@example.test")
        client = readers[world.now]
        for kind in MOST_WORDS if name in TWINS else [""]:
            sentences = sentences_of(_page(client, path, easy=bool(kind)))
            assert len(sentences) >= 3, f"{name}: too little text to judge"
            grade, longest = grade_of(sentences), max(sentences, key=len)
            record_property("reading", f"{name + kind:32} grade {grade:4.1f}, longest sentence {len(longest)} words")
            if grade > MOST_GRADE or len(longest) > MOST_WORDS[kind]:
                hard.append(f"{name}{kind}: grade {grade:.1f}; longest: {' '.join(longest)}")

    world.draft()
    need = f"/patient/invitations/{world.need(1).id}"
    read("home", "/patient/")
    read("invitation", need)
    read("preferences", f"{need}/preferences")
    read("my broker", "/patient/broker")
    read("who may act for me", "/patient/representatives")
    read("who has seen my record", "/patient/seen")
    read("no extra support", "/patient/support")
    read("care", "/patient/care")
    read("leaving the budget", f"/patient/budgets/{world.budget(1).id}/leave/")
    world.agree().publish().three_offers().later(days=15).run_round()
    read("match", f"/patient/matches/{world.match(1).id}")
    world.leave_out("bulk")
    read("match", f"/patient/matches/{world.match(1).id}")
    world.run_round().accept(1).leave_out("far")
    read("match", f"/patient/matches/{world.match(1).id}")
    world.run_round().accept(*(number for number in world.providers_by_patient() if number != 1))
    world.confirm().later(days=20)
    contract = world.contract(1).id
    read("contract", f"/patient/contracts/{contract}")
    read("checking the result", f"{need}/check")
    delivery = world.sign(1).record(1, 2).id
    read("delivery", f"/patient/deliveries/{delivery}")
    with writing(world.session):
        deliveries.confirm_delivery(world.session, world.now, world.patient(1), delivery)
    read("contract in force", f"/patient/contracts/{contract}")
    read("ending a contract", f"/contracts/{contract}/end")
    read("rating", f"/patient/contracts/{contract}/rate")
    read("budget", "/patient/budget")
    world.budget(1).managed_as = ManagedAs.DIRECT_PAYMENT
    world.session.commit()
    read("payments", "/patient/payments/")
    read("paying", f"/patient/payments/{world.contract(1).provider_id}")
    read("statement on paper", f"/patient/budgets/{world.budget(1).id}/statement")
    read("contract on paper", f"/patient/contracts/{contract}/print")
    _support_first(world)
    read("home with extra support", "/patient/")
    read("extra support", "/patient/support")
    assert not hard, "\n".join(hard)


def _support_first(world: SmallWorld) -> None:
    """Every ground of the rule, and all that it gives."""
    rules = FundingRules(
        support_from_age=85,
        support_to_decile=2,
        support_capacity=True,
        support_conditions=2,
        support_supplement_pence=5_000,
    )
    first = world.patients[0].id
    with writing(world.session):
        budgets.set_rules(world.session, world.now, world.funder, rules)
        support.record_facts(world.session, world.now, world.funder, first, PersonFacts(1, True, ("copd", "stroke")))
        details = SupporterDetails("Ruth Fell", "Care coordinator", "01522 000000")
        supporters.name_supporter(world.session, world.now, world.funder, first, details)


def test_the_second_step_is_read_at_nine_to_eleven(site: Site, record_property: Callable[[str, object], None]) -> None:
    """Its pages for somebody signed in, and those on the way in: a patient may choose it."""
    hard: list[str] = []

    def read(name: str, text: str) -> None:
        sentences = sentences_of(text)
        assert len(sentences) >= 2, f"{name}: too little text to judge"
        grade, longest = grade_of(sentences), max(sentences, key=len)
        record_property("reading", f"{name:32} grade {grade:4.1f}, longest sentence {len(longest)} words")
        if grade > MOST_GRADE or len(longest) > MOST_WORDS[""]:
            hard.append(f"{name}: grade {grade:.1f}; longest: {' '.join(longest)}")

    client, on = site.client("p1@example.test"), "/account/second-step"
    read("second step, off", client.get(on).text)
    read("second step, beginning", client.get(f"{on}/begin").text)
    client.post(f"{on}/begin", data={"password": PASSWORD})
    page = client.get(f"{on}/app").text
    read("second step, the app", re.sub(r'<strong class="cp-key-text">.*?</strong>', "", page))
    key = re.findall(r'cp-key-text">([A-Z2-7 ]{39})<', page)[0]
    shown = client.post(f"{on}/app", data={"code": App(key).code(site.world.now)}).text
    read("recovery codes", re.sub(r'<ul class="cp-recovery">.*?</ul>', "", shown, flags=re.DOTALL))
    for name, at in (("on", ""), ("another phone", "/begin"), ("new codes", "/recovery-codes"), ("ending", "/off")):
        read(f"second step, {name}", client.get(f"{on}{at}").text)
    halfway = site.client()
    halfway.post("/sign-in", data={"email": "p1@example.test", "password": PASSWORD})
    read("sign-in, code", halfway.get("/sign-in/code").text)
    read("sign-in, recovery code", halfway.get("/sign-in/recovery-code").text)
    assert not hard, "\n".join(hard)


def test_hard_words_and_long_sentences_are_found() -> None:
    """The measure tells plain words from an official's: else it would guard nothing."""
    plain = sentences_of("<main><p>Your money is safe. You can use it for your care.</p></main>")
    official = sentences_of(
        "<main><p>Notwithstanding the aforementioned allocation, beneficiaries are required to authorise expenditure "
        "in accordance with the commissioning organisation's established procedures.</p></main>"
    )
    assert grade_of(plain) < 4
    assert grade_of(official) > 15
    assert sentences_of("<main><p>Provider</p><svg><text>not for reading aloud here</text></svg></main>") == []


def _page(client: FlaskClient, path: str, *, easy: bool) -> str:
    client.post("/patient/easy-read", data={"easy_read": "on" if easy else "off"})
    client.get("/patient/seen")  # the word that it was done is said on the next page
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)
