"""Whom a commissioner can give a budget, and for what: `people`, `services`, `exclusions`, `holders`, `told_drafts`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session, joinedload

from marketplace.journey.allocations import Draft
from marketplace.journey.scopes import patients_for
from marketplace.records.budgets import Budget, BudgetKind, Holder, ManagedAs
from marketplace.records.catalogue import Exclusion, Service
from marketplace.records.people import Patient, User
from marketplace.rules.clock import Instant
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor

from .support import gets_support, supported_among, wants_supporter

HELD_BY: Mapping[ManagedAs, str] = {
    ManagedAs.NOTIONAL: "You",
    ManagedAs.THIRD_PARTY: "An organisation",
    ManagedAs.DIRECT_PAYMENT: "The patient",
}
"""Who holds the money, told to the commissioner."""


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person in the list: their broker, how many budgets they have (which, if one), whether they can sign in, and
    whether they get extra support today.
    """

    patient: Patient
    broker: str | None
    budgets: int
    budget_id: str | None
    has_account: bool
    supported: bool


@dataclass(frozen=True, slots=True)
class DraftRow:
    """One budget of a checked file: for whom (new?), its kind, who holds it, how much, when, for what."""

    name: str
    is_new: bool
    kind: BudgetKind
    held_by: str
    amount_pence: Pence
    valid_from: date
    valid_to: date
    parts: Sequence[tuple[str, int, str]]


def people_count(session: Session, now: Instant, actor: Actor, search: str, who: str) -> int:
    """How many people fit."""
    return session.scalar(select(func.count()).select_from(_people(now, actor, search, who).subquery())) or 0


def people(
    session: Session,
    now: Instant,
    actor: Actor,
    first: int,
    size: int,
    *,
    search: str,
    who: str,
    order: ColumnElement[Any],
) -> list[PersonRow]:
    """Some of the people who fit."""
    query = _people(now, actor, search, who).options(joinedload(Patient.broker)).order_by(order, Patient.id)
    rows = session.scalars(query.offset(first).limit(size)).all()
    counted = select(Budget.patient_id, func.count(), func.min(Budget.id)).where(
        Budget.patient_id.in_([row.id for row in rows])
    )
    budgets = {row[0]: (row[1], row[2]) for row in session.execute(counted.group_by(Budget.patient_id))}
    can = set(session.scalars(select(User.party_id).where(User.party_id.in_([row.id for row in rows]))))
    supported = supported_among(session, now, [row.id for row in rows])
    return [
        PersonRow(
            row,
            row.broker.name if row.broker else None,
            count,
            first_id if count == 1 else None,
            has_account=row.id in can,
            supported=row.id in supported,
        )
        for row in rows
        for count, first_id in (budgets.get(row.id, (0, None)),)
    ]


def services(session: Session) -> list[tuple[str, str]]:
    """What is in the catalogue, to choose from."""
    return [(row[0], row[1]) for row in session.execute(select(Service.id, Service.name).order_by(Service.name))]


def exclusions(session: Session) -> Sequence[Exclusion]:
    """What no budget may pay for."""
    return session.scalars(select(Exclusion).order_by(Exclusion.name)).all()


def holders(session: Session, actor: Actor) -> list[tuple[str, str]]:
    """The organisations that this commissioner lets hold budgets, to choose from."""
    query = select(Holder.id, Holder.name).where(Holder.commissioner_id == actor.party_id).order_by(Holder.name)
    return [(row[0], row[1]) for row in session.execute(query)]


def told_drafts(session: Session, actor: Actor, drafts: Sequence[Draft]) -> list[DraftRow]:
    """The budgets of a checked file as its report shows them."""
    known = [draft.patient_id for draft in drafts if draft.patient_id]
    named = {row.id: row.name for row in session.scalars(patients_for(actor).where(Patient.id.in_(known)))}
    organisations = dict(holders(session, actor))
    named_services = {row.id: row for row in session.scalars(select(Service))}
    return [
        DraftRow(
            name=draft.person.name if draft.person else named[str(draft.patient_id)],
            is_new=draft.person is not None,
            kind=draft.details.kind,
            held_by=organisations.get(draft.details.holder_id or "") or HELD_BY[draft.details.managed_as],
            amount_pence=draft.details.amount_pence,
            valid_from=draft.details.valid_from,
            valid_to=draft.details.valid_to,
            parts=[
                (service.name, line.units, service.unit)
                for line in draft.details.lines
                for service in (named_services[line.service_id],)
            ],
        )
        for draft in drafts
    ]


def _people(now: Instant, actor: Actor, search: str, who: str) -> Select[Patient]:
    query = patients_for(actor)
    if search:
        query = query.where(Patient.name.icontains(search, autoescape=True))
    if who == "none":
        query = query.where(~exists().where(Budget.patient_id == Patient.id))
    if who == "supported":
        query = query.where(gets_support(now))
    if who == "no-supporter":
        query = query.where(wants_supporter(now))
    return query
