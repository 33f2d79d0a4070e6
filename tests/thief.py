"""Somebody with the rights of the database's owner: takes the guards off a table before tampering with it."""

from sqlalchemy import text
from sqlalchemy.orm import Session


def take_guards_off(session: Session, table: str) -> None:
    """Remove (SQLite) or switch off (PostgreSQL) the triggers by which a table refuses changes."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        return
    names = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"
    for name in session.scalars(text(names), {"table": table}).all():
        session.execute(text(f"DROP TRIGGER {name}"))
