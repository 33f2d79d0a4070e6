"""The second factor of an account: the secret it shares with an app, and the recovery codes for a lost phone.

No steps: `accounts.sign_in` and `second_steps` do their work with it, under the account's lock. A code of the app is
taken once, because the half minute of the last one is kept; a recovery code is taken once, because taking it deletes
it. Both are one statement with its condition in it, so that of two at the same moment one finds nothing left to take.
"""

import re
import secrets

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from marketplace.records.second_steps import RecoveryCode, SecondFactor
from marketplace.rules import totp
from marketplace.rules.clock import Instant

from .keys import keyring_of

RECOVERY_CODES = 10
LETTERS = "23456789abcdefghjkmnpqrstvwxyz"
"""Without those that look alike on paper (0 and o, 1 and i and l, u and v)."""
_GROUPS = 3


def written_code(groups: int) -> str:
    """A new random code for paper, in groups of four."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(groups))


def plain_code(typed: str) -> str:
    """A code from paper, however it is spaced and written."""
    return re.sub(r"[^0-9a-z]", "", typed.lower())


def standing(session: Session, user_id: str) -> SecondFactor | None:
    """The factor by which this account signs in, or None where a password is enough."""
    return _one(session, user_id, SecondFactor.stands.is_(True))


def drafted(session: Session, user_id: str, begun_sha256: str) -> SecondFactor | None:
    """The factor that is being set up in the browser of this token's hash: it counts once a code of it was typed."""
    return _one(session, user_id, SecondFactor.stands.is_(False) & (SecondFactor.begun_sha256 == begun_sha256))


def draft(session: Session, now: Instant, user_id: str, begun_sha256: str) -> SecondFactor:
    """Begin to set one up, with a new secret; what was begun before is forgotten, what stands goes on standing."""
    session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id, SecondFactor.stands.is_(False)))
    factor = SecondFactor(user_id=user_id, stands=False, secret_sealed=b"", made_at=now, begun_sha256=begun_sha256)
    session.add(factor)
    session.flush()  # the secret is locked to its row, whose id is known from now on
    secret = secrets.token_bytes(totp.SECRET_BYTES)
    factor.secret_sealed = keyring_of(session).lock(_place(factor), secret.hex())
    session.flush()
    return factor


def secret_of(session: Session, factor: SecondFactor) -> bytes:
    """The secret itself."""
    return bytes.fromhex(keyring_of(session).unlock(_place(factor), factor.secret_sealed))


def let_stand(session: Session, factor: SecondFactor) -> bool:
    """From now on this one counts; returns whether it took another one's place."""
    own = (SecondFactor.user_id == factor.user_id, SecondFactor.stands.is_(True))
    replaced = session.execute(delete(SecondFactor).where(*own).returning(SecondFactor.id)).all()
    factor.stands, factor.begun_sha256 = True, None
    session.flush()
    return bool(replaced)


def take_code(session: Session, now: Instant, factor: SecondFactor, typed: str) -> bool:
    """Take a code of the app: whether it fits now, and neither it nor a later one was taken before."""
    counter = totp.counter_of(secret_of(session, factor), now, typed)
    if counter is None:
        return False
    unused = or_(SecondFactor.last_counter.is_(None), SecondFactor.last_counter < counter)
    taken = session.execute(
        update(SecondFactor)
        .where(SecondFactor.id == factor.id, unused)
        .values(last_counter=counter)
        .returning(SecondFactor.id)
    ).all()
    return bool(taken)


def take_recovery_code(session: Session, user_id: str, typed: str) -> bool:
    """Take a recovery code: whether it is one of this account's that was not used."""
    own = (RecoveryCode.user_id == user_id, RecoveryCode.code_mac == _mac(session, user_id, typed))
    return bool(session.execute(delete(RecoveryCode).where(*own).returning(RecoveryCode.user_id)).all())


def new_recovery_codes(session: Session, user_id: str) -> list[str]:
    """Ten new recovery codes, kept nowhere; those of before open nothing any more."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes = [written_code(_GROUPS) for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(user_id=user_id, code_mac=_mac(session, user_id, code)) for code in codes)
    session.flush()
    return codes


def recovery_codes_left(session: Session, user_id: str) -> int:
    """How many recovery codes are not used yet."""
    return session.scalar(select(func.count()).where(RecoveryCode.user_id == user_id)) or 0


def remove(session: Session, user_id: str) -> None:
    """Forget the account's factor, one that is being set up, and the recovery codes."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id))


def _one(session: Session, user_id: str, which: ColumnElement[bool]) -> SecondFactor | None:
    own = select(SecondFactor).where(SecondFactor.user_id == user_id, which)
    return session.scalar(own.execution_options(populate_existing=True))


def _place(factor: SecondFactor) -> str:
    return f"second_factors.secret:{factor.id}"


def _mac(session: Session, user_id: str, typed: str) -> str:
    """The keyed hash by which a recovery code is found: a stolen database alone is nothing to guess against."""
    return keyring_of(session).lookup("recovery_code", f"{user_id}:{plain_code(typed)}")
