"""Whether there is anybody to do durable work: `worker_is_about`."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.records.jobs import Worker
from marketplace.rules.clock import Instant
from marketplace.work.client import SEEN_WITHIN


def worker_is_about(session: Session, now: Instant) -> bool:
    """Whether a worker was seen a moment ago."""
    alive = select(Worker.id).where(Worker.stopped_at.is_(None), Worker.seen_at > now - SEEN_WITHIN)
    return session.scalar(alive.limit(1)) is not None
