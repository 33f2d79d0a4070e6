"""An open tender can be explained, extended or changed; and providers can ask about it.

`clarify` and `extend` void nothing; `change` makes a new version, voids offers and consents, and asks everybody anew.
Questions are public and anonymous, and so are their answers.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.outbox import tell
from marketplace.records.pools import Bundle, Need, NeedStatus
from marketplace.records.providers import Provider
from marketplace.records.tenders import Amendment, AmendmentKind, Question, Tender
from marketplace.rules.canonical import sha256_of
from marketplace.rules.clock import Instant, utc
from marketplace.rules.errors import Invalid, NotAllowed, WrongState
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Actor, Role, check_owner, check_role
from marketplace.rules.tendering import (
    Policy,
    check_deadline_serves,
    check_later_deadline,
    policy_changes,
    policy_document,
)

from .pools import void_consents
from .scopes import locked, locked_of_tender
from .tenders import care_ends_on, needs_of


def clarify(session: Session, now: Instant, actor: Actor, tender_id: str, text: str) -> Amendment:
    """Explain something about an open tender to everybody; no offer and no consent is touched."""
    tender = _own_open_tender(session, now, actor, tender_id)
    row = _record(session, now, tender, AmendmentKind.CLARIFICATION, text)
    audit.append(session, now, actor, "tender.clarified", tender.id, amendment=row.id)
    tell(session, now, _everybody(session, tender), "tender_clarified", tender.id)
    return row


def extend(session: Session, now: Instant, actor: Actor, tender_id: str, offers_due_at: Instant, text: str) -> Tender:
    """Put the deadline for offers off, never forward; everybody is told.

    Raises
    ------
    Invalid
        If the new deadline is not later than the old one.
    """
    tender = _own_open_tender(session, now, actor, tender_id)
    check_later_deadline(now, tender.offers_due_at, offers_due_at)
    check_deadline_serves(offers_due_at, care_ends_on(tender.lots))
    tender.offers_due_at = utc(offers_due_at)
    row = _record(session, now, tender, AmendmentKind.EXTENSION, text, offers_due_at=tender.offers_due_at)
    audit.append(session, now, actor, "tender.extended", tender.id, amendment=row.id)
    tell(session, now, _everybody(session, tender), "tender_extended", tender.id)
    return tender


def change(
    session: Session,
    now: Instant,
    actor: Actor,
    tender_id: str,
    *,
    policy: Policy,
    offers_due_at: Instant,
    text: str,
) -> Tender:
    """Change the policy of an open tender: a new version with a later deadline.

    Sealed offers are void, because they answered something else; so is every consent, whose money is free until the
    patient agrees again. Providers and patients are told.

    Raises
    ------
    Invalid
        If the policy is the old one, or the deadline not later.
    """
    tender = _own_open_tender(session, now, actor, tender_id)
    check_later_deadline(now, tender.offers_due_at, offers_due_at)
    check_deadline_serves(offers_due_at, care_ends_on(tender.lots))
    document = policy_document(policy)
    if sha256_of(document) == tender.policy_sha256:
        raise Invalid("nothing_changed", "This is the policy as it stands: nothing would change.", place="policy")
    everybody = _everybody(session, tender)
    changed = policy_changes(tender.policy, document)
    tender.take_policy(document, sha256_of(document))
    tender.offers_due_at = utc(offers_due_at)
    due_at = tender.offers_due_at
    row = _record(session, now, tender, AmendmentKind.CHANGE, text, offers_due_at=due_at, changed=changed)
    standing = session.scalars(
        select(Offer).where(Offer.tender_id == tender.id, Offer.status == OfferStatus.STANDING)
    ).all()
    for offer in standing:
        offer.status = OfferStatus.VOID
    voided = void_consents(session, now, actor, needs_of(session, tender), why="tender_changed")
    audit.append(
        session,
        now,
        actor,
        "tender.changed",
        tender.id,
        amendment=row.id,
        version=tender.version,
        policy_sha256=tender.policy_sha256,
        offers_voided=len(standing),
        consents_voided=voided,
    )
    tell(session, now, everybody, "tender_changed", tender.id)
    return tender


def ask(session: Session, now: Instant, actor: Actor, tender_id: str, text: str) -> Question:
    """A provider asks about an open tender; nobody but the asker and the record knows who asked."""
    check_role(actor, Role.PROVIDER)
    tender = _open_tender(session, now, tender_id)
    provider = session.get(Provider, actor.party_id)
    if provider is None or provider.approved_at is None or provider.suspended_at is not None:
        raise NotAllowed("provider_not_approved", "Questions can be asked once the commissioner has approved you.")
    question = Question(tender_id=tender.id, provider_id=actor.party_id, text=_written(text, "text"), asked_at=now)
    session.add(question)
    session.flush()
    audit.append(session, now, actor, "question.asked", question.id, tender=tender.id)
    tell(session, now, [tender.broker_id], "question_asked", tender.id)
    return question


def answer(session: Session, now: Instant, actor: Actor, question_id: str, text: str) -> Question:
    """The broker answers, for everybody to read; an answer is given once."""
    question, tender = locked_of_tender(session, Question, question_id, "question")
    _check_open(tender, now)
    check_owner(actor, Role.BROKER, tender.broker_id, "tender")
    if question.answered_at is not None:
        raise WrongState("answered", "This question has been answered.")
    question.answer = _written(text, "text")
    question.answered_at = now
    audit.append(session, now, actor, "question.answered", question.id, tender=tender.id)
    tell(session, now, _everybody(session, tender), "question_answered", tender.id)
    return question


def _record(
    session: Session,
    now: Instant,
    tender: Tender,
    kind: AmendmentKind,
    text: str,
    *,
    offers_due_at: Instant | None = None,
    changed: dict[str, list[Any]] | None = None,
) -> Amendment:
    row = Amendment(
        tender_id=tender.id,
        version=tender.version,
        kind=kind,
        text=_written(text, "text"),
        offers_due_at=offers_due_at,
        changed=changed,
        made_at=now,
    )
    session.add(row)
    session.flush()
    return row


def _written(text: str, place: str) -> str:
    if not text.strip():
        raise Invalid("text_missing", "Write a sentence or two: everybody concerned will read it.", place=place)
    return text.strip()


def _own_open_tender(session: Session, now: Instant, actor: Actor, tender_id: str) -> Tender:
    tender = _open_tender(session, now, tender_id)
    check_owner(actor, Role.BROKER, tender.broker_id, "tender")
    return tender


def _open_tender(session: Session, now: Instant, tender_id: str) -> Tender:
    tender = locked(session, Tender, tender_id, "tender")
    _check_open(tender, now)
    return tender


def _check_open(tender: Tender, now: Instant) -> None:
    due_at = tender.offers_due_at
    if tender.status is not TenderStatus.OPEN or due_at is None or now >= due_at:
        raise WrongState("tender_not_open", "This can be done while the tender is open for offers.")


def _everybody(session: Session, tender: Tender) -> set[str]:
    """The patients in the pool and the providers who have bid."""
    patients = session.scalars(
        select(Need.patient_id)
        .join(Need.bundle)
        .where(Bundle.tender_id == tender.id, Need.status.in_((NeedStatus.POOLED, NeedStatus.INVITED)))
    )
    bidders = session.scalars(
        select(Offer.provider_id).where(
            Offer.tender_id == tender.id, Offer.status.not_in((OfferStatus.WITHDRAWN, OfferStatus.DRAFT))
        )
    )
    return {*patients, *bidders}
