"""Step two: a broker builds bundles in a draft tender and invites clients; patients agree, decline, or leave.

A consent is bound to the hash of the pool's terms and the hash of the tender's policy. `valid_consent` is what
publication and every later step ask; a consent to something else than what stands now is no consent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, contains_eager

from marketplace.records import audit
from marketplace.records.budgets import Budget, PlanLine, PlanStatus
from marketplace.records.catalogue import Service
from marketplace.records.outbox import tell
from marketplace.records.people import Broker, Patient
from marketplace.records.pools import LIVE_NEEDS, Bundle, Consent, DefaultAnswer, Need, NeedStatus
from marketplace.records.tenders import Tender
from marketplace.rules.budgets import check_covers
from marketplace.rules.canonical import sha256_of
from marketplace.rules.clock import Instant, london_date, london_midnight_after
from marketplace.rules.errors import Conflict, Invalid, NotFound, WrongState
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor, Role, Scope, check_owner, check_scope
from marketplace.rules.pooling import BundleTerms, check_terms
from marketplace.rules.preferences import Preferences, check_preferences
from marketplace.rules.sharing import is_shared

from .funding import rules_of
from .reservations import release, reserve
from .scopes import locked
from .support import note_priorities

RULES_CHANGED = "rules_changed"
"""The refusal of a yes to what stands no longer."""
CAN_BE_LEFT = (NeedStatus.INVITED, NeedStatus.AGREED, NeedStatus.POOLED)
"""Needs of a draft or open tender that a patient may take out of the pool."""
STILL_JOINED = (TenderStatus.DRAFT, TenderStatus.OPEN)
"""Tenders whose pools are still joined and left."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A client's plan line that could join a bundle."""

    plan_line_id: str
    patient_id: str
    patient_name: str
    district: str
    units: int
    budget_pence: Pence


def could_join(session: Session, actor: Actor, terms: BundleTerms) -> list[Candidate]:
    """The plan lines of this broker's clients that fit the terms and are in no other pool.

    Same service, district in the area, plan approved, budget valid throughout the period.
    """
    taken = exists().where(Need.plan_line_id == PlanLine.id, Need.status.in_(LIVE_NEEDS))
    lines = session.scalars(
        select(PlanLine)
        .join(PlanLine.budget)
        .join(Budget.patient)
        .options(contains_eager(PlanLine.budget).contains_eager(Budget.patient))
        .where(
            Patient.broker_id == actor.party_id,
            Patient.district.in_(terms.districts),
            PlanLine.service_id == terms.service_id,
            Budget.plan_status == PlanStatus.APPROVED,
            PlanLine.left_at.is_(None),
            Budget.valid_from <= terms.period_from,
            Budget.valid_to >= terms.period_to,
            ~taken,
        )
        .order_by(Patient.district, PlanLine.id)
    )
    return [
        Candidate(
            plan_line_id=line.id,
            patient_id=line.budget.patient_id,
            patient_name=line.budget.patient.name,
            district=line.budget.patient.district,
            units=line.units,
            budget_pence=line.budget_pence,
        )
        for line in lines
    ]


def build_bundle(session: Session, now: Instant, actor: Actor, tender_id: str, terms: BundleTerms) -> Bundle:
    """Add a lot to a draft tender.

    Raises
    ------
    Invalid, NotFound, WrongState
        If the terms contradict themselves, the service is unknown, or the tender is published.
    """
    tender = _draft_tender(session, now, actor, tender_id)
    check_terms(terms)
    service = session.get(Service, terms.service_id)
    if service is None:
        raise NotFound("not_found", "We cannot find that service in the catalogue.", place="service_id")
    bundle = Bundle(
        tender_id=tender.id,
        service_id=terms.service_id,
        area=terms.area,
        districts=sorted(terms.districts),
        period_from=terms.period_from,
        period_to=terms.period_to,
        min_grade=terms.min_grade,
        min_providers=terms.min_providers,
        max_providers=terms.max_providers,
        terms_sha256=terms.sha256(tender.id),
    )
    bundle.take_prices(service)
    session.add(bundle)
    session.flush()
    audit.append(session, now, actor, "bundle.built", bundle.id, tender=tender.id, terms_sha256=bundle.terms_sha256)
    return bundle


def invite(session: Session, now: Instant, actor: Actor, bundle_id: str, plan_line_ids: Sequence[str]) -> int:
    """Invite the patients of these plan lines; returns how many.

    Raises
    ------
    NotFound, WrongState, Conflict
        If a line is not one of this broker's clients', does not fit the bundle, or is in another pool.
    """
    bundle = locked(session, Bundle, bundle_id, "bundle")
    _draft_tender(session, now, actor, bundle.tender_id)
    lines = session.scalars(
        select(PlanLine)
        .join(PlanLine.budget)
        .join(Budget.patient)
        .options(contains_eager(PlanLine.budget).contains_eager(Budget.patient))
        .where(PlanLine.id.in_(plan_line_ids), Patient.broker_id == actor.party_id)
        .order_by(PlanLine.id)
        .with_for_update(of=PlanLine, key_share=True)  # a review may change a line until it is in a pool
        .execution_options(populate_existing=True)
    ).all()
    if len(lines) != len(set(plan_line_ids)):
        raise NotFound("not_found", "We cannot find one of those plan lines among your clients'.")
    for line in lines:
        _check_fits(bundle, line)
    session.add_all(
        Need(
            bundle_id=bundle.id,
            plan_line_id=line.id,
            patient_id=line.budget.patient_id,
            budget_id=line.budget_id,
            status=NeedStatus.INVITED,
            units=line.units,
            budget_pence=line.budget_pence,
            invited_at=now,
        )
        for line in lines
    )
    try:
        session.flush()
    except IntegrityError:
        raise Conflict("in_another_pool", "One of these plan lines is in a pool already.") from None
    audit.append(session, now, actor, "pool.invited", bundle.id, invited=len(lines))
    tell(session, now, [line.budget.patient_id for line in lines], "pool_invitation", bundle.id)
    return len(lines)


def agree(
    session: Session,
    now: Instant,
    actor: Actor,
    need_id: str,
    default_answer: DefaultAnswer,
    *,
    shares_pool: bool = False,
    terms_sha256: str | None = None,
    policy_sha256: str | None = None,
) -> Need:
    """A patient agrees to this pool under this policy, and says what silence shall mean at the match.

    Money is held when the tender is published; in a tender that was amended after that, at once. A pool whose members
    carry a part of what others' care costs (``shared_pool``) needs a second yes, to that: who does not give it is not
    in. Somebody who acts for the patient gives it only where their authority covers sharing too.

    Parameters
    ----------
    terms_sha256, policy_sha256
        The hashes of what was read, from whoever reads it before they send their yes (pages, programs): it is a yes to
        that, and to nothing that has taken its place meanwhile.

    Raises
    ------
    WrongState
        If the invitation is not open any more, or the patient left this pool.
    Invalid
        If the pool is shared and the yes to that is missing.
    Conflict
        If terms or policy are not those that were read.
    """
    need, tender = _own_need(session, actor, need_id)
    asked = (NeedStatus.INVITED, NeedStatus.AGREED) if tender.status is TenderStatus.DRAFT else (NeedStatus.INVITED,)
    if tender.status not in STILL_JOINED or need.status not in asked:
        raise WrongState("cannot_agree", "This invitation is no longer open.")
    _check_read(need, tender, terms_sha256, policy_sha256)
    if is_shared(tender.policy):
        if not shares_pool:
            message = "In this group members help to pay for each other. Say yes to that too, or choose not now."
            raise Invalid("sharing_not_agreed", message, place="shares_pool")
        check_scope(actor, Scope.SHARING)
    _void_consents(need, now)
    need.consents.append(
        Consent(
            terms_sha256=need.bundle.terms_sha256,
            policy_sha256=tender.policy_sha256,
            default_answer=default_answer,
            shares_pool=shares_pool,
            given_by=actor.user_id,
            authority_id=actor.authority_id,
            given_at=now,
            void_at=None,
        )
    )
    need.status = NeedStatus.AGREED
    if tender.status is TenderStatus.OPEN:  # asked again after an amendment: the money is held at once
        reserve(session, now, actor, need)
        note_priorities(session, [need])
        need.status = NeedStatus.POOLED
    audit.append(
        session,
        now,
        actor,
        "pool.agreed",
        need.id,
        terms_sha256=need.bundle.terms_sha256,
        policy_sha256=tender.policy_sha256,
        default_answer=default_answer.value,
        shares_pool=shares_pool,
    )
    return need


def decline_invitation(session: Session, now: Instant, actor: Actor, need_id: str) -> Need:
    """A patient says: not now. Nothing is held, nothing is lost; the broker may ask again."""
    need, tender = _own_need(session, actor, need_id)
    if need.status in (NeedStatus.AGREED, NeedStatus.POOLED):
        if tender.status not in STILL_JOINED:
            raise WrongState("cannot_decline", _too_late_to_leave(need, tender))
        raise WrongState("cannot_decline", "You have said yes to this group. To go, leave the group on its page.")
    if tender.status not in STILL_JOINED or need.status is not NeedStatus.INVITED:
        raise WrongState("cannot_decline", "This invitation is no longer open.")
    need.status = NeedStatus.DECLINED
    audit.append(session, now, actor, "pool.declined", need.id)
    return need


def leave(session: Session, now: Instant, actor: Actor, need_id: str) -> Need:
    """A patient leaves a pool, free of charge, until offers close. What was held for it goes back at once.

    Raises
    ------
    WrongState
        If they are in it no more, or the tender has closed: from then on the match can be declined.
    """
    need, tender = _own_need(session, actor, need_id)
    if need.status in (NeedStatus.LEFT, NeedStatus.DECLINED):
        raise WrongState("cannot_leave", "You are not in this group.")
    if tender.status not in STILL_JOINED or need.status not in CAN_BE_LEFT:
        raise WrongState("cannot_leave", _too_late_to_leave(need, tender))
    leave_pool(session, now, actor, need)
    tell(session, now, [tender.broker_id], "patient_left_pool", need.bundle_id)
    return need


def _too_late_to_leave(need: Need, tender: Tender) -> str:
    """Why a group cannot be left, and what can be done: whoever waits for a match can say no to that."""
    waits = need.status in (NeedStatus.POOLED, NeedStatus.MATCHED)
    if waits and tender.status in (TenderStatus.CLOSED, TenderStatus.MATCHING):
        return "The offers are in. Wait for your match: you can say no to it."
    return "You cannot leave this group any more. The page of the group says what you can do now."


def leave_pool(session: Session, now: Instant, actor: Actor, need: Need) -> None:
    """Take a need out of a pool that can still be left; its caller has checked that."""
    _void_consents(need, now)
    released_pence = release(session, now, actor, need, status=NeedStatus.LEFT, reason="Left the pool")
    audit.append(session, now, actor, "pool.left", need.id, released_pence=released_pence)


def set_preferences(session: Session, now: Instant, actor: Actor, need_id: str, preferences: Preferences) -> Need:
    """A patient says what counts for them in this pool; it can be changed until the offers are in.

    Raises
    ------
    Invalid
        If the preferences contradict themselves.
    WrongState
        If the tender has closed: from then on the market is settled.
    """
    need, tender = _own_need(session, actor, need_id)
    if tender.status not in STILL_JOINED or need.status not in LIVE_NEEDS:
        raise WrongState("too_late_to_prefer", "The offers are in, so your preferences can no longer be changed.")
    check_preferences(preferences, need.plan_line.current_provider_id)
    need.preferences = preferences.document()
    audit.append(session, now, actor, "pool.preferences_set", need.id, preferences_sha256=sha256_of(need.preferences))
    return need


def void_consents(session: Session, now: Instant, actor: Actor, needs: Sequence[Need], why: str) -> int:
    """Take back what was agreed to, because it changed or because who agreed may no longer; returns how many.

    The invitation stands again. In an open tender the money is free until there is a new yes: the round must not buy
    for somebody whose yes is void.
    """
    voided = [need for need in needs if any(consent.void_at is None for consent in need.consents)]
    for need in voided:
        _void_consents(need, now)
        if need.status is NeedStatus.AGREED:
            need.status = NeedStatus.INVITED
        elif need.status is NeedStatus.POOLED:
            release(session, now, actor, need, status=NeedStatus.INVITED, reason="Your agreement is no longer valid")
        audit.append(session, now, actor, "consent.voided", need.id, why=why)
    tell(session, now, [need.patient_id for need in voided], "agreement_void", needs[0].bundle_id if needs else "")
    return len(voided)


def valid_consent(need: Need, tender: Tender) -> Consent | None:
    """The consent that covers the pool and the policy as they stand, sharing included where they share; or None."""
    must_share = is_shared(tender.policy)
    for consent in need.consents:
        if (
            consent.void_at is None
            and consent.terms_sha256 == need.bundle.terms_sha256
            and consent.policy_sha256 == tender.policy_sha256
            and (consent.shares_pool or not must_share)
        ):
            return consent
    return None


def _void_consents(need: Need, now: Instant) -> None:
    for consent in need.consents:
        if consent.void_at is None:
            consent.void_at = now


def keep_draft(session: Session, now: Instant, tender: Tender) -> None:
    """A draft is kept for so many days after its broker's last act on it: the commissioner says how many."""
    broker = session.get_one(Broker, tender.broker_id)
    days = rules_of(session, broker.commissioner_id).draft_days
    tender.publish_by = london_midnight_after(london_date(now) + timedelta(days=days))


def _draft_tender(session: Session, now: Instant, actor: Actor, tender_id: str) -> Tender:
    tender = locked(session, Tender, tender_id, "tender")
    check_owner(actor, Role.BROKER, tender.broker_id, "tender")
    if tender.status is not TenderStatus.DRAFT:
        raise WrongState("tender_published", "This tender is published: its lots can no longer be changed here.")
    keep_draft(session, now, tender)
    return tender


def _own_need(session: Session, actor: Actor, need_id: str) -> tuple[Need, Tender]:
    """The need and its tender, the tender locked first: every step that holds both takes them in this order."""
    tender_id = session.connection().scalar(
        select(Bundle.tender_id).join(Need, Need.bundle_id == Bundle.id).where(Need.id == need_id)
    )
    tender = locked(session, Tender, tender_id or "", "invitation")
    need = locked(session, Need, need_id, "invitation")
    check_owner(actor, Role.PATIENT, need.patient_id, "invitation")
    check_scope(actor, Scope.POOLS)
    return need, tender


def _check_read(need: Need, tender: Tender, terms_sha256: str | None, policy_sha256: str | None) -> None:
    """A yes is to what was read; `need` and `tender` are locked, so that they do not change after this."""
    read = ((terms_sha256, need.bundle.terms_sha256), (policy_sha256, tender.policy_sha256))
    if any(seen is not None and seen != standing for seen, standing in read):
        message = "The rules of this group have changed since you opened the page. Please read them again."
        raise Conflict(RULES_CHANGED, message)


def _check_fits(bundle: Bundle, line: PlanLine) -> None:
    budget = line.budget
    if line.service_id != bundle.service_id or budget.patient.district not in bundle.districts:
        raise Invalid("does_not_fit", "A plan line is for another service or area.", place="plan_line_ids")
    if budget.plan_status is not PlanStatus.APPROVED:
        raise WrongState("plan_not_approved", "A care plan must be approved before its lines can be pooled.")
    if line.left_at is not None:
        raise WrongState("line_left", "The patient chose the conventional package for one of these plan lines.")
    check_covers(budget.valid_from, budget.valid_to, bundle.period_from, bundle.period_to)
