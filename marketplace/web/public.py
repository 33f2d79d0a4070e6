"""What anybody may see: the start page, how it works, notices of tenders and awards, unmet needs, the figures.

Nothing here is about a person.
"""

from flask import Blueprint, render_template, request

from .access import public
from .clock import request_now
from .database import db_session
from .listing import page_of
from .queries import claims, notices

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
    """Notices of tenders, by state, service and area: those open for offers unless something else is asked for."""
    session = db_session()
    state, service, area = _asked("state"), _asked("service"), _asked("area")
    state = state if state in notices.STATES else "open"
    return render_template(
        "public/tenders.html",
        page=notices.notices(session, request_now(), state=state, service=service, area=area),
        states=[(key, words) for key, (words, _) in notices.STATES.items()],
        services=_services(),
        state=state,
        service=service,
        area=area,
    )


@pages.get("/tenders/<tender_id>")
@public
def tender(tender_id: str) -> str:
    """One tender's notice: what was published of it, and what has come of it since."""
    return render_template("public/tender.html", notice=notices.notice(db_session(), tender_id))


@pages.get("/unmet-needs")
@public
def unmet_needs() -> str:
    """Who found no provider, by service and area, and what would have been enough: an invitation to providers."""
    claim = claims.current_claims(db_session(), request_now()).unmet
    service, area = _asked("service"), _asked("area")
    return render_template(
        "public/unmet_needs.html",
        claim=claim,
        page=page_of(claims.unmet_services(claim, service=service, area=area)),
        services=_services(),
        service=service,
        area=area,
    )


@pages.get("/figures")
@public
def figures() -> str:
    """The six claims, each as a picture and as a table."""
    return render_template("public/figures.html", claims=claims.current_claims(db_session(), request_now()))


def _asked(name: str) -> str:
    return request.args.get(name, "")[:80]


def _services() -> list[tuple[str, str]]:
    """The catalogue as choices of a filter."""
    return [("", "All services"), *((row.name, row.name) for row in notices.services(db_session()))]
