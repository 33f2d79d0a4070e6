"""What is written once and stays: the ledger's entries, the audit trail, who looked, the answers given to programs.

The database itself refuses to change or delete these rows, by triggers, whoever asks and through whatever program.
`create_all` makes the triggers with the tables; `enforce` makes them again at every upgrade, should they be missing;
`unguarded` tells which tables are without them. Somebody with the rights of the database's owner can still take a
trigger away: the hashes of the audit trail, and the copy of its signed head that is kept elsewhere, are for that.
"""

from typing import Any

from sqlalchemy import Connection, Table, event, text

from .audit import AuditEvent, RecordView
from .base import Base
from .ledger import Entry, Transfer
from .programs import KeptAnswer

KEPT: tuple[type[Base], ...] = (Transfer, Entry, AuditEvent, RecordView, KeptAnswer)


def enforce(connection: Connection) -> None:
    """Give every table of `KEPT` its triggers; those that are there already stay."""
    for kind in KEPT:
        for statement in _statements(connection.dialect.name, kind.__tablename__):
            connection.exec_driver_sql(statement)


def unguarded(connection: Connection) -> list[str]:
    """The names of tables that could be changed although they are to be kept; empty when all is right."""
    if connection.dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
    found = set(connection.scalars(text(query)))
    return [kind.__tablename__ for kind in KEPT if not _names(connection.dialect.name, kind.__tablename__) <= found]


def _names(dialect: str, table: str) -> set[str]:
    acts = ("update", "delete") if dialect == "sqlite" else ("change", "truncate")
    return {f"{table}_refuse_{act}" for act in acts}


def _statements(dialect: str, table: str) -> list[str]:
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER IF NOT EXISTS {table}_refuse_{act} BEFORE {act.upper()} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for act in ("update", "delete")
        ]
    refuse = (
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only', ERRCODE = 'restrict_violation'; "
        "END $$"
    )
    return [
        refuse,
        f"CREATE OR REPLACE TRIGGER {table}_refuse_change BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
        f"CREATE OR REPLACE TRIGGER {table}_refuse_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    ]


def _after_create(table: Table, connection: Connection, **_: Any) -> None:
    for statement in _statements(connection.dialect.name, table.name):
        connection.exec_driver_sql(statement)


for _kind in KEPT:
    event.listen(_kind.__table__, "after_create", _after_create)
