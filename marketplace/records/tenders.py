"""Tenders: a broker's call for offers on its bundles, under a policy that is frozen when it is published."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.rules.lifecycle import TenderStatus

from .base import Base, Document, PublicId, status_column
from .people import Broker
from .pools import Bundle

if TYPE_CHECKING:
    from .offers import Offer
    from .rounds import Round


class Tender(Base):
    """One tender. ``policy`` is the published document; ``demand`` what providers were shown, frozen at publication."""

    __tablename__ = "tenders"
    __table_args__ = (
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("minimum_offers >= 1", name="minimum_offers"),
        CheckConstraint("answer_days >= 1", name="answer_days"),
    )

    id: Mapped[PublicId]
    broker_id: Mapped[str] = mapped_column(ForeignKey("brokers.id"), index=True)
    title: Mapped[str] = mapped_column(String(120))
    status: Mapped[TenderStatus] = mapped_column(status_column(TenderStatus), default=TenderStatus.DRAFT, index=True)
    status_reason: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1)
    policy: Mapped[Document]
    policy_sha256: Mapped[str] = mapped_column(String(64))
    minimum_offers: Mapped[int] = mapped_column(default=1)
    answer_days: Mapped[int] = mapped_column(default=7)
    demand: Mapped[Document | None]
    nonce_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    nonce: Mapped[str | None] = mapped_column(String(64))
    nonce_sha256: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    offers_due_at: Mapped[datetime | None] = mapped_column(index=True)
    closed_at: Mapped[datetime | None]
    proposed_at: Mapped[datetime | None]
    answers_due_at: Mapped[datetime | None] = mapped_column(index=True)
    award_reasons: Mapped[str | None] = mapped_column(Text)
    standstill_from: Mapped[datetime | None]
    standstill_ends_at: Mapped[datetime | None] = mapped_column(index=True)
    awarded_at: Mapped[datetime | None]

    broker: Mapped[Broker] = relationship()
    bundles: Mapped[list[Bundle]] = relationship(back_populates="tender", order_by=Bundle.id)
    offers: Mapped[list["Offer"]] = relationship(back_populates="tender", order_by="Offer.id")
    rounds: Mapped[list["Round"]] = relationship(back_populates="tender", order_by="Round.number")
