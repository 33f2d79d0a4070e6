"""How somebody gets into their own account: a one-time code for a first or a forgotten password, and changing it.

`new_code` makes a code and keeps its hash; `choose_password` takes it. Whoever forgot their password asks for a code by
e-mail with `ask_for_code`. That queues a message and nothing else: the code is made by `code_for_letter` when the
letter is written, so that no working code ever lies in the outbox. Nobody can set a password in another's place.
"""

import hashlib
import hmac
import re
import secrets
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from marketplace.adapters.passwords import hash_password, verify_password
from marketplace.records import audit
from marketplace.records.outbox import tell
from marketplace.records.people import AccountCode, SignIn, User
from marketplace.rules.clock import Instant
from marketplace.rules.errors import Invalid, NotAllowed
from marketplace.rules.permissions import Actor

from .accounts import actor_for, check_password, digest
from .scopes import locked

CODE_HOLDS = timedelta(days=14)
"""A code handed over by a person."""
LETTER_HOLDS = timedelta(hours=1)
"""A code sent by e-mail: whoever asked for it is waiting."""
FORGOTTEN = "password_forgotten"
"""The message whose letter carries a code."""
_LETTERS = "23456789abcdefghjkmnpqrstvwxyz"
"""Without those that look alike on paper (0 and o, 1 and i and l, u and v)."""
_GROUPS = 4


def new_code(session: Session, now: Instant, user: User, holds: timedelta) -> str:
    """Another one-time code for an account, good for so long; the one before is void. It is kept nowhere."""
    code = "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(_GROUPS))
    row = session.get(AccountCode, user.id) or AccountCode(user_id=user.id)
    row.code_sha256, row.good_until = _code_digest(code), now + holds
    session.add(row)
    session.flush()
    return code


def choose_password(session: Session, now: Instant, email: str, code: str, password: str) -> User:
    """Somebody chooses the password of their account with the one-time code they were given. Other browsers are out.

    Raises
    ------
    NotAllowed
        If address and code do not fit, or the code is too old; which of the two is not said.
    Invalid
        If the password is too short.
    """
    user = session.scalar(select(User).where(User.email == email.strip().lower()))
    row = None if user is None else session.get(AccountCode, user.id)
    fits = hmac.compare_digest(_code_digest(code), row.code_sha256 if row else "-" * 64)
    if user is None or row is None or not fits or user.closed_at is not None or now > row.good_until:
        message = "The e-mail address and the code do not fit, or the code is too old. Ask for a new code."
        raise NotAllowed("code_wrong", message)
    check_password(password)
    event = "account.password_chosen" if user.password_hash is None else "account.password_replaced"
    session.delete(row)
    _set(session, now, user, password, but="")
    audit.append(session, now, actor_for(user), event, user.id)
    return user


def change_password(session: Session, now: Instant, actor: Actor, token: str, old: str, new: str) -> None:
    """Whoever is signed in chooses another password. Every other browser is signed out; this one (`token`) stays.

    Raises
    ------
    Invalid
        If the old password is not theirs (place: old_password), or the new one is too short.
    """
    user = locked(session, User, actor.user_id, "account")
    if not verify_password(user.password_hash, old):
        raise Invalid("password_wrong", "This is not your password.", place="old_password")
    check_password(new)
    _set(session, now, user, new, but=token)
    audit.append(session, now, actor, "account.password_replaced", user.id)


def ask_for_code(session: Session, now: Instant, email: str) -> None:
    """Queue a letter with a code to whoever has this address. Nothing shows whether anybody has.

    The password that is forgotten goes on working until another one is chosen, so that nobody can be shut out by a
    stranger who asks in their name.
    """
    user = session.scalar(select(User).where(User.email == email.strip().lower(), User.closed_at.is_(None)))
    if user is not None:
        audit.append(session, now, actor_for(user), "account.code_asked", user.id)
        tell(session, now, [user.id], FORGOTTEN, user.id)


def code_for_letter(session: Session, now: Instant, user_id: str) -> str:
    """The code that goes into a letter which is being written now."""
    return new_code(session, now, session.get_one(User, user_id), LETTER_HOLDS)


def sign_out_others(session: Session, now: Instant, actor: Actor, token: str) -> int:
    """End every sign-in of this account but the one with this token; returns how many those were."""
    ended = _end_sign_ins(session, now, actor.user_id, but=token)
    if ended:
        audit.append(session, now, actor, "account.others_signed_out", actor.user_id, browsers=ended)
    return ended


def _set(session: Session, now: Instant, user: User, password: str, *, but: str) -> None:
    if user.password_hash is not None:
        tell(session, now, [user.id], "password_changed", user.id)
    user.password_hash = hash_password(password)
    _end_sign_ins(session, now, user.id, but=but)


def _end_sign_ins(session: Session, now: Instant, user_id: str, *, but: str) -> int:
    open_ones = (SignIn.user_id == user_id, SignIn.ended_at.is_(None), SignIn.token_sha256 != digest(but))
    return len(session.execute(update(SignIn).where(*open_ones).values(ended_at=now).returning(SignIn.user_id)).all())


def _code_digest(code: str) -> str:
    """The hash of a code, however it is spaced and written."""
    return hashlib.sha256(re.sub(r"[^0-9a-z]", "", code.lower()).encode()).hexdigest()
