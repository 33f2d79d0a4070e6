"""A second step at sign-in: after the password a code from an app, or one of ten recovery codes.

Whoever is halfway in (`accounts.sign_in`) comes in with `give_code` or `give_recovery_code`; whose role must have a
second step and has none sets it up on the way, with `set_up_first`. Signed in, an account sets one up with `begin` and
`confirm` (a secret counts once a code of it was typed), gets new recovery codes, or switches it off. A lost phone and
lost codes are a commissioner's to put right, with `take_away`: the password alone then leads in, or to a new set-up.

Whatever changes a second step asks for the password once more and, where there is one, for a code: a browser left
open is not enough. Passwords are tried before the transaction (`tried_by`). Programs (`programs`) show tokens and no
codes; connecting one takes a full sign-in, so nobody gets a token who could not give the code.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NoReturn

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.database import writing
from marketplace.records.outbox import tell
from marketplace.records.people import User
from marketplace.records.second_steps import HalfSignIn
from marketplace.rules import totp
from marketplace.rules.clock import Instant
from marketplace.rules.errors import Invalid, NotAllowed, WrongState
from marketplace.rules.permissions import Actor, Role

from . import factors
from .accounts import Tried, WaitsFor, actor_for, digest, end_sign_ins, let_in, try_password
from .scopes import locked
from .users import overseen

_WRONG = "This code does not fit, or it was used before. Wait for the next one in your app, and type that."
_WRONG_EITHER = (
    "This code does not fit, or it was used before. Type the next one in your app, or another recovery code."
)
_WRONG_RECOVERY = "This is not one of your recovery codes, or it was used before. Check it, or type another one."


@dataclass(frozen=True, slots=True)
class HalfWay:
    """Somebody whose password fitted: whose account it is, and what is still to come."""

    user_id: str
    waits_for: WaitsFor


@dataclass(frozen=True, slots=True, repr=False)
class ToScan:
    """A secret as somebody puts it into an app: the address for the picture, the key for typing."""

    address: str
    key: str


def half_way(session: Session, now: Instant, token: str) -> HalfWay | None:
    """Who is halfway in by this token; None where it is nobody's, its five minutes are over or the account closed."""
    row = session.get(HalfSignIn, digest(token))
    user = session.get(User, row.user_id) if row is not None and now < row.good_until else None
    if user is None or user.closed_at is not None:
        return None
    waits_for = WaitsFor.SET_UP if factors.standing(session, user.id) is None else WaitsFor.CODE
    return HalfWay(user.id, waits_for)


def give_code(session: Session, now: Instant, token: str, code: str) -> str:
    """Come in with a code of the app; returns the token of the sign-in, which is a new one.

    Raises
    ------
    Invalid
        If the code does not fit, or was taken before (place: code).
    NotAllowed
        If nobody is halfway in by this token.
    """
    user = _half_way_user(session, now, token)
    factor = factors.standing(session, user.id)
    if factor is None or not factors.take_code(session, now, factor, code):
        _refuse(session, now, user, _WRONG)
    return _come_in(session, now, user, token)


def give_recovery_code(session: Session, now: Instant, token: str, code: str) -> str:
    """The same with a recovery code, which is used up by it. The account is told.

    Raises
    ------
    Invalid, NotAllowed
        As `give_code` says.
    """
    user = _half_way_user(session, now, token)
    if factors.standing(session, user.id) is None or not _take_recovery_code(session, now, user, code):
        _refuse(session, now, user, _WRONG_RECOVERY)
    return _come_in(session, now, user, token)


def set_up_first(session: Session, now: Instant, token: str, code: str) -> tuple[str, list[str]]:
    """Set up the second step that this role must have, and come in; returns the sign-in's token and recovery codes.

    Raises
    ------
    Invalid, NotAllowed
        As `give_code` says.
    """
    user = _half_way_user(session, now, token)
    if factors.standing(session, user.id) is not None:
        raise WrongState("second_step_on", "The second step is set up already. Sign in with a code from your app.")
    codes = _confirm(session, now, user, token, code)
    return _come_in(session, now, user, token), codes


def tried_by(session: Session, actor: Actor, password: str) -> Tried:
    """The password that somebody signed in typed once more, tried: what the steps below take."""
    return try_password(session, session.get_one(User, actor.user_id).email, password)


def begin(session: Session, now: Instant, actor: Actor, token: str, tried: Tried, code: str) -> None:
    """Begin to set up a second step, or one with another phone, in this browser. Nothing changes until `confirm`.

    Raises
    ------
    Invalid
        If the password is not theirs (place: password) or, where there is a second step, the code (place: code).
    """
    user = _proven(session, now, actor, tried, code)
    factors.draft(session, now, user.id, digest(token))


def to_scan(session: Session, user_id: str, token: str) -> ToScan | None:
    """What the app is shown for the second step that is being set up in this browser; None where none is."""
    factor = factors.drafted(session, user_id, digest(token))
    if factor is None:
        return None
    secret = factors.secret_of(session, factor)
    return ToScan(totp.address_for_app(secret, session.get_one(User, user_id).email), totp.key_text(secret))


def confirm(session: Session, now: Instant, actor: Actor, token: str, code: str) -> list[str]:
    """The app makes the right codes, so it counts from now on; returns ten recovery codes, which are kept nowhere.

    Other browsers, which came in without it, are signed out.

    Raises
    ------
    Invalid
        If the code does not fit.
    WrongState
        If nothing was begun.
    """
    return _confirm(session, now, locked(session, User, actor.user_id, "account"), token, code)


def renew_recovery_codes(session: Session, now: Instant, actor: Actor, tried: Tried, code: str) -> list[str]:
    """Ten other recovery codes; those of before open nothing any more.

    Raises
    ------
    Invalid, WrongState
        As `switch_off` says.
    """
    user = _proven(session, now, actor, tried, code, must_be_on=True)
    audit.append(session, now, actor, "account.recovery_codes_renewed", user.id)
    tell(session, now, [user.id], "recovery_codes_renewed", user.id)
    return factors.new_recovery_codes(session, user.id)


def switch_off(
    session: Session, now: Instant, actor: Actor, tried: Tried, code: str, must_have: Collection[Role] = ()
) -> None:
    """From now on the password is enough. Whoever is halfway in with it begins anew: there is no code to wait for.

    Raises
    ------
    Invalid
        If the password (place: password) or the code (place: code) is not theirs.
    WrongState
        If it is off, or the role must have it: then only another phone can take its place (`begin`).
    """
    if actor.role in must_have:
        raise WrongState(
            "second_step_needed", "Your kind of account must have a second step. It cannot be switched off."
        )
    user = _proven(session, now, actor, tried, code, must_be_on=True)
    factors.remove(session, user.id)
    session.execute(delete(HalfSignIn).where(HalfSignIn.user_id == user.id))
    audit.append(session, now, actor, "account.second_step_off", user.id)
    tell(session, now, [user.id], "second_step_off", user.id)


def take_away(session: Session, now: Instant, actor: Actor, user_id: str) -> User:
    """A commissioner takes away the second step of somebody who lost phone and codes; they are signed out and told.

    Raises
    ------
    WrongState
        If there is none, or the account is the commissioner's own: then it is proven like everybody's.
    """
    user = overseen(session, actor, user_id)
    check_can_take_away(session, actor, user)
    factors.remove(session, user.id)
    end_sign_ins(session, now, user.id)
    audit.append(session, now, actor, "account.second_step_taken_away", user.id)
    tell(session, now, [user.id], "second_step_taken_away", user.id)
    return user


def check_can_take_away(session: Session, actor: Actor, user: User) -> None:
    """Refuse what `take_away` refuses: before anybody is asked whether they are sure.

    Raises
    ------
    WrongState
        If there is none, or the account is the commissioner's own.
    """
    if user.id == actor.user_id:
        raise WrongState("own_account", "You cannot take away your own second step. Ask a colleague.")
    if factors.standing(session, user.id) is None:
        raise WrongState("second_step_off", "This account has no second step.")


def forget(session: Session, now: Instant) -> int:
    """Delete the halves of sign-ins whose time is over, in a transaction of its own; returns how many those were."""
    past = HalfSignIn.good_until <= now
    waiting = session.scalar(select(exists().where(past)))
    session.rollback()
    if not waiting:
        return 0
    with writing(session):
        return len(session.execute(delete(HalfSignIn).where(past).returning(HalfSignIn.user_id)).all())


def _half_way_user(session: Session, now: Instant, token: str) -> User:
    """Whoever is halfway in, with their account locked: a password replaced meanwhile has sent them back."""
    found = half_way(session, now, token)
    if found is not None:
        user = locked(session, User, found.user_id, "account")
        session.expire_all()
        if half_way(session, now, token) is not None:
            return user
    raise NotAllowed("sign_in_over", "That took too long. Please sign in again.")


def _come_in(session: Session, now: Instant, user: User, token: str) -> str:
    session.execute(delete(HalfSignIn).where(HalfSignIn.token_sha256 == digest(token)))
    return let_in(session, now, user)


def _confirm(session: Session, now: Instant, user: User, token: str, code: str) -> list[str]:
    factor = factors.drafted(session, user.id, digest(token))
    if factor is None:
        raise WrongState("nothing_begun", "Begin to set up the second step first.")
    if not factors.take_code(session, now, factor, code):
        raise Invalid("code_wrong", _WRONG, place="code")
    end_sign_ins(session, now, user.id, but=token)
    if factors.let_stand(session, factor):
        audit.append(session, now, actor_for(user), "account.second_step_moved", user.id)
        tell(session, now, [user.id], "second_step_moved", user.id)
    else:
        audit.append(session, now, actor_for(user), "account.second_step_on", user.id)
        tell(session, now, [user.id], "second_step_on", user.id)
    return factors.new_recovery_codes(session, user.id)


def _proven(session: Session, now: Instant, actor: Actor, tried: Tried, code: str, *, must_be_on: bool = False) -> User:
    """Whoever is signed in has shown once more that they are: by the password and, where it is on, by a code."""
    user = locked(session, User, actor.user_id, "account")
    factor = factors.standing(session, user.id)
    if must_be_on and factor is None:
        raise WrongState("second_step_off", "The second step is not on.")
    if not tried.holds_for(user):
        raise Invalid("password_wrong", "This is not your password. Check it and type it again.", place="password")
    if factor is not None and not (
        factors.take_code(session, now, factor, code) or _take_recovery_code(session, now, user, code)
    ):
        _refuse(session, now, user, _WRONG_EITHER)
    return user


def _take_recovery_code(session: Session, now: Instant, user: User, code: str) -> bool:
    if not factors.take_recovery_code(session, user.id, code):
        return False
    left = factors.recovery_codes_left(session, user.id)
    audit.append(session, now, actor_for(user), "account.recovery_code_used", user.id, left=left)
    tell(session, now, [user.id], "recovery_code_used", user.id)
    return True


def _refuse(session: Session, now: Instant, user: User, message: str) -> NoReturn:
    """Whoever comes here knows the password: that a wrong code was tried stays on record."""
    audit.note_refusal(session, now, actor_for(user), "account.second_step_refused", user.id)
    raise Invalid("code_wrong", message, place="code")
