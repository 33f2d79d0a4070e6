"""A match that is under way: asked of a worker, followed part by part, called off.

`results` asks for it, whether a worker is about or not (`carepool serve` starts one beside the pages): it begins as
soon as one is. The page asks again every two seconds, with htmx or, without scripts, by reloading itself.
"""

from flask import flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from marketplace.journey.scopes import one, tenders_for
from marketplace.records.jobs import JobStatus
from marketplace.rules.permissions import Role
from marketplace.web.access import current_actor, for_role
from marketplace.web.clock import request_now
from marketplace.web.database import db_session, writing
from marketplace.work.client import cancel_job, progress_of

from .blueprint import pages


@pages.get("/tenders/<tender_id>/progress")
@for_role(Role.BROKER)
def progress(tender_id: str) -> Response:
    """How far the match is; once it is finished, on to what came of it."""
    session, actor = db_session(), current_actor()
    found = progress_of(session, request_now(), actor, tender_id)
    if found is None:
        return redirect(url_for("broker.tender", tender_id=tender_id))
    if found.finished:
        return _go_on(tender_id, found.status, found.message)
    tender = one(session, tenders_for(actor), tender_id, "tender")
    return make_response(render_template("broker/progress.html", tender=tender, progress=found))


@pages.post("/tenders/<tender_id>/progress/stop")
@for_role(Role.BROKER)
def stop(tender_id: str) -> Response:
    """Call the match off: nothing is changed by it."""
    session, actor, now = db_session(), current_actor(), request_now()
    found = progress_of(session, now, actor, tender_id)
    if found is not None and not found.finished:
        job_id = found.job_id
        with writing(session):
            cancel_job(session, now, actor, job_id)
    return redirect(url_for("broker.progress", tender_id=tender_id))


def _go_on(tender_id: str, status: JobStatus, message: str | None) -> Response:
    """Leave the progress page; a page that asks by htmx is told to, because it would only swap its middle."""
    if status is JobStatus.DONE:
        flash("The match has run. This is its result.", "done")
    else:
        flash(message or "The match stopped before it was finished. Nothing was changed.", "error")
    page = "broker.result" if status is JobStatus.DONE else "broker.tender"
    address = url_for(page, tender_id=tender_id)
    if request.headers.get("HX-Request") == "true":
        return Response(status=204, headers={"HX-Redirect": address})
    return redirect(address)
