"""What anybody may read, with a token or without: the catalogue, tenders and awards, unmet needs, the six claims."""

from typing import Any

from flask import Response

from marketplace.api.access import public
from marketplace.api.blueprint import Resources
from marketplace.api.database import db_session
from marketplace.api.lists import PageQuery, listed, one_of, page, search
from marketplace.api.problems import problem
from marketplace.api.shapes.public import ClaimsShape, FullNoticeShape, NoticeShape, ServiceShape, UnmetShape
from marketplace.front import claims
from marketplace.front.addresses import NOTICE_DATA
from marketplace.front.clock import request_now
from marketplace.queries import notices
from marketplace.records.tenders import Tender

RETRY_AFTER_S = 10

pages = Resources("public", "", "For anybody; no token is needed.")


class NoticesQuery(PageQuery):
    """Which notices."""

    state = one_of("In which state: usually those that are open for offers", list(notices.STATES), "open")
    service = search("Of which service, by its name")
    area = search("Areas with these letters in their names")


class UnmetQuery(PageQuery):
    """Which unmet needs."""

    service = search("Of which service, by its name")
    area = search("Areas with these letters in their names")

    class Meta:
        """The figures come in one piece."""

        exclude = ("page", "size")


@pages.asks("GET", "/services")
@public
@pages.answers(200, listed(ServiceShape))
def services() -> dict[str, Any]:
    """The catalogue of services."""
    found = notices.services(db_session())
    return {"rows": found, "total": len(found), "next": None}


@pages.asks("GET", "/notices")
@public
@pages.reads(NoticesQuery, "query")
@pages.answers(200, listed(NoticeShape))
def list_notices(asked: dict[str, Any]) -> dict[str, Any]:
    """Published tenders: those open for offers by their deadline, others the latest first."""
    session, state = db_session(), asked["state"]
    query = notices.published(request_now(), state=state, service=asked["service"], area=asked["area"])
    order = Tender.offers_due_at.asc() if state == "open" else Tender.published_at.desc()
    total = notices.published_in(session, query)
    return page(asked, total, lambda first, size: notices.some(session, query.order_by(order), first, size))


@pages.asks("GET", "/notices/<id:tender_id>")
@public
@pages.answers(200, FullNoticeShape)
def notice(tender_id: str) -> dict[str, Any]:
    """One tender's notice, with all that anybody may know of it."""
    found = notices.notice(db_session(), tender_id)
    names = ("tender", "lots", "offers", "winners", "saving", "round", "amendments", "questions")
    successor = {"id": found.successor.id if found.successor else None}
    values = {name: getattr(found, name) for name in names}
    return {**values, "successor": successor, "ocds": NOTICE_DATA.format(tender_id=tender_id)}


@pages.asks("GET", "/unmet-needs")
@public
@pages.reads(UnmetQuery, "query")
@pages.answers(200, UnmetShape)
def unmet_needs(asked: dict[str, Any]) -> Any:
    """Who found no provider, by service and area, and what would have been enough."""
    counted = claims.current_claims(db_session(), request_now())
    if counted is None:
        return _come_back()
    claim = counted.unmet
    rows = claims.unmet_services(claim, service=asked["service"], area=asked["area"])
    return {"services": rows, "people": claim.people, "unspent_pence": claim.unspent_pence}


@pages.asks("GET", "/figures")
@public
@pages.answers(200, ClaimsShape)
def figures() -> Any:
    """The six claims with their figures: saving, unmet needs, access, fairness, quality, choice."""
    counted = claims.current_claims(db_session(), request_now())
    return _come_back() if counted is None else counted


def _come_back() -> Response:
    """A large market's figures are still being counted after a start."""
    answer = problem(503, "counting", "The figures are still being counted. Ask again in a few seconds.")
    answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer
