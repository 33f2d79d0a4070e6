"""Messages to be sent, stored in the transaction that caused them. No health detail: they say that, not what."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, String, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from .base import Base, PublicId, new_id


class Message(Base):
    """One message to one party about one thing; `template` names its text."""

    __tablename__ = "messages"

    id: Mapped[PublicId]
    party_id: Mapped[str] = mapped_column(String(24), index=True)
    template: Mapped[str] = mapped_column(String(60))
    about_id: Mapped[str] = mapped_column(String(24), index=True)
    tender_id: Mapped[str | None] = mapped_column(ForeignKey("tenders.id"))
    queued_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


def tell(session: Session, now: datetime, party_ids: Iterable[str], template: str, about_id: str) -> int:
    """Queue the same message to each of these parties, once each; returns how many."""
    rows = [
        {"id": new_id(), "party_id": party_id, "template": template, "about_id": about_id, "queued_at": now}
        for party_id in sorted(set(party_ids))
    ]
    if rows:
        session.execute(insert(Message), rows)
    return len(rows)
