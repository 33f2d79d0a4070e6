"""How a broker is reached: `state_contact`. Its clients read it, and whoever looks for a broker.

It is an office's, not a person's: the audit trail keeps its digest, as of what a provider states of a place.
"""

from dataclasses import asdict

from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.people import Broker
from marketplace.rules.canonical import sha256_of
from marketplace.rules.clock import Instant
from marketplace.rules.contacts import Contact, check_contact
from marketplace.rules.permissions import Actor, Role, check_role

from .scopes import locked


def state_contact(session: Session, now: Instant, actor: Actor, contact: Contact) -> Broker:
    """A broker states how people reach it, in place of what it said before.

    Raises
    ------
    Invalid
        If there is neither a telephone number nor an e-mail address, or one does not look like one.
    """
    check_role(actor, Role.BROKER)
    broker = locked(session, Broker, actor.party_id, "organisation")
    stated = tidy(contact)
    check_contact(stated)
    if stated == contact_of(broker):
        return broker
    write_contact(broker, stated)
    audit.append(session, now, actor, "broker.contact_stated", broker.id, contact_sha256=digest_of(stated))
    return broker


def contact_of(broker: Broker) -> Contact:
    """How a broker is reached, as far as anybody has said."""
    return Contact(broker.telephone, broker.email, broker.opening_hours)


def write_contact(broker: Broker, contact: Contact) -> None:
    """Put a contact into a broker's row."""
    broker.telephone, broker.email, broker.opening_hours = contact.telephone, contact.email, contact.opening_hours


def digest_of(contact: Contact) -> str:
    """What the audit trail keeps of a contact."""
    return sha256_of(asdict(contact))


def tidy(contact: Contact) -> Contact:
    """The same without needless spaces; what is blank is not there."""
    telephone, email, hours = (
        " ".join((text or "").split()) or None for text in (contact.telephone, contact.email, contact.opening_hours)
    )
    return Contact(telephone, email, hours)
