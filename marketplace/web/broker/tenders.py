"""From a draft to a published tender: the policy, the publication; and the ways back."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy import func
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from marketplace.journey import tenders as steps
from marketplace.journey.scopes import one, tenders_for
from marketplace.queries import lots, objections, proceedings, tenders
from marketplace.queries.tenders import TenderRow
from marketplace.queries.words import london_day, typed_pounds
from marketplace.records.tenders import Tender
from marketplace.rules.clock import london_date, london_midnight_after
from marketplace.rules.errors import Invalid, WrongState
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Role
from marketplace.rules.tendering import Policy
from marketplace.schemas.tenders import PublishSchema, ReasonSchema, TenderSchema
from marketplace.web.access import current_actor, for_role
from marketplace.web.asking import ask
from marketplace.web.clock import request_now
from marketplace.web.database import db_session, writing
from marketplace.web.forms import WebForm, sent
from marketplace.web.listing import Column, Listing, asked

from .blueprint import pages

Answer = str | Response | tuple[str, int]
COLUMNS: list[Column[TenderRow]] = [
    Column("title", "Tender", lambda row: row.tender.title, func.lower(Tender.title)),
    Column("state", "State", lambda row: row.words, Tender.status),
    Column("groups", "Groups", lambda row: row.lots, tenders.GROUPS, "number"),
    Column("people", "People", lambda row: row.people, tenders.PEOPLE, "number"),
    Column("stands", "Where it stands", lambda row: row.waits_for(request_now())),
    Column("by", "Next date", lambda row: london_day(row.by()), tenders.NEXT_DATE, "day"),
    Column("made", "Made", lambda row: london_day(row.tender.created_at), Tender.created_at, "day"),
]
SUGGESTED = Policy(pence_per_quality_grade=300, pence_per_km=30, pence_per_change=2000)
"""What the empty form proposes; the broker decides."""


@pages.get("/tenders")
@for_role(Role.BROKER)
def list_tenders() -> Answer:
    """All of the broker's tenders, or those of one state, of one's turn, or with these words in their titles."""
    state, search, turn = asked("status"), asked("search"), asked("turn")
    which = tenders.Asked(state=state, words=search, turn=turn)
    now, session, actor = request_now(), db_session(), current_actor()
    listing = Listing("tenders", COLUMNS, "-made")
    page = listing.page_from(
        tenders.tender_count(session, actor, now, which),
        lambda first, size: tenders.own_tenders(
            session, actor, now, which, first=first, size=size, order=listing.order
        ),
    )
    if listing.export:
        return listing.file(page.rows)
    return render_template(
        "broker/tenders.html",
        page=page,
        listing=listing,
        states=tenders.own_choices(),
        status_asked=state,
        search=search,
        turns=[("", "Anybody's"), *tenders.TURNS.items()],
        turn=turn,
        now=now,
    )


@pages.route("/tenders/new", methods=["GET", "POST"])
@for_role(Role.BROKER)
def new_tender() -> Answer:
    """Draft a tender: its title and its policy."""
    form = WebForm(TenderSchema(), sent(), initial=_suggested())
    if request.method == "GET":
        return render_template("broker/tender_new.html", form=form)
    if not form.validate():
        return render_template("broker/tender_new.html", form=form), 422
    with writing(db_session()) as session:
        tender = steps.draft_tender(session, request_now(), current_actor(), form.data["title"], form.data["policy"])
        tender_id = tender.id
    flash("The tender is saved as a draft. Now build a group for it.", "done")
    return redirect(url_for("broker.new_bundle", tender_id=tender_id))


@pages.get("/tenders/<tender_id>")
@for_role(Role.BROKER)
def tender(tender_id: str) -> str:
    """One tender: where it stands, its groups, and what can be done now."""
    now, session, actor = request_now(), db_session(), current_actor()
    row = tenders.tender_row(session, actor, tender_id)
    found = lots.lots_of(session, actor, row.tender)
    made = proceedings.representations(session, actor, tender_id)
    decided = bool(made) and made[0].decision is not None
    matched_anew = row.tender.status in (TenderStatus.MATCHING, TenderStatus.PROPOSED) and not row.must_run_again
    return render_template(
        "broker/tender.html",
        row=row,
        lots=found,
        asked_most=lots.asked_most(found),
        agreed_so_far=lots.agreed_so_far(found),
        talk=proceedings.talk(session, tender_id),
        objections=made,
        deciders=objections.somebody_at(session, row.tender) if made else "",
        after_objection=objections.next_for(row.tender, actor.role) if decided and matched_anew else "",
        follower=proceedings.successor_of(session, row.tender),
        former=proceedings.predecessor_of(session, row.tender),
        now=now,
        today=london_date(now),
    )


@pages.route("/tenders/<tender_id>/publish", methods=["GET", "POST"])
@for_role(Role.BROKER)
def publish(tender_id: str) -> Answer:
    """Publish: freeze the policy, hold the money, call for offers."""
    session, actor = db_session(), current_actor()
    found = one(session, tenders_for(actor), tender_id, "tender")
    form = WebForm(PublishSchema(), sent())
    if request.method == "POST" and form.validate():
        due_at = london_midnight_after(form.data["offers_due_on"])
        try:
            with writing(session):
                steps.publish_tender(session, request_now(), actor, tender_id, due_at)
        except Invalid as error:
            form.refuse("offers_due_on", error.message)
        else:
            flash("The tender is published. Providers can make offers now.", "done")
            return redirect(url_for("broker.tender", tender_id=tender_id))
    found = one(session, tenders_for(actor), tender_id, "tender")
    row, needs = tenders.tender_row(session, actor, tender_id), lots.agreed(session, actor, found)
    joined = {need.bundle_id for need in needs}
    left_out = [bundle for bundle in found.bundles if bundle.id not in joined]
    html = render_template("broker/publish.html", form=form, tender=found, row=row, needs=needs, left_out=left_out)
    return (html, 422) if form.errors else html


@pages.route("/tenders/<tender_id>/delete", methods=["GET", "POST"])
@for_role(Role.BROKER)
def delete_draft(tender_id: str) -> Answer:
    """Delete a draft; whoever was invited is told why, and can be invited again."""
    found = one(db_session(), tenders_for(current_actor()), tender_id, "tender")
    if found.status is not TenderStatus.DRAFT:
        raise WrongState("tender_published", "Only a draft can be deleted. A published tender can be withdrawn.")

    def step(session: Session, data: dict[str, Any]) -> None:
        steps.delete_draft(session, request_now(), current_actor(), tender_id, data["reason"])

    return ask(
        "broker/delete_draft.html",
        WebForm(ReasonSchema(), sent()),
        step,
        back=url_for("broker.list_tenders"),
        done="The draft is deleted. Whoever you had invited has been told why.",
        row=tenders.tender_row(db_session(), current_actor(), tender_id),
    )


@pages.route("/tenders/<tender_id>/withdraw", methods=["GET", "POST"])
@for_role(Role.BROKER)
def withdraw(tender_id: str) -> Answer:
    """Take an open tender back; every pound is released and everybody is told why."""
    session, actor = db_session(), current_actor()
    found = one(session, tenders_for(actor), tender_id, "tender")
    if found.status is not TenderStatus.OPEN:
        raise WrongState("too_late", "Only a tender that is open for offers can be withdrawn.")
    form = WebForm(ReasonSchema(), sent())
    if sent() is None or not form.validate():
        people, held_pence = proceedings.set_aside(session, found)
        html = render_template("broker/withdraw.html", form=form, tender=found, people=people, held_pence=held_pence)
        return (html, 422) if form.errors else html
    with writing(session):
        steps.withdraw_tender(session, request_now(), actor, tender_id, form.data["reason"])
    flash("The tender is withdrawn. All money set aside for it is free again.", "done")
    return redirect(url_for("broker.tender", tender_id=tender_id))


def _suggested() -> dict[str, object]:
    weights = ("pence_per_quality_grade", "pence_per_km", "pence_per_wait_day", "pence_per_change")
    times = ("minimum_offers", "answer_days", "pooling")
    return {name: typed_pounds(getattr(SUGGESTED, name)) for name in weights} | {
        name: getattr(SUGGESTED, name) for name in times
    }
