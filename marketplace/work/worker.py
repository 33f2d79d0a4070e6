"""`carepool worker`: a process that does the durable work until it is told to stop.

Stopping it is safe at any moment, kill -9 included: whatever it was in the middle of is done by the next worker, or by
this one when it starts again. So it waits for nothing when it is told to stop.
"""

import logging
import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event
from time import monotonic

from dbos import DBOS, DBOSClient
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from . import care, flows, post
from .equipment import Equipment, lend_equipment
from .slots import executor_id
from .system import CLOCKWORK, UNHURRIED, client_on, configuration, declare_queues, open_system

LOOK_S = 0.2
"""How often it looks for new jobs."""
BEAT_S = 2.0
TIDY_S = 3_600.0

logger = logging.getLogger("carepool.worker")
Say = Callable[[str], None]


def run_worker(tools: Equipment, say: Say, stop: Event | None = None) -> None:
    """Work until `stop` is set, or until SIGTERM or SIGINT arrives when none is given.

    Parameters
    ----------
    tools
        Database, keys, clock, mail server. The tables must be there.
    say
        Takes the sentences that a person who started it should read.
    stop
        Ends it from the same process.
    """
    stop = stop or _until_told()
    lend_equipment(tools)
    with executor_id(tools.var_dir) as own_id:
        system = open_system(tools.engine.url)
        DBOS(config=configuration(system, own_id))
        DBOS.launch()
        try:
            declare_queues()
            _keep_time()
            say(f"Worker {own_id} is at work (stop it with Ctrl-C).")
            _say_post(tools, say)
            _look_after(tools, system, own_id, stop)
        finally:
            DBOS.destroy(workflow_completion_timeout_sec=0)
            system.dispose()


def _keep_time() -> None:
    DBOS.apply_schedules(
        [
            {
                "schedule_name": name,
                "workflow_fn": flow,
                "schedule": "* * * * *",
                "queue_name": queue,
            }
            for name, flow, queue in (
                ("deadlines", flows.deadlines_flow, CLOCKWORK),
                ("post", flows.post_flow, CLOCKWORK),
                ("feedback", flows.feedback_flow, UNHURRIED),
                ("advice", flows.advice_flow, UNHURRIED),
            )
        ]
    )


def _look_after(tools: Equipment, system: Engine, own_id: str, stop: Event) -> None:
    """Between the workflows, which run in threads of DBOS: see `care`."""
    client = client_on(system)
    with tools.session() as session:
        care.begin(session, _wall(), own_id)
        next_beat = next_tidy = monotonic()
        while not stop.wait(LOOK_S):
            try:
                care.hand_over(session, tools.now(), client)
                if monotonic() >= next_beat:
                    _on_the_beat(tools, session, client, own_id)
                    next_beat = monotonic() + BEAT_S
                if monotonic() >= next_tidy:
                    care.tidy(session, client, _wall())
                    next_tidy = monotonic() + TIDY_S
            except Exception as error:  # a database that is away comes back; the worker must not be gone by then
                session.rollback()
                logger.warning("worker %s: %s; trying again", own_id, type(error).__name__)
        with suppress(SQLAlchemyError):
            care.beat(session, _wall(), own_id, stopping=True)


def _on_the_beat(tools: Equipment, session: Session, client: DBOSClient, own_id: str) -> None:
    care.beat(session, _wall(), own_id)
    taken = care.take_over(session, _wall(), client, own_id, timedelta(seconds=tools.lost_after_s))
    mended = care.mend(session, client)
    for what, ids in (("taken over", taken), ("mended", mended)):
        if ids:
            logger.warning("worker %s: %s %s", own_id, what, ", ".join(ids))


def _say_post(tools: Equipment, say: Say) -> None:
    if tools.mail is not None:
        say(f"Messages go out by {tools.mail.host}:{tools.mail.port}.")
        return
    with tools.session() as session:
        say(f"CAREPOOL_MAIL_HOST is not set: {post.waiting(session):,} messages stay in the outbox.")


def _until_told() -> Event:
    told = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    return told


def _wall() -> datetime:
    """The time of day for heartbeats, whatever clock the steps are given: workers compare theirs with one another's."""
    return datetime.now(UTC)  # noqa: TID251 - the entrance of time for heartbeats
