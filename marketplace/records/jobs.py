"""Work asked for and not done in the request that asked: jobs, and the workers that do them.

A job is written in the same transaction as whatever it follows from, so it can neither be lost nor be there without
its cause. `marketplace.work` picks it up. One tender has at most one match and one set of scenarios that are not
finished: two indexes see to it.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.rules.permissions import Role

from .base import Base, Document, PublicId, status_column
from .tenders import Tender

_MATCH_UNFINISHED = text("status IN ('queued', 'running') AND kind IN ('round', 'rematch')")
_SCENARIOS_UNFINISHED = text("status IN ('queued', 'running') AND kind = 'scenarios'")


class JobKind(StrEnum):
    """What is to be done."""

    ROUND = "round"
    REMATCH = "rematch"
    SCENARIOS = "scenarios"


MATCHES = (JobKind.ROUND, JobKind.REMATCH)
"""The kinds that take a tender along its way."""


class JobStatus(StrEnum):
    """Queued until a worker begins; then running until it has come to one of three ends."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (JobStatus.QUEUED, JobStatus.RUNNING)


class Job(Base):
    """One piece of work about one tender, asked for by somebody whose rights it runs under.

    `round_id` is what the first step made; whoever repeats that step finds it and makes no second one. A set of
    scenarios is about a study, which was written with the job.
    `handed_at` says when a worker entered it in the engine of durable work.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index(
            "uq_jobs_one_match",
            "tender_id",
            unique=True,
            sqlite_where=_MATCH_UNFINISHED,
            postgresql_where=_MATCH_UNFINISHED,
        ),
        Index(
            "uq_jobs_one_set_of_scenarios",
            "tender_id",
            unique=True,
            sqlite_where=_SCENARIOS_UNFINISHED,
            postgresql_where=_SCENARIOS_UNFINISHED,
        ),
        CheckConstraint("(kind = 'scenarios') = (study_id IS NOT NULL)", name="study"),
    )

    id: Mapped[PublicId]
    kind: Mapped[JobKind] = mapped_column(status_column(JobKind))
    tender_id: Mapped[str] = mapped_column(ForeignKey("tenders.id"), index=True)
    round_id: Mapped[str | None] = mapped_column(ForeignKey("rounds.id"))
    study_id: Mapped[str | None] = mapped_column(ForeignKey("studies.id"), unique=True)
    status: Mapped[JobStatus] = mapped_column(status_column(JobStatus), default=JobStatus.QUEUED, index=True)
    message: Mapped[str | None] = mapped_column(Text)
    asked_by: Mapped[str] = mapped_column(String(24))
    asked_as: Mapped[Role] = mapped_column(status_column(Role))
    asked_for: Mapped[str] = mapped_column(String(24))
    asked_at: Mapped[datetime]
    handed_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    cancel_asked_by: Mapped[str | None] = mapped_column(String(24))
    cancel_asked_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    progress: Mapped[Document | None]

    tender: Mapped[Tender] = relationship()


class Worker(Base):
    """One worker process's place: it is seen every few seconds while it lives, and says so when it stops."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    version: Mapped[str] = mapped_column(String(24))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
