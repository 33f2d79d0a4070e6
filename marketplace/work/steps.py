"""The three steps of a job: `freeze`, `solve`, `record`. Each may be done twice, and has its effect once.

The job's row is what makes them so. `freeze` writes the round's id into it in the transaction that starts the round,
so a second `freeze` finds the round and starts none; `record` finishes the job in the transaction that finishes the
round, so a second `record` finds nothing to do. `solve` changes nothing but the progress it tells. With scenarios a
study takes the round's place: what the steps hand on is the id of the one or the other.

A job that is called off ends with its tender back where it was and the reason on it; no pound has moved before
`record`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from marketplace.journey.rounds import stopped_by
from marketplace.journey.scopes import locked
from marketplace.records.database import writing
from marketplace.records.jobs import MATCHES, UNFINISHED, Job, JobStatus
from marketplace.records.rounds import Round, RoundStatus
from marketplace.rules.clock import Instant
from marketplace.rules.errors import DomainError, WrongState
from marketplace.rules.permissions import SYSTEM, Actor

from .client import called_off_words
from .equipment import equipment
from .kinds import KINDS, Answer, about
from .watch import Watch

GIVEN_UP = "The match was begun and could not be finished. Nothing was changed. It can be run again."
SCENARIOS_GIVEN_UP = "The comparison was begun and could not be finished. You can ask for it again."


def freeze(job_id: str) -> str | None:
    """Begin the job: start its round, or find the one it has. None when there is nothing (more) to do."""
    tools = equipment()
    with tools.session() as session:
        try:
            with writing(session):
                return _freeze(session, tools.now(), job_id)
        except DomainError as error:
            refused = error
        with writing(session):
            job = session.get(Job, job_id, with_for_update=True)
            if job is not None and job.status in UNFINISHED:
                _end(job, tools.now(), JobStatus.FAILED, refused.message)
    return None


def _freeze(session: Session, now: Instant, job_id: str) -> str | None:
    job = session.get(Job, job_id, with_for_update=True)
    if job is None or job.status not in UNFINISHED:
        return None
    if job.status is JobStatus.QUEUED:
        KINDS[job.kind].start(session, now, _actor_of(job), job)
        job.status, job.started_at = JobStatus.RUNNING, now
    return about(job)


def solve(job_id: str, about_id: str) -> Answer:
    """Ask the engine, with no transaction open; tell how far it is, and stop it when the job is called off.

    Whatever stops the engine is an answer too (``failure``), and is not tried again: the same question would stop it
    the same way.
    """
    tools = equipment()
    with tools.session() as session:
        kind = KINDS[session.get_one(Job, job_id).kind]
        question = kind.question(session, about_id)
    with Watch(tools, job_id) as watch:
        try:
            return kind.solve(question, watch)
        except Exception as error:
            return {"failure": stopped_by(error)}


def record(job_id: str, about_id: str, answer: Mapping[str, Any]) -> None:
    """Finish the round, or fail it with the reason, and the job with it. A finished job stays as it is."""
    _settle(job_id, lambda session, now, job: _record(session, now, job, about_id, answer))


def give_up(job_id: str) -> None:
    """End a job that no worker could finish, and put its tender back where it was."""
    _settle(job_id, _give_up)


def _settle(job_id: str, end: Callable[[Session, Instant, Job], None]) -> None:
    """End an unfinished job in one transaction; should the tender have gone its own way meanwhile, end it alone."""
    tools = equipment()
    now = tools.now()
    with tools.session() as session:
        try:
            with writing(session):
                job = locked(session, Job, job_id, "job")
                if job.status in UNFINISHED:
                    end(session, now, job)
        except WrongState as error:
            with writing(session):
                job = locked(session, Job, job_id, "job")
                row = session.get(Round, job.round_id) if job.round_id else None
                if row is not None and row.status is RoundStatus.FROZEN:
                    row.status, row.failure, row.finished_at = RoundStatus.FAILED, error.message, now
                _end(job, now, JobStatus.FAILED, error.message)


def _record(session: Session, now: Instant, job: Job, about_id: str, answer: Mapping[str, Any]) -> None:
    kind = KINDS[job.kind]
    if job.cancel_asked_at is not None:
        kind.fail(session, now, _who_called_off(job), about_id, called_off_words(job.kind))
        _end(job, now, JobStatus.CANCELLED, called_off_words(job.kind))
    elif reason := _failure(answer):
        kind.fail(session, now, _actor_of(job), about_id, reason)
        _end(job, now, JobStatus.FAILED, reason)
    else:
        kind.finish(session, now, _actor_of(job), about_id, answer)
        _end(job, now, JobStatus.DONE, None)


def _give_up(session: Session, now: Instant, job: Job) -> None:
    words = GIVEN_UP if job.kind in MATCHES else SCENARIOS_GIVEN_UP
    row = session.get(Round, job.round_id) if job.round_id else None
    if job.study_id is not None or (row is not None and row.status is RoundStatus.FROZEN):
        KINDS[job.kind].fail(session, now, SYSTEM, about(job) or "", words)
    _end(job, now, JobStatus.FAILED, words)


def _actor_of(job: Job) -> Actor:
    """Whoever asked: the steps run with their rights."""
    return Actor(job.asked_by, job.asked_as, job.asked_for)


def _who_called_off(job: Job) -> Actor:
    return Actor(job.cancel_asked_by or job.asked_by, job.asked_as, job.asked_for)


def _failure(answer: Mapping[str, Any]) -> str | None:
    if "failure" in answer:
        return str(answer["failure"])
    if answer["findings"]:
        return f"It did not pass its check: {answer['findings'][0]}"
    return None


def _end(job: Job, now: Instant, status: JobStatus, message: str | None) -> None:
    job.status, job.message, job.finished_at = status, message, now
