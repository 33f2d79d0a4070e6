"""Messages to be sent, stored in the transaction that caused them. No health detail: they say that, not what.

`tell` queues them; `marketplace.work.post` sends them, and notes each e-mail that a server has taken over in
`Mailing`, so that a message to several people is not sent twice to the first because the second could not be reached.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import cast

from sqlalchemy import ForeignKey, Index, String, Table, insert, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from .base import Base, PublicId, new_id

_WAITING = text("sent_at IS NULL AND skipped_at IS NULL")


class Message(Base):
    """One message to one party about one thing; `template` names its text.

    It waits until it is sent, or skipped because nobody of that party has an address. `next_try_at` is when the next
    attempt may begin: while one is being made it lies some minutes ahead, so that nobody else makes it too.
    """

    __tablename__ = "messages"
    __table_args__ = (Index("ix_messages_waiting", "queued_at", sqlite_where=_WAITING, postgresql_where=_WAITING),)

    id: Mapped[PublicId]
    party_id: Mapped[str] = mapped_column(String(24), index=True)
    template: Mapped[str] = mapped_column(String(60))
    about_id: Mapped[str] = mapped_column(String(24), index=True)
    tender_id: Mapped[str | None] = mapped_column(ForeignKey("tenders.id"))
    queued_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    skipped_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    next_try_at: Mapped[datetime | None]


class Mailing(Base):
    """One e-mail of a message, to one account, that a mail server has taken over."""

    __tablename__ = "mailings"

    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    sent_at: Mapped[datetime]


_QUEUE = insert(cast("Table", Message.__table__))


def tell(session: Session, now: datetime, party_ids: Iterable[str], template: str, about_id: str) -> int:
    """Queue the same message to each of these parties, once each; returns how many."""
    rows = [
        {"id": new_id(), "party_id": party_id, "template": template, "about_id": about_id, "queued_at": now}
        for party_id in sorted(set(party_ids))
    ]
    if rows:
        session.connection().execute(_QUEUE, rows)
    return len(rows)
