"""A commissioner gives budgets: the people it looks after, a budget for one of them or somebody new, a file of them.

A file is told line by line what is wrong with it. Once nothing is, its budgets wait sealed in the page (`waiting`)
until the commissioner says yes; then all of them are opened, or none.
"""

from dataclasses import asdict
from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import Response as FileResponse
from werkzeug.wrappers import Response

from marketplace.adapters.spreadsheets import read_lines
from marketplace.journey import allocations as steps
from marketplace.journey import waiting
from marketplace.journey.allocations import Draft, NewPerson
from marketplace.journey.budgets import BudgetDetails, LineDetails
from marketplace.journey.scopes import one, patients_for
from marketplace.queries import allocating as found
from marketplace.queries.allocating import PersonRow
from marketplace.records.base import new_id
from marketplace.records.budgets import BudgetKind, ManagedAs
from marketplace.records.people import Patient
from marketplace.rules.errors import Conflict, DomainError, Invalid
from marketplace.rules.permissions import Role
from marketplace.schemas.allocations import AllocationSchema, BudgetSchema, FileLineSchema

from .access import current_actor, for_role, seen
from .clock import request_now
from .database import db_session, writing
from .files import download, uploaded
from .forms import WebForm, sent
from .listing import Column, Listing, asked
from .row_files import headings, read_rows

Answer = str | Response | tuple[str, int]
PURPOSE = "budgets"
COLUMNS: list[Column[PersonRow]] = [
    Column("name", "Name", lambda row: row.patient.name, Patient.name),
    Column("district", "District", lambda row: row.patient.district),
    Column("broker", "Broker", lambda row: row.broker or ""),
    Column("registered", "Registered", lambda row: row.patient.registered_on, Patient.registered_on, "day"),
    Column("budgets", "Budgets", lambda row: row.budgets),
    Column("support", "Extra support", lambda row: "Yes" if row.supported else ""),
]
WHO = [
    ("", "Everybody"),
    ("none", "Without a budget"),
    ("supported", "With extra support"),
    ("no-supporter", "Without a supporter yet"),
]

pages = Blueprint("allocating", __name__, url_prefix="/commissioner")


@pages.get("/people")
@for_role(Role.COMMISSIONER)
def people() -> str | FileResponse:
    """The people whom this commissioner looks after."""
    session, actor, now = db_session(), current_actor(), request_now()
    search, who = asked("search"), asked("who")
    listing = Listing("people", COLUMNS, "name")
    page = listing.page_from(
        found.people_count(session, now, actor, search, who),
        lambda first, size: found.people(session, now, actor, first, size, search=search, who=who, order=listing.order),
    )
    seen([row.patient.id for row in page.rows], "list of people")
    if listing.export:
        return listing.file(page.rows)
    return render_template("commissioner/people.html", page=page, listing=listing, search=search, who=who, whos=WHO)


@pages.route("/budgets/new", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def allocate_new() -> Answer:
    """Register somebody, open their budget, draft their care plan."""
    return _allocate_page(None)


@pages.route("/people/<patient_id>/budgets/new", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def allocate(patient_id: str) -> Answer:
    """A budget for somebody who is registered."""
    patient = one(db_session(), patients_for(current_actor()), patient_id, "patient")
    seen([patient_id], "budget")
    return _allocate_page(patient)


@pages.get("/budgets/template.<kind>")
@for_role(Role.COMMISSIONER)
def template(kind: str) -> FileResponse:
    """An empty file of budgets."""
    return download(kind, "new budgets", [headings(FileLineSchema())])


@pages.route("/budgets/import", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def import_budgets() -> Answer:
    """Send a file; read what is wrong with it, or what would be opened. Nothing is saved yet."""
    session, actor, now = db_session(), current_actor(), request_now()
    shown: dict[str, Any] = {"faults": (), "refused": None, "drafts": None}
    if sent() is None:
        return render_template("commissioner/budget_import.html", **shown)
    try:
        content = uploaded()
        if content is None:
            raise Invalid("file_missing", "Choose the file with the budgets.", place="file")
        rows = read_rows(FileLineSchema, read_lines(content))
    except Invalid as error:
        return render_template("commissioner/budget_import.html", **{**shown, "refused": error.message}), 422
    with writing(session):
        drafts, faults = steps.drafts_of(session, now, actor, rows.documents)
    for position, fault in faults:
        rows.refuse(rows.lines[position], str(fault.facts.get("place", "")), _what_to_do(fault))
    if rows.faults:
        refused = "Nothing is saved yet. Mend the file and send it again."
        shown |= {"faults": rows.sorted_faults, "refused": refused}
        return render_template("commissioner/budget_import.html", **shown), 422
    told = found.told_drafts(session, actor, drafts)
    seen([draft.patient_id for draft in drafts if draft.patient_id], "budget")
    token = waiting.hand_out(session, now, actor, PURPOSE, [_plain(draft) for draft in drafts])
    return render_template("commissioner/budget_import.html", **{**shown, "drafts": told}, token_of_rows=token)


@pages.post("/budgets/import/confirm")
@for_role(Role.COMMISSIONER)
def confirm_import() -> Response:
    """Open all budgets of the checked file."""
    session, actor = db_session(), current_actor()
    rows = waiting.take_back(session, request_now(), actor, PURPOSE, request.form.get("rows", ""))
    with writing(session):
        opened = steps.allocate_all(session, request_now(), actor, [_draft(row) for row in rows])
    are = "budget is open" if len(opened) == 1 else "budgets are open"
    plans = "care plan" if len(opened) == 1 else "care plans"
    flash(f"{len(opened)} {are}. Read and approve the {plans} next.", "done")
    return redirect(url_for("commissioner.budgets", plan="drafted"))


def _allocate_page(patient: Patient | None) -> Answer:
    session, actor = db_session(), current_actor()
    form = WebForm(
        AllocationSchema() if patient is None else BudgetSchema(),
        sent(),
        initial={"request_id": new_id()},
        choices={"service_id": found.services(session), "holder_id": found.holders(session, actor)},
    )
    more = request.form.get("action") == "more"
    shown = {"form": form, "patient": patient, "excluded": found.exclusions(session), "more": more}
    if sent() is None or more:
        return render_template("commissioner/allocate.html", **shown)
    if form.validate():
        draft: Draft = form.data if patient is None else Draft(form.data.details, patient_id=patient.id)
        try:
            with writing(session):
                budget_id = steps.allocate(session, request_now(), actor, draft).id
        except DomainError as error:
            if error.code == "budget_open":
                return redirect(url_for("funding.budget", budget_id=error.facts["budget"]))
            form.refuse_for(_placed(error))
        else:
            flash("The budget is open and its care plan is drafted. Read it, then approve it.", "done")
            return redirect(url_for("funding.budget", budget_id=budget_id))
    return render_template("commissioner/allocate.html", **shown), 422


def _what_to_do(fault: DomainError) -> str:
    """A fault of a line says what to do about it; what no budget may pay for cannot be mended."""
    return f"{fault.message} Take this line out." if fault.code == "service_excluded" else fault.message


def _placed(error: DomainError) -> DomainError:
    """A refusal that is about who somebody is belongs to the number they are known by."""
    if error.code == "patient_exists":
        message = "This person is registered already. Find them in the list of people and open their budget there."
        return Conflict(error.code, message, place="nhs_number")
    return error


def _plain(draft: Draft) -> dict[str, Any]:
    """A draft as plain values, to wait in the page."""
    document = asdict(draft)
    details = document["details"]
    for name in ("valid_from", "valid_to"):
        details[name] = details[name].isoformat()
    return document


def _draft(row: dict[str, Any]) -> Draft:
    details = row["details"]
    lines = tuple(LineDetails(**{**line, "requires": tuple(line["requires"])}) for line in details["lines"])
    return Draft(
        BudgetDetails(
            **{
                **details,
                "kind": BudgetKind(details["kind"]),
                "managed_as": ManagedAs(details["managed_as"]),
                "valid_from": date.fromisoformat(details["valid_from"]),
                "valid_to": date.fromisoformat(details["valid_to"]),
                "lines": lines,
            }
        ),
        person=NewPerson(**{**row["person"], "conditions": tuple(row["person"]["conditions"])})
        if row["person"]
        else None,
        patient_id=row["patient_id"],
    )
