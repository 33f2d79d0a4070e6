"""Who has an account: a commissioner opens and closes them, and hands out the code for a first password.

The code is shown once, to whoever opened the account, and is good for nothing once a password is chosen: nobody can set
a password in another person's place (`passwords`). A patient and a provider get one account this way and no second one,
so that nobody reads a sealed offer, or answers for a patient, through an account made for the purpose.
"""

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.base import new_id
from marketplace.records.budgets import Holder
from marketplace.records.outbox import tell
from marketplace.records.people import AccountCode, Broker, User
from marketplace.records.providers import Provider
from marketplace.rules.clock import Instant
from marketplace.rules.errors import Conflict, Invalid, NotFound, WrongState
from marketplace.rules.permissions import Actor, Role, check_role

from .accounts import check_email_free, end_sign_ins, open_account
from .passwords import CODE_HOLDS, new_code
from .programs import end_all
from .scopes import locked, one, patients_for, users_for

ONE_ACCOUNT = frozenset({Role.PATIENT, Role.PROVIDER})


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """An account to be opened; `party_id` for whom it acts, where that is not the commissioner or the person alone."""

    role: Role
    name: str
    email: str
    party_id: str | None = None


def open_for(session: Session, now: Instant, actor: Actor, details: AccountDetails) -> tuple[User, str]:
    """Open an account for somebody; returns it with the one-time code, which is kept nowhere.

    Raises
    ------
    Conflict
        If the address is taken, or the patient or the provider has an account.
    NotFound, Invalid
        If there is no such party, or none that this commissioner looks after.
    """
    check_role(actor, Role.COMMISSIONER)
    party_id = _party(session, actor, details)
    if details.role in ONE_ACCOUNT and session.scalar(select(User.id).where(User.party_id == party_id).limit(1)):
        message = "There is an account for them already. Nobody else is given one, so that nobody acts in their place."
        raise Conflict("account_exists", message, place="party_id")
    email = check_email_free(session, details.email)
    try:
        user = open_account(
            session, now, email=email, name=details.name, role=details.role, party_id=party_id, password=None
        )
    except IntegrityError:
        raise Conflict("email_taken", "There is an account with this e-mail address already.") from None
    if details.role is not Role.PROVIDER:
        user.commissioner_id = actor.party_id
    audit.append(session, now, actor, "account.opened", user.id, role=user.role.value, party=party_id)
    tell(session, now, [party_id], "account_opened", user.id)
    return user, new_code(session, now, user, CODE_HOLDS)


def renew_code(session: Session, now: Instant, actor: Actor, user_id: str) -> tuple[User, str]:
    """Another one-time code for an account in which no password is chosen yet; the one before is void.

    Raises
    ------
    WrongState
        If a password is chosen, or the account is closed.
    """
    user = overseen(session, actor, user_id)
    if user.password_hash is not None:
        message = "This person has chosen a password. Nobody else can set another one for them."
        raise WrongState("password_chosen", message)
    if user.closed_at is not None:
        raise WrongState("account_closed", "This account is closed. Open it again first.")
    audit.append(session, now, actor, "account.code_renewed", user.id)
    return user, new_code(session, now, user, CODE_HOLDS)


def close(session: Session, now: Instant, actor: Actor, user_id: str) -> User:
    """Close an account: it is signed out everywhere, its programs too; no more letters, and nobody can sign in to it.

    Raises
    ------
    WrongState
        If it is closed already, or one's own.
    """
    user = overseen(session, actor, user_id)
    check_can_close(actor, user)
    user.closed_at = now
    end_sign_ins(session, now, user.id)
    session.execute(delete(AccountCode).where(AccountCode.user_id == user.id))
    end_all(session, now, actor, select(User.id).where(User.id == user.id))
    audit.append(session, now, actor, "account.closed", user.id)
    return user


def check_can_close(actor: Actor, user: User) -> None:
    """Refuse what `close` refuses: before anybody is asked whether they are sure.

    Raises
    ------
    WrongState
        If it is closed already, or one's own.
    """
    if user.id == actor.user_id:
        raise WrongState("own_account", "You cannot close your own account. Ask a colleague.")
    if user.closed_at is not None:
        raise WrongState("account_closed", "This account is closed already.")


def reopen(session: Session, now: Instant, actor: Actor, user_id: str) -> User:
    """Open a closed account again, with the password it had. Whoever it belongs to is told."""
    user = overseen(session, actor, user_id)
    if user.closed_at is None:
        raise WrongState("account_open", "This account is not closed.")
    user.closed_at = None
    audit.append(session, now, actor, "account.reopened", user.id)
    tell(session, now, [user.party_id], "account_reopened", user.id)
    return user


def _party(session: Session, actor: Actor, details: AccountDetails) -> str:
    """The party for which the account is to act: one that this commissioner looks after."""
    wanted = details.party_id or ""
    if details.role is Role.COMMISSIONER:
        return actor.party_id
    if details.role is Role.REPRESENTATIVE:
        return new_id()
    if details.role is Role.PATIENT:
        return one(session, patients_for(actor), wanted, "patient").id
    if details.role is Role.PROVIDER:
        found = session.get(Provider, wanted)
        if found is not None:
            return found.id
    elif details.role in (Role.BROKER, Role.HOLDER):
        kind: type[Broker | Holder] = Broker if details.role is Role.BROKER else Holder
        found_id = session.scalar(select(kind.id).where(kind.id == wanted, kind.commissioner_id == actor.party_id))
        if found_id is not None:
            return found_id
    else:
        raise Invalid("role_unknown", "Choose whose account it is to be.", place="role")
    raise NotFound("not_found", "We cannot find that organisation.")


def overseen(session: Session, actor: Actor, user_id: str) -> User:
    """An account that this commissioner looks after, for changing it."""
    check_role(actor, Role.COMMISSIONER)
    return locked(session, User, one(session, users_for(actor), user_id, "account").id, "account")
