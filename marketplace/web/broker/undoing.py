"""Ways back once the offers are open: leave an offer out, cancel, begin anew; and the interests a broker declares."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from marketplace.journey import cancellations, conduct
from marketplace.journey.rounds import must_run_again
from marketplace.journey.scopes import may_name_providers, offers_for, one, tenders_for
from marketplace.journey.sites import rating_fell
from marketplace.queries import proceedings
from marketplace.queries.tenders import tender_row
from marketplace.records.offers import ExclusionCode
from marketplace.rules.permissions import Role
from marketplace.schemas.proceedings import GROUNDS_WORDS, INTEREST_WORDS, LEFT_OUT_FOR, ExcludeSchema, InterestSchema
from marketplace.web.access import current_actor, for_role
from marketplace.web.asking import Answer, ask
from marketplace.web.cancelling import cancel_page
from marketplace.web.clock import request_now
from marketplace.web.database import db_session, writing
from marketplace.web.forms import WebForm, sent
from marketplace.web.listing import asked

from .blueprint import pages


@pages.get("/tenders/<tender_id>/offers")
@for_role(Role.BROKER)
def offers(tender_id: str) -> str:
    """The opened offers by their aliases, and which of them were left out, and why."""
    session, actor = db_session(), current_actor()
    tender = one(session, tenders_for(actor), tender_id, "tender")
    rows = proceedings.opened_offers(session, actor, tender)
    return render_template(
        "broker/offers.html",
        tender=tender,
        rows=rows,
        grounds=LEFT_OUT_FOR,
        again=tender_row(session, actor, tender_id) if must_run_again(tender) else None,
        now=request_now(),
    )


@pages.route("/offers/<offer_id>/exclude", methods=["GET", "POST"])
@for_role(Role.BROKER)
def exclude(offer_id: str) -> Answer:
    """Leave an opened offer out, for one of the grounds that count."""
    session, actor = db_session(), current_actor()
    offer = one(session, offers_for(actor), offer_id, "offer")
    tender_id = offer.tender_id
    row = next(row for row in proceedings.opened_offers(session, actor, offer.tender) if row.offer.id == offer_id)
    holds = {
        ExclusionCode.SUSPENSION.value: cancellations.can_be_suspended(offer.tender, offer),
        ExclusionCode.RATING_FELL.value: may_name_providers(offer.tender) and rating_fell(offer),
        ExclusionCode.PLACE_TOO_FAR.value: cancellations.can_be_too_far(session, offer.tender, offer),
    }
    grounds = [pair for pair in GROUNDS_WORDS.items() if holds.get(pair[0], True)]

    def step(session: Session, data: dict[str, Any]) -> None:
        cancellations.exclude_offer(session, request_now(), actor, offer_id, data["code"], data["reason"])

    return ask(
        "broker/exclude.html",
        WebForm(ExcludeSchema(), sent(), choices={"code": grounds}),
        step,
        back=url_for("broker.offers", tender_id=tender_id),
        done="The offer is left out, and its provider has been told why.",
        row=row,
        some_missing=len(grounds) < len(GROUNDS_WORDS),
    )


@pages.route("/tenders/<tender_id>/cancel", methods=["GET", "POST"])
@for_role(Role.BROKER)
def cancel(tender_id: str) -> Answer:
    """Cancel a tender, or single groups of it, once the offers are open."""
    tender = one(db_session(), tenders_for(current_actor()), tender_id, "tender")
    return cancel_page(tender, url_for("broker.tender", tender_id=tender_id))


@pages.post("/tenders/<tender_id>/successor")
@for_role(Role.BROKER)
def successor(tender_id: str) -> Response:
    """Draft a new tender in place of one that ended without an award."""
    with writing(db_session()) as session:
        successor_id = cancellations.draft_successor(session, request_now(), current_actor(), tender_id).id
    flash("A new draft is made, with the same title and the same rules.", "done")
    return redirect(url_for("broker.tender", tender_id=successor_id))


@pages.route("/interests", methods=["GET", "POST"])
@for_role(Role.BROKER)
def interests() -> Answer:
    """The providers that we have an interest in: they cannot make offers to us. Asked from a tender, it leads back."""
    session, actor, came_from = db_session(), current_actor(), asked("tender")
    tender = one(session, tenders_for(actor), came_from, "tender") if came_from else None
    declared = proceedings.interests_of(session, actor)
    taken = {interest.provider_id for interest, _ in declared}
    choices = [(key, name) for key, name in proceedings.providers(session) if key not in taken]

    def step(session: Session, data: dict[str, Any]) -> None:
        conduct.declare_interest(session, request_now(), actor, data["provider_id"], data["kind"])

    return ask(
        "broker/interests.html",
        WebForm(InterestSchema(), sent(), choices={"provider_id": choices}),
        step,
        back=url_for("broker.interests", tender=came_from or None),
        done="Your interest is on record. From now on this provider cannot make you an offer.",
        declared=declared,
        tender=tender,
        kinds=INTEREST_WORDS,
    )


@pages.post("/interests/<interest_id>/end")
@for_role(Role.BROKER)
def end_interest(interest_id: str) -> Response:
    """Say that a declared interest is over."""
    with writing(db_session()) as session:
        conduct.end_interest(session, request_now(), current_actor(), interest_id)
    flash("The interest has ended. The commissioner has been told.", "done")
    return redirect(url_for("broker.interests"))
