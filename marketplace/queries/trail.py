"""A commissioner's look into the audit trail: `acts`, `act_count`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from marketplace.journey.audit_trail import events_for
from marketplace.records.audit import AuditEvent
from marketplace.records.people import User
from marketplace.rules.clock import Instant
from marketplace.rules.permissions import Actor

from .trail_words import acts_called, fact_words, is_code
from .words import words

PERIODS: dict[str, tuple[str, int | None]] = {
    "week": ("The last 7 days", 7),
    "month": ("The last 30 days", 30),
    "year": ("The last 365 days", 365),
    "all": ("All time", None),
}
MOST_COUNTED = 5_000


@dataclass(frozen=True, slots=True)
class Act:
    """One act: its number in the chain, when, who, as what, what, about which thing, and what was noted.

    Attributes
    ----------
    facts
        What was noted and means something to a reader: name and value in words.
    codes
        The rest of it: hashes, seeds and the codes of other things.
    """

    number: int
    at: Instant
    who: str
    role: str
    event: str
    about_id: str
    facts: tuple[tuple[str, str], ...]
    codes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody looks for: a part of an act's name, the number of a thing, a name, how far back."""

    event: str = ""
    about: str = ""
    who: str = ""
    period: str = "week"


def act_count(session: Session, actor: Actor, now: Instant, asked: Asked) -> int:
    """How many acts fit: no more than `MOST_COUNTED` are counted, because nobody pages further than that."""
    counted = _acts(session, actor, now, asked).with_only_columns(AuditEvent.number).limit(MOST_COUNTED)
    return session.scalar(select(func.count()).select_from(counted.subquery())) or 0


def acts(
    session: Session, actor: Actor, now: Instant, asked: Asked, *, first: int, size: int, order: ColumnElement[Any]
) -> list[Act]:
    """Some of the acts that fit."""
    query = _acts(session, actor, now, asked).order_by(order, AuditEvent.number)
    rows = session.scalars(query.offset(first).limit(min(size, MOST_COUNTED))).all()
    people = select(User.id, User.name).where(User.id.in_({row.actor_id for row in rows}))
    names = {row.id: row.name for row in session.execute(people)}
    return [_act(row, names) for row in rows]


def _act(row: AuditEvent, names: Mapping[str, str]) -> Act:
    told: dict[bool, list[tuple[str, str]]] = {False: [], True: []}
    for name, value in row.facts.items():
        told[is_code(name, value)].append(fact_words(row.event, name, value))
    nobody = "The scheduler" if row.role == "system" else f"{words(row.role)} {row.actor_id}"
    return Act(
        number=row.number,
        at=row.at,
        who=names.get(row.actor_id, nobody),
        role=row.role,
        event=row.event,
        about_id=row.about_id,
        facts=tuple(told[False]),
        codes=tuple(told[True]),
    )


def _acts(session: Session, actor: Actor, now: Instant, asked: Asked) -> Select[AuditEvent]:
    query = events_for(actor)
    days = PERIODS.get(asked.period, PERIODS["week"])[1]
    if days is not None:
        query = query.where(AuditEvent.number >= _first_since(session, now - timedelta(days=days)))
    if asked.event:
        spelt = func.replace(AuditEvent.event, ".", "_")
        by_code = spelt.icontains(re.sub(r"[.: ]+", "_", asked.event), autoescape=True)
        query = query.where(by_code | AuditEvent.event.in_(acts_called(asked.event)))
    if asked.about:
        query = query.where(AuditEvent.about_id == asked.about)
    if asked.who:
        named = select(User.id).where(User.name.icontains(asked.who, autoescape=True))
        query = query.where(AuditEvent.actor_id.in_(named))
    return query


def _first_since(session: Session, since: Instant) -> int:
    """The number of the first act since then, found by halving: acts are numbered as they come.

    Twenty looks at a trail of a million acts, and no index on the time that every act would have to keep up.
    """
    low, high = 1, (session.scalar(select(func.max(AuditEvent.number))) or 0) + 1
    while low < high:
        middle = (low + high) // 2
        at = session.scalar(
            select(AuditEvent.at).where(AuditEvent.number <= middle).order_by(AuditEvent.number.desc()).limit(1)
        )
        low, high = (middle + 1, high) if at is not None and at < since else (low, middle)
    return low
