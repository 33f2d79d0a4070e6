"""Accounts that sign in, and the parties they act for: patients, brokers, commissioners."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.rules.permissions import Role

from .base import Base, PublicId, status_column
from .second_steps import SecondFactor

_STANDS = text("ended_at IS NULL")


class User(Base):
    """Somebody who signs in. The party they act for is the one id that their role needs.

    ``commissioner_id`` is whose people or organisation they belong to; empty for a provider's account, and for a
    representative's that no commissioner opened. A closed account stays, for what was done under it.
    """

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        Index("ix_users_role_name", "role", "name"),
        Index("ix_users_commissioner_id_role_name", "commissioner_id", "role", "name"),
    )

    id: Mapped[PublicId]
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    role: Mapped[Role] = mapped_column(status_column(Role))
    party_id: Mapped[str] = mapped_column(String(24), index=True)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    commissioner_id: Mapped[str | None] = mapped_column(ForeignKey("commissioners.id"))
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    second_factor: Mapped[SecondFactor | None] = relationship(
        primaryjoin=lambda: (SecondFactor.user_id == User.id) & SecondFactor.stands, viewonly=True, uselist=False
    )
    """What they sign in with beside the password, if anything."""


class AccountCode(Base):
    """A one-time code with which somebody chooses the password of their account; only its hash is kept.

    One that somebody handed over and one that came by letter stand side by side.
    """

    __tablename__ = "account_codes"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    by_letter: Mapped[bool] = mapped_column(primary_key=True)
    code_sha256: Mapped[str] = mapped_column(String(64))
    good_until: Mapped[datetime]


class SignIn(Base):
    """One signed-in browser. The cookie holds a token; only its hash is kept, and it ends at sign-out."""

    __tablename__ = "sign_ins"

    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class Commissioner(Base):
    """The funder: gives budgets and oversees."""

    __tablename__ = "commissioners"

    id: Mapped[PublicId]
    name: Mapped[str] = mapped_column(String(120), unique=True)


class Broker(Base):
    """Pools its clients' budgets and buys for them. Never owns, is paid by or represents a bidder.

    ``fee_pence`` is what its commissioner pays it for each contract that all have signed (`journey.broker_fees`).
    ``telephone``, ``email`` and ``opening_hours`` (in words) are its office's: its clients read them.
    """

    __tablename__ = "brokers"
    __table_args__ = (CheckConstraint("fee_pence >= 0", name="fee"),)

    id: Mapped[PublicId]
    name: Mapped[str] = mapped_column(String(120), unique=True)
    fee_pence: Mapped[int] = mapped_column(default=0)
    telephone: Mapped[str | None] = mapped_column(String(30))
    email: Mapped[str | None] = mapped_column(String(254))
    opening_hours: Mapped[str | None] = mapped_column(String(200))
    commissioner_id: Mapped[str] = mapped_column(ForeignKey("commissioners.id"))
    approved_at: Mapped[datetime | None]
    suspended_at: Mapped[datetime | None]
    suspended_reason: Mapped[str | None] = mapped_column(Text)


class Patient(Base):
    """A budget-holder. The NHS number is encrypted; it is found by a keyed hash and shown to nobody else.

    ``deprivation_decile`` is the home area's, from 1 (the most deprived tenth of England) to 10; empty if unknown.
    ``lacks_capacity``: they cannot decide alone on their care. ``easy_read`` is whether their pages are in easy-read;
    empty as long as nobody chose, and no extra support turned it on.
    """

    __tablename__ = "patients"
    __table_args__ = (
        CheckConstraint("birth_year BETWEEN 1900 AND 2100", name="birth_year"),
        CheckConstraint("deprivation_decile BETWEEN 1 AND 10", name="deprivation_decile"),
        Index("ix_patients_commissioner_id_name", "commissioner_id", "name"),
    )

    id: Mapped[PublicId]
    name: Mapped[str] = mapped_column(String(120))
    nhs_number_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    nhs_number_lookup: Mapped[str] = mapped_column(String(64), unique=True)
    birth_year: Mapped[int]
    district: Mapped[str] = mapped_column(String(8), index=True)
    easting_m: Mapped[int]
    northing_m: Mapped[int]
    deprivation_decile: Mapped[int | None]
    lacks_capacity: Mapped[bool] = mapped_column(default=False)
    easy_read: Mapped[bool | None]
    commissioner_id: Mapped[str] = mapped_column(ForeignKey("commissioners.id"))
    broker_id: Mapped[str | None] = mapped_column(ForeignKey("brokers.id"), index=True)
    registered_on: Mapped[date]

    broker: Mapped[Broker | None] = relationship()
    conditions: Mapped[list["PatientCondition"]] = relationship(order_by="PatientCondition.condition")


class PatientCondition(Base):
    """One long-term condition of one patient, by its short name: fairness is counted by it, and extra support."""

    __tablename__ = "patient_conditions"

    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), primary_key=True)
    condition: Mapped[str] = mapped_column(String(40), primary_key=True)


class Supporter(Base):
    """Who stands by a patient with extra support: a name, what they are to them, how to reach them. One at a time.

    They help to read and to ask, and may not act: that takes an `Authority`. Who came before them stays on record.
    """

    __tablename__ = "supporters"
    __table_args__ = (
        Index("uq_supporters_standing", "patient_id", unique=True, sqlite_where=_STANDS, postgresql_where=_STANDS),
    )

    id: Mapped[PublicId]
    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    who: Mapped[str] = mapped_column(String(120))
    reach: Mapped[str] = mapped_column(String(120))
    named_by: Mapped[str] = mapped_column(String(24))
    named_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class BrokerMove(Base):
    """One choice of a broker by a patient: the first one has no `from`."""

    __tablename__ = "broker_moves"

    id: Mapped[PublicId]
    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), index=True)
    from_broker_id: Mapped[str | None] = mapped_column(ForeignKey("brokers.id"))
    to_broker_id: Mapped[str] = mapped_column(ForeignKey("brokers.id"))
    moved_at: Mapped[datetime]


class AuthorityBasis(StrEnum):
    """Why somebody may act for a patient."""

    PATIENTS_WISH = "patients_wish"
    PARENT = "parent"
    POWER_OF_ATTORNEY = "power_of_attorney"
    COURT_DEPUTY = "court_deputy"


class Authority(Base):
    """One person's dated, scoped authority to act for one patient.

    `representative_id` is the representative's account. It ends on its last day, or when the patient or the
    commissioner ends it; what was agreed to under it, and is not yet binding, ends with it.
    """

    __tablename__ = "authorities"
    __table_args__ = (CheckConstraint("valid_from <= valid_to", name="valid_in_order"),)

    id: Mapped[PublicId]
    representative_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"), index=True)
    basis: Mapped[AuthorityBasis] = mapped_column(status_column(AuthorityBasis))
    scopes: Mapped[list[str]]
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    approved_by: Mapped[str] = mapped_column(String(24))
    approved_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    representative: Mapped[User] = relationship()
    patient: Mapped[Patient] = relationship()


class InterestKind(StrEnum):
    """How somebody stands to a provider."""

    OWNS = "owns"
    PAID_BY = "paid_by"
    REPRESENTS = "represents"


class Interest(Base):
    """A declared interest of a broker or of a representative (their account) in a provider."""

    __tablename__ = "interests"

    id: Mapped[PublicId]
    holder_id: Mapped[str] = mapped_column(String(24), index=True)
    provider_id: Mapped[str] = mapped_column(ForeignKey("providers.id"), index=True)
    kind: Mapped[InterestKind] = mapped_column(status_column(InterestKind))
    declared_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
