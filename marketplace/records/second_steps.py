"""What makes a second step at sign-in: the secret shared with an app, codes for a lost phone, who is halfway in."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, PublicId, Sha256


class SecondFactor(Base):
    """A secret that an account shares with an app, encrypted. One counts (`stands`), another may be being set up.

    `begun_sha256` is the hash of the token of the browser that is setting it up: no other one is shown the secret.
    `last_counter` is the half minute of the last code that was taken: no code of it, or of one before it, is taken
    again.
    """

    __tablename__ = "second_factors"
    __table_args__ = (UniqueConstraint("user_id", "stands"),)

    id: Mapped[PublicId]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    stands: Mapped[bool] = mapped_column(default=False)
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]
    begun_sha256: Mapped[str | None] = mapped_column(String(64))
    last_counter: Mapped[int | None]


class RecoveryCode(Base):
    """A code in place of the app's, good for one time; only its keyed hash is kept, and that goes when it is used."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    code_mac: Mapped[Sha256] = mapped_column(primary_key=True)


class HalfSignIn(Base):
    """A browser whose password fitted and whose code is awaited. It opens nothing; a full sign-in takes its place."""

    __tablename__ = "half_sign_ins"

    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    good_until: Mapped[datetime] = mapped_column(index=True)
