"""Paying by the bank, for the commissioner and for organisations that hold budgets: a run, its file, the answer.

Nothing is settled by an answer of which any line is wrong: the message names the line, and the file is sent again.
"""

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from sqlalchemy import func
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from marketplace.adapters.spreadsheets import pounds_cell
from marketplace.journey import payments as steps
from marketplace.journey.scopes import one
from marketplace.journey.settlements import payments_due
from marketplace.queries import payments
from marketplace.queries.payments import RunRow
from marketplace.queries.words import london_day, plural
from marketplace.records.payments import LineStatus, PaymentLine, PaymentRun
from marketplace.rules.errors import Conflict, Invalid
from marketplace.rules.permissions import Role
from marketplace.schemas.payments import BankAnswerSchema, in_the_file

from .access import current_actor, for_role
from .clock import request_now
from .database import db_session, writing
from .forms import WebForm, sent
from .listing import Column, Listing

Answer = str | AnyResponse | tuple[str, int]

COLUMNS: list[Column[RunRow]] = [
    Column("made", "Made", lambda row: london_day(row.made_at), PaymentRun.made_at, "day"),
    Column("payments", "Payments", lambda row: row.payments, func.count(PaymentLine.id), "number"),
    Column("sent", "In the run", lambda row: pounds_cell(row.sent_pence), func.sum(PaymentLine.amount_pence), "number"),
    Column("paid", "Paid", lambda row: pounds_cell(row.paid_pence)),
    Column("returned", "Returned", lambda row: pounds_cell(row.returned_pence)),
    Column("waiting", "Not answered", lambda row: pounds_cell(row.waiting_pence)),
]

pages = Blueprint("payments", __name__, url_prefix="/payments")


@pages.get("/")
@for_role(Role.COMMISSIONER, Role.HOLDER)
def runs() -> str | Response:
    """What is due, the runs so far, and whether every penny is accounted for."""
    session, actor = db_session(), current_actor()
    listing = Listing("payment runs", COLUMNS, "-made")
    page = listing.page_from(
        payments.run_count(session, actor),
        lambda first, size: payments.run_rows(session, actor, first, size, order=listing.order),
    )
    if listing.export:
        return listing.file(page.rows)
    return render_template(
        "payments/runs.html",
        page=page,
        listing=listing,
        due=payments_due(session, actor),
        came=steps.reconcile(session, actor),
    )


@pages.post("/prepare")
@for_role(Role.COMMISSIONER, Role.HOLDER)
def prepare() -> AnyResponse:
    """Gather what is due into a new run."""
    with writing(db_session()) as session:
        run_id = steps.prepare_run(session, request_now(), current_actor()).id
    flash("The payment run is prepared. Download its file and give it to your bank.", "done")
    return redirect(url_for("payments.run", run_id=run_id))


@pages.route("/<run_id>/", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER, Role.HOLDER)
def run(run_id: str) -> Answer:
    """One run: its payments, its file, and the way to post the bank's answer back."""
    session, actor = db_session(), current_actor()
    one(session, steps.runs_for(actor), run_id, "payment run")
    form = WebForm(BankAnswerSchema(), None if sent() is None else MultiDict({"answers": _uploaded()}))
    if sent() is not None and form.validate():
        try:
            with writing(session):
                settled = steps.post_back(session, request_now(), actor, run_id, form.data["answers"])
        except Invalid as error:
            form.refuse("answers", in_the_file(error))
        except Conflict as error:
            form.refuse("answers", error.message)
        else:
            flash(f"{plural(settled, 'payment is', 'payments are')} settled.", "done")
            return redirect(url_for("payments.run", run_id=run_id))
    found = one(session, steps.runs_for(actor), run_id, "payment run")
    lines = payments.line_rows(session, found)
    page = render_template(
        "payments/run.html",
        run=found,
        lines=lines,
        waiting=any(line.status is LineStatus.SENT for line in lines),
        words=payments.LINE_WORDS,
        form=form,
    )
    return (page, 422) if form.errors else page


@pages.get("/<run_id>/bank.csv")
@for_role(Role.COMMISSIONER, Role.HOLDER)
def bank_file(run_id: str) -> Response:
    """The run as a file for the bank."""
    text = steps.bank_file(db_session(), current_actor(), run_id)
    return Response(
        text, mimetype="text/csv", headers={"Content-Disposition": f'attachment; filename="payments-{run_id}.csv"'}
    )


def _uploaded() -> str:
    """The text of the file that was sent; what is no text is left for the schema to refuse."""
    file = request.files.get("answers")
    return file.read().decode("utf-8", errors="replace") if file is not None else ""
