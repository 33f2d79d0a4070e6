"""The second step as a person meets it: switched on, asked for, recovered, moved, switched off, taken away."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace import SettingsError, create_app
from marketplace.journey import passwords, second_steps
from marketplace.journey.second_steps import ToScan
from marketplace.records.audit import AuditEvent
from marketplace.records.database import writing
from marketplace.records.outbox import Message
from marketplace.records.people import User
from marketplace.records.second_steps import HalfSignIn
from marketplace.rules.permissions import Actor
from tests.second_steps import App, switch_on
from tests.web.site import PASSWORD, Site, build_site

ON = "/account/second-step"
CODES = re.compile(r"<li[^>]*>((?:[0-9a-z]{4}-){2}[0-9a-z]{4})</li>")
KEY = re.compile(r'cp-key-text">([A-Z2-7 ]{39})<')
OFFICE = {"SECOND_STEP_ROLES": ["commissioner", "broker", "provider", "holder"], "WTF_CSRF_ENABLED": False}


def on(site: Site, name: str = "p1") -> App:
    return switch_on(site.fresh().session, site.world.now, f"{name}@example.test", PASSWORD)


def types_password(site: Site, name: str = "p1", came_for: str = "") -> tuple[FlaskClient, TestResponse]:
    """A browser in which the password was typed, rightly, and where that led."""
    client = site.client()
    typed = {"email": f"{name}@example.test", "password": PASSWORD, "next": came_for}
    return client, client.post("/sign-in", data=typed)


def cookie_of(client: FlaskClient) -> str:
    cookie = client.get_cookie("carepool")
    assert cookie is not None
    return cookie.value


def test_a_patient_switches_it_on(site: Site) -> None:
    """By the account's page: the password, the picture and the key, a code of it; then the codes, once."""
    client, elsewhere = site.client("p1@example.test"), site.client("p1@example.test")
    assert f'href="{ON}"' in client.get("/account").text
    assert "Set it up" in client.get(ON).text
    wrong = client.post(f"{ON}/begin", data={"password": "guess guess guess"})
    assert (wrong.status_code, "This is not your password" in wrong.text) == (422, True)
    assert client.get(f"{ON}/app").location == ON, "nothing was begun"
    begun = client.post(f"{ON}/begin", data={"password": PASSWORD})
    assert begun.location == f"{ON}/app"
    page = client.get(f"{ON}/app")
    found = KEY.search(page.text)
    assert found is not None
    assert '<svg class="cp-qr"' in page.text
    assert 'inputmode="numeric"' in page.text
    assert "style=" not in page.text
    app = App(found[1])
    missed = client.post(f"{ON}/app", data={"code": app.wrong_code(site.world.now)})
    assert (missed.status_code, "does not fit" in missed.text, found[1] in missed.text) == (422, True, True)
    assert "Set it up" in client.get(ON).text
    shown = client.post(f"{ON}/app", data={"code": app.code(site.world.now)})
    assert (shown.status_code, len(set(CODES.findall(shown.text)))) == (200, 10)
    assert shown.headers["Cache-Control"] == "no-store"
    later = client.get(ON).text
    assert "On since 2 March 2026" in later
    assert not CODES.search(later)
    assert elsewhere.get("/account").status_code == 302
    assert client.get("/account").status_code == 200


def test_the_code_is_asked_for_after_the_password(site: Site) -> None:
    """The session is another one after it, and leads where the person wanted to go."""
    app = on(site)
    client, answer = types_password(site, came_for="/patient/budget")
    assert answer.location == "/sign-in/code?next=/patient/budget"
    page = client.get(answer.location)
    assert 'autocomplete="one-time-code"' in page.text
    assert 'inputmode="numeric"' in page.text
    halfway = cookie_of(client)
    assert client.get("/patient/budget").location.startswith("/sign-in")
    missed = client.post("/sign-in/code", data={"code": app.wrong_code(site.world.now), "next": "/patient/budget"})
    assert (missed.status_code, "does not fit" in missed.text) == (422, True)
    assert 'value="/patient/budget"' in missed.text
    code = app.code(site.world.now)
    into = client.post("/sign-in/code", data={"code": f"{code[:3]} {code[3:]}", "next": "/patient/budget"})
    assert into.location == "/patient/budget"
    assert client.get("/patient/budget").status_code == 200
    thief = site.app.test_client()
    thief.set_cookie("carepool", halfway)
    assert thief.get("/patient/budget").status_code == 302
    assert thief.get("/sign-in/code").location == "/sign-in", "the half is used up"


def test_the_same_code_twice_is_refused(site: Site) -> None:
    app = on(site)
    first, second = types_password(site)[0], types_password(site)[0]
    typed = {"code": app.code(site.world.now)}
    assert first.post("/sign-in/code", data=typed).location == "/home"
    again = second.post("/sign-in/code", data=typed)
    assert (again.status_code, "used before" in again.text) == (422, True)
    assert second.get("/patient/").status_code == 302


def test_a_link_leads_nowhere_else(site: Site) -> None:
    """A planted address is not followed: neither before the code nor after it."""
    app = on(site)
    client, answer = types_password(site, came_for="https://elsewhere.example/")
    assert answer.location == "/sign-in/code"
    sent = {"code": app.code(site.world.now), "next": "https://elsewhere.example/"}
    assert client.post("/sign-in/code", data=sent).location == "/home"


def test_a_recovery_code_in_its_place(site: Site) -> None:
    app = on(site)
    client, _ = types_password(site)
    assert "/sign-in/recovery-code" in client.get("/sign-in/code").text
    missed = client.post("/sign-in/recovery-code", data={"code": "2222-2222-2222"})
    assert (missed.status_code, "not one of your recovery codes" in missed.text) == (422, True)
    assert client.post("/sign-in/recovery-code", data={"code": app.recovery_codes[0]}).location == "/home"
    assert 'value">9</dd>' in client.get(ON).text
    session = site.fresh().session
    told = session.scalars(select(Message.template).where(Message.template == "recovery_code_used")).all()
    assert told == ["recovery_code_used"]


def test_five_minutes_then_anew(site: Site) -> None:
    on(site)
    client, _ = types_password(site)
    site.world.now += timedelta(minutes=5)
    assert client.get("/sign-in/code").location == "/sign-in"
    assert "took too long" in client.get("/sign-in").text
    assert "took too long" not in client.get("/sign-in").text


def test_signing_out_halfway(site: Site) -> None:
    """The half is gone on the server too."""
    on(site)
    client, _ = types_password(site)
    kept = cookie_of(client)
    client.post("/sign-out")
    assert site.fresh().session.scalars(select(HalfSignIn)).all() == []
    client.set_cookie("carepool", kept)
    assert client.get("/sign-in/code").location == "/sign-in"


def test_whoever_is_in_is_sent_home_from_the_way_in(site: Site) -> None:
    client = site.client("p1@example.test")
    for page in ("code", "recovery-code", "set-up"):
        assert client.get(f"/sign-in/{page}").location == "/home"


def test_an_office_must_have_it(tmp_path: Path) -> None:
    """Before anything else it is set up; then the page that was asked for. A patient may do without."""
    site = build_site(tmp_path, patients=3, **OFFICE)
    assert types_password(site)[1].location == "/home"
    client, answer = types_password(site, "broker", came_for="/broker/clients")
    assert answer.location == "/sign-in/set-up?next=/broker/clients"
    for path in ("/broker/", "/account", ON, f"{ON}/app", "/account/programs"):
        assert client.get(path).location.startswith("/sign-in?"), path
    assert client.get("/sign-in/code").location == "/sign-in/set-up"
    assert client.get("/sign-in/recovery-code").location == "/sign-in/set-up"
    found = KEY.search(client.get(answer.location).text)
    assert found is not None
    app = App(found[1])
    sent = {"code": app.code(site.world.now), "next": "/broker/clients"}
    shown = client.post("/sign-in/set-up", data=sent)
    assert len(CODES.findall(shown.text)) == 10
    assert 'href="/broker/clients"' in shown.text
    assert client.get("/broker/clients").status_code == 200
    assert client.post("/sign-in/set-up", data=sent).location == "/home", "sent twice"
    assert "cannot be switched off" in client.get(ON).text
    site.world.now += timedelta(seconds=30)
    refused = client.post(f"{ON}/off", data={"password": PASSWORD, "code": app.code(site.world.now)})
    assert refused.status_code == 409
    assert types_password(site, "broker")[1].location == "/sign-in/code"


def test_set_up_begun_in_another_browser(tmp_path: Path) -> None:
    """The one of before shows no key any more and begins anew; it never shows the other one's."""
    site = build_site(tmp_path, patients=3, **OFFICE)
    first, second = types_password(site, "broker")[0], types_password(site, "broker")[0]
    assert KEY.search(second.get("/sign-in/set-up").text)
    answer = first.get("/sign-in/set-up", follow_redirects=False)
    assert (answer.status_code, KEY.search(answer.text)) == (302, None)
    assert answer.location == "/sign-in"


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let something happen once in another window: after a page was prepared, and before its step is taken."""
    real, acts = second_steps.to_scan, [act]

    def prepared(session: Session, user_id: str, token: str) -> ToScan | None:
        found = real(session, user_id, token)
        session.rollback()
        if acts:
            acts.pop()()
        return found

    monkeypatch.setattr(second_steps, "to_scan", prepared)


def test_two_windows_set_up_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that comes second is led to where the account now stands, and never to an error in the middle of it."""
    site = build_site(tmp_path, patients=3, **OFFICE)
    first = types_password(site, "broker", came_for="/broker/clients")[0]
    found = KEY.search(first.get("/sign-in/set-up").text)
    assert found is not None
    sent = {"code": App(found[1]).code(site.world.now), "next": "/broker/clients"}
    meanwhile(monkeypatch, lambda: types_password(site, "broker"))
    begun = first.post("/sign-in/set-up", data=sent)
    assert begun.location == "/sign-in/set-up?next=/broker/clients"
    assert "You began this in another browser too" in first.get(begun.location, follow_redirects=True).text

    second = types_password(site, "broker", came_for="/broker/clients")[0]
    with second.session_transaction() as cookie:
        token = cookie["half_way"]
    found = KEY.search(second.get("/sign-in/set-up").text)
    assert found is not None
    sent["code"] = App(found[1]).code(site.world.now)
    world = site.fresh()

    def set_up_already() -> None:
        with writing(world.session):
            second_steps.set_up_first(world.session, world.now, token, sent["code"])

    meanwhile(monkeypatch, set_up_already)
    late = second.post("/sign-in/set-up", data=sent)
    assert late.location == "/sign-in/set-up?next=/broker/clients"
    assert second.get(late.location).location == "/sign-in"

    third, answer = types_password(site, "broker", came_for="/broker/clients")
    assert answer.location == "/sign-in/code?next=/broker/clients"
    assert third.get("/sign-in/set-up?next=/broker/clients").location == answer.location, "asked for what it came for"


def test_two_windows_confirm_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed in, whoever confirms second reads that it is on."""
    client, world = site.client("p1@example.test"), site.fresh()
    client.post(f"{ON}/begin", data={"password": PASSWORD})
    found = KEY.search(client.get(f"{ON}/app").text)
    assert found is not None
    code = App(found[1]).code(site.world.now)
    with client.session_transaction() as cookie:
        token = cookie["sign_in"]
    user = world.session.scalars(select(User).where(User.email == "p1@example.test")).one()
    actor = Actor(user.id, user.role, user.party_id)

    def confirmed_already() -> None:
        with writing(world.session):
            second_steps.confirm(world.session, world.now, actor, token, code)

    world.session.rollback()
    meanwhile(monkeypatch, confirmed_already)
    late = client.post(f"{ON}/app", data={"code": code})
    assert late.location == ON
    page = client.get(ON).text
    assert "You went on with this in another window" in page
    assert "On since 2 March 2026" in page


def test_changed_by_password_and_code(site: Site) -> None:
    """New recovery codes, another phone, off: each asks for both, and tells what it did."""
    app = on(site)
    client = site.client("p1@example.test")
    for page in ("begin", "recovery-codes", "off"):
        form = client.get(f"{ON}/{page}").text
        assert 'name="password"' in form
        assert 'name="code"' in form
        missing = client.post(f"{ON}/{page}", data={"password": PASSWORD})
        assert (missing.status_code, "Enter a code" in missing.text) == (422, True)

    def proof() -> dict[str, str]:
        site.world.now += timedelta(seconds=30)
        return {"password": PASSWORD, "code": app.code(site.world.now)}

    codes = CODES.findall(client.post(f"{ON}/recovery-codes", data=proof()).text)
    assert len(codes) == 10
    assert not set(codes) & set(app.recovery_codes)
    assert client.post(f"{ON}/begin", data={"password": PASSWORD, "code": codes[0]}).location == f"{ON}/app"
    found = KEY.search(client.get(f"{ON}/app").text)
    assert found is not None
    assert found[1] != app.key
    app = App(found[1])
    assert len(CODES.findall(client.post(f"{ON}/app", data={"code": app.code(site.world.now)}).text)) == 10
    assert client.post(f"{ON}/off", data=proof()).location == ON
    assert "The second step is off" in client.get(ON).text
    assert types_password(site)[1].location == "/home"
    for page in ("recovery-codes", "off", "app"):
        assert client.get(f"{ON}/{page}").location == ON
    events = set(site.fresh().session.scalars(select(AuditEvent.event)))
    kinds = {"second_step_on", "second_step_moved", "second_step_off", "recovery_codes_renewed", "recovery_code_used"}
    assert {f"account.{kind}" for kind in kinds} <= events


def test_a_forgotten_password_is_no_way_round(site: Site) -> None:
    """Whoever reads the letters gets to the code, and no further."""
    on(site)
    world = site.fresh()
    user = world.session.scalars(select(User).where(User.email == "p1@example.test")).one()
    with writing(world.session):
        code = passwords.code_for_letter(world.session, world.now, user.id)
    chosen = {"email": "p1@example.test", "code": code, "password": "battery horse correct"}
    client = site.client()
    assert client.post("/first-password", data=chosen).location == "/sign-in"
    typed = {"email": "p1@example.test", "password": "battery horse correct"}
    assert client.post("/sign-in", data=typed).location == "/sign-in/code"
    assert client.get("/patient/").status_code == 302


def test_a_commissioner_takes_it_away(site: Site) -> None:
    """From the list of accounts, after one more question; whoever was signed in is signed out and told."""
    on(site, "broker")
    broker = site.client("broker@example.test")
    user = site.fresh().session.scalars(select(User).where(User.email == "broker@example.test")).one()
    path, funder = f"/commissioner/users/{user.id}/second-step", site.client("funder@example.test")
    listed = funder.get("/commissioner/users").text
    assert f'href="{path}"' in listed
    assert listed.count("Take away second step") == 1
    assert "Second step" in funder.get("/commissioner/users?export=csv").text
    assert "second step of Fen Brokers" in funder.get(path).text
    assert broker.get("/broker/").status_code == 200
    assert funder.post(path).location == "/commissioner/users?role="
    assert broker.get("/broker/").status_code == 302
    assert types_password(site, "broker")[1].location == "/home"
    assert funder.get(path).status_code == 409
    assert broker.get(path).status_code in (302, 403)
    session = site.fresh().session
    assert session.scalar(select(Message.party_id).where(Message.template == "second_step_taken_away")) == user.id
    assert session.scalar(select(AuditEvent.about_id).where(AuditEvent.event.endswith("taken_away"))) == user.id
    trail = funder.get("/commissioner/audit").text
    assert "Account: second step taken away" in trail
    assert "Account: second step switched on" in trail, "the list of accounts shows that too"


def test_guessing_is_slowed_down(tmp_path: Path) -> None:
    """Codes count by account, from all pages together; a right one too is refused then, and let in a while later."""
    limits = {"SIGN_IN_LIMIT": [[100, 60]], "SIGN_IN_ACCOUNT_LIMIT": [[4, 900]]}
    site = build_site(tmp_path, patients=3, RATELIMIT_ENABLED=True, WTF_CSRF_ENABLED=False, **limits)
    app = on(site)
    signed_in = site.client("p1@example.test")
    one, other = types_password(site)[0], types_password(site)[0]
    guess = {"code": app.wrong_code(site.world.now), "password": PASSWORD}
    tries = [
        one.post("/sign-in/code", data={"code": guess["code"]}),
        other.post("/sign-in/recovery-code", data={"code": guess["code"]}),
        signed_in.post(f"{ON}/off", data=guess),
        signed_in.post(f"{ON}/begin", data=guess),
    ]
    assert [answer.status_code for answer in tries] == [422] * 4
    assert other.post("/sign-in/code", data={"code": app.code(site.world.now)}).status_code == 429
    assert types_password(site, "p2")[1].location == "/home"
    site.world.now += timedelta(minutes=15)
    client, _ = types_password(site)
    assert client.post("/sign-in/code", data={"code": app.code(site.world.now)}).location == "/home"


def test_a_role_that_is_none_is_told_at_the_start(tmp_path: Path) -> None:
    """A slip does not leave an office without its second step; nor is the scheduler a person."""
    for name in ("brokers", "system"):
        with pytest.raises(SettingsError, match="CAREPOOL_SECOND_STEP_ROLES"):
            create_app({"VAR_DIR": str(tmp_path), "SECOND_STEP_ROLES": [name]})
