"""How a broker is reached: where it says so, and every page on which its clients read that."""

import re

import pytest

from marketplace.journey import people, tenders
from marketplace.records.database import writing
from marketplace.records.people import Broker
from marketplace.rules.contacts import Contact
from tests.web.site import Site

SAID = {"telephone": "(01632) 960 102", "email": "hello@fen.example.org", "opening_hours": "Monday to Friday"}


@pytest.fixture
def silent(site: Site) -> Site:
    """Nobody has said how the broker is reached."""
    world = site.world
    with writing(world.session):
        broker = world.session.get_one(Broker, world.broker.id)
        broker.telephone = broker.email = broker.opening_hours = None
    return site


def test_a_broker_says_how_people_reach_it(silent: Site) -> None:
    """Home asks for it; what is wrong is told at its field with what was typed; then home asks no more."""
    client = silent.client("broker@example.test")
    assert "Say how people reach you" in client.get("/broker/").text
    for changed, field, told in (
        ({"telephone": "960 102"}, "telephone", "area code"),
        ({"email": "hello"}, "email", "like name@example.org"),
        ({"opening_hours": "x" * 201}, "opening_hours", "200 characters or fewer"),
        ({"telephone": "", "email": ""}, "telephone", "a telephone number, an e-mail address or both"),
    ):
        refused = client.post("/broker/contact", data=SAID | changed)
        assert refused.status_code == 422, changed
        assert f'href="#{field}"' in refused.text, changed
        assert told in refused.text, changed
        assert all(value in refused.text for value in (SAID | changed).values()), changed
    assert client.post("/broker/contact", data=SAID).location == "/broker/"
    home = client.get("/broker/").text
    assert "Say how people reach you" not in home
    assert 'href="/broker/contact"' in home
    form = client.get("/broker/contact").text
    assert all(f'value="{value}"' in form for value in SAID.values())
    assert silent.client("p1@example.test").get("/broker/contact").status_code == 403


def test_clients_read_it(silent: Site) -> None:
    """The broker's name alone as long as there is no more; then links that dial and write, and the hours."""
    patient = silent.client("p1@example.test")
    before = patient.get("/patient/broker").text
    assert "Fen Brokers" in before
    assert "tel:" not in before
    assert "mailto:" not in before
    silent.client("broker@example.test").post("/broker/contact", data=SAID)
    after = patient.get("/patient/broker").text
    assert 'href="tel:01632960102"' in after
    assert 'href="mailto:hello@fen.example.org"' in after
    assert "Open: Monday to Friday" in after


def test_whoever_chooses_reads_it_beside_the_name(site: Site) -> None:
    """Each broker of the list stands there with its own, and one that has said nothing with its name."""
    world = site.world
    with writing(world.session):
        said = Contact("01632 960 103", None, "Every day")
        people.approve_broker(world.session, world.now, world.funder, "Wold Brokers", said)
        people.approve_broker(world.session, world.now, world.funder, "Bare Brokers")
    page = site.client("p1@example.test").get("/patient/broker").text
    assert re.search(r"Bare Brokers\s*</label>\s*</div>", page)
    assert re.search(r"Wold Brokers\s*</label>\s*<div[^>]*hint[^>]*>\s*01632 960 103, Every day", page)
    assert "01632 960 101, " not in page  # one's own broker is no choice


@pytest.mark.parametrize("easy", ["on", "off"])
def test_ask_your_broker_leads_to_it_by_name(site: Site, easy: str) -> None:
    """In plain and in easy read: the page of a group that has ended."""
    world = site.world.draft().agree().publish()
    client = site.client("p1@example.test")
    client.post("/patient/easy-read", data={"easy_read": easy})
    with writing(world.session):
        tenders.withdraw_tender(world.session, world.now, world.broking, world.tender.id, "Too few joined.")
    text = client.get(f"/patient/invitations/{world.need(1).id}").text
    assert '<a href="/patient/broker">your broker, Fen Brokers</a>' in text


def test_a_broker_is_admitted_with_it(site: Site) -> None:
    """The commissioner can type it at once; a wrong number is told at its field, and the name stays."""
    client = site.client("funder@example.test")
    refused = client.post("/commissioner/brokers/new", data={"name": "Wold Brokers", "telephone": "12"})
    assert refused.status_code == 422
    assert 'href="#telephone"' in refused.text
    assert 'value="Wold Brokers"' in refused.text
    hours_alone = client.post("/commissioner/brokers/new", data={"name": "Wold Brokers", "opening_hours": "Daily"})
    assert 'href="#telephone"' in hours_alone.text
    assert client.post("/commissioner/brokers/new", data={"name": "Wold Brokers", **SAID}).status_code == 302
    assert client.post("/commissioner/brokers/new", data={"name": "Bare Brokers"}).status_code == 302
    page = site.client("p1@example.test").get("/patient/broker").text
    assert "(01632) 960 102" in page
