"""What a provider says of itself: its places with what is published of them, and a form for what it states."""

from typing import Any

from flask import render_template, url_for
from sqlalchemy.orm import Session

from marketplace.journey import sites as steps
from marketplace.journey.scopes import one, sites_for
from marketplace.queries import allocating, offers, sites
from marketplace.rules.errors import WrongState
from marketplace.rules.permissions import Role
from marketplace.rules.quality import UNRATED
from marketplace.rules.sites import SiteStatement
from marketplace.schemas.parties import StatementSchema
from marketplace.web.access import current_actor, for_role
from marketplace.web.asking import Answer, ask
from marketplace.web.cataloguing import with_place
from marketplace.web.clock import request_now
from marketplace.web.database import db_session
from marketplace.web.forms import WebForm, sent

from .blueprint import pages

OWN_EVIDENCE = ("own_evidence", "own_evidence_date")


@pages.get("/profile")
@for_role(Role.PROVIDER)
def profile() -> str:
    """My places: what I say of them, what is published, what they carry now."""
    session, actor = db_session(), current_actor()
    return render_template(
        "provider/profile.html",
        provider=offers.provider_of(session, actor),
        cards=sites.cards(session, actor, request_now()),
        services=dict(allocating.services(session)),
    )


@pages.route("/profile/<site_id>", methods=["GET", "POST"])
@for_role(Role.PROVIDER)
def state_site(site_id: str) -> Answer:
    """Say what one of my places does and has; beside a published rating no evidence of my own is asked for."""
    session = db_session()
    site = one(session, sites_for(current_actor()), site_id, "place")
    if site.closed_at is not None:
        raise WrongState("site_closed", "This place is closed, so nothing about it can be changed.")
    schema = StatementSchema(exclude=() if site.grade == UNRATED else OWN_EVIDENCE)

    def step(session: Session, statement: SiteStatement) -> Any:
        with_place(lambda: steps.state_site(session, request_now(), current_actor(), site_id, statement))

    return ask(
        "provider/state_site.html",
        WebForm(
            schema,
            sent(),
            initial={name: getattr(site, name) for name in schema.fields},
            choices={"services": allocating.services(session)},
        ),
        step,
        back=url_for("provider.profile"),
        done="It is saved. Offers that you seal from now on say it.",
        site=site,
    )
