"""From the closed tender to the confirmed award: open the offers, run the match, read it, follow the answers."""

from collections.abc import Callable

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from marketplace.journey import awards
from marketplace.journey import tenders as steps
from marketplace.journey.scopes import one, tenders_for
from marketplace.records.jobs import Job
from marketplace.rules.errors import WrongState
from marketplace.rules.permissions import Role
from marketplace.schemas.tenders import AwardSchema
from marketplace.web.access import current_actor, for_role, seen
from marketplace.web.clock import request_now
from marketplace.web.database import db_session, writing
from marketplace.web.forms import WebForm, sent
from marketplace.web.listing import page_of
from marketplace.web.queries import results, tenders
from marketplace.work.client import enqueue_rematch, enqueue_round

from .blueprint import pages

Answer = str | Response | tuple[str, int]


@pages.post("/tenders/<tender_id>/close")
@for_role(Role.BROKER)
def close(tender_id: str) -> Response:
    """Open the offers of a tender whose deadline has passed, if the scheduler has not done it yet."""
    session = db_session()
    with writing(session):
        steps.close_tender(session, request_now(), current_actor(), tender_id)
    flash("The offers are open.", "done")
    return redirect(url_for("broker.tender", tender_id=tender_id))


@pages.post("/tenders/<tender_id>/round")
@for_role(Role.BROKER)
def run_round(tender_id: str) -> Response:
    """Ask for the match under the published policy. One that fails leaves the tender closed, with the reason."""
    return _match(enqueue_round, tender_id)


@pages.post("/tenders/<tender_id>/rematch")
@for_role(Role.BROKER)
def run_rematch(tender_id: str) -> Response:
    """Look for other providers for those who said no; everybody else stays where they are."""
    return _match(enqueue_rematch, tender_id)


@pages.get("/tenders/<tender_id>/result")
@for_role(Role.BROKER)
def result(tender_id: str) -> str:
    """Coverage, cost, saving, awards and the unmatched; every number leads to its rows."""
    found = results.result(db_session(), current_actor(), tender_id)
    seen([row.need.patient_id for row in found.unmatched], "result of a match")
    return render_template("broker/result.html", result=found)


@pages.get("/tenders/<tender_id>/people")
@for_role(Role.BROKER)
def people(tender_id: str) -> str:
    """The matches behind the figures: charge, cost parts and answer of each."""
    session, offer_id = db_session(), request.args.get("offer", "")
    tender, matches = results.people(session, current_actor(), tender_id, offer_id)
    labels, page = results.offer_labels(session, tender), page_of(matches)
    seen([match.need.patient_id for match in page.rows], "result of a match")
    return render_template("broker/people.html", tender=tender, page=page, labels=labels, label=labels.get(offer_id))


@pages.route("/tenders/<tender_id>/award", methods=["GET", "POST"])
@for_role(Role.BROKER)
def award(tender_id: str) -> Answer:
    """The answers as they come, and the confirmation with its reasons."""
    session, actor = db_session(), current_actor()
    tender = one(session, tenders_for(actor), tender_id, "tender")
    form = WebForm(AwardSchema(), sent())
    if request.method == "POST" and form.validate():
        try:
            with writing(session):
                awards.confirm_award(session, request_now(), actor, tender_id, form.data["reasons"])
        except WrongState as error:
            if error.code != "reasons_missing":
                raise
            form.refuse("reasons", error.message)
        else:
            flash("The award is confirmed. The pause before it is final has begun.", "done")
            return redirect(url_for("broker.tender", tender_id=tender_id))
    tender = one(session, tenders_for(actor), tender_id, "tender")
    offers, answers = results.award_rows(session, tender), tenders.answers(session, tender)
    seen([match.need.patient_id for match in answers], "answers to a match")
    html = render_template("broker/award.html", form=form, tender=tender, offers=offers, answers=answers)
    return (html, 422) if form.errors else html


def _match(ask: Callable[..., Job], tender_id: str) -> Response:
    """Ask a worker for a match, and go where it can be followed. No request does such work itself."""
    session = db_session()
    with writing(session):
        ask(session, request_now(), current_actor(), tender_id)
    return redirect(url_for("broker.progress", tender_id=tender_id))
