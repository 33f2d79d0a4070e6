"""The post, to a real mail server: at least once to everybody, never lost, and not a word about anybody's health."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from marketplace.adapters.mail import MailServer
from marketplace.journey import accounts, representatives
from marketplace.records.database import writing
from marketplace.records.outbox import Message
from marketplace.records.people import AuthorityBasis
from marketplace.rules.permissions import Role, Scope
from marketplace.work import post
from marketplace.work.equipment import Equipment
from tests.letterbox import Letterbox
from tests.work.words import HEALTH_WORDS
from tests.worlds import SmallWorld


@pytest.fixture
def posting(tools: Equipment, letterbox: Letterbox) -> Equipment:
    """A worker that knows the mail server."""
    server = MailServer("127.0.0.1", letterbox.port, "carepool@example.test", "https://carepool.example")
    return replace(tools, mail=server)


@pytest.fixture
def told(world: SmallWorld, tools: Equipment) -> SmallWorld:
    """A proposal, of which patients 1 and 2, two people at the broker and one provider will hear; others cannot."""
    world.proposed()
    people = [("p1", world.patient(1)), ("p2", world.patient(2)), ("near", world.provider("near"))]
    people += [("broker-a", world.broking), ("broker-b", world.broking)]
    with writing(world.session):
        for name, actor in people:
            _account(world, name, actor.role, actor.party_id)
    return world


def _account(world: SmallWorld, name: str, role: Role, party_id: str) -> str:
    return accounts.open_account(
        world.session,
        world.now,
        email=f"{name}@example.test",
        name=name,
        role=role,
        party_id=party_id,
        password=None,
    ).id


def unsent(world: SmallWorld) -> list[str]:
    """The messages that are neither sent nor skipped."""
    world.session.rollback()
    return list(
        world.session.scalars(select(Message.template).where(Message.sent_at.is_(None), Message.skipped_at.is_(None)))
    )


def test_everybody_hears_once(told: SmallWorld, posting: Equipment, letterbox: Letterbox) -> None:
    """Each message goes to every account of its party, once; a party without an account is skipped, and said so."""
    expected = told.session.scalars(select(Message).order_by(Message.id)).all()
    by_party = {told.broking.party_id: 2, told.patient(1).party_id: 1, told.patient(2).party_id: 1}
    by_party[told.provider("near").party_id] = 1
    posted = post.send_waiting(posting)
    assert len(letterbox.letters) == sum(by_party.get(message.party_id, 0) for message in expected)
    assert posted.sent == sum(message.party_id in by_party for message in expected)
    assert posted.skipped == len(expected) - posted.sent
    assert unsent(told) == []
    assert post.send_waiting(posting) == post.Posted()
    keys = [letter["Message-ID"] for _, letter in letterbox.letters]
    assert len(set(keys)) == len(keys)


def test_not_a_word_about_health(told: SmallWorld, posting: Equipment, letterbox: Letterbox) -> None:
    """What goes over the wire names no service, no condition, no place, no other person, no tender; it has the link."""
    post.send_waiting(posting)
    assert {letter["Subject"] for _, letter in letterbox.letters} >= {"We have found a match for you"}
    for address, letter in letterbox.letters:
        wire = f"{letter['Subject']}\n{letter.get_content()}"
        assert not HEALTH_WORDS.search(letter.as_string())
        assert not any(secret in wire for secret in ("Lincoln", "Patient 0", "Fen Brokers", told.tender.id))
        assert "https://carepool.example/" in wire
        assert letter["To"] == address
        assert letter["Auto-Submitted"] == "auto-generated"


def test_without_a_server_nothing_is_lost(told: SmallWorld, tools: Equipment, posting: Equipment) -> None:
    """No mail server is named, or it does not answer: every message stays, and goes out when it does."""
    before = unsent(told)
    assert post.send_waiting(tools) == post.Posted()
    assert posting.mail is not None
    away = replace(posting, mail=replace(posting.mail, port=1))
    assert post.send_waiting(away) == post.Posted(left=len(before))
    assert unsent(told) == before
    assert post.send_waiting(posting).sent > 0
    assert unsent(told) == []


def test_one_address_refused(told: SmallWorld, posting: Equipment, letterbox: Letterbox) -> None:
    """A refused address holds up nobody else; the message is tried again, and who had it does not get it twice."""
    letterbox.refused = {"broker-b@example.test"}
    posted = post.send_waiting(posting)
    assert posted.left == len(unsent(told)) == 1
    assert letterbox.readers().count("broker-a") == 1
    assert {"p1", "p2", "near"} <= set(letterbox.readers())
    assert post.send_waiting(posting) == post.Posted()
    letterbox.refused = set()
    told.now += timedelta(minutes=2)
    assert post.send_waiting(posting).sent == 1
    assert letterbox.readers().count("broker-a") == letterbox.readers().count("broker-b") == 1


def test_the_server_is_busy(told: SmallWorld, posting: Equipment, letterbox: Letterbox) -> None:
    """The pauses between attempts grow."""
    letterbox.takes_mail = False
    pauses = []
    for _ in range(3):
        post.send_waiting(posting)
        told.session.rollback()
        next_try_at = told.session.scalars(select(Message.next_try_at).where(Message.skipped_at.is_(None))).first()
        assert next_try_at is not None
        pauses.append(next_try_at - told.now)
        told.now = next_try_at
    assert pauses == [timedelta(minutes=2), timedelta(minutes=4), timedelta(minutes=8)]
    letterbox.takes_mail = True
    post.send_waiting(posting)
    assert unsent(told) == []


def test_a_death_between_two_letters(
    told: SmallWorld, posting: Equipment, letterbox: Letterbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that dies between the two letters of a message has lost none; the first reader gets no second one."""
    sent = MailServer._send

    def dying(self: MailServer, server: object, letter: object) -> None:
        if {"broker-a", "broker-b"} & set(letterbox.readers()):
            raise SystemExit
        sent(self, server, letter)  # type: ignore[arg-type]

    monkeypatch.setattr(MailServer, "_send", dying)
    with pytest.raises(SystemExit):
        post.send_waiting(posting)
    monkeypatch.undo()
    post.send_waiting(posting)
    assert unsent(told) == ["tender_closed"]  # claimed by the dead one, for some minutes more
    told.now += post.CLAIM
    post.send_waiting(posting)
    assert unsent(told) == []
    assert letterbox.readers().count("broker-a") == letterbox.readers().count("broker-b") == 1


def test_a_representative_hears_too(told: SmallWorld, posting: Equipment, letterbox: Letterbox) -> None:
    """Whoever may act for a patient today gets the patient's post; after the last day, no more."""
    with writing(told.session):
        user_id = _account(told, "daughter", Role.REPRESENTATIVE, "daughter")
        representatives.appoint(
            told.session,
            told.now,
            told.funder,
            patient_id=told.patient(3).party_id,
            representative_id=user_id,
            basis=AuthorityBasis.POWER_OF_ATTORNEY,
            scopes=[Scope.MATCHES],
            valid_from=told.now.date(),
            valid_to=told.now.date(),
        )
    post.send_waiting(posting)
    assert "daughter" in letterbox.readers()
    assert post.recipients(told.session, told.now + timedelta(days=1), told.patient(3).party_id) == []


def test_two_halves_of_a_server() -> None:
    """A server without a sender is refused at the start, with what to set."""
    named = {"MAIL_HOST": "mail", "MAIL_FROM": "", "BASE_URL": "https://carepool.example"}
    with pytest.raises(ValueError, match="CAREPOOL_MAIL_FROM"):
        MailServer.from_settings(named)
    assert MailServer.from_settings({**named, "MAIL_HOST": ""}) is None


@pytest.mark.parametrize("telephone", ["01632 960 101", None])
def test_a_letter_says_whom_to_ask(
    told: SmallWorld, posting: Equipment, letterbox: Letterbox, telephone: str | None
) -> None:
    """The invitation has the telephone number of the patient's broker, and not its name; without one, nothing."""
    with writing(told.session):
        told.broker.telephone = telephone
    post.send_waiting(posting)
    invited = [letter for address, letter in letterbox.letters if address.startswith("p") and "invite" in str(letter)]
    assert len(invited) == 2
    for letter in invited:
        text = " ".join(letter.get_content().split())
        assert ("You can ask your broker on 01632 960 101." in text) is (telephone is not None)
        assert "ask your broker on None" not in text
        assert "$" not in text
        assert "Fen" not in text


def test_only_a_letter_that_names_whom_to_ask_looks_it_up(
    told: SmallWorld, posting: Equipment, letterbox: Letterbox
) -> None:
    """The broker's telephone number is asked for as often as there are messages with a gap for it."""
    statements: list[str] = []

    def note(*given: object) -> None:
        statements.append(str(given[2]))

    waiting = told.session.execute(select(Message.template, Message.party_id)).all()
    readers = {told.patient(1).party_id, told.patient(2).party_id, told.provider("near").party_id}
    readers.add(told.broking.party_id)
    with_gap = [template for template, party in waiting if party in readers and "$" in post.text_of(template).body]
    engine = told.session.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    try:
        post.send_waiting(posting)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert 0 < len(with_gap) < len(letterbox.letters)
    assert sum("telephone" in statement for statement in statements) == len(with_gap)
