"""The engine's set-up and the one way to write.

`configure_engine` is called once for every engine: on SQLite it turns the driver's own transaction handling off
(which loses money under concurrency) and says BEGIN itself. `writing` opens the transaction that a step of the
journey runs in: on SQLite it begins IMMEDIATE, so that two writers wait for one another in place of failing at the
end; on PostgreSQL READ COMMITTED with row locks and conditional updates does the same. What a writing transaction
has loaded it keeps until it ends: a session alone forgets what nobody holds, and every step would load its tender anew.
`one_at_a_time` is for steps that must wait for one another where there is no row to lock.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.orm import Session

from .audit import append_refusals, has_refusals

BUSY_TIMEOUT_MS = 30_000
_KEPT = "carepool.kept"


def configure_engine(engine: Engine) -> Engine:
    """Give an engine the transaction behaviour the ledger relies on. Calling it twice changes nothing."""
    if engine.dialect.name != "sqlite" or event.contains(engine, "connect", _on_sqlite_connect):
        return engine
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _on_sqlite_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA recursive_triggers=ON")  # else INSERT OR REPLACE deletes without asking the triggers
    cursor.close()


def _on_sqlite_begin(connection: Connection) -> None:
    option = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {option}")


@contextmanager
def writing(session: Session) -> Iterator[Session]:
    """One writing transaction: committed at the end, rolled back whole if anything is raised.

    A read transaction that the session still has open is ended first: a step must not decide on what was read before
    its lock was held. Refusals that must stay on record (`audit.note_refusal`) are committed in either case.
    """
    if session.in_transaction():
        session.rollback()
    session.info[_KEPT] = []
    try:
        session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})
        yield session
        append_refusals(session)
        session.commit()
    except BaseException:
        session.rollback()
        _keep_refusals(session)
        raise
    finally:
        del session.info[_KEPT]


def one_at_a_time(session: Session, *names: str) -> None:
    """Wait, until this transaction ends, for others that do something under one of these names.

    For what has no row yet that could be locked. SQLite's writing transactions exclude one another already.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    for name in sorted(names):  # all take them in the same order, so that no two wait for each other
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": number})


@event.listens_for(Session, "loaded_as_persistent")
@event.listens_for(Session, "pending_to_persistent")
def _keep(session: Session, thing: object) -> None:
    if _KEPT in session.info:
        session.info[_KEPT].append(thing)


def _keep_refusals(session: Session) -> None:
    """What was tried and refused stays on record, in a transaction of its own, though its attempt is undone."""
    if not has_refusals(session):
        return
    try:
        session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})
        append_refusals(session)
        session.commit()
    finally:
        session.rollback()
