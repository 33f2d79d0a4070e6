"""What is written once stays: the database itself refuses to change or delete it, whoever asks."""
# ruff: noqa: S608 - the tables are named right here

from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from marketplace.journey import accounts, programs, views
from marketplace.records import append_only, schema
from marketplace.records.database import configure_engine, writing
from tests.thief import take_guards_off
from tests.worlds import SmallWorld

TABLES = ("transfers", "entries", "audit_events", "record_views", "kept_answers")


@pytest.fixture
def kept(world: SmallWorld) -> Session:
    """Every table that is to be kept has rows."""
    with writing(world.session):
        views.note_view(world.session, world.now, world.broking, world.patients[0].id, "care plan")
        user = accounts.open_account(
            world.session,
            world.now,
            email="broker@example.test",
            name="Fen Brokers",
            role=world.broking.role,
            party_id=world.broking.party_id,
            password=None,
        )
        program = replace(world.broking, user_id=user.id)
        programs.once(world.session, world.now, program, "key", b"request", lambda _: (200, {}))
    return world.session


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_neither_changed_nor_deleted(kept: Session, table: str) -> None:
    """UPDATE, DELETE, and (on PostgreSQL) TRUNCATE and (on SQLite) REPLACE are refused, and nothing is gone."""
    column = {"transfers": "amount_pence", "entries": "amount_pence", "kept_answers": "status"}.get(table, "actor_id")
    tries = [f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"]
    if kept.get_bind().dialect.name == "postgresql":
        tries.append(f"TRUNCATE {table} CASCADE")
    else:
        tries.append(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1")
    before = kept.scalar(text(f"SELECT count(*) FROM {table}"))
    assert before
    for statement in tries:
        with pytest.raises(DBAPIError, match="is append-only"), writing(kept):
            kept.execute(text(statement))
    assert kept.scalar(text(f"SELECT count(*) FROM {table}")) == before


def test_a_missing_guard_is_noticed_and_put_back(kept: Session) -> None:
    """`carepool check` names the table without its triggers; an upgrade makes them again."""
    assert append_only.unguarded(kept.connection()) == []
    with writing(kept):
        take_guards_off(kept, "entries")
    assert append_only.unguarded(kept.connection()) == ["entries"]
    with writing(kept):
        append_only.enforce(kept.connection())
    assert append_only.unguarded(kept.connection()) == []


def test_migrations_make_the_guards_too(engine: Engine, tmp_path, monday: datetime) -> None:
    """A database that was brought up by the migrations has every trigger."""
    fresh = engine
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    else:
        fresh = configure_engine(create_engine(f"sqlite:///{tmp_path / 'fresh.sqlite'}"))
    schema.upgrade(fresh)
    with fresh.connect() as connection:
        assert append_only.unguarded(connection) == []
    fresh.dispose()
