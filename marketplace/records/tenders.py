"""Tenders: a broker's call for offers on its bundles, under a policy that is frozen when it is published."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Role

from .base import Base, Document, PublicId, status_column
from .people import Broker
from .pools import Bundle

if TYPE_CHECKING:
    from .offers import Offer
    from .rounds import Round


class CancelCode(StrEnum):
    """Why a tender, or a lot of it, was cancelled."""

    NO_LONGER_NEEDED = "no_longer_needed"
    ERROR_IN_TENDER = "error_in_tender"
    CONDUCT = "conduct"
    FUNDS_WITHDRAWN = "funds_withdrawn"
    REVIEW = "review"
    REVIEW_OUT_OF_TIME = "review_out_of_time"


class AmendmentKind(StrEnum):
    """A clarification or more time changes nothing that anybody agreed to; a change does."""

    CLARIFICATION = "clarification"
    EXTENSION = "extension"
    CHANGE = "change"


class Decision(StrEnum):
    """What may be decided on a representation."""

    REFUSED = "refused"
    RUN_AGAIN = "run_again"
    CANCEL = "cancel"


class Tender(Base):
    """One tender. ``policy`` is the published document; ``demand`` what providers were shown, frozen at publication.

    ``earlier_policies`` has by its hash each policy that stood before: what somebody agreed to then.
    ``rerun_ordered`` says that its match counts no longer and has to be run again: a decision on an objection ordered
    it, or an offer that the match counted on was left out. ``ended_at`` and ``ended_by`` (the role of whoever did it,
    the system's where a date passed) are of a tender that ended without an award.
    ``answers_due_at`` is when the last patient's time to answer is over (`Match.answer_by` is each one's own). It is
    told to no patient and no provider: it says that somebody has longer. ``confirm_by`` leaves as long as
    anybody of the same commissioners can have, whether or not somebody here has it.
    ``broker_fee_pence`` is what the broker gets for each contract that comes of it: from its commissioner, as declared
    when the tender was published.
    """

    __tablename__ = "tenders"
    __table_args__ = (
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("minimum_offers >= 1", name="minimum_offers"),
        CheckConstraint("answer_days >= 1", name="answer_days"),
        CheckConstraint("broker_fee_pence >= 0", name="broker_fee"),
    )

    id: Mapped[PublicId]
    broker_id: Mapped[str] = mapped_column(ForeignKey("brokers.id"), index=True)
    title: Mapped[str] = mapped_column(String(120))
    status: Mapped[TenderStatus] = mapped_column(status_column(TenderStatus), default=TenderStatus.DRAFT, index=True)
    status_reason: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1)
    policy: Mapped[Document]
    policy_sha256: Mapped[str] = mapped_column(String(64))
    earlier_policies: Mapped[Document | None]
    minimum_offers: Mapped[int] = mapped_column(default=1)
    answer_days: Mapped[int] = mapped_column(default=7)
    demand: Mapped[Document | None]
    broker_fee_pence: Mapped[int] = mapped_column(default=0)
    nonce_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    nonce: Mapped[str | None] = mapped_column(String(64))
    nonce_sha256: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    publish_by: Mapped[datetime | None] = mapped_column(index=True)
    published_at: Mapped[datetime | None]
    offers_due_at: Mapped[datetime | None] = mapped_column(index=True)
    closed_at: Mapped[datetime | None]
    match_by: Mapped[datetime | None] = mapped_column(index=True)
    proposed_at: Mapped[datetime | None]
    answers_due_at: Mapped[datetime | None]
    confirm_by: Mapped[datetime | None] = mapped_column(index=True)
    award_reasons: Mapped[str | None] = mapped_column(Text)
    standstill_from: Mapped[datetime | None]
    standstill_ends_at: Mapped[datetime | None] = mapped_column(index=True)
    review_by: Mapped[datetime | None] = mapped_column(index=True)
    rerun_ordered: Mapped[bool] = mapped_column(default=False)
    awarded_at: Mapped[datetime | None]
    cancelled_code: Mapped[CancelCode | None] = mapped_column(status_column(CancelCode))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[Role | None] = mapped_column(status_column(Role))
    predecessor_id: Mapped[str | None] = mapped_column(ForeignKey("tenders.id"), index=True)

    broker: Mapped[Broker] = relationship()
    bundles: Mapped[list[Bundle]] = relationship(back_populates="tender", order_by=Bundle.id)
    offers: Mapped[list["Offer"]] = relationship(back_populates="tender", order_by="Offer.id")
    rounds: Mapped[list["Round"]] = relationship(back_populates="tender", order_by="Round.number")

    @property
    def lots(self) -> list[Bundle]:
        """The bundles that are put out: all of a draft's; of a published tender those that somebody had joined."""
        if self.demand is None:
            return list(self.bundles)
        published = {lot["bundle"] for lot in self.demand["lots"]}
        return [bundle for bundle in self.bundles if bundle.id in published]

    def take_policy(self, document: dict[str, Any], sha256: str) -> None:
        """Put a new policy in the place of the one that stands, which is kept beside those before it."""
        self.earlier_policies = {**(self.earlier_policies or {}), self.policy_sha256: self.policy}
        self.policy, self.policy_sha256 = document, sha256
        self.minimum_offers, self.answer_days = (
            document["process"]["minimum_offers"],
            document["process"]["answer_days"],
        )
        self.version += 1


class Amendment(Base):
    """One published amendment of an open tender, by the version it made.

    ``offers_due_at`` is the later deadline, if it brought one; ``changed`` the rules that a change changed, each with
    what it said before and says now.
    """

    __tablename__ = "amendments"

    id: Mapped[PublicId]
    tender_id: Mapped[str] = mapped_column(ForeignKey("tenders.id"), index=True)
    version: Mapped[int]
    kind: Mapped[AmendmentKind] = mapped_column(status_column(AmendmentKind))
    text: Mapped[str] = mapped_column(Text)
    offers_due_at: Mapped[datetime | None]
    changed: Mapped[Document | None]
    made_at: Mapped[datetime]


class Question(Base):
    """A provider's question about a tender and the broker's answer: public, and without the asker's name."""

    __tablename__ = "questions"

    id: Mapped[PublicId]
    tender_id: Mapped[str] = mapped_column(ForeignKey("tenders.id"), index=True)
    provider_id: Mapped[str] = mapped_column(ForeignKey("providers.id"))
    text: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
    answer: Mapped[str | None] = mapped_column(Text)
    answered_at: Mapped[datetime | None]


class Representation(Base):
    """A provider's objection to a proposed award, and how it was decided, by whom."""

    __tablename__ = "representations"

    id: Mapped[PublicId]
    tender_id: Mapped[str] = mapped_column(ForeignKey("tenders.id"), index=True)
    provider_id: Mapped[str] = mapped_column(ForeignKey("providers.id"))
    grounds: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]
    decision: Mapped[Decision | None] = mapped_column(status_column(Decision))
    reasons: Mapped[str | None] = mapped_column(Text)
    decided_by: Mapped[str | None] = mapped_column(String(24))
    decided_at: Mapped[datetime | None]

    tender: Mapped[Tender] = relationship()
