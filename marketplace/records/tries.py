"""Tries at passwords and codes, for as long as they count: here, so that all processes count together."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, PublicId


class Try(Base):
    """One try, by the account that was meant or by the place on the network that it came from.

    `whose_mac` is a keyed hash of either: a plain one would give addresses away. `counts_until` is when it is deleted.
    """

    __tablename__ = "tries"
    __table_args__ = (Index("ix_tries_whose_mac_at", "whose_mac", "at"),)

    id: Mapped[PublicId]
    whose_mac: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    counts_until: Mapped[datetime] = mapped_column(index=True)
