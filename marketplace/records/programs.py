"""Other programs that act for an account: the tokens they show, and the answers they were given to what they sent."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, PublicId, Sha256
from .people import User


class AccessToken(Base):
    """What one program shows to act for one account; only its hash is kept. It ends on its last day, or before.

    `used_at` is when it was last seen, to the minute.
    """

    __tablename__ = "access_tokens"
    __table_args__ = (
        CheckConstraint("made_at < ends_at", name="ends_later"),
        Index("ix_access_tokens_user_id_made_at", "user_id", "made_at"),
    )

    id: Mapped[PublicId]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(80))
    token_sha256: Mapped[Sha256] = mapped_column(unique=True)
    may_write: Mapped[bool]
    made_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class KeptAnswer(Base):
    """The answer to one request that changed something, by the key its sender gave it: kept for ever.

    `request_mac` is a keyed hash of the whole request (it may hold an NHS number, which a plain hash would give away),
    and the answer is encrypted: it may say whom the request was about.
    """

    __tablename__ = "kept_answers"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    request_mac: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    answer_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    kept_at: Mapped[datetime]
