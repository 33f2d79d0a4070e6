"""Contracts between one patient and one provider, the deliveries under them, and what a broker earns by each."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from marketplace.rules.lifecycle import ContractStatus
from marketplace.rules.permissions import Role

from .base import Base, PublicId, status_column
from .budgets import Budget
from .pools import Need
from .providers import Provider, Site
from .rounds import Match


class DeliveryStatus(StrEnum):
    """Recorded by the provider, then confirmed or disputed by the patient; a confirmed one falls due and is paid.

    One that turns out to have been wrong is refunded, whether it was paid already or not.
    """

    RECORDED = "recorded"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    PAID = "paid"
    REFUNDED = "refunded"


class Contract(Base):
    """What was awarded, for one need: units at the awarded price, and the fee's share over them.

    ``charge_pence`` is what the patient's own budget pays, ``pool_pence`` what of it goes to others of a shared pool
    (negative: what the pool carries), and `bill_pence` what the provider gets for all units.
    ``holder_signed_at`` is for budgets that an organisation keeps: it is the contract's party and signs for itself.
    ``concluded_at`` is when it came into force: with the last signature, or later where others have to help to pay.
    ``ended_by`` is in which role somebody ended it, a patient's representative in their own, `Role.SYSTEM` where time
    did; none where all units are delivered.
    """

    __tablename__ = "contracts"
    __table_args__ = (
        CheckConstraint("units > 0 AND charge_pence >= 0 AND pool_pence <= charge_pence", name="amounts"),
        CheckConstraint("units_confirmed BETWEEN 0 AND units", name="units_confirmed"),
    )

    id: Mapped[PublicId]
    match_id: Mapped[str] = mapped_column(ForeignKey("matches.id"), unique=True)
    need_id: Mapped[str] = mapped_column(ForeignKey("needs.id"), index=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), index=True)
    provider_id: Mapped[str] = mapped_column(ForeignKey("providers.id"), index=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    budget_id: Mapped[str] = mapped_column(ForeignKey("budgets.id"), index=True)
    status: Mapped[ContractStatus] = mapped_column(
        status_column(ContractStatus), default=ContractStatus.OFFERED, index=True
    )
    units: Mapped[int]
    charge_pence: Mapped[int]
    pool_pence: Mapped[int] = mapped_column(default=0)
    units_confirmed: Mapped[int] = mapped_column(default=0)
    offered_at: Mapped[datetime]
    sign_by: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime] = mapped_column(index=True)
    patient_signed_at: Mapped[datetime | None]
    provider_signed_at: Mapped[datetime | None]
    holder_signed_at: Mapped[datetime | None]
    concluded_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_reason: Mapped[str | None] = mapped_column(Text)
    ended_by: Mapped[Role | None] = mapped_column(status_column(Role))

    need: Mapped[Need] = relationship()
    budget: Mapped[Budget] = relationship()
    match: Mapped[Match] = relationship()
    provider: Mapped[Provider] = relationship()
    site: Mapped[Site] = relationship()
    deliveries: Mapped[list["Delivery"]] = relationship(back_populates="contract", order_by="Delivery.recorded_at")

    @property
    def last_signed_at(self) -> datetime | None:
        """When the latest of its signatures so far was given."""
        signed_at = (self.patient_signed_at, self.provider_signed_at, self.holder_signed_at)
        return max((at for at in signed_at if at is not None), default=None)

    @property
    def bill_pence(self) -> int:
        """What all its units cost, the fee's share with them: the charge, without what is given to the pool."""
        return self.charge_pence - self.pool_pence

    @property
    def due_pence(self) -> int:
        """What of the bill has fallen due by now, refunds taken off: `due_so_far`, of the deliveries at hand."""
        return sum(delivery.due_pence or 0 for delivery in self.deliveries)

    @property
    def units_waiting(self) -> int:
        """How many units are recorded and wait for the patient's answer, of the deliveries at hand."""
        return sum(row.units for row in self.deliveries if row.status is DeliveryStatus.RECORDED)

    @property
    def gives_pence(self) -> int:
        """What of the charge goes to the pool."""
        return max(0, self.pool_pence)

    @property
    def receives_pence(self) -> int:
        """What of the bill the pool carries."""
        return max(0, -self.pool_pence)


class BrokerFee(Base):
    """What a broker has earned by one contract: due from its commissioner, once all have signed."""

    __tablename__ = "broker_fees"
    __table_args__ = (
        CheckConstraint("amount_pence > 0", name="amount"),
        Index("ix_broker_fees_broker_id_tender_id", "broker_id", "tender_id", "amount_pence"),
    )

    contract_id: Mapped[str] = mapped_column(ForeignKey("contracts.id"), primary_key=True)
    broker_id: Mapped[str] = mapped_column(ForeignKey("brokers.id"))
    tender_id: Mapped[str] = mapped_column(ForeignKey("tenders.id"), index=True)
    amount_pence: Mapped[int]
    due_at: Mapped[datetime]


class Rating(Base):
    """What one patient says of one contract's provider, once, after something was delivered: one to five stars.

    ``words`` are for the patient's commissioner; for the provider only where ``provider_may_read`` says so.
    """

    __tablename__ = "ratings"
    __table_args__ = (CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),)

    id: Mapped[PublicId]
    contract_id: Mapped[str] = mapped_column(ForeignKey("contracts.id"), unique=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"), index=True)
    stars: Mapped[int]
    words: Mapped[str | None] = mapped_column(Text)
    provider_may_read: Mapped[bool] = mapped_column(default=False)
    rated_at: Mapped[datetime]

    contract: Mapped[Contract] = relationship()
    site: Mapped[Site] = relationship()


class Delivery(Base):
    """Units that the provider says were delivered on a day, and what the patient says to it."""

    __tablename__ = "deliveries"
    __table_args__ = (CheckConstraint("units > 0", name="units"),)

    id: Mapped[PublicId]
    contract_id: Mapped[str] = mapped_column(ForeignKey("contracts.id"), index=True)
    status: Mapped[DeliveryStatus] = mapped_column(status_column(DeliveryStatus), default=DeliveryStatus.RECORDED)
    units: Mapped[int]
    delivered_on: Mapped[date]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]
    confirm_by: Mapped[datetime] = mapped_column(index=True)
    answered_at: Mapped[datetime | None]
    dispute_reason: Mapped[str | None] = mapped_column(Text)
    due_pence: Mapped[int | None]
    paid_at: Mapped[datetime | None]
    payment_line_id: Mapped[str | None] = mapped_column(ForeignKey("payment_lines.id"), index=True)
    paid_by: Mapped[str | None] = mapped_column(String(24))
    refunded_at: Mapped[datetime | None]
    refunded_pence: Mapped[int | None]
    refund_reason: Mapped[str | None] = mapped_column(Text)

    contract: Mapped[Contract] = relationship(back_populates="deliveries")

    @property
    def was_paid(self) -> bool:
        """Whether it was ever paid: what is refunded then comes back; else it is only no longer due."""
        return self.paid_at is not None


def due_so_far(session: Session, contract_id: str) -> int:
    """What has fallen due of a contract's bill by now, in pence, refunds taken off. The rest is committed to it."""
    query = select(func.coalesce(func.sum(Delivery.due_pence), 0)).where(Delivery.contract_id == contract_id)
    return int(session.scalar(query) or 0)
