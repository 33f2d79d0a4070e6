"""Building a group: who could join, on a map and in figures that follow every change, and the invitations."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from marketplace.journey import pools
from marketplace.journey.scopes import one, tenders_for
from marketplace.queries import demand, invitations
from marketplace.queries.words import plural
from marketplace.rules.errors import Invalid, NotFound
from marketplace.rules.permissions import Role
from marketplace.rules.pooling import BundleTerms, check_terms
from marketplace.schemas.allocations import GRADE_WORDS
from marketplace.schemas.tenders import BundleSchema, InviteSchema
from marketplace.web.access import current_actor, for_role, seen
from marketplace.web.clock import request_now
from marketplace.web.database import db_session, writing
from marketplace.web.forms import WebForm, sent

from .blueprint import pages

Answer = str | Response | tuple[str, int]


@pages.route("/tenders/<tender_id>/groups/new", methods=["GET", "POST"])
@for_role(Role.BROKER)
def new_bundle(tender_id: str) -> Answer:
    """Build a group: who could join, what it would pool, who could serve it; then invite."""
    session, actor = db_session(), current_actor()
    found = one(session, tenders_for(actor), tender_id, "tender")
    form = _form(session)

    def page(pool: demand.Pool | None = None, chosen: set[str] | None = None) -> str:
        return render_template("broker/bundle_new.html", form=form, tender=found, pool=pool, chosen=chosen or set())

    if request.method == "GET":
        return page()
    if not form.validate() or not _terms_are_sound(form):
        return page(), 422
    terms: BundleTerms = form.data
    pool = demand.pool_of(session, actor, terms)
    seen([candidate.patient_id for candidate in pool.candidates], "who could join a group")
    if request.form.get("action") != "build":
        return page(pool, {candidate.plan_line_id for candidate in pool.candidates})
    invited = _invited()
    if not invited.validate():
        form.errors.update(invited.errors)
        return page(pool), 422
    with writing(session):
        bundle = pools.build_bundle(session, request_now(), actor, tender_id, terms)
        count = pools.invite(session, request_now(), actor, bundle.id, invited.data["plan_line_ids"])
    flash(f"The group is built and {plural(count, 'person is', 'people are')} invited.", "done")
    return redirect(url_for("broker.tender", tender_id=tender_id))


@pages.post("/tenders/<tender_id>/groups/live")
@for_role(Role.BROKER)
def live_bundle(tender_id: str) -> str:
    """The figures and the map for what stands in the form now, without a name: they follow each change."""
    session, actor = db_session(), current_actor()
    one(session, tenders_for(actor), tender_id, "tender")
    form = _form(session)
    pool = demand.pool_of(session, actor, form.data) if form.validate() and _terms_are_sound(form) else None
    listed = "listed" in request.form
    chosen = set(request.form.getlist("plan_line_ids")) if listed else None
    return render_template("broker/bundle_live.html", pool=pool, chosen=chosen)


@pages.route("/groups/<bundle_id>", methods=["GET", "POST"])
@for_role(Role.BROKER)
def group(bundle_id: str) -> Answer:
    """Who was invited to a group and what they said; in a draft, invite more people."""
    session, actor = db_session(), current_actor()
    found = invitations.group_page(session, actor, bundle_id)
    seen(found.patient_ids, "invitations to a group")
    form = _invited()
    if sent() is None:
        return render_template("broker/group.html", page=found, form=form)
    if not found.can_invite:
        raise NotFound("not_found", "This group is published. Nobody can be invited to it any more.")
    if not form.validate():
        return render_template("broker/group.html", page=found, form=form), 422
    with writing(session):
        count = pools.invite(session, request_now(), actor, bundle_id, form.data["plan_line_ids"])
    flash(f"{plural(count, 'more person is', 'more people are')} invited.", "done")
    return redirect(url_for("broker.group", bundle_id=bundle_id))


def _form(session: Session) -> WebForm:
    choices: dict[str, list[tuple[Any, str]]] = {
        "service_id": [(service.id, service.name) for service in demand.services(session)],
        "min_grade": [("1", "Any rating"), *GRADE_WORDS.items()],
        "districts": [(district, district) for district in demand.districts_of(session, current_actor())],
    }
    return WebForm(BundleSchema(), sent(), choices=choices, beside={"plan_line_ids", "listed"})


def _invited() -> WebForm:
    lines = request.form.getlist("plan_line_ids")
    return WebForm(InviteSchema(), MultiDict([("plan_line_ids", line) for line in lines]))


def _terms_are_sound(form: WebForm) -> bool:
    try:
        check_terms(form.data)
    except Invalid as error:
        form.refuse_for(error)
        return False
    return True
