"""A forgotten password, by a real letter; another password; other browsers signed out."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from marketplace.adapters.mail import MailServer
from marketplace.adapters.sealing import Keyring
from marketplace.records.audit import AuditEvent
from marketplace.records.outbox import Message
from marketplace.records.people import AccountCode
from marketplace.work import post
from marketplace.work.equipment import Equipment
from tests.letterbox import Letterbox
from tests.web.site import KEYS, PASSWORD, Site, build_site

BETTER = "battery horse correct"


@pytest.fixture
def posted(tmp_path: Path, letterbox: Letterbox) -> tuple[Site, Equipment]:
    """A site whose letters go out, and the worker that sends them."""
    site = build_site(tmp_path, WTF_CSRF_ENABLED=False, MAIL_HOST="127.0.0.1")
    server = MailServer("127.0.0.1", letterbox.port, "carepool@example.test", "https://carepool.example")
    keyring = Keyring.from_hex(KEYS["FIELD_KEY"], KEYS["SEALING_KEY"])
    with site.app.app_context():
        engine = site.app.extensions["sqlalchemy"].engine
    return site, Equipment(engine, keyring, lambda: site.world.now, server, tmp_path)


def about_passwords(letterbox: Letterbox) -> list[tuple[str, str]]:
    """Who was written to about a password, and under which heading, in order."""
    return [(to, letter["Subject"]) for to, letter in letterbox.letters if "password" in letter["Subject"]]


def code_of(letterbox: Letterbox) -> str:
    """The code in the one letter that has one."""
    pattern = re.compile(r"^(?:[0-9a-z]{4}-){3}[0-9a-z]{4}(?=\r?$)", re.MULTILINE)
    (code,) = [code for _, letter in letterbox.letters for code in pattern.findall(letter.get_content())]
    return str(code)


def signs_in(site: Site, password: str) -> bool:
    """Whether patient 1 gets in with this password."""
    typed = {"email": "p1@example.test", "password": password}
    return site.client().post("/sign-in", data=typed).status_code == 302


def test_a_forgotten_password(posted: tuple[Site, Equipment], letterbox: Letterbox) -> None:
    """A code comes by e-mail, to the person alone; it works once; the browser of before is signed out, and told so."""
    site, worker = posted
    before = site.client("p1@example.test")
    asked = site.client().post("/forgotten-password", data={"email": " P1@Example.test "})
    assert "a code is on its way" in asked.text
    session = site.fresh().session
    message = session.scalars(select(Message).where(Message.template == "password_forgotten")).one()
    assert session.scalars(select(AccountCode)).all() == [], "no code waits in the database or the outbox"
    post.send_waiting(worker)
    assert about_passwords(letterbox) == [("p1@example.test", "A code for a new password")]
    code = code_of(letterbox)
    assert code not in site.fresh().session.get_one(AccountCode, (message.about_id, True)).code_sha256
    assert signs_in(site, PASSWORD), "until it is used the old one works"
    assert before.get("/patient/").status_code == 200
    chosen = {"email": "p1@example.test", "code": code, "password": BETTER}
    assert site.client().post("/first-password", data=chosen).status_code == 302
    assert (signs_in(site, PASSWORD), signs_in(site, BETTER)) == (False, True)
    assert before.get("/patient/").status_code == 302
    assert site.client().post("/first-password", data=chosen).status_code == 422
    post.send_waiting(worker)
    assert about_passwords(letterbox)[1:] == [("p1@example.test", "Your password was changed")]
    events = site.fresh().session.scalars(select(AuditEvent.event)).all()
    assert {"account.code_asked", "account.password_replaced"} <= set(events)


def test_a_letters_code_is_good_for_an_hour(posted: tuple[Site, Equipment], letterbox: Letterbox) -> None:
    site, worker = posted
    site.client().post("/forgotten-password", data={"email": "p1@example.test"})
    site.world.now += timedelta(minutes=20)  # the letter waited; the hour begins when it is written
    post.send_waiting(worker)
    chosen = {"email": "p1@example.test", "code": code_of(letterbox), "password": BETTER}
    site.world.now += timedelta(minutes=61)
    assert "too old" in site.client().post("/first-password", data=chosen).text
    assert signs_in(site, PASSWORD)


def test_nobody_learns_who_has_an_account(posted: tuple[Site, Equipment], letterbox: Letterbox) -> None:
    """An unknown address is answered like a known one, and nothing is sent."""
    site, worker = posted
    known = site.client().post("/forgotten-password", data={"email": "p1@example.test"})
    unknown = site.client().post("/forgotten-password", data={"email": "p7@example.test"})
    assert known.status_code == unknown.status_code == 200
    assert known.text == unknown.text.replace("p7@", "p1@")
    post.send_waiting(worker)
    assert about_passwords(letterbox) == [("p1@example.test", "A code for a new password")]


def test_without_a_mail_server_the_page_says_so(site: Site) -> None:
    asked = site.client().post("/forgotten-password", data={"email": "p1@example.test"})
    assert "cannot send e-mail yet" in asked.text
    assert site.fresh().session.scalars(select(Message).where(Message.template == "password_forgotten")).all() == []


def test_another_password(site: Site) -> None:
    """Who knows the old one chooses another; here they stay signed in, elsewhere not. Others' passwords stay."""
    here, elsewhere, other = (site.client(f"{name}@example.test") for name in ("p1", "p1", "p2"))
    assert "1 other browser" in here.get("/account").text
    wrong = here.post("/account", data={"old_password": "guess guess guess", "password": BETTER})
    assert (wrong.status_code, "This is not your password" in wrong.text) == (422, True)
    short = here.post("/account", data={"old_password": PASSWORD, "password": "short"})
    assert "at least 12 characters" in short.text
    assert elsewhere.get("/account").status_code == 200
    assert here.post("/account", data={"old_password": PASSWORD, "password": BETTER}).status_code == 302
    assert (here.get("/account").status_code, elsewhere.get("/account").status_code) == (200, 302)
    assert other.get("/account").status_code == 200
    assert (signs_in(site, PASSWORD), signs_in(site, BETTER)) == (False, True)


def test_signing_out_everywhere_else(site: Site) -> None:
    here, elsewhere, other = (site.client(f"{name}@example.test") for name in ("p1", "p1", "p2"))
    assert here.post("/account/sign-out-elsewhere").status_code == 302
    assert (here.get("/account").status_code, elsewhere.get("/account").status_code) == (200, 302)
    assert other.get("/account").status_code == 200
    assert "Nowhere" in here.get("/account").text


def test_a_letter_that_went_out_keeps_its_code(
    posted: tuple[Site, Equipment], letterbox: Letterbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker dies after the letter, before it could note the message as sent: taken up again, nothing is voided."""
    site, worker = posted
    site.client().post("/forgotten-password", data={"email": "p1@example.test"})

    def dying(*_: object, **__: object) -> None:
        raise SystemExit

    monkeypatch.setattr(post, "_note", dying)
    with pytest.raises(SystemExit):
        post.send_waiting(worker)
    monkeypatch.undo()
    site.world.now += post.CLAIM
    post.send_waiting(worker)
    chosen = {"email": "p1@example.test", "code": code_of(letterbox), "password": BETTER}
    assert site.client().post("/first-password", data=chosen).status_code == 302
