"""How somebody gets into their own account: a one-time code for a first or a forgotten password, and changing it.

`new_code` makes a code and keeps its hash; `choose_password` takes it. Whoever forgot their password asks for a code by
e-mail with `ask_for_code`. That queues a message and nothing else: the code is made by `code_for_letter` when the
letter is written, so that no working code ever lies in the outbox. Nobody can set a password in another's place.

Hashing is slow on purpose. `choosable` and `changeable` do it before the transaction begins (`accounts` says why), and
look first whether it is worth it; the steps themselves look again, under the account's lock.

Whoever replaces a password may fear that somebody else is in the account. So other browsers are signed out, and the
programs that act for it are disconnected: a token that a stranger connected would open it as before.

No code of these is a way round the second step: whoever has one is asked for it at the next sign-in as before.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from marketplace.adapters.passwords import hash_password
from marketplace.records import audit
from marketplace.records.outbox import tell
from marketplace.records.people import AccountCode, User
from marketplace.rules.clock import Instant
from marketplace.rules.errors import Invalid, NotAllowed
from marketplace.rules.permissions import Actor

from .accounts import Tried, actor_for, check_password, end_sign_ins, try_password
from .factors import plain_code, written_code
from .programs import end_all
from .scopes import locked

CODE_HOLDS = timedelta(days=14)
"""A code handed over by a person."""
LETTER_HOLDS = timedelta(hours=1)
"""A code sent by e-mail: whoever asked for it is waiting."""
FORGOTTEN = "password_forgotten"
"""The message whose letter carries a code."""
_WRONG = "The e-mail address and the code do not fit, or the code is too old. Ask for a new code."
_GROUPS = 4


@dataclass(frozen=True, slots=True, repr=False)
class Change:
    """Another password for an account: the old one as it was tried, the new one's hash."""

    old: Tried
    new_hash: str


def new_code(session: Session, now: Instant, user: User, holds: timedelta, *, by_letter: bool = False) -> str:
    """Another one-time code for an account, good for so long. It is kept nowhere.

    The one before that came the same way is void. One that was handed over is not voided by a letter, because anybody
    can ask for a letter in another's name.
    """
    code = written_code(_GROUPS)
    row = session.get(AccountCode, (user.id, by_letter)) or AccountCode(user_id=user.id, by_letter=by_letter)
    row.code_sha256, row.good_until = _code_digest(code), now + holds
    session.add(row)
    session.flush()
    return code


def choosable(session: Session, now: Instant, email: str, code: str, password: str) -> str:
    """The hash of a password that somebody may choose with this code, for `choose_password`.

    Raises
    ------
    NotAllowed, Invalid
        As `choose_password` says; or the password is too short.
    """
    _check_code(session, now, _user_of(session, email), code)
    check_password(password)
    return hash_password(password)


def choose_password(session: Session, now: Instant, email: str, code: str, new_hash: str) -> User:
    """Somebody chooses the password of their account with the one-time code they were given, which is used up by it.

    Other browsers are signed out, and programs disconnected. ``new_hash`` comes from `choosable`.

    Raises
    ------
    NotAllowed
        If address and code do not fit, or the code is too old or used; which of these is not said.
    """
    user = _user_of(session, email)
    if user is not None:
        user = locked(session, User, user.id, "account")  # of two with the same code, one is first
    user = _check_code(session, now, user, code)
    event = "account.password_chosen" if user.password_hash is None else "account.password_replaced"
    session.execute(delete(AccountCode).where(AccountCode.user_id == user.id))
    _set(session, now, user, new_hash, but="")
    audit.append(session, now, actor_for(user), event, user.id)
    return user


def changeable(session: Session, actor: Actor, old: str, new: str) -> Change:
    """What `change_password` takes: the old password tried, the new one hashed.

    Raises
    ------
    Invalid
        As `change_password` says; or the new password is too short.
    """
    user = session.get_one(User, actor.user_id)
    tried = try_password(session, user.email, old)
    _check_old(user, tried)
    check_password(new)
    return Change(tried, hash_password(new))


def change_password(session: Session, now: Instant, actor: Actor, token: str, change: Change) -> None:
    """Whoever is signed in chooses another password. Only this browser (`token`) stays; programs are disconnected.

    Raises
    ------
    Invalid
        If the old password is not theirs, or not any more (place: old_password).
    """
    user = locked(session, User, actor.user_id, "account")
    _check_old(user, change.old)
    _set(session, now, user, change.new_hash, but=token)
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
    return new_code(session, now, session.get_one(User, user_id), LETTER_HOLDS, by_letter=True)


def sign_out_others(session: Session, now: Instant, actor: Actor, token: str) -> int:
    """End every sign-in of this account but the one with this token; returns how many those were."""
    ended = end_sign_ins(session, now, actor.user_id, but=token)
    if ended:
        audit.append(session, now, actor, "account.others_signed_out", actor.user_id, browsers=ended)
    return ended


def _user_of(session: Session, email: str) -> User | None:
    return session.scalar(select(User).where(User.email == email.strip().lower()))


def _check_code(session: Session, now: Instant, user: User | None, code: str) -> User:
    """Whose code this is: handed over or by letter, either opens the account."""
    own = select(AccountCode).where(AccountCode.user_id == (user.id if user else ""))
    good = [
        row
        for row in session.scalars(own)
        if hmac.compare_digest(_code_digest(code), row.code_sha256) and now <= row.good_until
    ]
    if user is None or user.closed_at is not None or not good:
        raise NotAllowed("code_wrong", _WRONG)
    return user


def _check_old(user: User, tried: Tried) -> None:
    if not tried.holds_for(user):
        raise Invalid("password_wrong", "This is not your password. Check it and type it again.", place="old_password")


def _set(session: Session, now: Instant, user: User, new_hash: str, *, but: str) -> None:
    if user.password_hash is not None:
        tell(session, now, [user.id], "password_changed", user.id)
    user.password_hash = new_hash
    end_sign_ins(session, now, user.id, but=but)
    end_all(session, now, actor_for(user), select(User.id).where(User.id == user.id))


def _code_digest(code: str) -> str:
    """The hash of a code, however it is spaced and written."""
    return hashlib.sha256(plain_code(code).encode()).hexdigest()
