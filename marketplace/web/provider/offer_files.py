"""An offer by spreadsheet: the template to download, the upload with its report, an offer of one's own to keep.

An upload changes nothing. It is told line by line what is wrong with it; once nothing is, the page shows what it would
earn, and sends what was read through the offer form's own door, where it is checked again and sealed.
"""

from flask import Response as FileResponse
from flask import render_template
from werkzeug.wrappers import Response

from marketplace.adapters.spreadsheets import read_lines
from marketplace.journey.offers import read_own_offer
from marketplace.journey.scopes import offers_for, one
from marketplace.queries import notices, offers
from marketplace.records.tenders import Tender
from marketplace.rules.errors import Invalid, WrongState
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Role
from marketplace.web.access import current_actor, for_role
from marketplace.web.clock import request_now
from marketplace.web.database import db_session
from marketplace.web.files import download, uploaded
from marketplace.web.forms import sent

from .blueprint import pages
from .offer_sheet import heading_line, lines_of, read
from .offer_terms import as_typed, at_hand, check, form_for, number_asked

Answer = str | Response | tuple[str, int]


@pages.get("/tenders/<tender_id>/offer/sheet.<kind>")
@for_role(Role.PROVIDER)
def offer_sheet(tender_id: str, kind: str) -> FileResponse:
    """The template for an offer on this tender, with what the offer form would start from."""
    session, actor = db_session(), current_actor()
    tender = _open_tender(tender_id)
    lots, sites = notices.lots_of(session, tender), offers.sites_of(session, actor)
    _, typed = at_hand(session, actor, tender_id, number_asked(session, actor, tender_id), lots)
    lines = lines_of(tender, lots, sites, typed)
    return download(kind, f"offer {tender.title}", lines, title="Offer", bold=(heading_line(),))


@pages.get("/offers/<offer_id>/offer.<kind>")
@for_role(Role.PROVIDER)
def offer_file(offer_id: str, kind: str) -> FileResponse:
    """One of my offers, whatever became of it, as the spreadsheet it could have come from."""
    session, actor = db_session(), current_actor()
    offer = one(session, offers_for(actor), offer_id, "offer")
    lots, sites = notices.lots_of(session, offer.tender), offers.sites_of(session, actor)
    lines = lines_of(offer.tender, lots, sites, as_typed(read_own_offer(session, actor, offer_id), lots))
    name = f"offer {offer.number} version {offer.version} {offer.tender.title}"
    return download(kind, name, lines, title="Offer", bold=(heading_line(),))


@pages.route("/tenders/<tender_id>/offer/upload", methods=["GET", "POST"])
@for_role(Role.PROVIDER)
def offer_upload(tender_id: str) -> Answer:
    """Send a spreadsheet; read what is wrong with it, or what it would earn, before anything is kept."""
    session, actor = db_session(), current_actor()
    tender = _open_tender(tender_id)
    lots, sites = notices.lots_of(session, tender), offers.sites_of(session, actor)
    number = number_asked(session, actor, tender_id)
    standing, _ = at_hand(session, actor, tender_id, number, lots)
    shown = {"tender": tender, "number": number, "at_hand": standing}
    if sent() is None:
        return render_template("provider/offer_upload.html", faults=(), refused=None, typed=None, **shown)
    try:
        content = uploaded()
        if content is None:
            raise Invalid("file_missing", "Choose the file that you filled in.", place="file")
        found = read(read_lines(content), tender, lots, sites)
    except Invalid as error:
        page = render_template("provider/offer_upload.html", faults=(), refused=error.message, typed=None, **shown)
        return page, 422
    form = form_for(found.typed, lots, sites)
    check(session, actor, tender, form)
    faults = found.told_by(form.errors)
    if faults:
        refused = "Nothing is kept yet. Mend the file and send it again."
        page = render_template("provider/offer_upload.html", faults=faults, refused=refused, typed=None, **shown)
        return page, 422
    return render_template(
        "provider/offer_upload.html",
        faults=(),
        refused=None,
        typed=[(name, value) for name, value in found.typed.items(multi=True) if value],
        earnings=offers.earnings(form.data, lots),
        **shown,
    )


def _open_tender(tender_id: str) -> Tender:
    """A tender that takes offers now: of another, no sheet is of use."""
    tender = offers.open_tender(db_session(), tender_id)
    if tender.status is not TenderStatus.OPEN or tender.offers_due_at is None or tender.offers_due_at <= request_now():
        raise WrongState("tender_not_open", "The deadline for offers on this tender has passed.")
    return tender
