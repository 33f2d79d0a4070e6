"""Rounds: a frozen market, what the engine answered, and the awards and matches that follow from it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.rules.lifecycle import TenderStatus

from .base import Base, Document, PublicId, status_column
from .offers import Offer
from .pools import Need
from .tenders import Tender


class RoundStatus(StrEnum):
    """A round is frozen, then its outcome is verified and stored, or it fails and says why."""

    FROZEN = "frozen"
    VERIFIED = "verified"
    FAILED = "failed"


class MatchStatus(StrEnum):
    """What a patient's match has come to."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    DISPLACED = "displaced"
    SUPERSEDED = "superseded"


class RoundKind(StrEnum):
    """The whole market, or only what refusals have freed."""

    WHOLE = "whole"
    REMATCH = "rematch"


class Round(Base):
    """One run of the engine on one frozen market. Both documents are kept as they were hashed.

    The roots stand for the rows of both; the secret that their salts are made from is kept encrypted.
    A rematch also keeps its `request`: the round it starts from, who refused, left, accepted, and what was waived.
    """

    __tablename__ = "rounds"
    __table_args__ = (UniqueConstraint("tender_id", "number"),)

    id: Mapped[PublicId]
    tender_id: Mapped[str] = mapped_column(ForeignKey("tenders.id"), index=True)
    number: Mapped[int]
    status: Mapped[RoundStatus] = mapped_column(status_column(RoundStatus), default=RoundStatus.FROZEN)
    kind: Mapped[RoundKind] = mapped_column(status_column(RoundKind), default=RoundKind.WHOLE)
    came_from: Mapped[TenderStatus] = mapped_column(status_column(TenderStatus))
    request: Mapped[Document | None]
    market: Mapped[Document]
    market_sha256: Mapped[str] = mapped_column(String(64))
    seed: Mapped[str] = mapped_column(String(20))
    started_by: Mapped[str] = mapped_column(String(24))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[Document | None]
    outcome_sha256: Mapped[str | None] = mapped_column(String(64))
    salts_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    market_root: Mapped[str | None] = mapped_column(String(64))
    outcome_root: Mapped[str | None] = mapped_column(String(64))
    failure: Mapped[str | None] = mapped_column(Text)
    advised_at: Mapped[datetime | None]

    tender: Mapped[Tender] = relationship(back_populates="rounds")
    awards: Mapped[list["Award"]] = relationship(back_populates="round", order_by="Award.id")


class Award(Base):
    """An offer in use: its tier, units, fee and spend. A provider may waive a minimum that refusals broke."""

    __tablename__ = "awards"
    __table_args__ = (UniqueConstraint("round_id", "offer_id"),)

    id: Mapped[PublicId]
    round_id: Mapped[str] = mapped_column(ForeignKey("rounds.id"), index=True)
    offer_id: Mapped[str] = mapped_column(ForeignKey("offers.id"), index=True)
    tier: Mapped[int]
    units: Mapped[int]
    fee_pence: Mapped[int]
    spend_pence: Mapped[int]
    waived_at: Mapped[datetime | None]

    round: Mapped[Round] = relationship(back_populates="awards")
    offer: Mapped[Offer] = relationship()
    matches: Mapped[list["Match"]] = relationship(back_populates="award", order_by="Match.id")


class Match(Base):
    """One patient's proposed provider and charge, with the cost parts kept apart, and the answer to it.

    ``answer_by`` is this patient's own: later than others' with extra support.
    """

    __tablename__ = "matches"
    __table_args__ = (
        UniqueConstraint("award_id", "need_id"),
        CheckConstraint("charge_pence >= 0", name="charge"),
    )

    id: Mapped[PublicId]
    award_id: Mapped[str] = mapped_column(ForeignKey("awards.id"), index=True)
    need_id: Mapped[str] = mapped_column(ForeignKey("needs.id"), index=True)
    status: Mapped[MatchStatus] = mapped_column(status_column(MatchStatus), default=MatchStatus.PROPOSED)
    price_pence: Mapped[int]
    fee_share_pence: Mapped[int]
    pool_pence: Mapped[int]
    charge_pence: Mapped[int]
    quality_pence: Mapped[int]
    travel_pence: Mapped[int]
    change_pence: Mapped[int]
    wait_pence: Mapped[int]
    extra_pence: Mapped[int]
    reasons: Mapped[Document | None]
    answer_by: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None] = mapped_column(String(24))
    look_again: Mapped[bool] = mapped_column(default=False)
    decline_reason: Mapped[str | None] = mapped_column(Text)

    award: Mapped[Award] = relationship(back_populates="matches")
    need: Mapped[Need] = relationship()

    @property
    def bill_pence(self) -> int:
        """What the provider gets for it: price and share of the fee."""
        return self.price_pence + self.fee_share_pence

    @property
    def gives_pence(self) -> int:
        """What of the charge would go to the pool."""
        return max(0, self.pool_pence)

    @property
    def receives_pence(self) -> int:
        """What of the bill the pool would carry."""
        return max(0, -self.pool_pence)
