"""Studies: scenarios computed beside what the published policy comes to. For information: nothing here can be awarded.

A study has no awards and no matches, and nothing in `rounds` refers to one: what is stored is counts and sums.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, Document, PublicId, status_column
from .rounds import Round
from .tenders import Tender


class StudyBasis(StrEnum):
    """On whose offers it was computed."""

    RESULT = "result"
    """The market of the tender's own round, beside that round's outcome."""
    OFFERS = "offers"
    """The tender's own opened offers, before its round."""
    PAST = "past"
    """The last similar tender's round: a draft's policy looked at in advance."""
    MADE_UP = "made_up"
    """A made-up market, where there is no past tender."""


class Study(Base):
    """One set of scenarios about one tender. `asked` is the question, `result` the columns; None until they are there.

    `round_id` names the round whose market it was computed on; where there is none, `market` keeps that market.
    """

    __tablename__ = "studies"
    __table_args__ = (CheckConstraint("round_id IS NULL OR market IS NULL", name="one_market"),)

    id: Mapped[PublicId]
    tender_id: Mapped[str] = mapped_column(ForeignKey("tenders.id"), index=True)
    asked: Mapped[Document]
    asked_at: Mapped[datetime]
    policy_sha256: Mapped[str] = mapped_column(String(64))
    basis: Mapped[StudyBasis | None] = mapped_column(status_column(StudyBasis))
    round_id: Mapped[str | None] = mapped_column(ForeignKey("rounds.id"))
    market: Mapped[Document | None]
    market_sha256: Mapped[str | None] = mapped_column(String(64))
    seed: Mapped[str | None] = mapped_column(String(20))
    result: Mapped[Document | None]
    finished_at: Mapped[datetime | None]

    tender: Mapped[Tender] = relationship()
    round: Mapped[Round | None] = relationship()
