"""From the closed tender to the confirmed award: open the offers, run the match, read it, follow the answers."""

from collections.abc import Callable, Mapping

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from marketplace.adapters.spreadsheets import pounds_cell
from marketplace.journey import awards
from marketplace.journey import tenders as steps
from marketplace.journey.rounds import latest_round, latest_round_id, must_run_again
from marketplace.journey.scopes import one, tenders_for
from marketplace.queries import award as proposals
from marketplace.queries import results
from marketplace.queries import unmatched as without
from marketplace.queries.sharing import sharing_of
from marketplace.queries.tenders import tender_row
from marketplace.queries.unmatched import UnmatchedRow
from marketplace.records.jobs import Job
from marketplace.records.people import Patient
from marketplace.records.pools import Need
from marketplace.records.rounds import Match, MatchStatus
from marketplace.records.tenders import Tender
from marketplace.rules.errors import NotFound, WrongState
from marketplace.rules.lifecycle import GIVEN_UP, TenderStatus
from marketplace.rules.permissions import Role
from marketplace.schemas.tenders import AwardSchema
from marketplace.web.access import current_actor, for_role, seen
from marketplace.web.clock import request_now
from marketplace.web.database import db_session, writing
from marketplace.web.forms import WHOLE_FORM, WebForm, sent
from marketplace.web.listing import Column, Listing, asked, page_from
from marketplace.work.client import enqueue_rematch, enqueue_round

from .blueprint import pages

Answer = str | Response | tuple[str, int]
ANSWERS = [
    ("", "All answers"),
    ("proposed", "Not yet"),
    ("accepted", "Yes"),
    ("declined", "No"),
    ("displaced", "Displaced"),
    ("superseded", "Replaced"),
]
UNMATCHED_COLUMNS: list[Column[UnmatchedRow]] = [
    Column("name", "Name", lambda row: row.need.patient.name, lambda row: row.need.patient.name),
    Column("service", "Service", lambda row: row.need.bundle.service.name),
    Column("area", "Area", lambda row: row.need.bundle.area),
    Column("units", "Units", lambda row: row.need.units, lambda row: row.need.units, "number"),
    Column("budget", "Share set aside", lambda row: pounds_cell(row.need.budget_pence)),
    Column("why", "Why", lambda row: row.reason, lambda row: (row.reason, row.need.patient.name)),
    Column("helps", "What would have helped", lambda row: " ".join(row.changes or ())),
]


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
    seen([row.need.patient_id for row in found.first], "result of a match")
    session, actor, tender = db_session(), current_actor(), found.tender
    row = tender_row(session, actor, tender.id)
    return render_template(
        "broker/result.html",
        result=found,
        row=row,
        sharing=sharing_of(session, tender),
        again=row if row.must_run_again else None,
        past=row.must_run_again or tender.status in GIVEN_UP,
        now=request_now(),
    )


@pages.get("/tenders/<tender_id>/people")
@for_role(Role.BROKER)
def people(tender_id: str) -> Answer:
    """The matches behind the figures: charge, cost parts and answer of each; narrowed to an offer, a lot, an answer."""
    session, actor = db_session(), current_actor()
    tender = one(session, tenders_for(actor), tender_id, "tender")
    labels = results.offer_labels(session, tender)
    filters = {name: asked(name) for name in ("offer", "lot", "answer")}
    query = results.people_query(session, actor, tender, **filters)
    listing = Listing("matches", _people_columns(labels, dict(_answers(tender))), "name")
    page = listing.page_from(
        session.scalar(select(func.count()).select_from(query.subquery())) or 0,
        lambda first, size: session.scalars(query.order_by(listing.order, Match.id).offset(first).limit(size)).all(),
    )
    seen([match.need.patient_id for match in page.rows], "result of a match")
    if listing.export:
        return listing.file(page.rows)
    return render_template(
        "broker/people.html",
        tender=tender,
        page=page,
        listing=listing,
        labels=labels,
        filters=filters,
        answers=_answers(tender),
        offers=[("", "All offers"), *sorted(labels.items(), key=lambda item: item[1])],
        lots=_lots(tender),
    )


@pages.get("/tenders/<tender_id>/unmatched")
@for_role(Role.BROKER)
def unmatched(tender_id: str) -> Answer:
    """Everybody without a match, with what would have helped; narrowed to a reason or a lot."""
    session, actor = db_session(), current_actor()
    tender = one(session, tenders_for(actor), tender_id, "tender")
    row = latest_round(session, tender.id)
    if row is None:
        raise NotFound("not_found", "There is no result yet.")
    filters = {name: asked(name) for name in ("reason", "lot")}
    labels = results.offer_labels(session, tender)
    listing = Listing("without-a-match", UNMATCHED_COLUMNS, "why")
    page = listing.page_of(without.unmatched_rows(session, actor, row, without.lines_of(row, **filters), labels))
    seen([found.need.patient_id for found in page.rows], "result of a match")
    if listing.export:
        return listing.file(page.rows)
    return render_template(
        "broker/unmatched.html",
        tender=tender,
        page=page,
        listing=listing,
        filters=filters,
        reasons=[("", "All reasons"), *((code, words) for code, words, _ in without.reasons_of(row))],
        lots=_lots(tender),
    )


@pages.route("/tenders/<tender_id>/award", methods=["GET", "POST"])
@for_role(Role.BROKER)
def award(tender_id: str) -> Answer:
    """The answers as they come, what decided by criterion, and the confirmation with its reasons."""
    session, actor = db_session(), current_actor()
    tender = one(session, tenders_for(actor), tender_id, "tender")
    form = WebForm(AwardSchema(), sent())
    if request.method == "POST" and form.validate():
        try:
            with writing(session):
                awards.confirm_award(session, request_now(), actor, tender_id, form.data["reasons"])
        except WrongState as error:
            if error.code not in {"reasons_missing", "pool_short"}:
                raise
            form.refuse("reasons" if error.code == "reasons_missing" else WHOLE_FORM, error.message)
        else:
            flash("The award is confirmed. The pause before it is final has begun.", "done")
            return redirect(url_for("broker.tender", tender_id=tender_id))
    tender = one(session, tenders_for(actor), tender_id, "tender")
    found = proposals.award_page(session, tender)
    row = tender_row(session, actor, tender.id)
    again = row.must_run_again
    query = proposals.by_answer(results.people_query(session, actor, tender), given_only=again)
    page = page_from(
        sum(map(found.answered, proposals.GIVEN)) if again else sum(sum(row.answers.values()) for row in found.offers),
        lambda first, size: session.scalars(query.offset(first).limit(size)).all(),
    )
    seen([match.need.patient_id for match in page.rows], "answers to a match")
    html = render_template(
        "broker/award.html",
        form=form,
        tender=tender,
        award=found,
        page=page,
        answers=dict(_answers(tender)),
        row=row,
        again=row if again else None,
        past=again or tender.status in GIVEN_UP,
        now=request_now(),
    )
    return (html, 422) if form.errors else html


@pages.get("/tenders/<tender_id>/letters")
@for_role(Role.BROKER)
def letters(tender_id: str) -> str:
    """What each bidder will read when the award is confirmed, or has read."""
    session, actor = db_session(), current_actor()
    tender = one(session, tenders_for(actor), tender_id, "tender")
    if latest_round_id(session, tender.id) is None:
        raise NotFound("not_found", "There is no result yet.")
    found = proposals.letters(session, actor, tender)
    return render_template(
        "broker/letters.html",
        tender=tender,
        letters=found,
        read=any(letter.feedback.offer.feedback for letter in found),
        falling=proposals.falling_offers(session, tender) if tender.status is TenderStatus.PROPOSED else [],
        again=must_run_again(tender),
        over=tender.status in GIVEN_UP,
    )


def _answers(tender: Tender) -> list[tuple[str, str]]:
    """What became of a match, in words: nobody answers any more once the tender has come to nothing."""
    over = tender.status in GIVEN_UP
    return [(answer, "No answer" if over and answer == MatchStatus.PROPOSED else words) for answer, words in ANSWERS]


def _people_columns(labels: Mapping[str, str], answers: Mapping[str, str]) -> list[Column[Match]]:
    return [
        Column("name", "Name", lambda row: row.need.patient.name, Patient.name),
        Column("offer", "Offer", lambda row: labels[row.award.offer_id]),
        Column("service", "Service", lambda row: row.need.bundle.service.name),
        Column("area", "Area", lambda row: row.need.bundle.area),
        Column("units", "Units", lambda row: row.need.units, Need.units, "number"),
        Column("price", "Price", lambda row: pounds_cell(row.price_pence)),
        Column("fee", "Fee share", lambda row: pounds_cell(row.fee_share_pence)),
        Column("charge", "Charge", lambda row: pounds_cell(row.charge_pence), Match.charge_pence, "number"),
        Column("pool", "Given or received", lambda row: pounds_cell(row.pool_pence), Match.pool_pence, "number"),
        Column("budget", "Share set aside", lambda row: pounds_cell(row.need.budget_pence)),
        Column(
            "usual",
            "Usual package",
            lambda row: pounds_cell(row.need.units * row.need.bundle.conventional_pence),
        ),
        Column("alone", "Buying alone", lambda row: pounds_cell(row.need.units * row.need.bundle.private_pence)),
        Column("answer", "Answer", lambda row: answers[row.status.value]),
    ]


def _lots(tender: Tender) -> list[tuple[str, str]]:
    return [("", "All groups"), *((lot.id, f"{lot.service.name}, {lot.area}") for lot in tender.lots)]


def _match(ask: Callable[..., Job], tender_id: str) -> Response:
    """Ask a worker for a match, and go where it can be followed. No request does such work itself."""
    session = db_session()
    with writing(session):
        ask(session, request_now(), current_actor(), tender_id)
    return redirect(url_for("broker.progress", tender_id=tender_id))
