"""Second steps as tests take them: an app that makes codes, and accounts that have one."""

import base64
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.journey import accounts, second_steps
from marketplace.records.database import writing
from marketplace.records.people import User
from marketplace.rules import totp
from marketplace.rules.permissions import Actor


@dataclass(frozen=True)
class App:
    """An authenticator app with one secret, and the recovery codes its owner wrote down."""

    key: str
    recovery_codes: tuple[str, ...] = ()

    def code(self, now: datetime) -> str:
        """What it shows now."""
        return totp.code_at(secret_of(self.key), totp.counter_at(now))

    def wrong_code(self, now: datetime) -> str:
        """Six digits that it shows neither now, nor just before or after."""
        counter = totp.counter_at(now)
        near = {totp.code_at(secret_of(self.key), at) for at in range(counter - 2, counter + 3)}
        return next(code for code in map("{:06}".format, range(10)) if code not in near)


def secret_of(key: str) -> bytes:
    """The secret that stands on the page as a key."""
    return base64.b32decode(key.replace(" ", ""))


def switch_on(session: Session, now: datetime, email: str, password: str) -> App:
    """Switch the second step on, as the pages do: the code of a moment ago is taken by it."""
    session.rollback()
    user = session.scalars(select(User).where(User.email == email)).one()
    actor = Actor(user.id, user.role, user.party_id)
    tried = accounts.try_password(session, email, password)
    with writing(session):
        second_steps.begin(session, now, actor, "a browser", tried, "")
    scanned = second_steps.to_scan(session, actor.user_id, "a browser")
    assert scanned is not None
    code = totp.code_at(secret_of(scanned.key), totp.counter_at(now) - 1)
    with writing(session):
        codes = second_steps.confirm(session, now, actor, "a browser", code)
    return App(scanned.key, tuple(codes))
