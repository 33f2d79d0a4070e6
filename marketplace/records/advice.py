"""Advice on a round: what would have helped somebody without a match, and what a bidder will read. Worked out after it.

Each takes the engine seconds, so a worker writes them one by one; `Round.advised_at` says that all are there.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Document, PublicId


class Advice(Base):
    """What was found about one unmatched need, or one offer, of a round: `about_id` is its id."""

    __tablename__ = "advice"
    __table_args__ = (UniqueConstraint("round_id", "about_id"),)

    id: Mapped[PublicId]
    round_id: Mapped[str] = mapped_column(ForeignKey("rounds.id"), index=True)
    about_id: Mapped[str] = mapped_column(String(24))
    document: Mapped[Document]
    made_at: Mapped[datetime]
