"""Providers and their sites: where they work, what they offer there, and the evidence of its quality."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, PublicId


class Provider(Base):
    """An organisation that may bid. Approved by the commissioner before its first offer."""

    __tablename__ = "providers"

    id: Mapped[PublicId]
    name: Mapped[str] = mapped_column(String(120), unique=True)
    approved_at: Mapped[datetime | None]
    suspended_at: Mapped[datetime | None]
    suspended_reason: Mapped[str | None] = mapped_column(Text)

    sites: Mapped[list["Site"]] = relationship(back_populates="provider", order_by="Site.id")


class Site(Base):
    """One place of a provider. ``rating`` is the regulator's word as published, ``grade`` its number (0: unrated).

    The commissioner enters the place (``moved_reason``: why it is another one) and the rating (``rating_reason``: why
    it is another one). The provider states the rest (``stated_at``: when it did so last), with ``own_evidence`` in its
    own words while there is no rating, and ``contact``: how the people who have a contract reach it, which is no part
    of any offer. From a closed site nothing new can be offered.
    """

    __tablename__ = "sites"
    __table_args__ = (
        CheckConstraint("grade BETWEEN 0 AND 4", name="grade"),
        CheckConstraint("(own_evidence IS NULL) = (own_evidence_date IS NULL)", name="own_evidence"),
    )

    id: Mapped[PublicId]
    provider_id: Mapped[str] = mapped_column(ForeignKey("providers.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    district: Mapped[str] = mapped_column(String(8), index=True)
    easting_m: Mapped[int]
    northing_m: Mapped[int]
    services: Mapped[list[str]]
    attributes: Mapped[list[str]]
    rating: Mapped[str | None] = mapped_column(String(40))
    rating_date: Mapped[date | None]
    grade: Mapped[int] = mapped_column(default=0)
    first_appointment_days: Mapped[int | None]
    own_evidence: Mapped[str | None] = mapped_column(Text)
    own_evidence_date: Mapped[date | None]
    contact: Mapped[str | None] = mapped_column(String(200))
    stated_at: Mapped[datetime | None]
    rating_changed_at: Mapped[datetime | None]
    rating_reason: Mapped[str | None] = mapped_column(Text)
    moved_at: Mapped[datetime | None]
    moved_reason: Mapped[str | None] = mapped_column(Text)
    closed_at: Mapped[datetime | None]
    closed_reason: Mapped[str | None] = mapped_column(Text)

    provider: Mapped[Provider] = relationship(back_populates="sites")
