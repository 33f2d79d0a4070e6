"""A provider's offers: the tender as published, the offer form with its check, versions, withdrawal, the receipt.

The form asks for the volume bands once and for a price in each band lot by lot; `_spread` writes the bands into every
line before the schema reads it, because an offer's document states them there.
"""

import re

from flask import flash, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from marketplace.journey import awards
from marketplace.journey import offers as steps
from marketplace.records.offers import OfferStatus
from marketplace.rules.errors import Invalid, NotFound
from marketplace.rules.permissions import Role
from marketplace.rules.tendering import OfferTerms, check_offer
from marketplace.schemas.offers import OfferSchema
from marketplace.web.access import current_actor, for_role
from marketplace.web.clock import request_now
from marketplace.web.database import db_session, writing
from marketplace.web.filters import typed_pounds
from marketplace.web.forms import WebForm, sent
from marketplace.web.queries import notices, offers
from marketplace.web.queries.proceedings import talk

from .blueprint import pages

Answer = str | Response | tuple[str, int]
AT_HAND = (OfferStatus.STANDING, OfferStatus.DRAFT)
"""What the form starts from: the newest version that stands or was kept."""

BANDS = 4
"""How many volume bands the form has room for."""

_BAND_OF_LINE = re.compile(r"lines-\d+-tiers-(\d+)-from_units")


@pages.get("/tenders/<tender_id>")
@for_role(Role.PROVIDER)
def tender(tender_id: str) -> str:
    """An open tender: the demand as published, the rules, my own offers on it."""
    session, actor = db_session(), current_actor()
    notice = notices.notice(session, tender_id)
    return render_template(
        "provider/tender.html",
        notice=notice,
        offers=offers.own_offers(session, actor, tender_id),
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
    number = request.args.get("number", default=1, type=int)
    if not 1 <= number <= steps.next_number(session, actor, tender_id):
        raise NotFound("not_found", "We cannot find that offer.")
    own = [
        row for row in offers.own_offers(session, actor, tender_id) if row.number == number and row.status in AT_HAND
    ]
    standing = max(own, key=lambda row: row.version, default=None)
    typed = sent()
    if typed is None:
        initial = _as_typed(steps.read_own_offer(session, actor, standing.id), lots) if standing else MultiDict()
    form = WebForm(
        OfferSchema(),
        _spread(initial if typed is None else typed, len(lots)),
        choices={"site_id": [(site.id, f"{site.name}, {site.district}") for site in sites]},
        beside=[f"bands-{band}" for band in range(1, BANDS)],
    )
    shown = {"form": form, "tender": found, "lots": lots, "bands": range(BANDS), "standing": standing, "number": number}
    if typed is None:
        return render_template("provider/offer_form.html", earnings=None, **shown)
    if not _check(form, [lot.bundle_id for lot in lots]):
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
        _refuse(form, error)
        return render_template("provider/offer_form.html", earnings=None, **shown), 422
    kept = "Your draft is kept. It counts for nothing until you send it."
    flash(kept if action == "keep" else "Your offer is sealed. Keep the receipt.", "done")
    return redirect(url_for("provider.offer", offer_id=offer_id))


@pages.get("/offers")
@for_role(Role.PROVIDER)
def list_offers() -> str:
    """My offers, version by version."""
    rows = offers.own_offers(db_session(), current_actor())
    return render_template("provider/offers.html", offers=rows, words=offers.OFFER_WORDS)


@pages.get("/offers/<offer_id>")
@for_role(Role.PROVIDER)
def offer(offer_id: str) -> str:
    """One of my offers: its receipt, its terms, and what came of it."""
    page = offers.offer_page(db_session(), current_actor(), offer_id)
    earnings = offers.earnings(page.terms, list(page.lots.values()))
    return render_template("provider/offer.html", page=page, earnings=earnings, now=request_now())


@pages.post("/offers/<offer_id>/withdraw")
@for_role(Role.PROVIDER)
def withdraw_offer(offer_id: str) -> Response:
    """Take a standing offer back before the deadline."""
    session = db_session()
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


def _check(form: WebForm, bundle_ids: list[str]) -> bool:
    """The schema, then the rules that a form cannot know; messages about bands go to the bands."""
    sound = form.validate()
    if sound:
        try:
            check_offer(form.data, bundle_ids)
        except Invalid as error:
            _refuse(form, error)
            sound = False
    messages, form.errors = form.errors, {}
    for name, message in messages.items():
        band = _BAND_OF_LINE.fullmatch(name)
        form.refuse(f"bands-{band[1]}" if band and band[1] != "0" else name, message)
    return sound


def _refuse(form: WebForm, error: Invalid) -> None:
    if error.code in {"bands_overlap", "bands_differ"}:
        form.refuse("bands-1", error.message)
    else:
        form.refuse_for(error)


def _spread(typed: MultiDict[str, str], lots: int) -> MultiDict[str, str]:
    """Write the bands, typed once, into every line that has a price; a lot without any price is not offered for."""
    spread = MultiDict(typed)
    for lot in range(lots):
        prices = [spread.get(f"lines-{lot}-tiers-{band}-price_pence", "").strip() for band in range(BANDS)]
        if not any(prices):
            for name in [name for name in spread if name.startswith(f"lines-{lot}-")]:
                del spread[name]
            continue
        for band, price in enumerate(prices):
            start = "0" if band == 0 else spread.get(f"bands-{band}", "").strip()
            if price or (start and band):
                spread[f"lines-{lot}-tiers-{band}-from_units"] = start
    return spread


def _as_typed(terms: OfferTerms, lots: list[notices.Lot]) -> MultiDict[str, str]:
    """An offer as it would stand in the form."""
    typed: MultiDict[str, str] = MultiDict()
    typed["site_id"] = terms.site_id
    typed["fee_pence"] = typed_pounds(terms.fee_pence) if terms.fee_pence else ""
    typed["min_units"] = str(terms.min_units or "")
    typed["max_units"] = str(terms.max_units or "")
    typed["max_distance_m"] = str(terms.max_distance_m // 1000) if terms.max_distance_m else ""
    typed["exclusive"] = terms.exclusive or ""
    for band, start in enumerate(terms.bands[1:], start=1):
        typed[f"bands-{band}"] = str(start)
    number_of = {lot.bundle_id: number for number, lot in enumerate(lots)}
    for line in terms.lines:
        place = f"lines-{number_of[line.bundle]}"
        typed[f"{place}-min_units"] = str(line.min_units or "")
        typed[f"{place}-max_units"] = str(line.max_units or "")
        for band, tier in enumerate(line.tiers):
            typed[f"{place}-tiers-{band}-price_pence"] = typed_pounds(tier.price_pence)
    return typed
