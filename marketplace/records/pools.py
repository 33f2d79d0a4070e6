"""Demand: bundles (the lots of a tender), the needs pooled in them, and the consents that bind them."""

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.rules.lifecycle import LotResult

from .base import Base, Document, PublicId, status_column
from .budgets import PlanLine
from .catalogue import Service
from .people import Patient

if TYPE_CHECKING:
    from .tenders import Tender


class NeedStatus(StrEnum):
    """Where one need stands: invited, agreed (or not), pooled in an open tender, matched, and what came of it."""

    INVITED = "invited"
    DECLINED = "declined"
    AGREED = "agreed"
    LEFT = "left"
    POOLED = "pooled"
    MATCHED = "matched"
    UNMATCHED = "unmatched"
    REFUSED = "refused"
    DISPLACED = "displaced"
    CONTRACTED = "contracted"
    RELEASED = "released"


LIVE_NEEDS = frozenset(
    {NeedStatus.INVITED, NeedStatus.AGREED, NeedStatus.POOLED, NeedStatus.MATCHED, NeedStatus.CONTRACTED}
)
"""A plan line has at most one need in one of these: a pound and a session are pooled once."""


_IS_LIVE = text("status IN ('invited', 'agreed', 'pooled', 'matched', 'contracted')")
_IS_HELD = text("reserved_pence > 0")


class DefaultAnswer(StrEnum):
    """What silence means, as the patient chose when agreeing."""

    ACCEPT = "accept"
    DECLINE = "decline"


class Bundle(Base):
    """The needs a broker pools into one lot of a tender: same service, same area, same period.

    The three prices per unit are the catalogue's at publication (until then, when the group was built): what is said of
    a tender afterwards does not follow the catalogue.
    """

    __tablename__ = "bundles"
    __table_args__ = (CheckConstraint("period_from <= period_to", name="period_in_order"),)

    id: Mapped[PublicId]
    tender_id: Mapped[str] = mapped_column(ForeignKey("tenders.id"), index=True)
    service_id: Mapped[str] = mapped_column(ForeignKey("services.id"))
    area: Mapped[str] = mapped_column(String(80))
    districts: Mapped[list[str]]
    period_from: Mapped[date]
    period_to: Mapped[date]
    min_grade: Mapped[int | None]
    min_providers: Mapped[int | None]
    max_providers: Mapped[int | None]
    reference_pence: Mapped[int]
    conventional_pence: Mapped[int]
    private_pence: Mapped[int]
    terms_sha256: Mapped[str] = mapped_column(String(64))
    result: Mapped[LotResult] = mapped_column(status_column(LotResult), default=LotResult.ACTIVE)

    tender: Mapped["Tender"] = relationship(back_populates="bundles")
    service: Mapped[Service] = relationship()
    needs: Mapped[list["Need"]] = relationship(back_populates="bundle", order_by="Need.id")

    def take_prices(self, service: Service) -> None:
        """Note what a unit of the service costs by the catalogue of today."""
        self.reference_pence = service.reference_pence
        self.conventional_pence = service.conventional_pence
        self.private_pence = service.private_pence


class Need(Base):
    """One patient's demand for one service, in one bundle. Units and budget are the plan line's when invited.

    ``priority`` and ``extra_support`` are as they stood when the need was pooled: rounds use them, whatever is decided
    later.

    ``holds`` counts how often money was held for it: each time has its own postings.
    """

    __tablename__ = "needs"
    __table_args__ = (
        CheckConstraint("units > 0 AND budget_pence >= 0 AND reserved_pence >= 0 AND priority >= 1", name="amounts"),
        Index(
            "uq_needs_live_plan_line",
            "plan_line_id",
            unique=True,
            sqlite_where=_IS_LIVE,
            postgresql_where=_IS_LIVE,
        ),
        Index("ix_needs_held", "patient_id", sqlite_where=_IS_HELD, postgresql_where=_IS_HELD),
    )

    id: Mapped[PublicId]
    bundle_id: Mapped[str] = mapped_column(ForeignKey("bundles.id"), index=True)
    plan_line_id: Mapped[str] = mapped_column(ForeignKey("plan_lines.id"), index=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), index=True)
    budget_id: Mapped[str] = mapped_column(ForeignKey("budgets.id"), index=True)
    status: Mapped[NeedStatus] = mapped_column(status_column(NeedStatus), default=NeedStatus.INVITED, index=True)
    units: Mapped[int]
    budget_pence: Mapped[int]
    reserved_pence: Mapped[int] = mapped_column(default=0)
    priority: Mapped[int] = mapped_column(default=1)
    extra_support: Mapped[bool] = mapped_column(default=False)
    holds: Mapped[int] = mapped_column(default=0)
    invited_at: Mapped[datetime]
    preferences: Mapped[Document | None]

    bundle: Mapped[Bundle] = relationship(back_populates="needs")
    plan_line: Mapped[PlanLine] = relationship()
    patient: Mapped[Patient] = relationship()
    consents: Mapped[list["Consent"]] = relationship(back_populates="need", order_by="Consent.given_at")


class Consent(Base):
    """A patient's yes to THIS pool under THIS policy, by their hashes; void from the moment either changes.

    ``shares_pool`` is the other yes, which a shared pool needs: to carry a part of what others' care costs.
    """

    __tablename__ = "consents"

    id: Mapped[PublicId]
    need_id: Mapped[str] = mapped_column(ForeignKey("needs.id"), index=True)
    terms_sha256: Mapped[str] = mapped_column(String(64))
    policy_sha256: Mapped[str] = mapped_column(String(64))
    default_answer: Mapped[DefaultAnswer] = mapped_column(status_column(DefaultAnswer))
    shares_pool: Mapped[bool] = mapped_column(default=False)
    given_by: Mapped[str] = mapped_column(String(24))
    authority_id: Mapped[str | None] = mapped_column(ForeignKey("authorities.id"), index=True)
    given_at: Mapped[datetime]
    void_at: Mapped[datetime | None]

    need: Mapped[Need] = relationship(back_populates="consents")
