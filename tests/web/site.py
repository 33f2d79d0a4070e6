"""A whole site over a small world: the application, accounts for its people, a clock that tests turn."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace import create_app
from marketplace.adapters.passwords import hash_password
from marketplace.adapters.sealing import Keyring
from marketplace.journey import accounts
from marketplace.journey.keys import lend
from marketplace.records.database import writing
from marketplace.records.people import User
from marketplace.rules.permissions import Actor
from tests.ground import CompiledTemplates, lay_sqlite
from tests.worlds import SmallWorld

TEMPLATES = CompiledTemplates()
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"  # noqa: S105 - made-up people
KEYS = {"SECRET_KEY": "00" * 32, "FIELD_KEY": "11" * 32, "SEALING_KEY": "22" * 32}


class Read(TestResponse):
    """An answer as somebody reads it: a space at which no line may be broken is a space."""

    def get_data(self, as_text: bool = False) -> Any:
        """The body; where it is text, as it is read."""
        body = super().get_data(as_text=as_text)
        return body.replace("\N{NO-BREAK SPACE}", " ") if as_text else body


@dataclass(repr=False)
class Site:
    """A small world that can be visited. Reading the world after a visit sees what the visit changed."""

    app: Flask
    world: SmallWorld
    tokens: dict[str, str] = field(default_factory=dict)

    def client(self, email: str | None = None) -> FlaskClient:
        """A browser without a screen, signed in as somebody (the password is not asked: that has its own tests)."""
        client = self.app.test_client()
        client.response_wrapper = type("Read", (Read, client.response_wrapper), {})
        if email is not None:
            with client.session_transaction() as cookie:
                cookie["sign_in"] = self.token(email)
        return client

    def cookie(self, email: str) -> str:
        """The cookie of a sign-in of this person, begun now."""
        client = self.client(email)
        cookie = client.get_cookie("carepool")
        assert cookie is not None
        return cookie.value

    def token(self, email: str) -> str:
        """A sign-in of this person, begun now (a second step is not asked for: that has its own tests too)."""
        session = self.fresh().session
        tried = accounts.try_password(session, email, PASSWORD)
        with writing(session):
            signed_in = accounts.sign_in(session, self.world.now, tried)
            if signed_in.waits_for is None:
                return signed_in.token
            return accounts.let_in(session, self.world.now, session.scalars(select(User).filter_by(email=email)).one())

    def fresh(self) -> SmallWorld:
        """The world as the database has it now."""
        self.world.session.rollback()
        return self.world


class SlowBody(BytesIO):
    """A request's body during which something happens: before its first byte is here."""

    def __init__(self, content: bytes, meanwhile: Callable[[], None]) -> None:
        super().__init__(content)
        self._meanwhile = meanwhile

    def readinto(self, buffer: Any) -> int:
        """The next bytes, as a request's stream asks for them."""
        if self.tell() == 0:
            self._meanwhile()
        return super().readinto(buffer)


def build_site(folder: Path, patients: int = 12, **settings: Any) -> Site:
    """A site in which nothing has happened but that everybody has an account."""
    clock: dict[str, SmallWorld] = {}
    app = create_app(
        {
            "VAR_DIR": str(folder),
            "DATABASE_URL": lay_sqlite(folder / "carepool.sqlite"),
            "TRUSTED_HOSTS": ["localhost", "127.0.0.1"],
            "RATELIMIT_ENABLED": False,
            "CLOCK": lambda: clock["world"].now,
            "TESTING": True,
            **KEYS,
            **settings,
        }
    )
    app.jinja_env.bytecode_cache = TEMPLATES
    with app.app_context():
        engine = app.extensions["sqlalchemy"].engine
    session = Session(engine, info=lend(Keyring.from_hex(KEYS["FIELD_KEY"], KEYS["SEALING_KEY"])))
    world = clock["world"] = SmallWorld(session, MONDAY, patient_count=patients).found()
    people = {
        "broker": world.broking,
        "funder": world.funder,
        "near": world.provider("near"),
        "bulk": world.provider("bulk"),
    }
    people |= {f"p{number}": world.patient(number) for number in (1, 2, 3)}
    with writing(session):
        for name, actor in people.items():
            _open_account(session, world, name, actor)
    return Site(app, world)


def _open_account(session: Session, world: SmallWorld, name: str, actor: Actor) -> None:
    said = {"broker": "Fen Brokers", "funder": "Lincolnshire funder", "near": "Near Physio", "bulk": "Bulk Physio"}
    user = accounts.open_account(
        session,
        world.now,
        email=f"{name}@example.test",
        name=said.get(name, f"Patient {name.removeprefix('p').zfill(2)}"),
        role=actor.role,
        party_id=actor.party_id,
        password=None,
    )
    user.password_hash = _hashed()


@cache
def _hashed() -> str:
    """The password's hash, made once: making it slowly is its point."""
    return hash_password(PASSWORD)
