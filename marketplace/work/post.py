"""The post: messages of the outbox, as e-mails in plain English, with no word about anybody's health in them.

A letter says that there is something to read or to do, and links to the site; the text is one file per template in
``letters/``: its first line is the subject. A message is claimed for some minutes in a short transaction, sent with no
transaction open, and noted as sent in another; so it is sent at least once, and twice only if the worker dies between
the mail server's answer and that note. A letter sent twice has the same Message-ID twice.

Two things are put in when a letter is written (`_gaps`): the code for a forgotten password, and the telephone number of
a patient's broker. No more of the broker: its name may say what it buys.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from string import Template

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from marketplace.adapters.mail import Letter, MailServer, NoServer, NotSent, Send
from marketplace.journey import passwords
from marketplace.records.database import writing
from marketplace.records.outbox import Mailing, Message
from marketplace.records.people import Authority, Broker, Patient, User
from marketplace.rules.clock import Instant, london_date

from .equipment import Equipment

LETTERS = Path(__file__).parent / "letters"
FRAME = "frame"
AT_ONCE = 500
"""How many messages one run takes on: a run is over before the next but one begins."""
CLAIM = timedelta(minutes=10)
LONGEST_PAUSE = timedelta(hours=6)


@dataclass
class Posted:
    """What a run came to: messages sent whole, skipped for want of an address, and left for another attempt."""

    sent: int = 0
    skipped: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    """A template's words."""

    subject: str
    body: str


def templates() -> frozenset[str]:
    """The names of all templates that have a text."""
    return frozenset(path.stem for path in LETTERS.glob("*.txt")) - {FRAME}


@cache
def text_of(template: str) -> Text:
    """The words of a template.

    Raises
    ------
    FileNotFoundError
        If it has none; a test holds them against all messages that the journey sends.
    """
    subject, _, body = (LETTERS / f"{template}.txt").read_text().partition("\n")
    return Text(subject.strip(), body.strip())


def waiting(session: Session) -> int:
    """How many messages wait in the outbox."""
    return session.scalar(select(func.count()).select_from(Message).where(*_WAITING)) or 0


def send_waiting(tools: Equipment) -> Posted:
    """Send what waits and whose time has come, oldest first. Without a mail server it stays where it is."""
    posted = Posted()
    if tools.mail is None:
        return posted
    with tools.session() as session:
        due = session.scalars(
            select(Message.id).where(*_WAITING, _is_due(tools.now())).order_by(Message.queued_at).limit(AT_ONCE)
        ).all()
        session.rollback()
        if not due:
            return posted
        try:
            with tools.mail.connected() as send:
                for message_id in due:
                    _post_one(session, tools, tools.mail, send, message_id, posted)
        except NoServer:
            posted.left = len(due) - posted.sent - posted.skipped
    return posted


_WAITING = (Message.sent_at.is_(None), Message.skipped_at.is_(None))


def _is_due(now: Instant) -> ColumnElement[bool]:
    return or_(Message.next_try_at.is_(None), Message.next_try_at <= now)


def _post_one(
    session: Session, tools: Equipment, server: MailServer, send: Send, message_id: str, posted: Posted
) -> None:
    """Claim one message, send its letters, note what came of it."""
    if not _claim(session, tools.now(), message_id):
        return
    message = session.get_one(Message, message_id)
    everybody = recipients(session, tools.now(), message.party_id)
    if not everybody:
        _note(session, message_id, skipped_at=tools.now())
        posted.skipped += 1
        return
    had = set(session.scalars(select(Mailing.user_id).where(Mailing.message_id == message_id)))
    readers = [(user_id, address) for user_id, address in everybody if user_id not in had]
    words, key, attempts = text_of(message.template), message.id, message.attempts
    gaps = _gaps(session, tools.now(), message) if readers else {}
    session.rollback()
    missed = False
    for user_id, address in readers:
        try:
            send(letter(words, server, to=address, key=f"{key}.{user_id}", at=tools.now(), **gaps))
        except NotSent as error:
            missed = True
            if isinstance(error, NoServer):
                _note(session, message_id, next_try_at=tools.now() + _pause(attempts))
                raise
        else:
            with writing(session):
                session.add(Mailing(message_id=message_id, user_id=user_id, sent_at=tools.now()))
    if missed:
        _note(session, message_id, next_try_at=tools.now() + _pause(attempts))
        posted.left += 1
    else:
        _note(session, message_id, sent_at=tools.now())
        posted.sent += 1


def _pause(attempts: int) -> timedelta:
    """Two minutes, four, eight ... after so many attempts; never more than some hours."""
    return min(timedelta(minutes=2 ** min(attempts, 10)), LONGEST_PAUSE)


def _gaps(session: Session, now: Instant, message: Message) -> dict[str, str]:
    """What a letter says that its template cannot: a code, which exists from now on and lies nowhere; whom to ask."""
    if message.template == passwords.FORGOTTEN:
        user_id = message.about_id
        with writing(session):
            return {"code": passwords.code_for_letter(session, now, user_id)}
    if "ask_broker" not in Template(text_of(message.template).body).get_identifiers():
        return {}
    telephone = session.scalar(
        select(Broker.telephone).join(Patient, Patient.broker_id == Broker.id).where(Patient.id == message.party_id)
    )
    return {"ask_broker": f" You can ask your broker on {telephone}." if telephone else ""}


def recipients(session: Session, now: Instant, party_id: str) -> list[tuple[str, str]]:
    """Account and address of everybody who acts for a party: its own accounts, and a patient's representatives.

    What concerns one account alone (its password) is told to that account by its own id.
    """
    today = london_date(now)
    acting = select(Authority.representative_id).where(
        Authority.patient_id == party_id,
        Authority.ended_at.is_(None),
        Authority.valid_from <= today,
        Authority.valid_to >= today,
    )
    query = select(User.id, User.email).where(or_(User.party_id == party_id, User.id == party_id, User.id.in_(acting)))
    query = query.where(User.closed_at.is_(None)).order_by(User.id)
    return [(user_id, email) for user_id, email in session.execute(query)]


def letter(words: Text, server: MailServer, *, to: str, key: str, at: Instant, **gaps: str) -> Letter:
    """The words, with their gaps filled, in the frame that all letters share."""
    frame = Template((LETTERS / f"{FRAME}.txt").read_text())
    text = frame.substitute(body=Template(words.body).substitute(gaps), link=f"{server.base_url}/")
    return Letter(to=to, subject=words.subject, text=text, key=key, at=at)


def _claim(session: Session, now: Instant, message_id: str) -> bool:
    with writing(session):
        taken = session.execute(
            update(Message)
            .where(Message.id == message_id, *_WAITING, _is_due(now))
            .values(next_try_at=now + CLAIM, attempts=Message.attempts + 1)
            .returning(Message.id)
        ).all()
    return bool(taken)


def _note(session: Session, message_id: str, **values: Instant) -> None:
    with writing(session):
        session.execute(update(Message).where(Message.id == message_id).values(**values))
