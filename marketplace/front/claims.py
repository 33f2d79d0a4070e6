"""The six claims for pages: `current_claims` counts them when what they depend on has changed; `unmet_services`.

Each process keeps its last answer; whether anything has changed is asked in one short query. Where counting is quick
it is done at once. Where many people are stored it takes seconds, so the answer before is given until a thread beside
the pages has counted anew. The first visitor after a start waits for `FIRST_WAIT_S` at most and is then asked back.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from flask import current_app
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from marketplace.journey.claims import Claims, all_claims, state_of
from marketplace.journey.claims.unmet import UnmetClaim, UnmetService
from marketplace.rules.clock import Instant, london_date

QUICK_S = 0.5
"""Counting that took less than this is repeated while the visitor waits."""

FIRST_WAIT_S = 3.0
"""How long a visitor waits for the first answer of this process."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """The claims, the state they were counted for, and how long it took."""

    state: tuple[object, ...]
    claims: Claims
    seconds: float


@dataclass
class _Kept:
    """The last answer of this process; one thread counts at a time."""

    answer: _Answer | None = None
    counting: threading.Lock = field(default_factory=threading.Lock)


def current_claims(session: Session, now: Instant) -> Claims | None:
    """The claims as of now, or as of the result before while those of a large market are being counted.

    None where nothing has been counted yet since the start, and it takes long.
    """
    kept: _Kept = current_app.extensions.setdefault("carepool_claims", _Kept())
    today = london_date(now)
    state, last = state_of(session, today), kept.answer
    if last is not None and last.state == state:
        return last.claims
    if last is not None and last.seconds < QUICK_S:
        with kept.counting:
            if kept.answer is None or kept.answer.state != state:
                kept.answer = _count(session, today, state)
            return kept.answer.claims
    counter = None
    if kept.counting.acquire(blocking=False):
        counter = threading.Thread(target=_count_beside, args=(session.get_bind(), kept, today), daemon=True)
        counter.start()
    if last is None and counter is not None:
        counter.join(FIRST_WAIT_S)
    answer = kept.answer
    return None if answer is None else answer.claims


def unmet_services(claim: UnmetClaim, *, service: str, area: str) -> Sequence[UnmetService]:
    """The services of the claim that fit, each with the areas that fit."""
    wanted = area.strip().lower()
    narrowed = [
        replace(row, areas=tuple(place for place in row.areas if wanted in place.area.lower()))
        for row in claim.services
        if not service or row.service == service
    ]
    return [row for row in narrowed if row.areas]


def _count(session: Session, today: date, state: tuple[object, ...]) -> _Answer:
    began = time.perf_counter()
    claims = all_claims(session, today)
    return _Answer(state, claims, time.perf_counter() - began)


def _count_beside(engine: Engine | Connection, kept: _Kept, today: date) -> None:
    """Count in a session of its own; the lock was taken by whoever started this."""
    try:
        with Session(engine) as session:
            kept.answer = _count(session, today, state_of(session, today))
    finally:
        kept.counting.release()
