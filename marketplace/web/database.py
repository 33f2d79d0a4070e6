"""The pages' door to the database: `init_app` opens it, `db_session` is this request's session.

Records know no Flask: Flask-SQLAlchemy is handed their metadata and only looks after engines and the session's life
(one per request, ended with it). A page reads with `db_session` and changes inside ``with writing(db_session()):``.
`note_seen` is what a page about patients calls when somebody else than they looks at it.
"""

from collections.abc import Iterable
from typing import cast

from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import Session

from marketplace import SettingsError
from marketplace.adapters.sealing import Keyring
from marketplace.journey.keys import lend
from marketplace.journey.views import note_views
from marketplace.records import Base
from marketplace.records.database import configure_engine, writing
from marketplace.rules.clock import Instant
from marketplace.rules.permissions import Actor

__all__ = ["db_session", "init_app", "note_seen", "writing"]


def init_app(app: Flask) -> SQLAlchemy:
    """Open the database named by ``DATABASE_URL``; its tables come from `marketplace.records.schema`."""
    app.config["SQLALCHEMY_DATABASE_URI"] = app.config["DATABASE_URL"]
    db = SQLAlchemy(
        metadata=Base.metadata,
        engine_options={"hide_parameters": True, "pool_pre_ping": True},
        session_options={"info": lend(_keyring(app))},
    )
    db.init_app(app)
    with app.app_context():
        for engine in db.engines.values():
            configure_engine(engine)
    return db


def _keyring(app: Flask) -> Keyring:
    try:
        return Keyring.from_hex(app.config["FIELD_KEY"], app.config["SEALING_KEY"])
    except ValueError as error:
        raise SettingsError(f"CAREPOOL_FIELD_KEY or CAREPOOL_SEALING_KEY cannot be used: {error}.") from None


def note_seen(now: Instant, actor: Actor, patient_ids: Iterable[str], page: str) -> None:
    """Note, before the page goes out, that somebody sees these patients' records.

    It has a session of its own: what the page has read stays as it was read.
    """
    session = Session(db_session().get_bind())
    with session, writing(session):
        note_views(session, now, actor, patient_ids, page)


def db_session() -> Session:
    """The session of this request."""
    return cast("Session", current_app.extensions["sqlalchemy"].session())
