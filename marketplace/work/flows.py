"""The durable workflows, as DBOS runs them. What their steps do is in `steps`, `post` and the journey's `deadlines`.

A step is tried again when the database or the mail server fails it. What it raises is kept by DBOS and written to the
log, so it leaves here as the name of an error and never as its text: a database's texts repeat values.
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import ParamSpec, TypeVar

from dbos import DBOS

from marketplace.journey.deadlines import run_due

from . import advice, feedback, post, steps
from .equipment import equipment
from .kinds import Answer
from .system import JOB

P = ParamSpec("P")
T = TypeVar("T")

ATTEMPTS = 8
"""How often a step is tried, with pauses of 0.5, 1, 2 ... seconds: about a minute."""
RECOVERIES = 20
"""How often a workflow is taken up again after its process died, before it counts as what killed it."""


class StepFailed(Exception):
    """A step could not be done now: the name of what stood in its way."""


def discreet(function: Callable[P, T]) -> Callable[P, T]:
    """Let nothing out of a step but the name of its error."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            raise StepFailed(type(error).__name__) from None

    return guarded


@DBOS.step(name="freeze", retries_allowed=True, interval_seconds=0.5, max_attempts=ATTEMPTS)
@discreet
def freeze(job_id: str) -> str | None:
    """Freeze the market, or find it frozen."""
    return steps.freeze(job_id)


@DBOS.step(name="solve", retries_allowed=True, interval_seconds=0.5, max_attempts=ATTEMPTS)
@discreet
def solve(job_id: str, about_id: str) -> Answer:
    """Ask the engine."""
    return steps.solve(job_id, about_id)


@DBOS.step(name="record", retries_allowed=True, interval_seconds=0.5, max_attempts=ATTEMPTS)
@discreet
def record(job_id: str, about_id: str, answer: Answer) -> None:
    """Store what came out, or find it stored."""
    steps.record(job_id, about_id, answer)


@DBOS.workflow(name=JOB, max_recovery_attempts=RECOVERIES)
def job_flow(job_id: str) -> None:
    """One job, from its frozen market to what is recorded of it."""
    about_id = freeze(job_id)
    if about_id is not None:
        record(job_id, about_id, solve(job_id, about_id))


@DBOS.step(name="run_due", retries_allowed=True, interval_seconds=0.5, max_attempts=ATTEMPTS)
@discreet
def do_what_is_due() -> list[str]:
    """Whatever time has brought about; returns what could not be done, by name."""
    tools = equipment()
    with tools.session() as session:
        return [f"{done.what}: {done.error}" for done in run_due(session, tools.now()) if done.error]


@DBOS.workflow(name="deadlines", max_recovery_attempts=RECOVERIES)
def deadlines_flow(_scheduled_at: datetime, _context: object) -> None:
    """Every minute: the deadlines. What failed is tried again in the next minute."""
    do_what_is_due()


@DBOS.step(name="send_post", retries_allowed=False)
@discreet
def send_post() -> int:
    """Send the messages that wait; returns how many went out."""
    return post.send_waiting(equipment()).sent


@DBOS.workflow(name="post", max_recovery_attempts=RECOVERIES)
def post_flow(_scheduled_at: datetime, _context: object) -> None:
    """Every minute: the post. What could not be sent waits in the outbox for its next attempt."""
    send_post()


@DBOS.step(name="give_feedback", retries_allowed=False)
@discreet
def give_feedback() -> int:
    """Write to bidders how they did; returns how many were told."""
    tools = equipment()
    with tools.session() as session:
        return feedback.prepare_all(session, tools.now())


@DBOS.workflow(name="feedback", max_recovery_attempts=RECOVERIES)
def feedback_flow(_scheduled_at: datetime, _context: object) -> None:
    """Every minute: the feedback on awards that were confirmed. What time did not allow waits for the next minute."""
    give_feedback()


@DBOS.step(name="advise", retries_allowed=False)
@discreet
def advise() -> int:
    """Work out what would have helped those without a match, and what bidders will read; returns how many answers."""
    tools = equipment()
    with tools.session() as session:
        return advice.advise_all(session, tools.now())


@DBOS.workflow(name="advice", max_recovery_attempts=RECOVERIES)
def advice_flow(_scheduled_at: datetime, _context: object) -> None:
    """Every minute: the advice on proposed matches. What time did not allow waits for the next minute."""
    advise()
