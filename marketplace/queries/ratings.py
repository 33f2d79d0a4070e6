"""What a commissioner's patients wrote of a provider: `words_count`, `words_rows`. Stars are never told one by one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from marketplace.journey.scopes import contracts_for
from marketplace.records.contracts import Contract, Rating
from marketplace.records.people import Patient
from marketplace.records.pools import Need
from marketplace.rules.permissions import Actor

PERSON = select(func.lower(Patient.name)).where(Patient.id == Contract.patient_id).scalar_subquery()


def words_count(session: Session, actor: Actor, provider_id: str) -> int:
    """How many of the actor's patients wrote something of this provider."""
    return session.scalar(_written(actor, provider_id).with_only_columns(func.count())) or 0


def words_rows(
    session: Session, actor: Actor, provider_id: str, first: int, size: int, *, order: ColumnElement[Any]
) -> Sequence[Rating]:
    """Some of what they wrote."""
    query = _written(actor, provider_id).options(
        contains_eager(Rating.contract).joinedload(Contract.need).joinedload(Need.patient), joinedload(Rating.site)
    )
    return session.scalars(query.order_by(order, Rating.id).offset(first).limit(size)).all()


def _written(actor: Actor, provider_id: str) -> Select[Rating]:
    """Ratings with words, of contracts that this commissioner pays for."""
    own = contracts_for(actor).where(Contract.provider_id == provider_id).with_only_columns(Contract.id)
    return select(Rating).join(Rating.contract).where(Rating.words.is_not(None), Rating.contract_id.in_(own))
