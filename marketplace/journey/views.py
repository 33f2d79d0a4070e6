"""Who looked at a patient's record: every view by somebody else is noted, and the patient can read the list.

Pages that show one patient (or a list of them) call `note_view` (or `note_views`) before they answer; a patient's own
look is nobody's business and is not noted. `views_of` is the list that the patient reads.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from marketplace.records.audit import RecordView
from marketplace.records.base import new_id
from marketplace.records.budgets import Holder
from marketplace.records.people import Broker, Commissioner, User
from marketplace.records.providers import Provider
from marketplace.rules.clock import Instant
from marketplace.rules.permissions import Actor, Role, check_role

PARTIES = {
    Role.BROKER.value: select(Broker.id, Broker.name),
    Role.COMMISSIONER.value: select(Commissioner.id, Commissioner.name),
    Role.PROVIDER.value: select(Provider.id, Provider.name),
    Role.HOLDER.value: select(Holder.id, Holder.name),
}
"""How the organisations are called for which somebody may look."""


@dataclass(frozen=True, slots=True)
class View:
    """Somebody's look at a record: when, who, for which organisation (if any), as what, at which kind of page."""

    at: Instant
    who: str
    organisation: str | None
    role: str
    page: str


def note_view(session: Session, now: Instant, actor: Actor, patient_id: str, page: str) -> bool:
    """Note that somebody looks at this patient's record; returns whether there was anything to note.

    `page` is the kind of page, like ``care plan``: it is shown to the patient, and holds nothing about them.
    """
    return note_views(session, now, actor, [patient_id], page) == 1


def note_views(session: Session, now: Instant, actor: Actor, patient_ids: Iterable[str], page: str) -> int:
    """Note a look at several records at once, like a list of clients; returns how many were noted."""
    own = actor.role is Role.PATIENT and actor.authority_id is None
    rows = [
        {
            "id": new_id(),
            "at": now,
            "actor_id": actor.user_id,
            "role": actor.role.value if actor.authority_id is None else Role.REPRESENTATIVE.value,
            "party_id": actor.party_id,
            "patient_id": patient_id,
            "page": page,
        }
        for patient_id in sorted(set(patient_ids))
        if not (own and actor.party_id == patient_id)
    ]
    if rows:
        session.execute(insert(RecordView), rows)
    return len(rows)


def view_count(session: Session, actor: Actor) -> int:
    """How often somebody else looked at this patient's record."""
    check_role(actor, Role.PATIENT)
    return session.scalar(select(func.count()).where(RecordView.patient_id == actor.party_id)) or 0


def views_of(session: Session, actor: Actor, first: int = 0, size: int = 200) -> list[View]:
    """Who looked at this patient's record: some of the looks, the latest first."""
    check_role(actor, Role.PATIENT)
    rows = session.scalars(
        select(RecordView)
        .where(RecordView.patient_id == actor.party_id)
        .order_by(RecordView.at.desc(), RecordView.id)
        .offset(first)
        .limit(size)
    ).all()
    users = session.scalars(select(User).where(User.id.in_({row.actor_id for row in rows})))
    names = {user.id: user.name for user in users}
    organisations: dict[str, str] = {}
    for role, query in PARTIES.items():
        ids = {row.party_id for row in rows if row.role == role}
        if ids:
            found = session.execute(query.where(query.selected_columns[0].in_(ids)))
            organisations.update((party_id, name) for party_id, name in found)
    return [
        View(
            at=row.at,
            who=names.get(row.actor_id, "An account that is closed"),
            organisation=organisations.get(row.party_id),
            role=row.role,
            page=row.page,
        )
        for row in rows
    ]
