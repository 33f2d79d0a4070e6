"""Other programs, as tests play them: a token, JSON there and back, a new key for each new request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from marketplace.journey import accounts, programs
from marketplace.journey.programs import ProgramDetails
from marketplace.records.database import writing
from marketplace.records.people import User
from marketplace.rules.clock import london_date
from marketplace.rules.permissions import Actor
from tests.web.site import Site

AT = "/api/v1"
_keys = count(1)


@dataclass
class Program:
    """One program with one token (or none), at one site."""

    client: FlaskClient
    token: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, status: int = 200) -> Any:
        """What an address answers, as a document."""
        return self._read(self.client.get(AT + path, headers=self._headers()), status)

    def post(self, path: str, body: Mapping[str, Any] | None = None, status: int = 200, key: str | None = None) -> Any:
        """What a step answers, under this key or a new one."""
        return self._read(self.send("POST", path, body, key=key), status)

    def put(self, path: str, body: Mapping[str, Any], status: int = 200) -> Any:
        """What a change answers."""
        return self._read(self.client.put(AT + path, json=body, headers=self._headers()), status)

    def send(self, method: str, path: str, body: Mapping[str, Any] | None, key: str | None = None) -> TestResponse:
        """The answer as it came."""
        headers = self._headers() | {"Idempotency-Key": key or f"test-key-{next(_keys):08d}"}
        sent = {} if body is None else {"json": body}
        return self.client.open(AT + path, method=method, headers=headers, **sent)

    def _headers(self) -> dict[str, str]:
        return self.headers | ({"Authorization": f"Bearer {self.token}"} if self.token else {})

    @staticmethod
    def _read(answer: TestResponse, status: int) -> Any:
        assert answer.status_code == status, f"{answer.request.path}: {answer.status_code} {answer.text[:600]}"
        return answer.get_json(force=True) if answer.mimetype != "text/csv" else answer.text


def anybody(site: Site) -> Program:
    """A program without a token."""
    return Program(site.app.test_client())


def program_of(site: Site, email: str, *, may_write: bool = True, days: int = 300) -> Program:
    """A program of the account with this address, connected now."""
    return Program(site.app.test_client(), connect(site, email, may_write=may_write, days=days)[1])


def connect(site: Site, email: str, *, may_write: bool = True, days: int = 300) -> tuple[str, str]:
    """Connect a program for an account: the id of its token, and the token."""
    world = site.fresh()
    details = ProgramDetails("Practice system", may_write, london_date(world.now) + timedelta(days=days))
    actor = actor_of(site, email)
    with writing(world.session):
        row, token = programs.connect(world.session, world.now, actor, details)
        return row.id, token


def actor_of(site: Site, email: str) -> Actor:
    """Whoever has the account with this address, opened now for a patient of the world who has none."""
    session = site.world.session
    user = session.scalar(select(User).where(User.email == email))
    if user is None:
        number = int(email.partition("@")[0].removeprefix("p"))
        patient = site.world.patient(number)
        with writing(session):
            user = accounts.open_account(
                session,
                site.world.now,
                email=email,
                name=f"Patient {number:02d}",
                role=patient.role,
                party_id=patient.party_id,
                password=None,
            )
    return Actor(user.id, user.role, user.party_id)
