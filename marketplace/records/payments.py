"""Payment runs: what a payer sends to its bank in one file, and what the bank says of each line."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, PublicId, status_column
from .contracts import Delivery
from .providers import Provider


class LineStatus(StrEnum):
    """A line is with the bank until the bank's answer is posted back."""

    SENT = "sent"
    PAID = "paid"
    RETURNED = "returned"


class PaymentRun(Base):
    """One payment file of one payer (a commissioner, a holder organisation, or a patient with a direct payment)."""

    __tablename__ = "payment_runs"

    id: Mapped[PublicId]
    payer_id: Mapped[str] = mapped_column(String(24), index=True)
    made_by: Mapped[str] = mapped_column(String(24))
    made_at: Mapped[datetime]

    lines: Mapped[list["PaymentLine"]] = relationship(back_populates="run", order_by="PaymentLine.id")


class PaymentLine(Base):
    """What one provider gets in one run. Its id is the reference that travels to the bank and back."""

    __tablename__ = "payment_lines"
    __table_args__ = (
        UniqueConstraint("run_id", "provider_id"),
        CheckConstraint("amount_pence > 0", name="amount"),
    )

    id: Mapped[PublicId]
    run_id: Mapped[str] = mapped_column(ForeignKey("payment_runs.id"), index=True)
    provider_id: Mapped[str] = mapped_column(ForeignKey("providers.id"), index=True)
    amount_pence: Mapped[int]
    status: Mapped[LineStatus] = mapped_column(status_column(LineStatus), default=LineStatus.SENT)
    settled_at: Mapped[datetime | None]
    returned_reason: Mapped[str | None] = mapped_column(Text)

    run: Mapped[PaymentRun] = relationship(back_populates="lines")
    provider: Mapped[Provider] = relationship()
    deliveries: Mapped[list[Delivery]] = relationship(order_by=Delivery.id)
