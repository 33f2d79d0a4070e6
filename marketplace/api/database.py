"""The API's door to the database: one session a request, on the engine that the pages have opened."""

from collections.abc import Iterable

from flask import Flask, current_app, g
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from marketplace.adapters.sealing import Keyring
from marketplace.front.clock import request_now
from marketplace.journey.keys import lend
from marketplace.journey.views import note_views
from marketplace.records.database import writing
from marketplace.rules.permissions import Actor

__all__ = ["db_session", "init_app", "note_seen", "writing"]

_ENGINE = "carepool.engine"


def init_app(app: Flask, engine: Engine) -> None:
    """Let requests have sessions on this engine."""
    app.extensions[_ENGINE] = engine
    app.teardown_appcontext(_close)


def db_session() -> Session:
    """The session of this request."""
    if "session" not in g:
        keyring = Keyring.from_hex(current_app.config["FIELD_KEY"], current_app.config["SEALING_KEY"])
        g.session = Session(current_app.extensions[_ENGINE], info=lend(keyring))
    session: Session = g.session
    return session


def note_seen(actor: Actor, patient_ids: Iterable[str], page: str) -> None:
    """Note, before the answer goes out, that a program sees these patients' records; in a session of its own."""
    session = Session(current_app.extensions[_ENGINE])
    with session, writing(session):
        note_views(session, request_now(), actor, patient_ids, f"{page}, by program")


def _close(_error: BaseException | None) -> None:
    session = g.pop("session", None)
    if session is not None:
        session.close()
