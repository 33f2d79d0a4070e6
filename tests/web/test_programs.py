"""Connecting another program: the token is shown once, does what was chosen, and ends when it should."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from marketplace.journey import conduct, passwords, programs, users
from marketplace.records.audit import AuditEvent
from marketplace.records.database import writing
from marketplace.records.outbox import Message
from marketplace.records.people import Broker, User
from marketplace.records.programs import AccessToken
from marketplace.records.providers import Provider
from marketplace.rules.errors import WrongState
from tests.web.site import PASSWORD, Site

PROBLEMS = {"Problem", "Fault"}
"""They may come in place of every answer, so the page does not name them with each."""
FORM = {"name": "Practice system", "may": "read", "last_day-day": "31", "last_day-month": "12", "last_day-year": "2026"}


def connect(site: Site, email: str, **changed: str) -> str:
    """Connect a program on the page; returns the token that it shows."""
    page = site.client(email).post("/account/programs", data={**FORM, **changed})
    assert page.status_code == 200
    return re.search(r"carepool_[\w-]{43}", page.text)[0]


def status_of(site: Site, token: str, method: str = "GET", path: str = "/me", **sent: object) -> int:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "a-key-for-this"}
    return site.app.test_client().open(f"/api/v1{path}", method=method, headers=headers, **sent).status_code


def test_a_token_is_shown_once_and_kept_as_a_hash(site: Site) -> None:
    """The page that connects a program shows its token; no page after it, and no row of the database, has it."""
    token = connect(site, "near@example.test")
    assert status_of(site, token) == 200
    row = site.fresh().session.scalars(select(AccessToken)).one()
    assert token not in str(vars(row))
    assert row.used_at == site.world.now
    later = site.client("near@example.test").get("/account/programs").text
    assert "Practice system" in later
    assert token not in later
    events = site.world.session.scalars(select(AuditEvent.event).order_by(AuditEvent.number.desc()).limit(9)).all()
    assert "program.connected" in events
    assert site.world.session.scalar(select(Message.party_id).where(Message.template == "program_connected"))


def test_a_token_does_what_was_chosen(site: Site) -> None:
    """One reads; the other writes too; and the audit trail says by which token something was done."""
    reads, writes = connect(site, "broker@example.test"), connect(site, "broker@example.test", may="write")
    assert status_of(site, reads, "POST", "/broker/tenders", json={"title": "First"}) == 403
    assert status_of(site, writes, "POST", "/broker/tenders", json={"title": "First"}) == 201
    drafted = site.fresh().session.scalars(select(AuditEvent).where(AuditEvent.event == "tender.drafted")).one()
    by = site.world.session.get(AccessToken, drafted.facts["token"])
    assert by is not None
    assert by.may_write


def test_a_program_is_ended_at_once(site: Site) -> None:
    """By its owner; another account's is not found."""
    token = connect(site, "near@example.test")
    token_id = site.fresh().session.scalars(select(AccessToken.id)).one()
    assert site.client("bulk@example.test").post(f"/account/programs/{token_id}/end").status_code == 404
    assert status_of(site, token) == 200
    assert site.client("near@example.test").post(f"/account/programs/{token_id}/end").status_code == 302
    assert status_of(site, token) == 401
    assert site.client("near@example.test").post(f"/account/programs/{token_id}/end").status_code == 409
    assert "No program is connected." in site.client("near@example.test").get("/account/programs").text


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": ""}, "Enter a name for the program"),
        ({"may": ""}, "Choose what it may do"),
        ({"last_day-year": "2028"}, "at most a year away"),
        ({"last_day-year": "2025"}, "at most a year away"),
        ({"last_day-day": "32"}, "Enter a real date"),
    ],
)
def test_what_is_missing_is_told_at_its_field(site: Site, changed: dict[str, str], told: str) -> None:
    page = site.client("near@example.test").post("/account/programs", data={**FORM, **changed})
    assert page.status_code == 422
    assert told in page.text
    assert site.fresh().session.scalar(select(AccessToken)) is None


def test_a_closed_account_has_no_programs(site: Site) -> None:
    """Closing ends them, and opening the account again does not bring them back."""
    token, world = connect(site, "near@example.test"), site.fresh()
    user_id = world.session.scalars(select(User.id).where(User.email == "near@example.test")).one()
    with writing(world.session):
        users.close(world.session, world.now, world.funder, user_id)
    assert status_of(site, token) == 401
    with writing(site.fresh().session):
        users.reopen(world.session, world.now, world.funder, user_id)
    assert status_of(site, token) == 401


@pytest.mark.parametrize(("email", "kind"), [("near@example.test", Provider), ("broker@example.test", Broker)])
def test_a_suspended_organisation_has_no_programs(site: Site, email: str, kind: type[Broker | Provider]) -> None:
    """Suspension ends them; none is connected before reinstatement, and none comes back by it."""
    token, world = connect(site, email), site.fresh()
    user = world.session.scalars(select(User).where(User.email == email)).one()
    party_id = user.party_id
    with writing(world.session):
        conduct.suspend(world.session, world.now, world.funder, kind, party_id, "For a test.")
    assert status_of(site, token) == 401
    assert "is suspended" in site.client(email).post("/account/programs", data=FORM).text
    with writing(site.fresh().session):
        conduct.reinstate(world.session, world.now, world.funder, kind, party_id)
    assert status_of(site, token) == 401
    assert status_of(site, connect(site, email)) == 200


def test_there_are_not_programs_without_end(site: Site) -> None:
    """Twenty stand at most; one that is over makes room."""
    world = site.world
    details = programs.ProgramDetails("Practice system", False, world.now.date())
    with writing(world.session):
        for _ in range(programs.MOST_TOKENS):
            programs.connect(world.session, world.now, world_account(site), details)
    with pytest.raises(WrongState), writing(world.session):
        programs.connect(world.session, world.now, world_account(site), details)
    world.now += timedelta(days=1)
    connect(site, "near@example.test")


def world_account(site: Site) -> programs.Actor:
    """The near provider's own account."""
    user = site.world.session.scalars(select(User).where(User.email == "near@example.test")).one()
    return programs.Actor(user.id, user.role, user.party_id)


def test_the_description_is_the_document(site: Site) -> None:
    """The page names every operation and every document of the OpenAPI document, without a script."""
    client = site.client()
    document = client.get("/api/v1/openapi.json").get_json()
    page = client.get("/for-programs")
    addresses = page.text.replace("<wbr>", "")
    for path, item in document["paths"].items():
        for method in {"get", "post", "put"} & set(item):
            assert f"{method.upper()} {path.removeprefix('/v1')}" in addresses
    to_read, read = set(re.findall(r'href="(/for-programs/documents/\w+)"', page.text)), set[str]()
    while to_read:
        address = to_read.pop()
        read.add(address)
        told = client.get(address)
        assert told.status_code == 200, address
        to_read |= set(re.findall(r'href="(/for-programs/documents/\w+)"', told.text)) - read
    assert {address.rpartition("/")[2] for address in read} >= set(document["components"]["schemas"]) - PROBLEMS
    assert client.get("/for-programs/documents/Nothing").status_code == 404
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")


def test_nobody_else_connects(site: Site) -> None:
    """Whoever is not signed in is asked to be."""
    assert site.client().get("/account/programs").status_code == 302
    assert site.client().post("/account/programs", data=FORM).status_code == 302


@pytest.mark.parametrize("how", ["changed", "by a code"])
def test_another_password_disconnects_programs(site: Site, how: str) -> None:
    """Whoever fears that somebody else is in the account shuts out their program too; other accounts' go on."""
    token, others = connect(site, "near@example.test"), connect(site, "bulk@example.test")
    if how == "changed":
        sent = {"old_password": PASSWORD, "password": "battery horse correct"}
        assert site.client("near@example.test").post("/account", data=sent).status_code == 302
    else:
        session = site.fresh().session
        user_id = session.scalars(select(User.id).where(User.email == "near@example.test")).one()
        with writing(session):
            code = passwords.code_for_letter(session, site.world.now, user_id)
        typed = {"email": "near@example.test", "code": code, "password": "battery horse correct"}
        assert site.client().post("/first-password", data=typed).status_code == 302
    assert (status_of(site, token), status_of(site, others)) == (401, 200)
