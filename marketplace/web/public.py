"""What anybody may see: the start page, how it works, open tenders and their notices.

Nothing here is about a person.
"""

from flask import Blueprint, render_template, request

from .access import public
from .clock import request_now
from .database import db_session
from .queries import notices

pages = Blueprint("public", __name__)


@pages.get("/")
@public
def start() -> str:
    """What this is, and where to go."""
    return render_template("public/start.html", counts=notices.counts(db_session()))


@pages.get("/how-it-works")
@public
def how_it_works() -> str:
    """The way of a budget from the plan to the payment, in plain words."""
    return render_template("public/how_it_works.html")


@pages.get("/tenders")
@public
def tenders() -> str:
    """Tenders open for offers, by service and area."""
    session = db_session()
    service, area = request.args.get("service", ""), request.args.get("area", "")
    found = notices.open_notices(session, request_now(), service=service, area=area)
    return render_template(
        "public/tenders.html",
        notices=found,
        services=[("", "All services"), *((row.name, row.name) for row in notices.services(session))],
        service=service,
        area=area,
    )


@pages.get("/tenders/<tender_id>")
@public
def tender(tender_id: str) -> str:
    """One tender's notice: what was published of it, and what has come of it since."""
    return render_template("public/tender.html", notice=notices.notice(db_session(), tender_id))
