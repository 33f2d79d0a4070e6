"""Where a provider starts: what stands where, tenders that fit its sites, contracts to sign, results, disputes."""

from flask import render_template

from marketplace.queries import contracts, feedback, offers
from marketplace.rules.lifecycle import IN_FORCE
from marketplace.rules.permissions import Role
from marketplace.web.access import current_actor, for_role
from marketplace.web.clock import request_now
from marketplace.web.database import db_session
from marketplace.web.listing import page_from

from .blueprint import pages


@pages.get("/")
@for_role(Role.PROVIDER)
def home() -> str:
    """What can be offered for, and what waits."""
    session, actor, now = db_session(), current_actor(), request_now()
    return render_template(
        "provider/home.html",
        provider=offers.provider_of(session, actor),
        page=page_from(
            offers.fitting_count(session, actor, now),
            lambda first, size: offers.fitting_tenders(session, actor, now, first, size),
        ),
        sealed=offers.sealed_count(session, actor),
        in_force=contracts.contract_count(session, actor, IN_FORCE),
        money=contracts.money_of(session, actor),
        to_sign=contracts.to_sign(session, actor, now),
        disputed=contracts.disputed(session, actor),
        results=feedback.results_to_read(session, actor, now),
    )
