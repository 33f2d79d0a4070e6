"""What may be bought: services with their prices and sources, and what is excluded, with the reason."""

from sqlalchemy import CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base


class Service(Base):
    """One service of the catalogue. Its prices are per unit, in pence, each with its source.

    ``conventional_pence`` is what the conventional NHS package costs, ``private_pence`` what a person pays who buys
    single sessions alone.
    """

    __tablename__ = "services"
    __table_args__ = (
        CheckConstraint("reference_pence > 0 AND conventional_pence > 0 AND private_pence > 0", name="prices_positive"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    unit: Mapped[str] = mapped_column(String(20))
    reference_pence: Mapped[int]
    conventional_pence: Mapped[int]
    private_pence: Mapped[int]
    source: Mapped[str] = mapped_column(Text)


class Exclusion(Base):
    """Something a personal health budget may not pay for."""

    __tablename__ = "exclusions"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    reason: Mapped[str] = mapped_column(Text)
