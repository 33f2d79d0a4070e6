"""Sealed offers. Until the opening, only the ciphertext is here; its provider can read it back, nobody else can."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, Document, PublicId, status_column
from .providers import Provider, Site
from .tenders import Tender


class OfferStatus(StrEnum):
    """A draft is its provider's alone and counts for nothing. A sealed offer stands until something ends that.

    Its provider replaces or withdraws it, a recorded decision excludes it, or an amendment that changes the tender
    voids it: then its provider may make it anew.
    """

    DRAFT = "draft"
    STANDING = "standing"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"
    EXCLUDED = "excluded"
    VOID = "void"


class ExclusionCode(StrEnum):
    """The only grounds on which an opened offer may be left out."""

    CONFLICT = "conflict"
    SUSPENSION = "suspension"
    PROVIDERS_ERROR = "providers_error"
    RATING_FELL = "rating_fell"
    PLACE_TOO_FAR = "place_too_far"


class Offer(Base):
    """One version of one provider's bid on a tender, from one of its sites.

    ``content_sealed`` is the offer's document under a data key of its own; the data key is wrapped twice, for the
    provider and for the tender's opening. ``content`` is empty until the opening. ``receipt_sha256`` is the hash the
    provider holds as its receipt. ``site_id``, ``grade``, ``first_appointment_days`` and the place (``easting_m``,
    ``northing_m``) are copied out of the content at the opening, for queries: they are the site's as the offer states
    them, whatever is said of it later.
    """

    __tablename__ = "offers"
    __table_args__ = (UniqueConstraint("tender_id", "provider_id", "number", "version"),)

    id: Mapped[PublicId]
    tender_id: Mapped[str] = mapped_column(ForeignKey("tenders.id"), index=True)
    provider_id: Mapped[str] = mapped_column(ForeignKey("providers.id"), index=True)
    number: Mapped[int] = mapped_column(default=1)
    version: Mapped[int] = mapped_column(default=1)
    status: Mapped[OfferStatus] = mapped_column(status_column(OfferStatus), default=OfferStatus.STANDING)
    content_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    key_for_provider: Mapped[bytes] = mapped_column(LargeBinary)
    key_for_opening: Mapped[bytes] = mapped_column(LargeBinary)
    receipt_sha256: Mapped[str] = mapped_column(String(64))
    received_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    content: Mapped[Document | None]
    site_id: Mapped[str | None] = mapped_column(ForeignKey("sites.id"))
    grade: Mapped[int | None]
    first_appointment_days: Mapped[int | None]
    easting_m: Mapped[int | None]
    northing_m: Mapped[int | None]
    alias: Mapped[str | None] = mapped_column(String(12))
    feedback: Mapped[Document | None]
    excluded_code: Mapped[ExclusionCode | None] = mapped_column(status_column(ExclusionCode))
    excluded_reason: Mapped[str | None] = mapped_column(Text)
    excluded_at: Mapped[datetime | None]

    tender: Mapped[Tender] = relationship(back_populates="offers")
    provider: Mapped[Provider] = relationship()
    site: Mapped[Site | None] = relationship()
