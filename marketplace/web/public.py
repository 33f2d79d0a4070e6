"""What anybody may see: the start page, how it works, notices of tenders and awards, unmet needs, the figures.

Nothing here is about a person.
"""

from collections.abc import Sequence

from flask import Blueprint, Response, current_app, jsonify, render_template, request, url_for

from marketplace.adapters.spreadsheets import Cell, pounds_cell
from marketplace.front import claims
from marketplace.front.addresses import NOTICE_DATA
from marketplace.journey.bundles import open_bundle, roots_of
from marketplace.journey.claims.unmet import UnmetArea, UnmetService
from marketplace.queries import notices
from marketplace.queries.notices import Listed, Lot, Notice
from marketplace.queries.words import london_day, units
from marketplace.records.tenders import Tender
from marketplace.rules.errors import NotFound
from marketplace.rules.privacy import K

from .access import public
from .clock import request_now
from .database import db_session
from .files import attached
from .listing import Column, Listing, asked, page_of
from .ocds import Source, release_package


def _columns(need: str, by: str) -> list[Column[Listed]]:
    """A notice's columns, with the words for what it asks for and for the deadline."""
    return [
        Column("title", "Tender", lambda row: row.tender.title, Tender.title),
        Column("broker", "Broker", lambda row: row.tender.broker.name),
        Column("need", need, lambda row: "; ".join(_need(lot) for lot in row.lots)),
        Column("by", by, lambda row: london_day(row.tender.offers_due_at), Tender.offers_due_at, "day"),
        Column("state", "State", lambda row: row.status_words),
        Column("published", "Published", lambda row: london_day(row.tender.published_at), Tender.published_at, "day"),
        Column("number", "Tender number", lambda row: row.tender.id),
    ]


OPEN_COLUMNS = _columns("What is needed", "Offers by")
NOTICE_COLUMNS = _columns("What was asked for", "Deadline")
AWARD_COLUMNS: list[Column[Listed]] = [
    *NOTICE_COLUMNS,
    Column("awarded", "Awarded", lambda row: london_day(row.tender.awarded_at), Tender.awarded_at, "day"),
    Column("winners", "Who won", lambda row: "; ".join(one.provider for one in row.winners)),
]
UNMET_COLUMNS: list[Column[tuple[UnmetService, UnmetArea]]] = [
    Column("service", "Service", lambda row: row[0].service, lambda row: row[0].service),
    Column("area", "Area", lambda row: row[1].area),
    Column("people", "People", lambda row: row[1].people),
    Column("units", "Units needed", lambda row: row[1].units),
    Column("unspent", "Money not spent", lambda row: _pounds(row[1].unspent_pence)),
    Column("price", "Half of them could pay, for each unit", lambda row: _pounds(row[1].price_for_half_pence)),
    Column("distance", "Half of them would travel (m)", lambda row: row[1].distance_for_half_m),
]
"""A figure about too few people is no figure here either: its cell stays empty."""

PACKAGE = 50
"""Notices in one package of open data."""

Answer = str | Response | tuple[str, int, dict[str, str]]

pages = Blueprint("public", __name__)


def _need(lot: Lot) -> str:
    return f"{lot.service}, {lot.area}: {lot.patients} people" + (
        f", {units(lot.units, lot.unit)}" if lot.units else ""
    )


def _pounds(pence: int | None) -> Cell:
    return None if pence is None else pounds_cell(pence)


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
def tenders() -> str | Response:
    """Notices of tenders, by state, service and area: those open for offers unless something else is asked for."""
    state, service, area = asked("state"), asked("service"), asked("area")
    state = state if state in notices.STATES else "open"
    columns = {"open": OPEN_COLUMNS, "awards": AWARD_COLUMNS}.get(state, NOTICE_COLUMNS)
    listing = Listing("tenders", columns, {"open": "by", "awards": "-awarded"}.get(state, "-published"))
    session = db_session()
    query = notices.published(request_now(), state=state, service=service, area=area)
    page = listing.page_from(
        notices.published_in(session, query),
        lambda first, size: notices.some(session, query.order_by(listing.order), first, size),
    )
    if listing.export:
        return listing.file(page.rows)
    return render_template(
        "public/tenders.html",
        page=page,
        listing=listing,
        states=[(key, words) for key, (words, _) in notices.STATES.items()],
        least=K,
        services=_services(),
        state=state,
        service=service,
        area=area,
    )


@pages.get("/tenders/<tender_id>")
@public
def tender(tender_id: str) -> str:
    """One tender's notice: what was published of it, and what has come of it since."""
    return render_template(
        "public/tender.html", notice=notices.notice(db_session(), tender_id), now=request_now(), least=K
    )


@pages.get(NOTICE_DATA.format(tender_id="<tender_id>"))
@public
def tender_ocds(tender_id: str) -> Response:
    """The same notice as open data: a release of the Open Contracting Data Standard."""
    notice = notices.notice(db_session(), tender_id)
    return attached(jsonify(_package([notice], request.base_url)), f"tender-{notice.tender.id}.json")


@pages.get("/open-data")
@public
def open_data() -> str:
    """What there is to take away, and on which terms."""
    packages = -(-notices.published_count(db_session()) // PACKAGE)
    return render_template("public/open_data.html", packages=packages, least=K)


@pages.get("/open-data/notices/<int:number>.json")
@public
def notices_ocds(number: int) -> Response:
    """Every published notice as open data, so many a package, in the order of publication: a full one stays."""
    found = notices.published_notices(db_session(), (number - 1) * PACKAGE, PACKAGE) if 0 < number < 10**6 else []
    if not found:
        raise NotFound("not_found", "We cannot find that file.")
    return attached(jsonify(_package(found, request.base_url)), f"notices-{number}.json")


@pages.get("/tenders/<tender_id>/roots.json")
@public
def tender_roots(tender_id: str) -> Response:
    """The hashes and roots of the result, as the checking command takes them."""
    found = notices.notice(db_session(), tender_id).round
    if found is None:
        raise NotFound("no_result", "There is no published result of this tender.")
    return attached(jsonify(roots_of(found)), f"roots-{tender_id}.json")


@pages.get("/tenders/<tender_id>/bundle.zip")
@public
def tender_bundle(tender_id: str) -> Response:
    """The whole round, where the people in it are made up: elsewhere only named auditors get it."""
    if not current_app.config["OPEN_BUNDLES"]:
        raise NotFound("not_found", "We cannot find that file.")
    bundle = open_bundle(db_session(), tender_id)
    return attached(Response(bundle.content, mimetype="application/zip"), bundle.name)


@pages.get("/unmet-needs")
@public
def unmet_needs() -> Answer:
    """Who found no provider, by service and area, and what would have been enough: an invitation to providers."""
    counted = claims.current_claims(db_session(), request_now())
    if counted is None:
        return _come_back()
    claim = counted.unmet
    service, area = asked("service"), asked("area")
    listing = Listing("unmet needs", UNMET_COLUMNS, "service")
    found = claims.unmet_services(claim, service=service, area=area)
    if listing.export:
        return listing.file([(row, place) for row in found for place in row.areas])
    return render_template(
        "public/unmet_needs.html",
        claim=claim,
        least=K,
        page=page_of(found),
        listing=listing,
        services=_services(),
        service=service,
        area=area,
    )


@pages.get("/figures")
@public
def figures() -> Answer:
    """The six claims, each as a picture and as a table."""
    counted = claims.current_claims(db_session(), request_now())
    return _come_back() if counted is None else render_template("public/figures.html", claims=counted, least=K)


def _package(found: Sequence[Notice], address: str) -> dict[str, object]:
    buyers = notices.buyers_of(db_session(), [notice.tender for notice in found])
    sources = [
        Source(
            notice,
            buyers[notice.tender.id],
            url_for("public.tender", tender_id=notice.tender.id, _external=True),
        )
        for notice in found
    ]
    return release_package(sources, prefix=current_app.config["OCID_PREFIX"], address=address)


def _come_back() -> Answer:
    """A large market's figures are still being counted after a start: the page looks again by itself."""
    return render_template("public/counting.html"), 503, {"Retry-After": "10"}


def _services() -> list[tuple[str, str]]:
    """The catalogue as choices of a filter."""
    return [("", "All services"), *((row.name, row.name) for row in notices.services(db_session()))]
