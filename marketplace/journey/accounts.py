"""Signing in and out. The browser holds a random token; the database holds its hash, and ends it.

`sign_in` and `sign_out` are steps; `actor_of` is what every page asks first. Comparing a password is slow on purpose,
so `try_password` does it before the transaction: on SQLite a guess would keep every writer waiting.

Where an account has a second step, or must have one, a password leads halfway in: the token of a `HalfSignIn` opens
nothing but the page for the code (`second_steps`).
"""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from marketplace.adapters.passwords import hash_password, verify_password
from marketplace.records import audit
from marketplace.records.budgets import Holder
from marketplace.records.people import Broker, Patient, SignIn, User
from marketplace.records.second_steps import HalfSignIn
from marketplace.rules.clock import Instant
from marketplace.rules.errors import Conflict, Invalid, NotAllowed
from marketplace.rules.permissions import Actor, Role

from . import factors
from .scopes import locked

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)
HALF_HOLDS = timedelta(minutes=5)
"""For so long a browser may stand between password and code."""
SHORTEST_PASSWORD = 12


class WaitsFor(StrEnum):
    """What is still to come before somebody is signed in."""

    CODE = "code"
    SET_UP = "set_up"
    """A second step, because their role must have one."""


@dataclass(frozen=True, slots=True, repr=False)
class SignedIn:
    """What a password led to: the token of a sign-in, or of half a one, which opens nothing yet."""

    token: str
    waits_for: WaitsFor | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Tried:
    """A password that somebody typed for an address: whether it fits, and the hash that it was compared with."""

    email: str
    stored: str | None
    fits: bool

    def holds_for(self, user: User | None) -> bool:
        """Whether it fits, and the account still has the password that it was compared with."""
        return self.fits and user is not None and user.password_hash == self.stored


def open_account(
    session: Session, now: Instant, *, email: str, name: str, role: Role, party_id: str, password: str | None
) -> User:
    """Make an account for a party. Without a password nobody can sign in to it yet.

    Raises
    ------
    Invalid
        If the password is too short.
    Conflict
        If the address has an account already.
    """
    if password is not None:
        check_password(password)
    email = check_email_free(session, email)
    hashed = hash_password(password) if password is not None else None
    user = User(email=email, name=name, role=role, party_id=party_id, password_hash=hashed, created_at=now)
    user.commissioner_id = _commissioner_of(session, role, party_id)
    session.add(user)
    session.flush()
    return user


def check_password(password: str) -> None:
    """A password is long enough to be worth guessing.

    Raises
    ------
    Invalid
        If it is not.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise Invalid(
            "password_too_short", f"Use at least {SHORTEST_PASSWORD} characters for the password.", place="password"
        )


def check_email_free(session: Session, email: str) -> str:
    """An address as accounts know it.

    Raises
    ------
    Conflict
        If it has an account already.
    """
    email = email.strip().lower()
    if session.scalar(select(User.id).where(User.email == email)):
        raise Conflict("email_taken", "There is an account with this e-mail address already.")
    return email


def try_password(session: Session, email: str, password: str) -> Tried:
    """Compare a password with the account's of this address; one that is not there takes as long."""
    email = email.strip().lower()
    stored = session.scalar(select(User.password_hash).where(User.email == email))
    return Tried(email, stored, verify_password(stored, password))


def sign_in(session: Session, now: Instant, tried: Tried, must_have: Collection[Role] = ()) -> SignedIn:
    """Begin a session with a password that was tried (`try_password`); its token is new every time.

    Where the account has a second step, or its role is one of those that `must_have` one, it is half a session.

    Raises
    ------
    NotAllowed
        If address and password do not fit; which of the two is not said.
    """
    user = session.scalar(select(User).where(User.email == tried.email))
    if user is not None:
        user = locked(session, User, user.id, "account")  # a password replaced now signs this one out, or comes first
    if user is None or not tried.holds_for(user) or user.closed_at:
        raise NotAllowed(
            "sign_in_failed",
            "The e-mail address and the password do not match an account. "
            "Check both and try again, or choose “I forgot my password”.",
        )
    if factors.standing(session, user.id) is not None:
        return SignedIn(_half_way(session, now, user), WaitsFor.CODE)
    if user.role in must_have:
        token = _half_way(session, now, user)
        factors.draft(session, now, user.id, digest(token))
        return SignedIn(token, WaitsFor.SET_UP)
    return SignedIn(let_in(session, now, user))


def let_in(session: Session, now: Instant, user: User) -> str:
    """A full sign-in of somebody who has shown all that is asked of them; returns its token."""
    token = secrets.token_urlsafe(32)
    session.add(SignIn(token_sha256=digest(token), user_id=user.id, started_at=now, seen_at=now))
    audit.append(session, now, actor_for(user), "account.signed_in", user.id)
    return token


def end_sign_ins(session: Session, now: Instant, user_id: str, *, but: str = "") -> int:
    """Sign an account out everywhere but in the browser with this token; returns in how many that was.

    Whoever is halfway in begins anew.
    """
    session.execute(delete(HalfSignIn).where(HalfSignIn.user_id == user_id))
    open_ones = (SignIn.user_id == user_id, SignIn.ended_at.is_(None), SignIn.token_sha256 != digest(but))
    return len(session.execute(update(SignIn).where(*open_ones).values(ended_at=now).returning(SignIn.user_id)).all())


def _half_way(session: Session, now: Instant, user: User) -> str:
    token = secrets.token_urlsafe(32)
    session.add(HalfSignIn(token_sha256=digest(token), user_id=user.id, good_until=now + HALF_HOLDS))
    return token


def sign_out(session: Session, now: Instant, token: str) -> None:
    """End the session, or half a one: the token opens nothing any more, whoever kept a copy of the cookie."""
    session.execute(delete(HalfSignIn).where(HalfSignIn.token_sha256 == digest(token)))
    row = session.get(SignIn, digest(token))
    if row is not None and row.ended_at is None:
        row.ended_at = now
        audit.append(session, now, actor_for(row.user), "account.signed_out", row.user_id)


def actor_of(session: Session, now: Instant, token: str) -> Actor | None:
    """Who is acting, or None when the session has ended, idled for 30 minutes or lasted for 12 hours."""
    row = session.get(SignIn, digest(token))
    if row is None or row.ended_at is not None:
        return None
    if now - row.seen_at > IDLE or now - row.started_at > LONGEST or row.user.closed_at is not None:
        return None
    return actor_for(row.user)


def others_signed_in(session: Session, now: Instant, actor: Actor, token: str) -> int:
    """In how many other browsers this account is signed in now."""
    query = select(func.count()).where(
        SignIn.user_id == actor.user_id,
        SignIn.ended_at.is_(None),
        SignIn.token_sha256 != digest(token),
        SignIn.seen_at >= now - IDLE,
        SignIn.started_at >= now - LONGEST,
    )
    return session.scalar(query) or 0


def needs_touch(session: Session, now: Instant, token: str) -> bool:
    """Whether `touch` would change anything: pages write at most once a minute to say that somebody is still there."""
    row = session.get(SignIn, digest(token))
    return row is not None and row.ended_at is None and now - row.seen_at >= SEEN_EVERY


def touch(session: Session, now: Instant, token: str) -> None:
    """Note that the browser is still there, so that it does not idle out."""
    row = session.get(SignIn, digest(token))
    if row is not None and row.ended_at is None:
        row.seen_at = now


def _commissioner_of(session: Session, role: Role, party_id: str) -> str | None:
    """Whose people or organisation a party is; None for a provider, who is everybody's, and a representative."""
    if role is Role.COMMISSIONER:
        return party_id
    kinds: dict[Role, type[Patient | Broker | Holder]] = {
        Role.PATIENT: Patient,
        Role.BROKER: Broker,
        Role.HOLDER: Holder,
    }
    kind = kinds.get(role)
    return None if kind is None else session.scalar(select(kind.commissioner_id).where(kind.id == party_id))


def actor_for(user: User) -> Actor:
    """Somebody as the steps know them."""
    return Actor(user_id=user.id, role=user.role, party_id=user.party_id)


def digest(token: str) -> str:
    """The hash by which a sign-in is found."""
    return hashlib.sha256(token.encode()).hexdigest()
