"""Where a broker starts: tenders by state, what waits for the broker."""

from flask import render_template

from marketplace.rules.lifecycle import TENDER_WORDS, TenderStatus
from marketplace.rules.permissions import Role
from marketplace.web.access import current_actor, for_role
from marketplace.web.clock import request_now
from marketplace.web.database import db_session
from marketplace.web.queries import proceedings, tenders

from .blueprint import pages


@pages.get("/")
@for_role(Role.BROKER)
def home() -> str:
    """What waits for the broker, and how many tenders are in which state."""
    now, rows = request_now(), tenders.own_tenders(db_session(), current_actor())
    by_status = {status: [row for row in rows if row.tender.status is status] for status in TenderStatus}
    return render_template(
        "broker/home.html",
        now=now,
        waiting=[row for row in rows if row.action(now)],
        questions=proceedings.unanswered(db_session(), current_actor()),
        running=[row for row in rows if row.by() and not row.action(now)],
        states=[(status, TENDER_WORDS[status], len(found)) for status, found in by_status.items() if found],
    )
