"""The audit trail: append-only, hash-chained, written in the same transaction as what it records.

An event holds ids, counts and digests, never personal text, so that a person's data can be erased without breaking
the chain. Each event's hash covers its content and the hash before it; the UNIQUE on `previous_sha256` makes a fork
impossible. `check_chain` walks it from the start; `head` is its end, and whoever keeps a copy of it elsewhere can tell
later that nothing was cut off (`check_reaches`). What is refused is rolled back with its event, but for what
`note_refusal` remembers. Views of a patient's record are kept beside it, in `RecordView`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import ForeignKey, Index, String, Table, insert, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from marketplace.rules.canonical import sha256_of
from marketplace.rules.clock import utc
from marketplace.rules.permissions import Actor

from .base import Base, Document, PublicId

GENESIS = "0" * 64
_KNOWN_END = "carepool.audit_end"
_REFUSED = "carepool.refusals"
_CHAIN_LOCK = 20_261_121  # any number: the name of the advisory lock that serialises appends on PostgreSQL


class AuditEvent(Base):
    """One act: who, when, what, about which thing."""

    __tablename__ = "audit_events"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor_id: Mapped[str] = mapped_column(String(24), index=True)
    role: Mapped[str] = mapped_column(String(24))
    event: Mapped[str] = mapped_column(String(60), index=True)
    about_id: Mapped[str] = mapped_column(String(24), index=True)
    facts: Mapped[Document]
    previous_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)


class RecordView(Base):
    """Somebody looked at a patient's record: who, when, whose, and at which kind of page."""

    __tablename__ = "record_views"
    __table_args__ = (Index("ix_record_views_patient_id_at", "patient_id", "at"),)

    id: Mapped[PublicId]
    at: Mapped[datetime]
    actor_id: Mapped[str] = mapped_column(String(24), index=True)
    role: Mapped[str] = mapped_column(String(24))
    party_id: Mapped[str] = mapped_column(String(24))
    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"))
    page: Mapped[str] = mapped_column(String(40))


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: how many events there are, and the hash of the last one, which stands for all of them."""

    number: int
    sha256: str


_LAST = select(AuditEvent.number, AuditEvent.sha256).order_by(AuditEvent.number.desc()).limit(1)
_APPEND = insert(cast("Table", AuditEvent.__table__))  # the bare table, prepared once: no unit of work around it


def append(
    session: Session, now: datetime, actor: Actor, event: str, about_id: str, **facts: int | str | bool | None
) -> None:
    """Add one event to the end of the chain.

    The end is read under a lock held until the transaction ends, so that two transactions never append to the same
    predecessor. (SQLite's writing transactions exclude one another already.)
    """
    last = _end_to_append_to(session)
    number, previous = last.number + 1, last.sha256
    values = {
        "number": number,
        "at": now,
        "actor_id": actor.user_id,
        "role": actor.role.value,
        "event": event,
        "about_id": about_id,
        "facts": {name: value for name, value in facts.items() if value is not None} | _on_behalf(actor),
        "previous_sha256": previous,
    }
    sha256 = digest(AuditEvent(**values))
    session.connection().execute(_APPEND, {**values, "sha256": sha256})
    appended = None if session.in_nested_transaction() else (session.get_transaction(), Head(number, sha256))
    session.info[_KNOWN_END] = appended


def note_refusal(session: Session, now: datetime, actor: Actor, event: str, about_id: str, **facts: int | str) -> None:
    """Remember that somebody tried what must not be, to be appended whatever becomes of this transaction.

    The refusal that follows rolls everything back, this event must not be: `database.writing` appends it in a
    transaction of its own once the first one is undone.
    """
    session.info.setdefault(_REFUSED, []).append((now, actor, event, about_id, facts))


def has_refusals(session: Session) -> bool:
    """Whether `note_refusal` has remembered anything that is not appended yet."""
    return bool(session.info.get(_REFUSED))


def append_refusals(session: Session) -> None:
    """Append what `note_refusal` has remembered."""
    for now, actor, event, about_id, facts in session.info.pop(_REFUSED, []):
        append(session, now, actor, event, about_id, **facts)


def _end_to_append_to(session: Session) -> Head:
    """The end of the chain under the lock; known already when this transaction has appended before.

    What a savepoint appended may be rolled back with it, so within one the end is always read.
    """
    known = session.info.get(_KNOWN_END)
    if known and known[0] is session.get_transaction() and not session.in_nested_transaction():
        end: Head = known[1]
        return end
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _CHAIN_LOCK})
    return head(session)


def _on_behalf(actor: Actor) -> dict[str, str]:
    """Under which authority, for whom, a representative acted; by which program's token, if not in person."""
    noted = {} if actor.authority_id is None else {"authority": actor.authority_id, "on_behalf_of": actor.party_id}
    return noted if actor.token_id is None else noted | {"token": actor.token_id}


def digest(row: AuditEvent) -> str:
    """The hash of an event's content and of the event before it."""
    return sha256_of(
        [
            row.number,
            utc(row.at).isoformat(timespec="microseconds"),
            row.actor_id,
            row.role,
            row.event,
            row.about_id,
            row.facts,
            row.previous_sha256,
        ]
    )


def head(session: Session) -> Head:
    """The end of the chain as it stands; an empty chain ends where it begins."""
    last = session.connection().execute(_LAST).first()
    return Head(last.number, last.sha256) if last else Head(0, GENESIS)


def check_reaches(session: Session, kept: Head) -> Mapping[str, int | str] | None:
    """Whether this chain still leads through a head that was kept elsewhere; None when it does, else what is wrong.

    A tail that was cut off, or cut off and written anew, leaves a chain that holds in itself; only this shows it.
    """
    if kept.number == 0:
        return None
    found = session.scalar(select(AuditEvent.sha256).where(AuditEvent.number == kept.number))
    if found is None:
        return {"number": head(session).number + 1, "fault": "cut_off"}
    return None if found == kept.sha256 else {"number": kept.number, "fault": "written_anew"}


def check_from(session: Session, after: int, most: int | None = None) -> tuple[int, Mapping[str, int | str] | None]:
    """Walk a stretch of the chain: up to so many events after one, which is taken as it stands.

    Returns the number of the last event looked at, and what is wrong there, if anything is.
    """
    row = session.get(AuditEvent, after) if after else None
    if after and row is None:
        return after, {"number": after, "fault": "missing"}
    previous, expected = row.sha256 if row else GENESIS, after + 1
    query = select(AuditEvent).where(AuditEvent.number > after).order_by(AuditEvent.number).limit(most)
    for event in session.scalars(query).yield_per(1000):
        if event.number != expected:
            return expected, {"number": expected, "fault": "missing"}
        if event.previous_sha256 != previous:
            return expected, {"number": expected, "fault": "not_linked"}
        if digest(event) != event.sha256:
            return expected, {"number": expected, "fault": "edited"}
        previous, expected = event.sha256, expected + 1
    return expected - 1, None


def check_chain(session: Session) -> Mapping[str, int | str] | None:
    """Walk the whole chain; None when it holds, else the number of the first event that does not and why."""
    return check_from(session, 0)[1]
