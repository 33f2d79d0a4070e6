"""Scenarios: asked for, followed, read side by side. They inform; nothing on these pages leads to an award."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from marketplace.journey.scopes import one, tenders_for
from marketplace.journey.studies import Asked, can_study
from marketplace.queries import results, studies
from marketplace.rules.errors import Invalid, WrongState
from marketplace.rules.permissions import Role
from marketplace.schemas.scenarios import ScenarioSchema
from marketplace.web.access import current_actor, for_role
from marketplace.web.asking import Answer
from marketplace.web.clock import request_now
from marketplace.web.database import db_session, writing
from marketplace.web.forms import WHOLE_FORM, WebForm, sent
from marketplace.web.tender_words import weights_told_as
from marketplace.work.client import cancel_job, enqueue_scenarios, progress_of_study

from .blueprint import pages

TICKS = ("without_rules", "without_offers", "pooling")
"""The choices of the form in its order: what is wrong with them together is told at the first that there is."""


@pages.route("/tenders/<tender_id>/scenarios", methods=["GET", "POST"])
@for_role(Role.BROKER)
def scenarios(tender_id: str) -> Answer:
    """The comparisons made on a tender, and the form for another one, once the offers are open."""
    session, actor = db_session(), current_actor()
    tender = one(session, tenders_for(actor), tender_id, "tender")
    ready = can_study(session, tender)
    schema = ScenarioSchema()
    choices = studies.choices_for(session, tender) if ready else {}
    form = WebForm(schema, sent(), choices=choices, told_as=weights_told_as(schema, tender))
    marked: str | None = None
    if sent() is not None and form.validate():
        try:
            with writing(session):
                asked = Asked(**form.data)
                study_id = enqueue_scenarios(session, request_now(), actor, tender_id, asked).id
        except Invalid as error:
            form.refuse(WHOLE_FORM, error.message)
            marked = next((name for name in TICKS if form.field(name)["choices"]), None)
        except WrongState as error:
            if error.code != "already_comparing":
                raise
            form.refuse(WHOLE_FORM, error.message)
        else:
            return redirect(url_for("broker.study", study_id=study_id))
    tender = one(session, tenders_for(actor), tender_id, "tender")
    made = studies.studies_of(session, actor, tender)
    html = render_template("broker/scenarios.html", tender=tender, form=form, ready=ready, made=made, marked=marked)
    return (html, 422) if form.errors else html


@pages.get("/scenarios/<study_id>")
@for_role(Role.BROKER)
def study(study_id: str) -> Answer:
    """One comparison: how far it is, then its columns side by side."""
    session, actor = db_session(), current_actor()
    progress = progress_of_study(session, request_now(), actor, study_id)
    if progress.finished and request.headers.get("HX-Request") == "true":
        return Response(status=204, headers={"HX-Redirect": url_for("broker.study", study_id=study_id)})
    shown: dict[str, Any] = {"page": studies.study_page(session, actor, study_id), "progress": progress}
    if progress.stage is not None and not progress.finished:
        labels = results.offer_labels(session, shown["page"].tender)
        shown["stage"] = studies.heading_of_stage(progress.stage, labels)
    return render_template("broker/study.html", **shown)


@pages.post("/scenarios/<study_id>/stop")
@for_role(Role.BROKER)
def stop_study(study_id: str) -> Response:
    """Stop a comparison that is under way."""
    session, actor, now = db_session(), current_actor(), request_now()
    found = progress_of_study(session, now, actor, study_id)
    if not found.finished:
        with writing(session):
            cancel_job(session, now, actor, found.job_id)
        flash("The comparison is being stopped.", "done")
    return redirect(url_for("broker.study", study_id=study_id))
