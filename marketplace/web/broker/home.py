"""Where a broker starts: what waits for the broker and until when, the clients in figures, tenders by state."""

from flask import render_template

from marketplace.queries import clients, organisations, proceedings, tenders
from marketplace.rules.permissions import Role
from marketplace.web.access import current_actor, for_role
from marketplace.web.clock import request_now
from marketplace.web.database import db_session

from .blueprint import pages

SHOWN = 15
"""How many tenders of a kind the page shows; the list has them all."""


@pages.get("/")
@for_role(Role.BROKER)
def home() -> str:
    """What waits for the broker, how its clients stand, and how many tenders are in which state."""
    now, session, actor = request_now(), db_session(), current_actor()
    mine, others = tenders.Asked(turn=tenders.MINE), tenders.Asked(turn=tenders.OTHERS)
    by_state = tenders.tenders_by_state(session, actor)
    soonest = tenders.NEXT_DATE.asc().nulls_last()
    return render_template(
        "broker/home.html",
        broker=organisations.own_broker(session, actor),
        now=now,
        waiting=tenders.own_tenders(session, actor, now, mine, first=0, size=SHOWN, order=soonest),
        waiting_count=tenders.tender_count(session, actor, now, mine),
        glance=clients.clients_at_a_glance(session, actor),
        questions=proceedings.unanswered(session, actor),
        running=tenders.own_tenders(session, actor, now, others, first=0, size=SHOWN, order=soonest),
        running_count=tenders.tender_count(session, actor, now, others),
        states=[(state, tenders.OWN_WORDS[state], count) for state, count in by_state.items()],
    )
