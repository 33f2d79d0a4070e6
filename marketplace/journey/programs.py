"""Other programs that act for an account: `connect` hands out a token, `disconnect` ends one at once.

`actor_of` is what every request of such a program asks first; `note_use` says when a token was last seen. A token acts
as its account and never as more: it reads, or reads and writes, until its last day. When the account is closed, its
password replaced or its organisation suspended, `end_all` ends what was handed out (`users.close`, `passwords`,
`conduct.suspend`).

A token stands for a whole sign-in: the page that hands it out opens to nobody whose second step is still to be taken
(`second_steps`), so a program, which has no phone, is asked for no code. What becomes of the second step later leaves
tokens as they are.

`once` lets a program send the same thing again, as programs do when an answer is lost: what has been done under a key
is not done a second time; the first answer is given again.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.database import one_at_a_time
from marketplace.records.outbox import tell
from marketplace.records.people import Broker, User
from marketplace.records.programs import AccessToken, KeptAnswer
from marketplace.records.providers import Provider
from marketplace.rules.clock import Instant, london_date, london_midnight_after
from marketplace.rules.errors import Conflict, Invalid, NotAllowed, NotFound, WrongState
from marketplace.rules.permissions import Actor, Role

from .keys import keyring_of
from .scopes import locked

LONGEST_DAYS = 365
MOST_TOKENS = 20
SEEN_EVERY = timedelta(minutes=1)
_MARK = "carepool_"
"""What every token begins with, so that one published by mistake is found by those who look for such things."""

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ProgramDetails:
    """A program to be connected: what its owner calls it, what it may do, and its last day."""

    name: str
    may_write: bool
    last_day: date


@dataclass(frozen=True, slots=True)
class Shown:
    """A token that holds, as it was shown: in whose place its program acts, and what it may do."""

    actor: Actor
    token_id: str
    may_write: bool
    used_at: Instant | None


def connect(session: Session, now: Instant, actor: Actor, details: ProgramDetails) -> tuple[AccessToken, str]:
    """Hand out a token for a program; returns it as it is kept, and the token itself, which is kept nowhere.

    Raises
    ------
    Invalid
        If its last day is past, or more than a year away.
    WrongState
        If the account has many programs already.
    NotAllowed
        If its organisation is suspended, or the account closed.
    """
    _check_not_suspended(session, actor)
    today = london_date(now)
    if not today <= details.last_day <= today + timedelta(days=LONGEST_DAYS):
        message = "Choose a last day from today on, at most a year away."
        raise Invalid("last_day_out_of_range", message, place="last_day")
    if locked(session, User, actor.user_id, "account").closed_at is not None:
        raise NotAllowed("account_closed", "This account is closed, so no program can be connected.")
    if len(session.scalars(standing_for(actor, now)).all()) >= MOST_TOKENS:
        message = f"There are {MOST_TOKENS} programs connected. End one that is not used any more first."
        raise WrongState("many_programs", message, programs=MOST_TOKENS)
    token = _MARK + secrets.token_urlsafe(32)
    row = AccessToken(
        user_id=actor.user_id,
        name=details.name,
        token_sha256=_digest(token),
        may_write=details.may_write,
        made_at=now,
        ends_at=london_midnight_after(details.last_day),
    )
    session.add(row)
    session.flush()
    ends_on = details.last_day.isoformat()
    audit.append(session, now, actor, "program.connected", row.id, may_write=row.may_write, ends_on=ends_on)
    tell(session, now, [actor.user_id], "program_connected", row.id)
    return row, token


def disconnect(session: Session, now: Instant, actor: Actor, token_id: str) -> AccessToken:
    """End one of the account's own tokens: from now on it opens nothing.

    Raises
    ------
    NotFound, WrongState
        If it is another account's, or ended before.
    """
    row = locked(session, AccessToken, token_id, "program")
    if row.user_id != actor.user_id:
        raise NotFound("not_found", "We cannot find that program.")
    if row.ended_at is not None:
        raise WrongState("program_ended", "This program is not connected any more.")
    row.ended_at = now
    audit.append(session, now, actor, "program.disconnected", row.id)
    return row


def end_all(session: Session, now: Instant, actor: Actor, user_ids: Select[str]) -> int:
    """End every token of these accounts; returns how many. Called by the steps that shut somebody out."""
    rows = session.scalars(
        select(AccessToken).where(AccessToken.user_id.in_(user_ids), AccessToken.ended_at.is_(None)).with_for_update()
    ).all()
    for row in rows:
        row.ended_at = now
        audit.append(session, now, actor, "program.disconnected", row.id)
    return len(rows)


def tokens_for(actor: Actor) -> Select[AccessToken]:
    """The tokens of this account, ended ones too."""
    return select(AccessToken).where(AccessToken.user_id == actor.user_id)


def standing_for(actor: Actor, now: Instant) -> Select[AccessToken]:
    """Those of them that hold."""
    return tokens_for(actor).where(AccessToken.ended_at.is_(None), AccessToken.ends_at > now)


def actor_of(session: Session, now: Instant, token: str) -> Shown | None:
    """Who acts by this token, or None where it is nobody's, has ended, or its account is closed."""
    query = select(AccessToken, User).join(AccessToken.user).where(AccessToken.token_sha256 == _digest(token))
    found = session.execute(query).first()
    if found is None:
        return None
    row, user = found
    if row.ended_at is not None or row.ends_at <= now or user.closed_at is not None:
        return None
    actor = Actor(user_id=user.id, role=user.role, party_id=user.party_id, token_id=row.id)
    return Shown(actor, row.id, row.may_write, row.used_at)


def note_use(session: Session, now: Instant, token_id: str) -> None:
    """Note when a token was last seen. Nothing waits for it, and nothing else is changed."""
    session.execute(update(AccessToken).where(AccessToken.id == token_id).values(used_at=now))


def needs_note(shown: Shown, now: Instant) -> bool:
    """Whether `note_use` is due: at most once a minute."""
    return shown.used_at is None or now - shown.used_at >= SEEN_EVERY


def once(
    session: Session,
    now: Instant,
    actor: Actor,
    key: str,
    request: bytes,
    step: Callable[[Session], tuple[int, Document]],
) -> tuple[int, Document, bool]:
    """Take a step under a key, or give the answer that it had; the last part says whether it was given before.

    In the caller's transaction, with the step: either both are kept or neither. A step that is refused keeps nothing,
    so it may be tried again under the same key. Of several at the same time one goes first; the others wait for it.

    Raises
    ------
    Conflict
        If the key was used for another request.
    """
    one_at_a_time(session, f"{actor.user_id}:{key}")
    place = f"kept_answers.answer:{actor.user_id}:{key}"
    keyring = keyring_of(session)
    mac = keyring.sign("request", request)
    kept = session.get(KeptAnswer, (actor.user_id, key))
    if kept is not None:
        if kept.request_mac != mac:
            message = "This Idempotency-Key was used for another request. Use a new one for a new request."
            raise Conflict("key_used", message)
        return kept.status, json.loads(keyring.unlock(place, kept.answer_sealed)), True
    status, document = step(session)
    session.add(
        KeptAnswer(
            user_id=actor.user_id,
            key=key,
            request_mac=mac,
            status=status,
            answer_sealed=keyring.lock(place, json.dumps(document)),  # in its own order: again means the same bytes
            kept_at=now,
        )
    )
    session.flush()
    return status, document, False


def _check_not_suspended(session: Session, actor: Actor) -> None:
    """The party stays locked: a suspension at the same time comes before this, or ends the token that it finds."""
    party: Broker | Provider | None = None
    if actor.role is Role.BROKER:
        party = locked(session, Broker, actor.party_id, "organisation")
    elif actor.role is Role.PROVIDER:
        party = locked(session, Provider, actor.party_id, "organisation")
    if party is not None and party.suspended_at is not None:
        message = "Your organisation is suspended, so no program can be connected. Ask the commissioner."
        raise NotAllowed("party_suspended", message)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
