"""Who stands by a patient with extra support: their broker or the commissioner names somebody, one at a time."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.budgets import Budget
from marketplace.records.outbox import tell
from marketplace.records.people import Patient, Supporter
from marketplace.rules.clock import Instant
from marketplace.rules.errors import WrongState
from marketplace.rules.permissions import SYSTEM, Actor, Role, check_owner
from marketplace.rules.support import check_supporter

from .conduct import check_broker_active
from .scopes import locked
from .support import is_supported, release_supporter, support_runs


@dataclass(frozen=True, slots=True)
class SupporterDetails:
    """A supporter: their name, what they are to the person, a telephone number or an e-mail address."""

    name: str
    who: str
    reach: str


def name_supporter(
    session: Session, now: Instant, actor: Actor, patient_id: str, details: SupporterDetails
) -> Supporter:
    """Name who stands by this person from now on, in the place of whoever did before. The person is told.

    Raises
    ------
    WrongState
        If nothing gives this person extra support today.
    Invalid
        If something about the supporter is missing.
    """
    patient = locked(session, Patient, patient_id, "patient")
    if actor.role is Role.BROKER:
        check_owner(actor, Role.BROKER, patient.broker_id or "", "patient")
        check_broker_active(session, actor.party_id)
    else:
        check_owner(actor, Role.COMMISSIONER, patient.commissioner_id, "patient")
    if not is_supported(session, now, patient.id):
        raise WrongState("no_extra_support", "A supporter is for people with extra support. This person has none now.")
    name, who, reach = check_supporter(details.name, details.who, details.reach)
    former = supporters_of(session, [patient.id]).get(patient.id)
    if former is not None:
        if (former.name, former.who, former.reach) == (name, who, reach):
            return former
        former.ended_at = now
        session.flush()
    supporter = Supporter(
        patient_id=patient.id, name=name, who=who, reach=reach, named_by=actor.user_id, named_at=now, ended_at=None
    )
    session.add(supporter)
    session.flush()
    audit.append(session, now, actor, "supporter.named", patient.id, supporter=supporter.id)
    tell(session, now, [patient.id], "supporter_named", patient.id)
    return supporter


def expire_supporter(session: Session, now: Instant, patient_id: str) -> None:
    """Nobody stands by a patient any more whose last budget with extra support is over. Time brings this about."""
    patient = locked(session, Patient, patient_id, "patient")
    release_supporter(session, now, SYSTEM, patient.id)


def expired_supporters(now: Instant) -> Select[str]:
    """Patients by whom somebody stands, though nothing gives them extra support today."""
    giving = select(Budget.id).where(Budget.patient_id == Supporter.patient_id, support_runs(now))
    standing = select(Supporter.patient_id).where(Supporter.ended_at.is_(None))
    return standing.where(~giving.correlate(Supporter).exists()).order_by(Supporter.patient_id)


def supporters_of(session: Session, patient_ids: Collection[str]) -> dict[str, Supporter]:
    """Who stands by each of these people; those by whom nobody does are left out."""
    query = select(Supporter).where(Supporter.patient_id.in_(patient_ids), Supporter.ended_at.is_(None))
    return {row.patient_id: row for row in session.scalars(query)}
