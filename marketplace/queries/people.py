"""Around a patient: `standing_authorities` (who may act for whom), `brokers_to_choose`, `groups_to_leave`.

`set_aside_pence` and `broker_chosen` say what a change of broker left and freed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from marketplace.journey import representatives, statements
from marketplace.journey.pools import CAN_BE_LEFT
from marketplace.journey.scopes import needs_for
from marketplace.records.people import Broker, Patient
from marketplace.records.pools import Bundle, Need
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor
from marketplace.schemas.oversight import BASIS_WORDS, SCOPE_WORDS

from .budgets import own_budgets
from .words import pounds


@dataclass(frozen=True, slots=True)
class AuthorityRow:
    """Who may act for whom: why, for what, until when."""

    authority_id: str
    patient_id: str
    patient: str
    representative: str
    basis: str
    may: Sequence[str]
    until: date


def standing_authorities(session: Session, now: Instant, actor: Actor) -> list[AuthorityRow]:
    """The authorities that hold today: over a patient, or of a representative."""
    return [
        AuthorityRow(
            authority_id=row.id,
            patient_id=row.patient_id,
            patient=row.patient.name,
            representative=row.representative.name,
            basis=BASIS_WORDS[row.basis.value],
            may=[words for scope, words in SCOPE_WORDS.items() if scope in row.scopes],
            until=row.valid_to,
        )
        for row in representatives.authorities_of(session, now, actor)
    ]


def brokers_to_choose(session: Session, patient: Patient) -> Sequence[Broker]:
    """The brokers that the patient's commissioner has approved and not suspended, by name."""
    query = select(Broker).where(
        Broker.commissioner_id == patient.commissioner_id,
        Broker.approved_at.is_not(None),
        Broker.suspended_at.is_(None),
    )
    return session.scalars(query.order_by(Broker.name)).all()


def groups_to_leave(session: Session, actor: Actor) -> Sequence[Need]:
    """The groups that a change of broker would end for the patient: those whose offers are not in yet."""
    query = needs_for(actor).where(
        Need.status.in_(CAN_BE_LEFT), Tender.status.in_((TenderStatus.DRAFT, TenderStatus.OPEN))
    )
    return session.scalars(query.options(joinedload(Need.bundle).joinedload(Bundle.service)).order_by(Need.id)).all()


def set_aside_pence(session: Session, actor: Actor) -> Pence:
    """What is set aside for groups in all of the patient's budgets."""
    budgets = own_budgets(session, actor)
    return statements.figures_of(session, [budget.id for budget in budgets]).reserved_pence


def broker_chosen(broker: str, left: Sequence[str], freed_pence: Pence) -> str:
    """Who the broker is now, which groups were left with the old one, and what came back."""
    told = [f"{broker} is your broker now."]
    if left:
        told.append(f"You left {'this group' if len(left) == 1 else 'these groups'}: {'; '.join(left)}.")
    if freed_pence:
        told.append(f"{pounds(freed_pence)} that was set aside is yours to use again.")
    return " ".join(told)
