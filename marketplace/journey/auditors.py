"""Auditors: a commissioner names who may check a tender's round in full, and hands them the bundle.

Both are recorded acts, and each patient in a bundle reads in the list of who has seen their record that it was given
out. What the audit trail keeps are ids and the bundle's hash; the auditor's name stands in `Auditor` alone. Whoever is
struck off again is handed nothing more; what they hold already cannot be called back, and stays recorded.

A bundle takes seconds to make where a county is matched. `make` does that with no writing transaction open; `hand_out`
sees, under the tender's lock, that it is of the round that is published still, records it, and only then hands it over.
"""

from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.auditors import Auditor, Handout
from marketplace.records.pools import Need
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant
from marketplace.rules.errors import Conflict, Invalid, WrongState
from marketplace.rules.permissions import Actor, Role, check_role

from .bundles import Bundle, bundle_of
from .proofs import published_round
from .scopes import auditors_for, locked, one, overseen_tenders_for
from .views import note_views

SEEN_AS = "file for an auditor, without your name"
"""What patients read in the list of who has seen their record."""

_AT_ONCE = 500
LONGEST = {"name": 120, "organisation": 120, "purpose": 1000}


@dataclass(frozen=True, slots=True, repr=False)
class Made:
    """A bundle that is made for an auditor and not handed out yet: of which round, and of which patients."""

    auditor_id: str
    round_id: str
    people: frozenset[str]
    bundle: Bundle
    sha256: str


def name_auditor(
    session: Session, now: Instant, actor: Actor, tender_id: str, *, name: str, organisation: str, purpose: str
) -> Auditor:
    """The commissioner of a published tender's broker names somebody who may check its round in full.

    Raises
    ------
    Invalid
        If it is not said who, of which organisation, or for what.
    """
    check_role(actor, Role.COMMISSIONER)
    tender = one(session, overseen_tenders_for(actor), tender_id, "tender")
    said = {"name": name.strip(), "organisation": organisation.strip(), "purpose": purpose.strip()}
    for place, words in said.items():
        if not 0 < len(words) <= LONGEST[place]:
            raise Invalid("auditor_unclear", "Write who it is, of which organisation, and for what.", place=place)
    auditor = Auditor(tender_id=tender.id, **said, named_by=actor.user_id, named_at=now)
    session.add(auditor)
    session.flush()
    audit.append(session, now, actor, "auditor.named", auditor.id, tender=tender.id)
    return auditor


def strike_off(session: Session, now: Instant, actor: Actor, auditor_id: str, reason: str) -> Auditor:
    """The commissioner takes back an auditor's naming: nothing more is handed out to them.

    Raises
    ------
    NotFound
        If the auditor was named by another commissioner, or not at all.
    WrongState
        If they are struck off already.
    Invalid
        If no reason is given.
    """
    check_role(actor, Role.COMMISSIONER)
    auditor = _locked_auditor(session, actor, auditor_id)
    _check_named(auditor)
    if not reason.strip():
        raise Invalid("reason_missing", "Write why this auditor is struck off.", place="reason")
    auditor.struck_by, auditor.struck_at, auditor.struck_reason = actor.user_id, now, reason.strip()
    audit.append(session, now, actor, "auditor.struck_off", auditor.id, tender=auditor.tender_id)
    return auditor


def make(session: Session, actor: Actor, auditor_id: str) -> Made:
    """Make the bundle of the published round for an auditor, for `hand_out`. Nothing is changed by it.

    Raises
    ------
    NotFound
        If the auditor was named by another commissioner, or not at all.
    WrongState
        If the tender has no published result, or the auditor is struck off.
    """
    check_role(actor, Role.COMMISSIONER)
    auditor = one(session, auditors_for(actor), auditor_id, "auditor")
    _check_named(auditor)
    row = published_round(session, one(session, overseen_tenders_for(actor), auditor.tender_id, "tender"))
    bundle = bundle_of(session, row)
    people = _patients_of(session, [need["id"] for need in row.market["needs"]])
    return Made(auditor.id, row.id, frozenset(people), bundle, sha256(bundle.content).hexdigest())


def hand_out(session: Session, now: Instant, actor: Actor, made: Made) -> Bundle:
    """The commissioner takes the bundle that was made for an auditor whom it named: recorded each time.

    Raises
    ------
    NotFound, WrongState
        As `make` says.
    Conflict
        If another round was published after the bundle was made.
    """
    check_role(actor, Role.COMMISSIONER)
    auditor = _locked_auditor(session, actor, made.auditor_id)
    _check_named(auditor)
    tender = auditor.tender
    if published_round(session, tender).id != made.round_id:
        raise Conflict("round_changed", "Another result was published just now. Get the file again.")
    handout = Handout(
        auditor_id=auditor.id,
        round_id=made.round_id,
        people=len(made.people),
        sha256=made.sha256,
        handed_by=actor.user_id,
        handed_at=now,
    )
    session.add(handout)
    session.flush()
    note_views(session, now, actor, made.people, SEEN_AS)
    audit.append(
        session,
        now,
        actor,
        "auditor.bundle_handed_out",
        auditor.id,
        tender=tender.id,
        round=made.round_id,
        people=handout.people,
        bundle_sha256=handout.sha256,
    )
    return made.bundle


def _locked_auditor(session: Session, actor: Actor, auditor_id: str) -> Auditor:
    """An auditor under the tender's lock: nothing is handed to somebody who is being struck off."""
    auditor = one(session, auditors_for(actor), auditor_id, "auditor")
    locked(session, Tender, auditor.tender_id, "tender")
    return locked(session, Auditor, auditor.id, "auditor")


def _check_named(auditor: Auditor) -> None:
    if auditor.struck_at is not None:
        raise WrongState("auditor_struck_off", "This auditor is struck off: nothing more is handed out to them.")


def _patients_of(session: Session, need_ids: list[str]) -> set[str]:
    """The patients whose needs these are; asked in parts, because a statement takes only so many ids."""
    found: set[str] = set()
    for first in range(0, len(need_ids), _AT_ONCE):
        part = select(Need.patient_id).where(Need.id.in_(need_ids[first : first + _AT_ONCE]))
        found.update(session.scalars(part))
    return found
