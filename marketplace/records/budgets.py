"""Budgets and the care plans they pay for, who holds their money, and each commissioner's rules for them.

The money itself stands in the ledger.
"""

from dataclasses import fields
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.rules.budgets import FundingRules, ManagedAs, Parties, parties_of

from .base import Base, PublicId, status_column
from .catalogue import Service
from .people import Patient

__all__ = [
    "Budget",
    "BudgetKind",
    "CommissionerRules",
    "FundingTotals",
    "Holder",
    "ManagedAs",
    "PlanLine",
    "PlanStatus",
]


class BudgetKind(StrEnum):
    """For a year, or for one episode of care."""

    YEARLY = "yearly"
    EPISODIC = "episodic"


class PlanStatus(StrEnum):
    """A care plan is approved by the commissioner before its lines can be pooled."""

    DRAFTED = "drafted"
    APPROVED = "approved"


class Holder(Base):
    """An organisation that keeps budgets for patients (third party). Admitted by the commissioner."""

    __tablename__ = "holders"

    id: Mapped[PublicId]
    name: Mapped[str] = mapped_column(String(120), unique=True)
    commissioner_id: Mapped[str] = mapped_column(ForeignKey("commissioners.id"))
    approved_at: Mapped[datetime]


class CommissionerRules(Base):
    """A commissioner's own rules for the budgets it funds; without a row the defaults of `FundingRules` hold."""

    __tablename__ = "commissioner_rules"
    __table_args__ = (
        CheckConstraint("first_review_months >= 1 AND review_months >= 1", name="months"),
        CheckConstraint(
            "support_priority >= 1 AND support_answer_days >= 0 AND support_supplement_pence >= 0", name="support"
        ),
        CheckConstraint("draft_days >= 1", name="drafts"),
    )

    commissioner_id: Mapped[str] = mapped_column(ForeignKey("commissioners.id"), primary_key=True)
    first_review_months: Mapped[int]
    review_months: Mapped[int]
    support_from_age: Mapped[int | None]
    support_to_decile: Mapped[int | None]
    support_capacity: Mapped[bool]
    support_conditions: Mapped[int | None]
    support_priority: Mapped[int]
    support_answer_days: Mapped[int]
    support_supplement_pence: Mapped[int]
    draft_days: Mapped[int]
    changed_at: Mapped[datetime]

    @property
    def rules(self) -> FundingRules:
        """The rules as values."""
        return FundingRules(**{name.name: getattr(self, name.name) for name in fields(FundingRules)})


_WAITING = text("plan_status = 'drafted'")
_SUPPORTED = text("extra_support_at IS NOT NULL")


class Budget(Base):
    """One patient's personal health budget. ``holder_id`` names the organisation of a third party's budget.

    ``extra_support_at`` and the three after it are the last decision on extra support: since when, on which grounds,
    with which priority, and how many more days to answer. Without support they are empty, 1 and 0.
    """

    __tablename__ = "budgets"
    __table_args__ = (
        CheckConstraint("valid_from <= valid_to", name="valid_in_order"),
        CheckConstraint("holder_id IS NULL OR managed_as = 'third_party'", name="holder_of_third_party"),
        CheckConstraint("support_priority >= 1 AND support_answer_days >= 0", name="support"),
        Index("ix_budgets_commissioner_id_valid_to_id", "commissioner_id", "valid_to", "id"),
        Index(
            "ix_budgets_to_approve",
            "commissioner_id",
            "valid_to",
            "opened_at",
            sqlite_where=_WAITING,
            postgresql_where=_WAITING,
        ),
        Index(
            "ix_budgets_supported",
            "commissioner_id",
            "valid_to",
            "patient_id",
            sqlite_where=_SUPPORTED,
            postgresql_where=_SUPPORTED,
        ),
    )

    id: Mapped[PublicId]
    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), index=True)
    commissioner_id: Mapped[str] = mapped_column(ForeignKey("commissioners.id"))
    kind: Mapped[BudgetKind] = mapped_column(status_column(BudgetKind))
    managed_as: Mapped[ManagedAs] = mapped_column(status_column(ManagedAs))
    holder_id: Mapped[str | None] = mapped_column(ForeignKey("holders.id"), index=True)
    valid_from: Mapped[date]
    valid_to: Mapped[date] = mapped_column(index=True)
    plan_status: Mapped[PlanStatus] = mapped_column(status_column(PlanStatus), default=PlanStatus.DRAFTED)
    plan_approved_at: Mapped[datetime | None]
    plan_review_due: Mapped[date | None] = mapped_column(index=True)
    plan_reviewed_at: Mapped[datetime | None]
    plan_review_findings: Mapped[str | None] = mapped_column(Text)
    review_told_at: Mapped[datetime | None]
    extra_support_at: Mapped[datetime | None]
    support_grounds: Mapped[list[str]] = mapped_column(default=list)
    support_priority: Mapped[int] = mapped_column(default=1)
    support_answer_days: Mapped[int] = mapped_column(default=0)
    left_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]

    patient: Mapped[Patient] = relationship()
    holder: Mapped[Holder | None] = relationship()
    lines: Mapped[list["PlanLine"]] = relationship(back_populates="budget", order_by="PlanLine.id")

    def is_over(self, today: date) -> bool:
        """Whether its last day has passed, or its patient left it for the conventional package."""
        return self.left_at is not None or self.valid_to < today

    @property
    def parties(self) -> Parties:
        """Who approves, agrees, is the contract's party and pays, for this budget."""
        return parties_of(self.managed_as, self.commissioner_id, self.patient_id, self.holder_id)


class FundingTotals(Base):
    """What all budgets of a commissioner come to, as last added up: for those with too many to add up on each look."""

    __tablename__ = "funding_totals"

    commissioner_id: Mapped[str] = mapped_column(ForeignKey("commissioners.id"), primary_key=True)
    available_pence: Mapped[int]
    reserved_pence: Mapped[int]
    committed_pence: Mapped[int]
    spent_pence: Mapped[int]
    shared_pence: Mapped[int]
    summed_at: Mapped[datetime]


class PlanLine(Base):
    """One line of a care plan: an outcome, a service, units, and what of the budget it may use.

    Its demands (distance, grade, attributes, wait) go with it into every pool; it becomes a need of one bundle. A line
    with ``left_at`` is looked after by the conventional package and can be pooled no more. The two ``usual_`` figures
    are what the conventional service would have meant for this person when the plan was made; empty if nobody asked.
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
    usual_distance_m: Mapped[int | None]
    usual_wait_days: Mapped[int | None]
    left_at: Mapped[datetime | None]

    budget: Mapped[Budget] = relationship(back_populates="lines")
    service: Mapped[Service] = relationship()
