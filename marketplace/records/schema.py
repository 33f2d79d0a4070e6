"""Bringing a database to this version's tables: `upgrade` walks the migrations, `differences` finds what they lack.

After the migrations `upgrade` sees to it that the tables which are only ever added to refuse anything else.

Alembic is called directly, with the engine handed over, so that records need no web framework for it. A new
migration is drafted by ``carepool database revision "why"`` and then read, by a person, before it is committed.
"""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect

from . import Base, append_only

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(engine: Engine) -> None:
    """Create or bring up to date every table; a database that is up to date already stays as it is."""
    with engine.begin() as connection:
        command.upgrade(_config(connection), "head")
        append_only.enforce(connection)


def draft_revision(engine: Engine, message: str) -> None:
    """Write a new migration file from the difference between this database and the tables in the code."""
    with engine.begin() as connection:
        command.revision(_config(connection), message, autogenerate=True)


def differences(engine: Engine) -> list[Any]:
    """What the code's tables have that the database lacks, or the other way round; empty when they agree."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))


def is_empty(engine: Engine) -> bool:
    """Whether nothing has been created in this database yet."""
    return not inspect(engine).get_table_names()


def _config(connection: Any) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
