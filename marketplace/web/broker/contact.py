"""How people reach the broker: what it says itself, for its clients and for whoever looks for a broker."""

from flask import url_for
from sqlalchemy.orm import Session

from marketplace.journey.contacts import contact_of, state_contact
from marketplace.queries import organisations
from marketplace.rules.contacts import Contact
from marketplace.rules.permissions import Role
from marketplace.schemas.parties import ContactSchema
from marketplace.web.access import current_actor, for_role
from marketplace.web.asking import Answer, ask
from marketplace.web.clock import request_now
from marketplace.web.database import db_session
from marketplace.web.forms import WebForm, sent

from .blueprint import pages


@pages.route("/contact", methods=["GET", "POST"])
@for_role(Role.BROKER)
def contact() -> Answer:
    """Say how people reach us."""
    schema, actor = ContactSchema(), current_actor()
    stated = contact_of(organisations.own_broker(db_session(), actor))

    def step(session: Session, said: Contact) -> None:
        state_contact(session, request_now(), actor, said)

    return ask(
        "broker/contact.html",
        WebForm(schema, sent(), initial={name: value for name, value in schema.dump(stated).items() if value}),
        step,
        back=url_for("broker.home"),
        done="How to reach you is saved. Your clients can read it now.",
    )
