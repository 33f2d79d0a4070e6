"""Common ground of all tables: the declarative base, opaque ids, aware instants, statuses.

`new_id` makes the ids that people and programs see: 80 random bits, so that nobody can count or guess them. The
demo, which must come out the same for the same seed, lends them a seeded source by `seeded_ids`.
"""

import random
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Enum, MetaData, String
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no letters that look like digits
_source: ContextVar[random.Random] = ContextVar("source_of_ids")


_SYSTEM = secrets.SystemRandom()


def new_id() -> str:
    """Sixteen characters of Crockford's base 32."""
    source = _source.get(_SYSTEM)
    return "".join(source.choices(_ALPHABET, k=16))


def new_nonce() -> str:
    """Thirty-two random bytes in hexadecimal."""
    return _source.get(_SYSTEM).randbytes(32).hex()


@contextmanager
def seeded_ids(seed: int) -> Iterator[None]:
    """Ids and nonces repeat for the same seed: for the demo and for tests, never for real people."""
    token = _source.set(random.Random(seed))
    try:
        yield
    finally:
        _source.reset(token)


class UtcInstant(TypeDecorator[datetime]):
    """An aware moment, kept in UTC. Databases without time zones get the bare UTC value and give it back aware."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse what has no time zone: it could mean two moments."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Hand it out aware."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def status_column(kind: type[StrEnum]) -> Enum:
    """A column of named values, kept as text with a CHECK, so that a typing error cannot be stored."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        name=kind.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
        length=24,
    )


PublicId = Annotated[str, mapped_column(String(24), primary_key=True, default=new_id)]
Sha256 = Annotated[str, mapped_column(String(64))]
Document = dict[str, Any]


class Base(DeclarativeBase):
    """The tables' common base; constraints are named, because their names appear in errors and migrations."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own protocol
        int: BigInteger,  # pence: a county's budgets do not fit into 32 bits
        datetime: UtcInstant,
        Document: JSON,
        list[str]: JSON,
    }
