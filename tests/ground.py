"""What tests would otherwise make anew each time: databases with all tables, the pages' compiled templates."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Connection, create_engine, delete, text
from sqlalchemy.pool import NullPool

from marketplace.records import Base
from marketplace.records.database import configure_engine

TABLES = Base.metadata.tables.values()


def lay_sqlite(path: Path) -> str:
    """An empty database with all tables in this file; returns its address."""
    shutil.copyfile(_template(), path)
    return f"sqlite:///{path}"


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="carepool-tables-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "carepool.sqlite"
    engine = configure_engine(create_engine(f"sqlite:///{path}"))
    Base.metadata.create_all(engine)
    engine.dispose()
    return path


def named(address: str, database: str) -> str:
    """The address of another database of the same server."""
    head, _, query = address.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{database}{'?' + query if query else ''}"


class ReusedDatabase:
    """A PostgreSQL database that is emptied between tests: making one takes a fifth of a second, emptying it nothing.

    Whoever is still connected is sent away. A test that left other tables or triggers behind gets it made anew.

    Parameters
    ----------
    admin
        A connection to the server outside any transaction.
    server
        The server's address; its database ``template_carepool`` has all tables.
    """

    NAME = "carepool_of_tests"
    _SHAPE = text(
        "SELECT (SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE nspname !~ '^(pg_|information_schema)'), (SELECT count(*) FROM pg_trigger WHERE tgenabled = 'O')"
    )
    _SEND_AWAY = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    _EMPTY = "; ".join(["SET session_replication_role = replica", *(str(delete(table)) for table in TABLES)])

    def __init__(self, admin: Connection, server: str) -> None:
        self.address = named(server, self.NAME)
        self._admin = admin
        self._make()

    def empty(self) -> None:
        """As it was at first, for the next test."""
        with self._engine.connect() as connection:
            connection.execute(self._SEND_AWAY)
            same = connection.execute(self._SHAPE).one() == self._shape
            if same:
                connection.exec_driver_sql(self._EMPTY)
        if not same:
            self.close()
            self._make()

    def close(self) -> None:
        """Take it away."""
        self._engine.dispose()
        self._admin.execute(text(f"DROP DATABASE {self.NAME} WITH (FORCE)"))

    def _make(self) -> None:
        self._admin.execute(text(f"CREATE DATABASE {self.NAME} TEMPLATE template_carepool"))
        self._engine = create_engine(self.address, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with self._engine.connect() as connection:
            self._shape = connection.execute(self._SHAPE).one()


class CompiledTemplates(BytecodeCache):
    """Templates compiled once for all the sites of a test process."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what another site has compiled of the same source."""
        code = self._code.get(f"{bucket.key}:{bucket.checksum}")
        if code is not None:
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what this site has compiled."""
        self._code[f"{bucket.key}:{bucket.checksum}"] = bucket.bytecode_to_string()
