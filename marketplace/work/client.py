"""What pages and commands know of durable work: ask for it, look how far it is, call it off.

`enqueue_round`, `enqueue_rematch`, `enqueue_scenarios`, `enqueue_preview` and `cancel_job` are steps like those of the
journey: they run in the transaction their caller opened.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.journey.scopes import locked, one, studies_for, tenders_for
from marketplace.journey.studies import Asked, ask_preview, ask_study
from marketplace.records import audit
from marketplace.records.jobs import MATCHES, UNFINISHED, Job, JobKind, JobStatus, Worker
from marketplace.records.studies import Study
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant
from marketplace.rules.errors import WrongState
from marketplace.rules.lifecycle import TENDER_MOVES, TenderStatus, check_move
from marketplace.rules.permissions import Actor, Role, check_owner
from marketplace.rules.tendering import Policy

SEEN_WITHIN = timedelta(seconds=30)
"""A worker that was not seen for so long counts as away."""
CALLED_OFF = "The match was stopped before it was finished. Nothing was changed."
SCENARIOS_CALLED_OFF = "The comparison was stopped before it was finished."


@dataclass(frozen=True, slots=True)
class PartProgress:
    """How far one independent part of the market is: the level being settled, and the gap still open there."""

    level: str
    value: int
    bound: int | None
    gap_permille: float | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is. `parts` are the largest gaps first, and not more than a page can show.

    Attributes
    ----------
    gap_permille, history
        The widest gap of all parts, now and since it began (seconds, gap): it falls.
    seconds
        How long it runs, or ran; while it is queued, how long it has waited.
    ahead
        While it is queued: how many others were asked for before it and are not finished.
    stage
        Of scenarios: which of them is under way, `number` of `of`; 0 is the published policy's own outcome.
    """

    job_id: str
    status: JobStatus
    message: str | None
    seconds: float
    part_count: int
    parts: tuple[PartProgress, ...]
    cancelling: bool
    worker_away: bool
    gap_permille: float | None = None
    history: tuple[tuple[float, float], ...] = ()
    stage: Mapping[str, Any] | None = None
    ahead: int = 0

    @property
    def queued(self) -> bool:
        """Whether no worker has begun it yet."""
        return self.status is JobStatus.QUEUED

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
    return _write_job(session, now, actor, tender_id, kind)


def enqueue_scenarios(session: Session, now: Instant, actor: Actor, tender_id: str, asked: Asked) -> Study:
    """Ask for scenarios beside a tender's result; the same asked again while it is under way is the same study.

    Raises
    ------
    WrongState
        If the offers are not open, or another comparison is under way.
    Invalid
        If nothing is asked, or what the tender does not have.
    """
    document = [scenario.document() for scenario in asked.scenarios()]
    if (running := _running_study(session, actor, tender_id, document)) is not None:
        return running
    return _with_job(session, now, actor, ask_study(session, now, actor, tender_id, asked))


def enqueue_preview(session: Session, now: Instant, actor: Actor, tender_id: str, policy: Policy) -> Study:
    """Ask what a draft's policy would have done on the last similar tender.

    Raises
    ------
    WrongState
        If the tender is no draft, or another comparison is under way for it.
    """
    _running_study(session, actor, tender_id, None)
    return _with_job(session, now, actor, ask_preview(session, now, actor, tender_id, policy))


def _running_study(
    session: Session, actor: Actor, tender_id: str, document: list[dict[str, Any]] | None
) -> Study | None:
    tender = locked(session, Tender, tender_id, "tender")
    check_owner(actor, Role.BROKER, tender.broker_id, "tender")
    job = unfinished_job(session, tender_id, (JobKind.SCENARIOS,))
    if job is None:
        return None
    study = session.get_one(Study, job.study_id)
    if study.asked.get("scenarios") != document:
        raise WrongState("already_comparing", "Another comparison is under way. Wait for it, or stop it first.")
    return study


def _with_job(session: Session, now: Instant, actor: Actor, study: Study) -> Study:
    _write_job(session, now, actor, study.tender_id, JobKind.SCENARIOS, study.id)
    return study


def _write_job(
    session: Session, now: Instant, actor: Actor, tender_id: str, kind: JobKind, study_id: str | None = None
) -> Job:
    job = Job(
        kind=kind,
        tender_id=tender_id,
        study_id=study_id,
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
        job.status, job.message, job.finished_at = JobStatus.CANCELLED, called_off_words(job.kind), now
    return job


def called_off_words(kind: JobKind) -> str:
    """What a job says that was called off."""
    return CALLED_OFF if kind in MATCHES else SCENARIOS_CALLED_OFF


def progress_of(session: Session, now: Instant, actor: Actor, tender_id: str) -> Progress | None:
    """How far the latest match of a tender is; None when there never was one.

    Raises
    ------
    NotFound
        If the tender is not this actor's.
    """
    check_owner(actor, Role.BROKER, one(session, tenders_for(actor), tender_id, "tender").broker_id, "tender")
    latest = select(Job).where(Job.tender_id == tender_id, Job.kind.in_(MATCHES)).order_by(Job.asked_at.desc()).limit(1)
    job = unfinished_job(session, tender_id) or session.scalar(latest)
    return None if job is None else _progress(session, now, job)


def progress_of_study(session: Session, now: Instant, actor: Actor, study_id: str) -> Progress:
    """How far a study is.

    Raises
    ------
    NotFound
        If the study is not this actor's.
    """
    study = one(session, studies_for(actor), study_id, "study")
    return _progress(session, now, session.scalars(select(Job).where(Job.study_id == study.id)).one())


def _progress(session: Session, now: Instant, job: Job) -> Progress:
    said: Mapping[str, Any] = job.progress or {}
    rows = said.get("parts", [])
    seen = session.scalar(
        select(Worker.id).where(Worker.stopped_at.is_(None), Worker.seen_at > now - SEEN_WITHIN).limit(1)
    )
    return Progress(
        job_id=job.id,
        status=job.status,
        message=job.message,
        seconds=((job.finished_at or now) - (job.started_at or job.asked_at)).total_seconds(),
        part_count=int(said.get("part_count", 0)),
        parts=tuple(PartProgress(**row) for row in rows),
        cancelling=job.cancel_asked_at is not None,
        worker_away=job.status in UNFINISHED and seen is None,
        gap_permille=said.get("gap_permille"),
        history=tuple((point[0], point[1]) for point in said.get("history", [])),
        stage=said.get("stage"),
        ahead=_ahead_of(session, job) if job.status is JobStatus.QUEUED else 0,
    )


def _ahead_of(session: Session, job: Job) -> int:
    """How many unfinished jobs were asked for before this one: workers begin them in that order."""
    before = select(func.count()).where(Job.status.in_(UNFINISHED), Job.asked_at < job.asked_at)
    return session.scalar(before) or 0


def unfinished_job(session: Session, tender_id: str, kinds: Collection[JobKind] = MATCHES) -> Job | None:
    """The one job of these kinds that is under way for a tender, if any."""
    query = select(Job).where(Job.tender_id == tender_id, Job.status.in_(UNFINISHED), Job.kind.in_(kinds))
    return session.scalar(query)
