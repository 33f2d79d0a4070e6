"""Beside a solve: a thread that writes how far it is, and hears when it is called off.

The engine's own threads only leave their last word here and ask a flag; the database is touched by this thread alone,
some two times a second, however fast the engine talks.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

import matching
from marketplace.records.database import writing
from marketplace.records.jobs import Job
from matching.outcome import gap_permille

from .equipment import Equipment

EVERY_S = 0.4
PARTS_SHOWN = 12
POINTS_KEPT = 60
"""Of the curve along which the widest gap falls."""


class Watch:
    """While it is open: `tell` takes the engine's progress, `called_off` says whether to stop."""

    def __init__(self, tools: Equipment, job_id: str) -> None:
        self._tools = tools
        self._job_id = job_id
        self._parts: dict[str, matching.Progress] = {}
        self._stage: dict[str, Any] | None = None
        self._history: list[tuple[float, float]] = []
        self._seconds = 0.0
        self._lock = Lock()
        self._called_off = Event()
        self._over = Event()
        self._thread = Thread(target=self._run, name=f"watch-{job_id}", daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def begin(self, number: int, of: int, scenario: Mapping[str, Any]) -> None:
        """Say which of several solves begins (0: the published policy's own); its parts are counted anew."""
        with self._lock:
            self._parts, self._history, self._seconds = {}, [], 0.0
            self._stage = {"number": number, "of": of, "scenario": dict(scenario)}

    def tell(self, event: matching.Progress) -> None:
        """Keep the last word on each part; called from the engine's threads."""
        with self._lock:
            self._parts[event.part] = event
            self._seconds = max(self._seconds, event.seconds)

    def called_off(self) -> bool:
        """Whether somebody has asked to stop; asked by the engine now and then."""
        return self._called_off.is_set()

    def _run(self) -> None:
        with self._tools.session() as session:
            while True:
                over = self._over.wait(EVERY_S)
                # progress is worth no failure: what could not be written now is written in a moment
                with suppress(SQLAlchemyError), _at_rest(session):
                    self._look(session)
                if over:
                    return

    def _look(self, session: Session) -> None:
        if session.scalar(select(Job.cancel_asked_at).where(Job.id == self._job_id)) is not None:
            self._called_off.set()
        with self._lock:
            said = progress_document(self._parts, self._seconds)
            if said["gap_permille"] is not None:
                self._history = _thinned([*self._history, (said["seconds"], said["gap_permille"])])
            said |= {"history": self._history} | ({"stage": self._stage} if self._stage else {})
        with writing(session):
            session.execute(update(Job).where(Job.id == self._job_id).values(progress=said))


@contextmanager
def _at_rest(session: Session) -> Iterator[None]:
    try:
        yield
    finally:
        session.rollback()


def progress_document(parts: Mapping[str, matching.Progress], seconds: float) -> dict[str, Any]:
    """How far each part is, the widest gaps first; a part without a bound yet is the widest of all."""
    rows = [
        {
            "level": event.level,
            "value": event.value,
            "bound": event.bound,
            "gap_permille": None if event.bound is None else round(gap_permille(event.value, event.bound), 2),
        }
        for _, event in sorted(parts.items())
    ]
    rows.sort(key=_width, reverse=True)
    widest = rows[0]["gap_permille"] if rows else None
    return {
        "part_count": len(rows),
        "seconds": round(seconds, 1),
        "gap_permille": widest,
        "parts": rows[:PARTS_SHOWN],
    }


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Not more points than a picture needs: every second one is left out when there are too many, never the last."""
    return points if len(points) <= POINTS_KEPT else [*points[:-1:2], points[-1]]


def _width(row: Mapping[str, Any]) -> float:
    gap = row["gap_permille"]
    return float("inf") if gap is None else float(gap)
