"""Deliveries by spreadsheet: a template of the contracts in force, the report line by line, then all or none."""

from dataclasses import asdict
from datetime import date
from typing import Any

from flask import Response as FileResponse
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from marketplace.adapters.spreadsheets import Cell, read_lines
from marketplace.journey import delivery_files as steps
from marketplace.journey import waiting
from marketplace.journey.delivery_files import DeliveryDetails
from marketplace.queries import contracts
from marketplace.queries.words import plural
from marketplace.rules.errors import Invalid
from marketplace.rules.permissions import Role
from marketplace.schemas.deliveries import DeliveryRowSchema
from marketplace.web.access import current_actor, for_role, seen
from marketplace.web.clock import request_now
from marketplace.web.database import db_session, writing
from marketplace.web.files import download, uploaded
from marketplace.web.forms import sent
from marketplace.web.row_files import headings, read_rows

from .blueprint import pages

Answer = str | Response | tuple[str, int]
PURPOSE = "deliveries"
BESIDE = ("Person", "Service", "Confirmed so far", "Units in all")
"""Columns of the template that help to fill it in, and are not read back."""


@pages.get("/deliveries/template.<kind>")
@for_role(Role.PROVIDER)
def deliveries_template(kind: str) -> FileResponse:
    """One line for each contract in force, its day and units left open."""
    session, actor = db_session(), current_actor()
    rows = contracts.lines_in_force(session, actor)
    seen([row.patient_id for row in rows], "list of contracts")
    lines: list[list[Cell]] = [[*headings(DeliveryRowSchema()), *BESIDE]]
    lines += [[row.id, None, None, row.person, row.service, row.units_confirmed, row.units] for row in rows]
    return download(kind, "deliveries", lines)


@pages.route("/deliveries/import", methods=["GET", "POST"])
@for_role(Role.PROVIDER)
def import_deliveries() -> Answer:
    """Send a file; read what is wrong with it, or what would be recorded. Nothing is recorded yet."""
    session, actor = db_session(), current_actor()
    if sent() is None:
        return render_template("provider/delivery_import.html", faults=(), refused=None, rows=None)
    try:
        content = uploaded()
        if content is None:
            raise Invalid("file_missing", "Choose the file with what you delivered.", place="file")
        lines = read_lines(content)
        filled = [line for at, line in enumerate(lines) if at == 0 or any(line.cell(cell) for cell in (1, 2))]
        found = read_rows(DeliveryRowSchema, filled, beside=BESIDE)
    except Invalid as error:
        return render_template("provider/delivery_import.html", faults=(), refused=error.message, rows=None), 422
    for position, fault in steps.faults_of(session, request_now(), actor, found.documents):
        found.refuse_for(position, fault)
    if found.faults:
        refused = "Nothing is recorded yet. Mend the file and send it again."
        page = render_template("provider/delivery_import.html", faults=found.sorted_faults, refused=refused, rows=None)
        return page, 422
    token = waiting.hand_out(session, request_now(), actor, PURPOSE, [_plain(row) for row in found.documents])
    named = {row.id: row for row in contracts.own_contracts(session, actor)}
    rows = [(named[row.contract_id], row) for row in found.documents]
    seen([contract.patient_id for contract, _ in rows], "list of contracts")
    return render_template("provider/delivery_import.html", faults=(), refused=None, rows=rows, token_of_rows=token)


@pages.post("/deliveries/import/confirm")
@for_role(Role.PROVIDER)
def confirm_deliveries() -> Response:
    """Record everything in the checked file."""
    session, actor = db_session(), current_actor()
    rows = waiting.take_back(session, request_now(), actor, PURPOSE, request.form.get("rows", ""))
    with writing(session):
        count = steps.record_all(session, request_now(), actor, [_delivery(row) for row in rows])
    are = plural(count, "delivery is", "deliveries are")
    flash(f"{are} recorded. The patients are asked to confirm.", "done")
    return redirect(url_for("provider.list_contracts"))


def _plain(row: DeliveryDetails) -> dict[str, Any]:
    return {**asdict(row), "delivered_on": row.delivered_on.isoformat()}


def _delivery(row: dict[str, Any]) -> DeliveryDetails:
    return DeliveryDetails(**{**row, "delivered_on": date.fromisoformat(row["delivered_on"])})
