"""Where DBOS keeps its own tables, and how it is told to run.

On SQLite they lie in a file of their own beside the application's: workflows write often, and must not hold up the
pages. DBOS is handed an engine of ours there, in WAL mode with a real BEGIN IMMEDIATE before everything; with the
driver's own transactions its updates get lost. On PostgreSQL they lie in the application's database, in the schema
``dbos``.
"""

from pathlib import Path

from dbos import DBOS, DBOSClient, DBOSConfig
from sqlalchemy import URL, Engine, create_engine

from marketplace.records.database import configure_engine

from . import WORK_VERSION

APPLICATION = "carepool"
SCHEMA = "dbos"
JOB = "job"
"""The name of the workflow that does a job."""
JOBS, CLOCKWORK, UNHURRIED = "jobs", "clockwork", "unhurried"
"""The queues: jobs, one at a time on each worker, since a solve uses all its processors; what is quick; and what may
take minutes, and must keep no broker waiting who asks for a match meanwhile.
"""
POLL_S, SLOW_POLL_S = 0.1, 1.0
"""How often a worker looks into them: a broker waits for a job, nobody for the minute's work."""


def system_url(application: URL) -> URL:
    """The database of the durable work that belongs to this application database."""
    if application.get_backend_name() != "sqlite":
        return application
    path = Path(application.database or "carepool.sqlite")
    return application.set(database=str(path.with_name(f"{path.stem}-work{path.suffix or '.sqlite'}")))


def open_system(application: URL) -> Engine:
    """Create or bring up to date the tables of the durable work, and an engine on them."""
    url = system_url(application)
    DBOS.migrate(url.render_as_string(hide_password=False), schema=SCHEMA)
    engine = create_engine(
        url, hide_parameters=True, pool_pre_ping=True, execution_options={"sqlite_begin": "IMMEDIATE"}
    )
    return configure_engine(engine)


def configuration(engine: Engine, executor_id: str) -> DBOSConfig:
    """What DBOS is told. Nothing is sent anywhere: no conductor, no telemetry."""
    return DBOSConfig(
        name=APPLICATION,
        application_version=WORK_VERSION,
        executor_id=executor_id,
        system_database_engine=engine,
        dbos_system_schema=SCHEMA,
        run_migrations=False,
        enable_otlp=False,
        log_level="WARNING",
    )


def client_on(engine: Engine) -> DBOSClient:
    """A view of the workflows from outside them: enter, find, take over, tidy."""
    return DBOSClient(system_database_engine=engine, dbos_system_schema=SCHEMA, application_name=APPLICATION)


def declare_queues() -> None:
    """Say how many workflows of each kind a worker runs at a time."""
    DBOS.register_queue(JOBS, worker_concurrency=1, polling_interval_sec=POLL_S)
    DBOS.register_queue(CLOCKWORK, worker_concurrency=2, polling_interval_sec=SLOW_POLL_S)
    DBOS.register_queue(UNHURRIED, worker_concurrency=1, polling_interval_sec=SLOW_POLL_S)
