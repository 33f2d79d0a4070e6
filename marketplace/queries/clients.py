"""A broker's clients: `clients`, some of them with what could still be pooled; `clients_at_a_glance`, in figures."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select
from sqlalchemy.orm import Session

from marketplace.journey.scopes import needs_for, patients_for, plan_lines_for
from marketplace.records.budgets import Budget
from marketplace.records.people import Patient
from marketplace.records.pools import Need, NeedStatus
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Actor

from .support import gets_support, supported_among, wants_supporter

INVITING = (TenderStatus.DRAFT, TenderStatus.OPEN)
"""Where an invitation can still be answered: a changed open tender asks everybody again."""
COUNTED_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Client:
    """One of a broker's clients: parts of care plans, those in a group, whether they get extra support today."""

    patient: Patient
    lines: int
    pooled: int
    supported: bool


@dataclass(frozen=True, slots=True)
class Glance:
    """A broker's clients in figures: all, those without a group now, and invitations that wait for an answer."""

    clients: int
    in_no_group: int | None
    not_answered: int


def clients_at_a_glance(session: Session, actor: Actor) -> Glance:
    """The broker's clients in figures, each by one query; who is in a group is counted as the list does.

    Of more than `COUNTED_AT_ONCE` clients that is not counted on each look (0.1 s for 40,000): the list tells it.
    """
    clients = client_count(session, actor, "")
    grouped = _clients(actor, "", "yes", None).with_only_columns(func.count())
    few = clients <= COUNTED_AT_ONCE
    asked = needs_for(actor).where(Need.status == NeedStatus.INVITED, Tender.status.in_(INVITING))
    return Glance(
        clients=clients,
        in_no_group=clients - (session.scalar(grouped) or 0) if few else None,
        not_answered=session.scalar(asked.with_only_columns(func.count())) or 0,
    )


def client_count(session: Session, actor: Actor, search: str, group: str = "", now: Instant | None = None) -> int:
    """How many of the broker's clients fit the search; those with extra support are asked for with `now`."""
    return session.scalar(select(func.count()).select_from(_clients(actor, search, group, now).subquery())) or 0


def clients(
    session: Session,
    actor: Actor,
    search: str,
    first: int,
    size: int,
    *,
    now: Instant,
    group: str = "",
    order: ColumnElement[Any] | None = None,
) -> list[Client]:
    """Some of the broker's clients: those whose name or district fits the search, and who fit the group."""
    query = _clients(actor, search, group, now).order_by(Patient.name if order is None else order, Patient.id)
    patients = session.scalars(query.offset(first).limit(size)).all()
    ids = [patient.id for patient in patients]
    lines = plan_lines_for(actor).where(Patient.id.in_(ids)).with_only_columns(Budget.patient_id, func.count())
    pooled = select(Need.patient_id, func.count()).where(Need.patient_id.in_(ids), Need.reserved_pence > 0)
    lines_of = {row[0]: row[1] for row in session.execute(lines.group_by(Budget.patient_id))}
    pooled_of = {row[0]: row[1] for row in session.execute(pooled.group_by(Need.patient_id))}
    supported = supported_among(session, now, ids)
    return [
        Client(row, lines_of.get(row.id, 0), pooled_of.get(row.id, 0), supported=row.id in supported)
        for row in patients
    ]


def _clients(actor: Actor, search: str, group: str, now: Instant | None) -> Select[Patient]:
    query = patients_for(actor)
    if group == "supported" and now is not None:
        query = query.where(gets_support(now))
    if group == "no-supporter" and now is not None:
        query = query.where(wants_supporter(now))
    if group in ("yes", "no"):
        # the nothing is written out, not bound: else a database cannot tell that its index of just these will do
        is_held = Need.reserved_pence > literal_column("0")
        held = select(Need.id).where(Need.patient_id == Patient.id, is_held).correlate(Patient).exists()
        query = query.where(held if group == "yes" else ~held)
    if search:
        query = query.where(Patient.name.icontains(search, autoescape=True) | (Patient.district == search.upper()))
    return query
