"""Auditors: who may check a tender's round in full, named by the commissioner, and each time they were handed it."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, PublicId, Sha256
from .tenders import Tender


class Auditor(Base):
    """Somebody named for one tender: who, of which organisation, for what purpose, by whom and when.

    Once struck off (by whom, when and why) they are handed nothing more; what they were handed before stays recorded.
    """

    __tablename__ = "auditors"

    id: Mapped[PublicId]
    tender_id: Mapped[str] = mapped_column(ForeignKey("tenders.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    organisation: Mapped[str] = mapped_column(String(120))
    purpose: Mapped[str] = mapped_column(Text)
    named_by: Mapped[str] = mapped_column(String(24))
    named_at: Mapped[datetime]
    struck_by: Mapped[str | None] = mapped_column(String(24))
    struck_at: Mapped[datetime | None]
    struck_reason: Mapped[str | None] = mapped_column(Text)

    tender: Mapped[Tender] = relationship()
    handouts: Mapped[list["Handout"]] = relationship(back_populates="auditor", order_by="Handout.handed_at")


class Handout(Base):
    """One bundle that was handed out for an auditor: of which round, how many people are in it, and its hash."""

    __tablename__ = "handouts"

    id: Mapped[PublicId]
    auditor_id: Mapped[str] = mapped_column(ForeignKey("auditors.id"), index=True)
    round_id: Mapped[str] = mapped_column(ForeignKey("rounds.id"))
    people: Mapped[int]
    sha256: Mapped[Sha256]
    handed_by: Mapped[str] = mapped_column(String(24))
    handed_at: Mapped[datetime]

    auditor: Mapped[Auditor] = relationship(back_populates="handouts")
