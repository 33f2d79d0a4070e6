"""Budgets and the care plans they pay for. The money itself stands in the ledger."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, PublicId, status_column
from .catalogue import Service
from .people import Patient


class BudgetKind(StrEnum):
    """For a year, or for one episode of care."""

    YEARLY = "yearly"
    EPISODIC = "episodic"


class ManagedAs(StrEnum):
    """Who keeps the money: the funder, an organisation, or the patient."""

    NOTIONAL = "notional"
    THIRD_PARTY = "third_party"
    DIRECT_PAYMENT = "direct_payment"


class PlanStatus(StrEnum):
    """A care plan is approved by the commissioner before its lines can be pooled."""

    DRAFTED = "drafted"
    APPROVED = "approved"


class Budget(Base):
    """One patient's personal health budget."""

    __tablename__ = "budgets"
    __table_args__ = (CheckConstraint("valid_from <= valid_to", name="valid_in_order"),)

    id: Mapped[PublicId]
    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), index=True)
    commissioner_id: Mapped[str] = mapped_column(ForeignKey("commissioners.id"), index=True)
    kind: Mapped[BudgetKind] = mapped_column(status_column(BudgetKind))
    managed_as: Mapped[ManagedAs] = mapped_column(status_column(ManagedAs))
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    plan_status: Mapped[PlanStatus] = mapped_column(status_column(PlanStatus), default=PlanStatus.DRAFTED)
    plan_approved_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]

    patient: Mapped[Patient] = relationship()
    lines: Mapped[list["PlanLine"]] = relationship(back_populates="budget", order_by="PlanLine.id")


class PlanLine(Base):
    """One line of a care plan: an outcome, a service, units, and what of the budget it may use.

    Its demands (distance, grade, attributes, wait) go with it into every pool; it becomes a need of one bundle.
    """

    __tablename__ = "plan_lines"
    __table_args__ = (CheckConstraint("units > 0 AND budget_pence >= 0 AND priority >= 1", name="amounts"),)

    id: Mapped[PublicId]
    budget_id: Mapped[str] = mapped_column(ForeignKey("budgets.id"), index=True)
    service_id: Mapped[str] = mapped_column(ForeignKey("services.id"), index=True)
    outcome: Mapped[str] = mapped_column(Text)
    units: Mapped[int]
    budget_pence: Mapped[int]
    priority: Mapped[int] = mapped_column(default=1)
    max_distance_m: Mapped[int | None]
    min_grade: Mapped[int | None]
    max_wait_days: Mapped[int | None]
    requires: Mapped[list[str]] = mapped_column(default=list)
    current_provider_id: Mapped[str | None] = mapped_column(String(24))

    budget: Mapped[Budget] = relationship(back_populates="lines")
    service: Mapped[Service] = relationship()
