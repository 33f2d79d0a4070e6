"""Who may act for a patient: appointed by the commissioner, for some things, for some time, without conflict.

`appoint` and `end_authority` are steps; `acting_for` makes the actor under whom a representative's acts are recorded;
`expire_authorities` is what time does. When an authority ends, so does every consent given under it that is not yet
binding.
"""

from collections.abc import Collection
from datetime import date

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, selectinload

from marketplace.records import audit
from marketplace.records.outbox import tell
from marketplace.records.people import Authority, AuthorityBasis, Interest, Patient, User
from marketplace.records.pools import Consent, Need, NeedStatus
from marketplace.rules.clock import Instant, london_date
from marketplace.rules.errors import Invalid, NotAllowed, NotFound, WrongState
from marketplace.rules.permissions import SYSTEM, Actor, Role, Scope, check_owner, check_role

from .pools import void_consents
from .scopes import locked

NOT_YET_BINDING = (NeedStatus.AGREED, NeedStatus.POOLED)


def appoint(
    session: Session,
    now: Instant,
    actor: Actor,
    *,
    patient_id: str,
    representative_id: str,
    basis: AuthorityBasis,
    scopes: Collection[Scope],
    valid_from: date,
    valid_to: date,
) -> Authority:
    """The commissioner lets somebody act for a patient.

    Raises
    ------
    NotAllowed
        If that account is a provider's, or its holder has a declared interest in one.
    Invalid
        If nothing is covered, or the dates are out of order.
    NotFound
        If there is no such representative, or no such patient of this commissioner.
    """
    check_role(actor, Role.COMMISSIONER)
    patient = locked(session, Patient, patient_id, "patient")
    check_owner(actor, Role.COMMISSIONER, patient.commissioner_id, "patient")
    user = session.get(User, representative_id)
    if user is None:
        raise NotFound("not_found", "We cannot find that representative.")
    _check_no_conflict(session, user)
    if not scopes:
        raise Invalid("no_scopes", "Choose at least one thing that the representative may do.", place="scopes")
    if valid_from > valid_to or valid_to < london_date(now):
        raise Invalid(
            "period_out_of_order", "The authority must end after it begins, and not in the past.", place="valid_to"
        )
    authority = Authority(
        representative_id=user.id,
        patient_id=patient.id,
        basis=basis,
        scopes=sorted(scope.value for scope in scopes),
        valid_from=valid_from,
        valid_to=valid_to,
        approved_by=actor.user_id,
        approved_at=now,
        ended_at=None,
    )
    session.add(authority)
    session.flush()
    audit.append(session, now, actor, "authority.given", authority.id, representative=user.id, patient=patient.id)
    tell(session, now, [patient.id], "representative_appointed", authority.id)
    return authority


def end_authority(session: Session, now: Instant, actor: Actor, authority_id: str) -> Authority:
    """The patient, or the commissioner, ends it; what was agreed to under it and does not bind yet is void."""
    authority = locked(session, Authority, authority_id, "authority")
    check_role(actor, Role.PATIENT, Role.COMMISSIONER)
    owner = authority.patient_id if actor.role is Role.PATIENT else authority.patient.commissioner_id
    check_owner(actor, actor.role, owner, "authority")
    if actor.authority_id is not None:
        raise NotAllowed("patient_only", "Only the patient or their local care team can end this.")
    return _end(session, now, actor, authority)


def expire_authority(session: Session, now: Instant, authority_id: str) -> Authority:
    """The day after an authority's last day it has ended."""
    authority = locked(session, Authority, authority_id, "authority")
    if london_date(now) <= authority.valid_to:
        raise WrongState("still_valid", "This authority still holds.")
    return _end(session, now, SYSTEM, authority)


def expired_authorities(now: Instant) -> Select[str]:
    """Those whose last day has passed and that nobody has ended."""
    return select(Authority.id).where(Authority.ended_at.is_(None), Authority.valid_to < london_date(now))


def authorities_of(session: Session, now: Instant, actor: Actor) -> list[Authority]:
    """For a representative, those under which they may act today; for a patient, those that stand over them."""
    today = london_date(now)
    mine = (
        Authority.representative_id == actor.user_id
        if actor.role is Role.REPRESENTATIVE
        else Authority.patient_id == actor.party_id
    )
    query = select(Authority).where(
        mine, Authority.ended_at.is_(None), Authority.valid_from <= today, Authority.valid_to >= today
    )
    return list(session.scalars(query.order_by(Authority.id)))


def acting_for(session: Session, now: Instant, actor: Actor, patient_id: str) -> Actor:
    """The actor under whom a representative acts for this patient today.

    Raises
    ------
    NotFound
        If there is no authority that holds today.
    """
    check_role(actor, Role.REPRESENTATIVE)
    for authority in authorities_of(session, now, actor):
        if authority.patient_id == patient_id:
            return Actor(
                user_id=actor.user_id,
                role=Role.PATIENT,
                party_id=patient_id,
                authority_id=authority.id,
                scopes=frozenset(Scope(scope) for scope in authority.scopes),
                token_id=actor.token_id,
            )
    raise NotFound("not_found", "You have no authority to act for this person today.")


def _check_no_conflict(session: Session, user: User) -> None:
    if user.role is not Role.REPRESENTATIVE:
        raise NotAllowed(
            "not_a_representative", "Only a representative's account can act for a patient.", role=user.role.value
        )
    interest = session.scalar(select(Interest).where(Interest.holder_id == user.id, Interest.ended_at.is_(None)))
    if interest is not None:
        raise NotAllowed(
            "conflict_of_interest",
            "Somebody with an interest in a provider cannot represent a patient.",
            provider=interest.provider_id,
        )


def _end(session: Session, now: Instant, actor: Actor, authority: Authority) -> Authority:
    if authority.ended_at is not None:
        raise WrongState("authority_ended", "This authority has ended already.")
    authority.ended_at = now
    needs = session.scalars(
        select(Need)
        .join(Need.consents)
        .where(
            Consent.authority_id == authority.id,
            Consent.void_at.is_(None),
            Need.status.in_(NOT_YET_BINDING),
        )
        .options(selectinload(Need.consents))
        .order_by(Need.id)
    ).all()
    voided = void_consents(session, now, actor, needs, why="authority_ended")
    audit.append(session, now, actor, "authority.ended", authority.id, voided=voided)
    tell(session, now, [authority.patient_id], "representative_ended", authority.id)
    return authority
