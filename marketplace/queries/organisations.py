"""Whom a commissioner oversees: `organisations` (brokers and providers), `authorities` over a patient."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session, joinedload

from marketplace.journey.scopes import authorities_for
from marketplace.records.people import Authority, Broker
from marketplace.records.providers import Provider
from marketplace.rules.errors import NotFound
from marketplace.rules.permissions import Actor


@dataclass(frozen=True, slots=True)
class Organisation:
    """A broker or a provider in the list."""

    kind: str
    party: Broker | Provider

    @property
    def state(self) -> str:
        """How it stands, in a word."""
        if self.party.suspended_at is not None:
            return "Suspended"
        return "Approved" if self.party.approved_at is not None else "Not approved yet"


def organisations(session: Session, actor: Actor, search: str = "", kind: str = "") -> list[Organisation]:
    """The commissioner's brokers and all providers whose names have these letters, or one kind of them."""
    brokers = select(Broker).where(Broker.commissioner_id == actor.party_id, _named(Broker, search))
    providers = select(Provider).where(_named(Provider, search))
    rows = [Organisation("broker", row) for row in session.scalars(brokers)] if kind != "provider" else []
    return rows + ([Organisation("provider", row) for row in session.scalars(providers)] if kind != "broker" else [])


def _named(party: type[Broker | Provider], search: str) -> ColumnElement[bool]:
    return party.name.icontains(search, autoescape=True) if search else true()


def suspended(session: Session, actor: Actor) -> list[Organisation]:
    """Those of them that are suspended, by name."""
    own = Broker.commissioner_id == actor.party_id
    brokers = session.scalars(select(Broker).where(own, Broker.suspended_at.is_not(None)).order_by(Broker.name))
    providers = session.scalars(select(Provider).where(Provider.suspended_at.is_not(None)).order_by(Provider.name))
    return [Organisation("broker", row) for row in brokers] + [Organisation("provider", row) for row in providers]


def organisation(session: Session, actor: Actor, kind: str, party_id: str) -> Broker | Provider:
    """One of them.

    Raises
    ------
    NotFound
        If there is none, or none that this commissioner oversees.
    """
    party: Broker | Provider | None
    party = session.get(Broker, party_id) if kind == "broker" else session.get(Provider, party_id)
    if party is None or (isinstance(party, Broker) and party.commissioner_id != actor.party_id):
        raise NotFound("not_found", "We cannot find that organisation.")
    return party


def own_broker(session: Session, actor: Actor) -> Broker:
    """A broker itself: whether it is suspended, and why."""
    return session.get_one(Broker, actor.party_id)


def authorities(session: Session, actor: Actor, patient_id: str) -> Sequence[Authority]:
    """The authorities over a patient that nobody has ended, the newest first."""
    query = authorities_for(actor).where(Authority.patient_id == patient_id, Authority.ended_at.is_(None))
    query = query.options(joinedload(Authority.representative))
    return session.scalars(query.order_by(Authority.approved_at.desc(), Authority.id)).all()
