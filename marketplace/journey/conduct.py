"""Keeping the market honest: declared interests, and suspension of brokers and providers.

A broker never owns, is paid by or represents a bidder; `check_firewall` is asked when an offer is made.
"""

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.outbox import tell
from marketplace.records.people import Authority, Broker, Interest, InterestKind, User
from marketplace.records.providers import Provider
from marketplace.rules.clock import Instant
from marketplace.rules.errors import Invalid, NotAllowed, NotFound, WrongState
from marketplace.rules.permissions import Actor, Role, check_owner, check_role

from .programs import end_all
from .scopes import locked


def declare_interest(session: Session, now: Instant, actor: Actor, provider_id: str, kind: InterestKind) -> Interest:
    """A broker or a representative declares an interest in a provider. From then on that provider is closed to them.

    Raises
    ------
    WrongState
        If a representative acts for patients: the authority must be ended first.
    """
    check_role(actor, Role.BROKER, Role.REPRESENTATIVE)
    if session.get(Provider, provider_id) is None:
        raise NotFound("not_found", "We cannot find that provider.")
    holder_id = actor.party_id if actor.role is Role.BROKER else actor.user_id
    acting = select(Authority.id).where(Authority.representative_id == actor.user_id, Authority.ended_at.is_(None))
    if actor.role is Role.REPRESENTATIVE and session.scalar(acting.limit(1)):
        raise WrongState("acts_for_patients", "You act for a patient: ask their local care team to end that first.")
    interest = Interest(holder_id=holder_id, provider_id=provider_id, kind=kind, declared_at=now, ended_at=None)
    session.add(interest)
    session.flush()
    audit.append(session, now, actor, "interest.declared", interest.id, provider=provider_id, kind=kind.value)
    return interest


def end_interest(session: Session, now: Instant, actor: Actor, interest_id: str) -> Interest:
    """Whoever declared an interest says that it is over; a broker's commissioner is told.

    Raises
    ------
    NotFound, WrongState
        If it is somebody else's, or ended before.
    """
    check_role(actor, Role.BROKER, Role.REPRESENTATIVE)
    interest = locked(session, Interest, interest_id, "interest")
    if interest.holder_id != (actor.party_id if actor.role is Role.BROKER else actor.user_id):
        raise NotFound("not_found", "We cannot find that interest.")
    if interest.ended_at is not None:
        raise WrongState("interest_ended", "This interest has ended already.")
    interest.ended_at = now
    audit.append(session, now, actor, "interest.ended", interest.id, provider=interest.provider_id)
    if actor.role is Role.BROKER:
        broker = session.get_one(Broker, actor.party_id)
        tell(session, now, [broker.commissioner_id], "interest_ended", interest.id)
    return interest


def check_firewall(session: Session, broker_id: str, provider_id: str, published_at: Instant | None) -> None:
    """A provider cannot bid on the tender of a broker who stands to gain by it, or did when it was published.

    Raises
    ------
    NotAllowed
        If the broker has declared an interest in this provider that had not ended at publication.
    """
    standing: ColumnElement[bool] = Interest.ended_at.is_(None)
    if published_at is not None:
        standing = or_(standing, Interest.ended_at > published_at)
    found = session.scalar(
        select(Interest.id).where(Interest.holder_id == broker_id, Interest.provider_id == provider_id, standing)
    )
    if found is not None:
        raise NotAllowed(
            "broker_interest", "This tender's broker has an interest in your organisation, so you cannot bid on it."
        )


def suspend(
    session: Session, now: Instant, actor: Actor, kind: type[Broker | Provider], party_id: str, reason: str
) -> None:
    """The commissioner suspends a broker or a provider: no new tender, no new offer, until reinstated.

    The programs that were connected for it are disconnected, and are not connected again by its reinstatement.

    Raises
    ------
    Invalid
        If no reason is given.
    WrongState
        If it is suspended already.
    """
    party = _overseen(session, actor, kind, party_id)
    if not reason.strip():
        raise Invalid("reason_missing", "Write why: the organisation will read it.", place="reason")
    if party.suspended_at is not None:
        raise WrongState("suspended", "This organisation is suspended already.")
    party.suspended_at = now
    party.suspended_reason = reason.strip()
    audit.append(session, now, actor, f"{kind.__name__.lower()}.suspended", party.id)
    end_all(session, now, actor, select(User.id).where(User.party_id == party.id))
    tell(session, now, [party.id], "suspended", party.id)


def reinstate(session: Session, now: Instant, actor: Actor, kind: type[Broker | Provider], party_id: str) -> None:
    """The commissioner lifts a suspension."""
    party = _overseen(session, actor, kind, party_id)
    if party.suspended_at is None:
        raise WrongState("not_suspended", "This organisation is not suspended.")
    party.suspended_at = None
    party.suspended_reason = None
    audit.append(session, now, actor, f"{kind.__name__.lower()}.reinstated", party.id)
    tell(session, now, [party.id], "reinstated", party.id)


def check_broker_active(session: Session, broker_id: str) -> None:
    """A suspended broker takes no new steps on the market.

    Raises
    ------
    NotAllowed
        If the broker is suspended.
    """
    broker = session.get(Broker, broker_id)
    if broker is None or broker.approved_at is None or broker.suspended_at is not None:
        raise NotAllowed(
            "broker_suspended", "Your organisation is not approved, or is suspended. Ask the commissioner."
        )


def _overseen(session: Session, actor: Actor, kind: type[Broker | Provider], party_id: str) -> Broker | Provider:
    check_role(actor, Role.COMMISSIONER)
    party = locked(session, kind, party_id, "organisation")
    if isinstance(party, Broker):
        check_owner(actor, Role.COMMISSIONER, party.commissioner_id, "organisation")
    return party
