"""A provider's offers: the tender as published, the offer form with its check, versions, withdrawal, the receipt."""

from flask import Response as FileResponse
from flask import flash, redirect, render_template, request, url_for
from sqlalchemy import func
from werkzeug.wrappers import Response

from marketplace.journey import awards
from marketplace.journey import offers as steps
from marketplace.journey.scopes import offers_for, one
from marketplace.queries import notices, objections, offers
from marketplace.queries.feedback import can_represent
from marketplace.queries.offer_results import offer_states, told_of
from marketplace.queries.offers import OfferRow
from marketplace.queries.proceedings import talk
from marketplace.queries.words import london_day
from marketplace.records.offers import Offer
from marketplace.records.tenders import Tender
from marketplace.rules.errors import Invalid
from marketplace.rules.permissions import Role
from marketplace.rules.tendering import OfferTerms
from marketplace.web.access import current_actor, for_role
from marketplace.web.clock import request_now
from marketplace.web.database import db_session, writing
from marketplace.web.forms import sent
from marketplace.web.listing import Column, Listing, asked

from .blueprint import pages
from .offer_terms import BANDS, at_hand, check, form_for, number_asked, price_words, refuse, words_of_others

Answer = str | Response | tuple[str, int]
COLUMNS: list[Column[OfferRow]] = [
    Column("tender", "Tender", lambda row: row.offer.tender.title, func.lower(Tender.title)),
    Column("offer", "Offer", lambda row: f"Offer {row.offer.number}, version {row.offer.version}"),
    Column("received", "Received", lambda row: london_day(row.offer.received_at), Offer.received_at, "day"),
    Column("state", "State", lambda row: row.words[0], Offer.status),
    Column("receipt", "Receipt", lambda row: row.offer.receipt_sha256),
]


@pages.get("/tenders/<tender_id>")
@for_role(Role.PROVIDER)
def tender(tender_id: str) -> str:
    """An open tender: the demand as published, the rules, my own offers on it."""
    session, actor = db_session(), current_actor()
    notice = notices.notice(session, tender_id)
    return render_template(
        "provider/tender.html",
        notice=notice,
        offers=offers.offer_rows(session, actor, tender_id),
        talk=talk(session, tender_id),
        now=request_now(),
    )


@pages.route("/tenders/<tender_id>/offer", methods=["GET", "POST"])
@for_role(Role.PROVIDER)
def offer_form(tender_id: str) -> Answer:
    """Make an offer, or a new version of it: checked as often as one likes before it is sealed."""
    session, actor = db_session(), current_actor()
    found = offers.open_tender(session, tender_id)
    lots = notices.lots_of(session, found)
    sites = offers.sites_of(session, actor)
    number = number_asked(session, actor, tender_id)
    standing, initial = at_hand(session, actor, tender_id, number, lots)
    if standing is None and len(sites) == 1:
        initial["site_id"] = sites[0].id
    typed = sent()
    others = words_of_others(session, actor, tender_id, number)
    form = form_for(initial if typed is None else typed, lots, sites, others.values())
    shown = {
        "form": form,
        "tender": found,
        "lots": lots,
        "changed": notices.was_changed(session, found),
        "bands": range(BANDS),
        "price_words": price_words,
        "standing": standing,
        "number": number,
        "others": others,
    }
    if typed is None:
        return render_template("provider/offer_form.html", earnings=None, **shown)
    if not check(session, actor, found, form):
        return render_template("provider/offer_form.html", earnings=None, **shown), 422
    terms: OfferTerms = form.data
    action = request.form.get("action")
    if action not in ("seal", "keep"):
        return render_template("provider/offer_form.html", earnings=offers.earnings(terms, lots), **shown)
    try:
        with writing(session):
            offer = steps.submit_offer(
                session, request_now(), actor, tender_id, terms, number=number, draft=action == "keep"
            )
            offer_id = offer.id
    except Invalid as error:
        refuse(form, error)
        return render_template("provider/offer_form.html", earnings=None, **shown), 422
    kept = "Your draft is kept. It counts for nothing until you send it."
    flash(kept if action == "keep" else "Your offer is sealed. Keep the receipt.", "done")
    return redirect(url_for("provider.offer", offer_id=offer_id))


@pages.get("/offers")
@for_role(Role.PROVIDER)
def list_offers() -> str | FileResponse:
    """My offers, version by version."""
    session, actor, state = db_session(), current_actor(), asked("state")
    listing = Listing("offers", COLUMNS, "-received")
    page = listing.page_from(
        offers.offer_count(session, actor, state),
        lambda first, size: offers.offer_rows(session, actor, state=state, first=first, size=size, order=listing.order),
    )
    if listing.export:
        return listing.file(page.rows)
    states = [("", "All states"), *((words, words) for words in offer_states())]
    return render_template("provider/offers.html", page=page, listing=listing, state=state, states=states)


@pages.get("/offers/<offer_id>")
@for_role(Role.PROVIDER)
def offer(offer_id: str) -> str:
    """One of my offers: its receipt, its terms, and what came of it."""
    session, actor = db_session(), current_actor()
    page = offers.offer_page(session, actor, offer_id)
    return render_template(
        "provider/offer.html",
        page=page,
        earnings=offers.earnings(page.terms, list(page.lots.values())),
        objection=objections.own_objection(session, actor, page.offer.tender),
        can_object=can_represent(page.offer.tender, request_now()),
        told_of=told_of,
        now=request_now(),
    )


@pages.route("/offers/<offer_id>/withdraw", methods=["GET", "POST"])
@for_role(Role.PROVIDER)
def withdraw_offer(offer_id: str) -> Answer:
    """Ask once more, then take a standing offer back before the deadline."""
    session = db_session()
    if sent() is None:
        found = one(session, offers_for(current_actor()), offer_id, "offer")
        steps.check_withdrawable(found, request_now())
        return render_template("provider/withdraw.html", offer=found)
    with writing(session):
        steps.withdraw_offer(session, request_now(), current_actor(), offer_id)
    flash("Your offer is withdrawn. You can make another one until the deadline.", "done")
    return redirect(url_for("provider.offer", offer_id=offer_id))


@pages.post("/offers/<offer_id>/go-on")
@for_role(Role.PROVIDER)
def waive(offer_id: str) -> Response:
    """Go on at the same prices although refusals took the award below its least volume."""
    session, actor = db_session(), current_actor()
    award = offers.offer_page(session, actor, offer_id).award
    if award is not None:
        award_id = award.id
        with writing(session):
            awards.waive_minimum(session, request_now(), actor, award_id)
        flash("Thank you. You go on at the same prices.", "done")
    return redirect(url_for("provider.offer", offer_id=offer_id))
