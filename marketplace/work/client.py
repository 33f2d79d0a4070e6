"""What pages and commands know of durable work: ask for it, look how far it is, call it off.

`enqueue_round`, `enqueue_rematch` and `cancel_job` are steps like those of the journey: they run in the transaction
their caller opened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.journey.scopes import locked, one, tenders_for
from marketplace.records import audit
from marketplace.records.jobs import UNFINISHED, Job, JobKind, JobStatus, Worker
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant
from marketplace.rules.errors import WrongState
from marketplace.rules.lifecycle import TENDER_MOVES, TenderStatus, check_move
from marketplace.rules.permissions import Actor, Role, check_owner

SEEN_WITHIN = timedelta(seconds=30)
"""A worker that was not seen for so long counts as away."""
CALLED_OFF = "The match was stopped before it was finished. Nothing was changed."


@dataclass(frozen=True, slots=True)
class PartProgress:
    """How far one independent part of the market is: the level being settled, and the gap still open there."""

    level: str
    value: int
    bound: int | None
    gap_permille: float | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a tender's latest job is. `parts` are the largest gaps first, and not more than a page can show."""

    job_id: str
    status: JobStatus
    message: str | None
    seconds: float
    part_count: int
    parts: tuple[PartProgress, ...]
    cancelling: bool
    worker_away: bool

    @property
    def finished(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self.status not in UNFINISHED


def enqueue_round(session: Session, now: Instant, actor: Actor, tender_id: str) -> Job:
    """Ask for a tender's round; asked again while something is under way for it, that job is the answer.

    Raises
    ------
    WrongState
        If no round can begin from where the tender is.
    """
    return _enqueue(session, now, actor, tender_id, JobKind.ROUND)


def enqueue_rematch(session: Session, now: Instant, actor: Actor, tender_id: str) -> Job:
    """Ask for a rematch after refusals, in the same way."""
    return _enqueue(session, now, actor, tender_id, JobKind.REMATCH)


def _enqueue(session: Session, now: Instant, actor: Actor, tender_id: str, kind: JobKind) -> Job:
    tender = locked(session, Tender, tender_id, "tender")
    check_owner(actor, Role.BROKER, tender.broker_id, "tender")
    if (running := unfinished_job(session, tender_id)) is not None:
        return running
    check_move(TENDER_MOVES, tender.status, TenderStatus.MATCHING)
    job = Job(
        kind=kind,
        tender_id=tender_id,
        status=JobStatus.QUEUED,
        asked_by=actor.user_id,
        asked_as=actor.role,
        asked_for=actor.party_id,
        asked_at=now,
    )
    session.add(job)
    session.flush()
    audit.append(session, now, actor, f"{kind.value}.asked", job.id, tender=tender_id)
    return job


def cancel_job(session: Session, now: Instant, actor: Actor, job_id: str) -> Job:
    """Call a job off. One that no worker has begun ends here; a running one ends as soon as its worker hears of it.

    Raises
    ------
    WrongState
        If it is finished.
    """
    job = locked(session, Job, job_id, "job")
    check_owner(actor, Role.BROKER, job.tender.broker_id, "job")
    if job.status not in UNFINISHED:
        raise WrongState("job_finished", "This has come to its end already.")
    if job.cancel_asked_at is None:
        job.cancel_asked_by, job.cancel_asked_at = actor.user_id, now
        audit.append(session, now, actor, f"{job.kind.value}.called_off", job.id, tender=job.tender_id)
    if job.status is JobStatus.QUEUED:
        job.status, job.message, job.finished_at = JobStatus.CANCELLED, CALLED_OFF, now
    return job


def progress_of(session: Session, now: Instant, actor: Actor, tender_id: str) -> Progress | None:
    """How far the latest job of a tender is; None when there never was one.

    Raises
    ------
    NotFound
        If the tender is not this actor's.
    """
    check_owner(actor, Role.BROKER, one(session, tenders_for(actor), tender_id, "tender").broker_id, "tender")
    latest = select(Job).where(Job.tender_id == tender_id).order_by(Job.asked_at.desc()).limit(1)
    job = unfinished_job(session, tender_id) or session.scalar(latest)
    if job is None:
        return None
    said: Mapping[str, object] = job.progress or {}
    rows = said.get("parts", [])
    seen = session.scalar(
        select(Worker.id).where(Worker.stopped_at.is_(None), Worker.seen_at > now - SEEN_WITHIN).limit(1)
    )
    return Progress(
        job_id=job.id,
        status=job.status,
        message=job.message,
        seconds=((job.finished_at or now) - (job.started_at or now)).total_seconds(),
        part_count=int(str(said.get("part_count", 0))),
        parts=tuple(PartProgress(**row) for row in rows) if isinstance(rows, list) else (),
        cancelling=job.cancel_asked_at is not None,
        worker_away=job.status in UNFINISHED and seen is None,
    )


def unfinished_job(session: Session, tender_id: str) -> Job | None:
    """The one job of a tender that is under way, if any."""
    return session.scalar(select(Job).where(Job.tender_id == tender_id, Job.status.in_(UNFINISHED)))
