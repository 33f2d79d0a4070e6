"""What came of an objection: `own_objection` for who made it, `decision_on` for everybody in the tender.

`decided_by` says who decided, as each reader may know; `next_for` what each can expect now, `next_for_each` the same of
all of them on one page.

What can be expected depends on where the tender stands now, not on the decision alone: it may have gone on since.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.journey.rounds import run_again_by
from marketplace.journey.scopes import representations_for
from marketplace.records.people import Commissioner, User
from marketplace.records.tenders import Decision, Representation, Tender
from marketplace.rules.clock import Instant
from marketplace.rules.lifecycle import LAPSES_TO, TenderStatus
from marketplace.rules.permissions import Actor, Role

from .states import lapse_words
from .words import moment

CLOSED_ACCOUNT = "An account that is closed"
READERS = (Role.PROVIDER, Role.BROKER, Role.PATIENT, Role.COMMISSIONER)
Sentences = Mapping[Role, str]

_AGAIN: Sentences = {
    Role.PROVIDER: "Every offer counts as it was sealed. There is new feedback once there is a new result.",
    Role.BROKER: "The match must be run again before {match_by}, or {if_not}.",
    Role.PATIENT: "The match may change. Whoever gets another one is asked to answer it.",
    Role.COMMISSIONER: "Nothing: it is the broker's turn until {match_by}.",
}
_ANEW: Sentences = {
    Role.PROVIDER: "The match is run again. There is new feedback once the broker has confirmed the result.",
    Role.BROKER: "The new match goes on like the first one: answers, reasons, and a pause.",
    Role.PATIENT: "The match may change. Whoever gets another one is asked to answer it.",
    Role.COMMISSIONER: "Nothing, unless a provider objects to the new result.",
}
_NO_AWARD: Sentences = {
    Role.PROVIDER: "There is no award, so the offers on this tender lead to no contract.",
    Role.BROKER: "A new tender can be drafted that follows this one. People are asked anew.",
    Role.PATIENT: "The money set aside is free again. The broker can ask them to join another group.",
    Role.COMMISSIONER: "Nothing: the tender has ended.",
}
_NEXT: Mapping[TenderStatus, Sentences] = {
    TenderStatus.STANDSTILL: {
        Role.PROVIDER: "Every provider that made an offer can object until {pause_ends}. "
        "If nobody does, the award is final.",
        Role.BROKER: "If no provider objects before {pause_ends}, the award is final. Then contracts are signed.",
        Role.PATIENT: "The match stands. If no provider objects before {pause_ends}, the contract can then be signed.",
        Role.COMMISSIONER: "Nothing. If a provider objects before {pause_ends}, another colleague decides.",
    },
    TenderStatus.UNDER_REVIEW: {
        Role.PROVIDER: "There is another objection. It is decided before {review_by}.",
        Role.BROKER: "There is another objection. Nothing goes on until it is decided.",
        Role.PATIENT: "The match waits again, until another objection is decided.",
        Role.COMMISSIONER: "Decide the other objection before {review_by}, or {if_not}.",
    },
    TenderStatus.CLOSED: _AGAIN,
    TenderStatus.MATCHING: _ANEW,
    TenderStatus.PROPOSED: _ANEW,
    TenderStatus.AWARDED: {
        Role.PROVIDER: "The award is final. It cannot be objected to any more.",
        Role.BROKER: "The award is final. Its contracts can be signed.",
        Role.PATIENT: "The result is final. Whoever has a match has a contract to sign.",
        Role.COMMISSIONER: "Nothing: the award is final.",
    },
    TenderStatus.CANCELLED: _NO_AWARD,
    TenderStatus.UNSUCCESSFUL: _NO_AWARD,
}

_PAUSE_FOR_ALL = "Every provider that made an offer can object until {pause_ends}. If nobody does, the award is final."
_PAUSE_FOR_EACH: Sentences = {
    Role.PROVIDER: "It can object again, as any other provider that made an offer.",
    Role.BROKER: "Once the award is final, its contracts are signed.",
    Role.PATIENT: "The match stands. Once the award is final, the contract can be signed.",
    Role.COMMISSIONER: "Nothing. If a provider objects, another colleague decides.",
}
"""What they can expect in the pause, read side by side: the condition and its day once, for all of them."""


@dataclass(frozen=True, slots=True)
class OwnObjection:
    """A provider's own objection: what was decided, by whom, and what comes next (both empty until it is decided)."""

    row: Representation
    who: str
    next: str


def own_objection(session: Session, actor: Actor, tender: Tender) -> OwnObjection | None:
    """The provider's own latest objection to a tender's result."""
    query = representations_for(actor).where(Representation.tender_id == tender.id)
    row = session.scalars(query.order_by(Representation.made_at.desc(), Representation.id)).first()
    if row is None or row.decision is None:
        return None if row is None else OwnObjection(row, "", "")
    return OwnObjection(row, decided_by(session, actor, row), next_for(tender, actor.role))


@dataclass(frozen=True, slots=True)
class Decided:
    """That an objection to a tender's result was decided: how, when and by which office; not whose it was."""

    decision: Decision
    at: Instant
    office: str


def decision_on(session: Session, tender: Tender) -> Decided | None:
    """The latest decision on an objection to this tender's result, for everybody who is in it."""
    query = select(Representation.decision, Representation.decided_at).where(Representation.tender_id == tender.id)
    query = query.order_by(Representation.decided_at.desc()).where(Representation.decided_at.is_not(None))
    decision, at = session.execute(query.limit(1)).one_or_none() or (None, None)
    return None if decision is None or at is None else Decided(decision, at, _office(session, tender))


def next_for(tender: Tender, reader: Role) -> str:
    """What this reader can expect, or has to do, now that an objection to the tender's result is decided."""
    said = _AGAIN if tender.rerun_ordered and tender.status is TenderStatus.UNDER_REVIEW else _NEXT[tender.status]
    times = {"pause_ends": tender.standstill_ends_at, "match_by": run_again_by(tender), "review_by": tender.review_by}
    if_not = lapse_words(tender.status) if tender.status in LAPSES_TO else ""
    return said[reader].format_map({name: moment(at) for name, at in times.items()} | {"if_not": if_not})


def next_for_each(tender: Tender) -> tuple[str, Sentences]:
    """What everybody can expect, read on one page: what holds for all of them (may be empty), and what for each."""
    if tender.status is not TenderStatus.STANDSTILL:
        return "", {reader: next_for(tender, reader) for reader in READERS}
    return _PAUSE_FOR_ALL.format(pause_ends=moment(tender.standstill_ends_at)), _PAUSE_FOR_EACH


def decided_by(session: Session, actor: Actor, row: Representation) -> str:
    """Who decided: by name for the commissioner's own people, by office for everybody else."""
    if actor.role is Role.COMMISSIONER:
        user = session.get(User, row.decided_by)
        return user.name if user is not None else CLOSED_ACCOUNT
    return somebody_at(session, row.tender)


def somebody_at(session: Session, tender: Tender) -> str:
    """Who decides on a tender's objections, by office."""
    return f"Somebody at {_office(session, tender)} who had no part in the tender"


def _office(session: Session, tender: Tender) -> str:
    return session.get_one(Commissioner, tender.broker.commissioner_id).name
