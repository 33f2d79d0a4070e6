"""What a commissioner looks after: the catalogue, who takes part, who has an account, the figures, the audit chain."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from marketplace.journey import conduct, deadlines, people, totals
from marketplace.journey.clients import place_of
from marketplace.records.audit import AuditEvent
from marketplace.records.catalogue import Exclusion, Service
from marketplace.records.database import writing
from marketplace.records.people import AccountCode, Broker, Patient, User
from marketplace.records.providers import Provider
from marketplace.rules.permissions import Role
from marketplace.work.post import recipients
from tests.web.site import PASSWORD, Site

PRICES = {"reference_pence": "50", "conventional_pence": "79.06", "private_pence": "60", "source": "The new tariff"}
WOLD = {
    "name": "Wold Feet", "site_name": "Wold clinic", "district": "LN1", "services": ["physiotherapy"],
    "attributes": ["step_free"], "rating": "Good", "rating_date-day": "1", "rating_date-month": "6",
    "rating_date-year": "2025", "first_appointment_days": "9",
}  # fmt: skip


def events(site: Site) -> Sequence[str]:
    return site.fresh().session.scalars(select(AuditEvent.event).order_by(AuditEvent.number)).all()


def code_in(page: str) -> str:
    """The one-time code on the page that shows it."""
    return page.split("One-time code</dt>")[1].split('cp-code-big">')[1].partition("<")[0].strip()


def open_account(client: FlaskClient, role: str, party_id: str = "", email: str = "new@example.test") -> Any:
    typed = {"role": role, "party_id": party_id, "name": "Some Body", "email": email}
    return client.post("/commissioner/users/new", data=typed)


def test_every_page_opens(site: Site) -> None:
    """Each of the commissioner's own pages, in a world in which little has happened."""
    client, world = site.client("funder@example.test"), site.world
    provider, patient = world.providers["near"].id, world.patients[5].id
    for path in (
        "", "people", "budgets", "budgets/new", "budgets/import", f"people/{patient}/budgets/new", "catalogue/",
        "catalogue/services/new", "catalogue/services/physiotherapy", "catalogue/exclusions/new", "brokers/new",
        "providers/new", f"providers/{provider}", f"providers/{provider}/sites/new", "users", "users?role=patient",
        "users/new", f"people/{patient}/account", "audit", "audit/chain", "audit/head", "people?export=csv",
        "users?export=xlsx",
    ):  # fmt: skip
        assert client.get(f"/commissioner/{path}").status_code == 200, path
    assert site.client().get("/first-password").status_code == 200


def test_a_price_holds_for_what_is_published_from_then_on(site: Site) -> None:
    """A published lot keeps the prices of its day, in its match and its figures; a draft takes the new ones."""
    client, world = site.client("funder@example.test"), site.world.draft()
    first = world.bundle.id
    with writing(world.session):
        world.session.get_one(Service, "physiotherapy").conventional_pence = 8_000
    world.agree().publish()
    assert world.session.get_one(type(world.bundle), first).conventional_pence == 8_000
    at = "/commissioner/catalogue/services/physiotherapy"
    wrong = client.post(at, data={**PRICES, "private_pence": "-1", "source": ""})
    assert wrong.status_code == 422
    assert "Write where these prices come from" in wrong.text
    assert client.post(at, data=PRICES).status_code == 302
    service = site.fresh().session.get_one(Service, "physiotherapy")
    assert (service.conventional_pence, service.source) == (7_906, "The new tariff")
    assert "£79.06" in client.get(at).text
    assert world.bundle.conventional_pence == 8_000
    world.three_offers().later(days=15).run_round()
    page = site.client("p1@example.test").get(f"/patient/matches/{world.match(1).id}").text
    assert "£800.00" in page
    assert "£790.60" not in page
    assert "service.priced" in events(site)


def test_the_catalogue_grows(site: Site) -> None:
    """A new service can be planned at once; what is excluded says why; a name is used once."""
    client = site.client("funder@example.test")
    new = {"name": "Foot care", "unit": "visit", **PRICES}
    add, exclude = "/commissioner/catalogue/services/new", "/commissioner/catalogue/exclusions/new"
    assert client.post(add, data=new).status_code == 302
    assert site.fresh().session.get_one(Service, "foot_care").unit == "visit"
    for at, typed, told in (
        (add, new, "is in the catalogue already"),
        (add, {**new, "name": "Gambling"}, "is excluded"),
        (add, {**new, "name": "Walks", "unit": "mile"}, "Choose what is counted"),
        (exclude, {"name": "foot care", "reason": "We say so, simply."}, "is in the catalogue already"),
        (exclude, {"name": "Tobacco", "reason": "No."}, "Write the reason in a sentence"),
    ):
        refused = client.post(at, data=typed)
        assert refused.status_code == 422, told
        assert told in refused.text
    assert client.post(exclude, data={"name": "Tobacco", "reason": "It harms health."}).status_code == 302
    assert site.fresh().session.get_one(Exclusion, "tobacco").reason == "It harms health."
    assert client.get("/commissioner/catalogue/services/none").status_code == 404
    found = client.get("/commissioner/audit?act=service").text
    assert "Service: added" in found
    assert "Service: excluded" in found


def test_a_provider_is_admitted_with_its_places(site: Site) -> None:
    """Grade by the published rating only; the district's middle, or the grid reference given; each name once."""
    client, world = site.client("funder@example.test"), site.world
    new = "/commissioner/providers/new"
    for changed, told in (
        ({"rating_date-day": "", "rating_date-month": "", "rating_date-year": ""}, "the rating was published"),
        ({"district": "ZZ9"}, "We do not know where this district is"),
        ({"easting_m": "500000"}, "Enter both numbers"),
        ({"services": ["gambling"]}, "Choose services from the list"),
        ({"rating": "Splendid"}, "Choose a rating from the list"),
        ({"name": "near physio"}, "admitted already"),
    ):
        refused = client.post(new, data={**WOLD, **changed})
        assert refused.status_code == 422, told
        assert told in refused.text
    assert client.post(new, data=WOLD).status_code == 302
    provider = site.fresh().session.scalars(select(Provider).where(Provider.name == "Wold Feet")).one()
    (site_row,) = provider.sites
    assert (site_row.grade, site_row.rating, site_row.first_appointment_days) == (3, "Good", 9)
    middle = place_of(world.session, "LN1")
    assert max(abs(site_row.easting_m - middle[0]), abs(site_row.northing_m - middle[1])) < 2_000
    more = f"/commissioner/providers/{provider.id}/sites/new"
    assert "has a place of that name" in client.post(more, data={**_site(), "site_name": "WOLD clinic"}).text
    far = {**_site(), "district": "ZZ9", "easting_m": "510000", "northing_m": "380000", "rating": "Not rated"}
    assert client.post(more, data=far).status_code == 302
    page = client.get(f"/commissioner/providers/{provider.id}").text
    assert "510000 east" in page
    assert "Not rated" in page
    assert client.post("/commissioner/brokers/new", data={"name": "Wold Brokers"}).status_code == 302
    assert "admitted already" in client.post("/commissioner/brokers/new", data={"name": "wold brokers"}).text
    assert site.fresh().session.scalars(select(Broker.name)).all() == ["Fen Brokers", "Wold Brokers"]
    assert {"provider.approved", "provider.site_added", "broker.approved"} <= set(events(site))


def _site() -> dict[str, Any]:
    return {**{name: value for name, value in WOLD.items() if name != "name"}, "site_name": "Second clinic"}


def test_an_account_from_its_code_to_its_end(site: Site) -> None:
    """The code works once, with its address, for a while; the password is the person's own; closed, nothing opens."""
    client, world = site.client("funder@example.test"), site.world
    shown = open_account(client, "representative")
    assert shown.status_code == 200
    code, user_id = code_in(shown.text), _user(site).id
    assert code not in client.get("/commissioner/users").text
    assert world.session.get_one(AccountCode, (user_id, False)).code_sha256 != code
    typed = {"email": "New@example.test ", "code": code.upper().replace("-", " "), "password": PASSWORD}
    anybody = site.client()
    for changed, told in (
        ({"code": "0000-0000-0000-0000"}, "do not fit"),
        ({"email": "funder@example.test"}, "do not fit"),
        ({"password": "too short"}, "at least 12 characters"),
    ):
        refused = anybody.post("/first-password", data={**typed, **changed})
        assert refused.status_code == 422
        assert told in refused.text
    second = code_in(client.post(f"/commissioner/users/{user_id}/code").text)
    assert not set("01ilo") & set(code + second), "they look alike when a code is copied from paper"
    assert "do not fit" in anybody.post("/first-password", data=typed).text
    assert anybody.post("/first-password", data={**typed, "code": second}).status_code == 302
    assert "do not fit" in anybody.post("/first-password", data={**typed, "code": second}).text
    assert client.post(f"/commissioner/users/{user_id}/code").status_code == 409
    person = site.client("new@example.test")
    assert person.get("/representative/").status_code == 200
    assert recipients(world.session, world.now, _user(site).party_id)
    close = f"/commissioner/users/{user_id}/close"
    assert client.get(close).status_code == 200
    assert client.post(close).status_code == 302
    assert person.get("/representative/").status_code == 302
    assert anybody.post("/sign-in", data={"email": "new@example.test", "password": PASSWORD}).status_code == 422
    assert not recipients(site.fresh().session, world.now, _user(site).party_id)
    assert {client.get(close).status_code, client.post(close).status_code} == {409}
    assert client.post(f"/commissioner/users/{user_id}/reopen").status_code == 302
    assert site.client("new@example.test").get("/representative/").status_code == 200
    own = site.fresh().session.scalars(select(User.id).where(User.email == "funder@example.test")).one()
    for asked in (client.get, client.post):
        for page in ("close", "second-step"):
            refused = asked(f"/commissioner/users/{own}/{page}")
            assert refused.status_code == 409
            assert "Ask a colleague." in refused.text
            assert "reload the page" not in refused.text
    assert {"account.opened", "account.code_renewed", "account.password_chosen", "account.closed"} <= set(events(site))


def test_a_code_is_good_for_two_weeks(site: Site) -> None:
    """After that a new one is needed."""
    code = code_in(open_account(site.client("funder@example.test"), "representative").text)
    site.world.now += timedelta(days=15)
    typed = {"email": "new@example.test", "code": code, "password": PASSWORD}
    assert "too old" in site.client().post("/first-password", data=typed).text


def test_nobody_gets_a_second_way_into_a_sealed_offer(site: Site) -> None:
    """A provider, or a patient, who has an account is given no other; nor is one opened for what is not overseen."""
    client, world = site.client("funder@example.test"), site.world
    near, far = world.providers["near"].id, world.providers["far"].id
    page = client.get("/commissioner/users/new").text
    assert f"provider:{far}" in page
    assert f"provider:{near}" not in page
    for role, party_id, told in (
        ("provider", f"provider:{near}", "There is an account for them already"),
        ("broker", f"provider:{far}", "Choose the organisation it is for"),
        ("broker", "", "Choose the organisation it is for"),
        ("holder", "holder:none", "Choose the organisation it is for"),
        ("system", "", "Choose whose account it is"),
        ("commissioner", f"provider:{far}", "Leave the organisation empty"),
        ("representative", f"provider:{far}", "Leave the organisation empty"),
    ):
        refused = open_account(client, role, party_id)
        assert refused.status_code == 422, told
        assert told in refused.text, (role, told)
    assert "account with this e-mail address" in open_account(client, "commissioner", email="p1@example.test").text
    taken = client.post(f"/commissioner/people/{world.patients[0].id}/account", data={"name": "X", "email": "x@y.test"})
    assert "There is an account for them already" in taken.text
    mine = client.post(f"/commissioner/people/{world.patients[6].id}/account", data={"name": "X", "email": "x@y.test"})
    assert mine.status_code == 200
    assert open_account(client, "provider", f"provider:{far}").status_code == 200
    assert open_account(client, "commissioner", email="colleague@example.test").status_code == 200
    rows = {row.email: row for row in site.fresh().session.scalars(select(User))}
    assert rows["new@example.test"].commissioner_id is None
    assert rows["colleague@example.test"].party_id == world.commissioner.id


def test_another_commissioner_finds_none_of_it(site: Site) -> None:
    """People, their accounts and brokers of another commissioner are not there."""
    world, hashed = site.world, _user(site, "funder@example.test").password_hash
    with writing(world.session):
        other = people.found_commissioner(world.session, "Other funder")
        account = User(
            email="other@example.test", name="Other", role=Role.COMMISSIONER, party_id=other.id, created_at=world.now,
            commissioner_id=other.id, password_hash=hashed,
        )  # fmt: skip
        world.session.add(account)
    client, patient = site.client("other@example.test"), world.patients[0].id
    broker = _user(site, "broker@example.test").id
    assert "Patient 01" not in client.get("/commissioner/people").text
    assert "Fen Brokers" not in client.get("/commissioner/users").text
    assert "p1@example.test" not in client.get("/commissioner/users?role=patient").text
    for path in (f"people/{patient}/budgets/new", f"people/{patient}/account", f"users/{broker}/close"):
        assert {client.get(f"/commissioner/{path}").status_code, client.post(f"/commissioner/{path}").status_code} == {
            404
        }
    assert client.post(f"/commissioner/users/{broker}/code").status_code == 404


def test_the_chain_is_checked_stretch_by_stretch(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sound, it says how far; an act changed behind the trigger's back is named; the signed end can be kept."""
    monkeypatch.setattr("marketplace.web.trail.AT_ONCE", 20)
    client, session = site.client("funder@example.test"), site.world.session
    end = len(events(site))
    assert "Acts 1 to 20 of" in client.post("/commissioner/audit/chain").text
    last = client.post("/commissioner/audit/chain", data={"after": end - 5})
    assert "This is the end of the trail" in last.text
    kept = client.get("/commissioner/audit/head").get_json()
    assert kept["number"] == end
    assert kept["signature"]
    with writing(session):
        session.execute(text("DROP TRIGGER audit_events_refuse_update"))
        session.execute(text("UPDATE audit_events SET role = 'patient' WHERE number = 25"))
    assert "Acts 1 to 20 of" in client.post("/commissioner/audit/chain").text
    broken = client.post("/commissioner/audit/chain", data={"after": "20"}).text
    assert "Act 25 was changed after it was noted" in broken


def test_a_county_is_added_up_by_time_and_says_when(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few budgets are added up on each look; of many, the sum is some minutes old, told as such, and right."""
    world, client = site.world.awarded(), site.client("funder@example.test")
    world.deliver(1, 3)
    exact = totals.added_up(world.session, world.commissioner.id)
    assert exact.total_pence == 12 * 70_000
    assert "As added up on" not in client.get("/commissioner/").text
    monkeypatch.setattr(totals, "ADDED_UP_AT_ONCE", 5)
    world.later(minutes=1)
    kept = totals.totals(world.session, world.funder)
    assert (kept.figures, kept.as_of) == (exact, world.now)
    world.session.rollback()
    world.deliver(2, 1)
    assert "As added up on" in site.client("funder@example.test").get("/commissioner/").text
    world.later(minutes=2)
    assert totals.totals(world.session, world.funder).figures == exact
    world.session.rollback()
    world.now += timedelta(minutes=5)
    deadlines.run_due(world.session, world.now)
    assert totals.totals(world.session, world.funder).figures == totals.added_up(world.session, world.commissioner.id)


def test_the_home_page_names_who_is_suspended(site: Site) -> None:
    """And leads to where that is changed."""
    world, client = site.world, site.client("funder@example.test")
    assert "Suspended:" not in client.get("/commissioner/").text
    with writing(world.session):
        conduct.suspend(world.session, world.now, world.funder, Provider, world.providers["far"].id, "No insurance.")
    assert "Far Physio</a> since 2 March 2026" in client.get("/commissioner/").text
    assert world.session.scalars(select(Patient.id)).first()


def _user(site: Site, email: str = "new@example.test") -> User:
    return site.fresh().session.scalars(select(User).where(User.email == email)).one()
