"""The accounts that a commissioner looks after: `users`, `parties` (whom an account can be for), `state_of`."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, joinedload

from marketplace.journey.scopes import one, patients_for, users_for
from marketplace.records.budgets import Holder
from marketplace.records.people import Broker, Patient, User
from marketplace.records.providers import Provider
from marketplace.rules.permissions import Actor, Role

NOT_PATIENTS = (Role.REPRESENTATIVE, Role.BROKER, Role.PROVIDER, Role.HOLDER, Role.COMMISSIONER)


def user_count(session: Session, actor: Actor, search: str, role: str) -> int:
    """How many accounts fit."""
    fitting = _users(actor, search, role).with_only_columns(User.role)
    return session.scalar(select(func.count()).select_from(fitting.subquery())) or 0


def users(
    session: Session, actor: Actor, first: int, size: int, *, search: str, role: str, order: ColumnElement[Any]
) -> Sequence[User]:
    """Some of the accounts that fit."""
    query = _users(actor, search, role).options(joinedload(User.second_factor)).order_by(order, User.id)
    return session.scalars(query.offset(first).limit(size)).all()


def parties(session: Session, actor: Actor) -> list[tuple[str, str]]:
    """The organisations that an account can be for: a provider only while it has none."""
    own = actor.party_id
    found: list[tuple[str, str]] = []
    for kind, told, words in ((Broker, "broker", "broker"), (Holder, "holder", "holds budgets")):
        query = select(kind.id, kind.name).where(kind.commissioner_id == own).order_by(kind.name)
        found += [(f"{told}:{party_id}", f"{name} ({words})") for party_id, name in session.execute(query)]
    has_one = select(User.party_id).where(User.role == Role.PROVIDER)
    providers = select(Provider.id, Provider.name).where(Provider.id.not_in(has_one)).order_by(Provider.name)
    return found + [(f"provider:{party_id}", f"{name} (provider)") for party_id, name in session.execute(providers)]


def patient(session: Session, actor: Actor, patient_id: str) -> Patient:
    """One of the commissioner's patients."""
    return one(session, patients_for(actor), patient_id, "patient")


def state_of(user: User) -> str:
    """How an account stands, in words."""
    if user.closed_at is not None:
        return "Closed"
    return "Open" if user.password_hash is not None else "No password yet"


def second_step_of(user: User) -> str:
    """Whether an account has a second step at sign-in, in words."""
    return "Off" if user.second_factor is None else "On"


def _users(actor: Actor, search: str, role: str) -> Select[User]:
    query = users_for(actor, patients_only=role == Role.PATIENT)
    if role != Role.PATIENT:
        query = query.where(User.role == Role(role) if role in NOT_PATIENTS else User.role.in_(NOT_PATIENTS))
    if search:
        named = User.name.icontains(search, autoescape=True) | User.email.icontains(search, autoescape=True)
        query = query.where(named)
    return query
