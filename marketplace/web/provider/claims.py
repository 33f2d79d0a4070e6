"""A provider's claims: what patients have confirmed, what is with a bank, what is paid; and the same as a file."""

import csv
import io

from flask import Response, render_template

from marketplace.adapters.spreadsheets import plain_cell
from marketplace.rules.permissions import Role
from marketplace.web.access import current_actor, for_role
from marketplace.web.database import db_session
from marketplace.web.filters import typed_pounds
from marketplace.web.listing import page_from
from marketplace.web.queries import payments

from .blueprint import pages

COLUMNS = ("Day", "Service", "Units", "Amount", "Payer", "State", "Reference")


@pages.get("/claims")
@for_role(Role.PROVIDER)
def claims() -> str:
    """Every confirmed delivery, and how far its payment is."""
    session, actor = db_session(), current_actor()
    page = page_from(
        payments.claim_count(session, actor), lambda first, size: payments.claim_rows(session, actor, first, size)
    )
    sums = payments.claim_sums(session, actor)
    return render_template("provider/claims.html", page=page, sums=sums, colours=payments.CLAIM_COLOURS)


@pages.get("/claims.csv")
@for_role(Role.PROVIDER)
def claims_file() -> Response:
    """The claims for a spreadsheet: no patient is named in it."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    for row in payments.claim_rows(db_session(), current_actor()):
        cells = (row.delivered_on.isoformat(), row.service, str(row.units), typed_pounds(row.amount_pence), row.payer)
        rows.writerow([plain_cell(cell) for cell in (*cells, row.state, row.reference or "")])
    headers = {"Content-Disposition": 'attachment; filename="claims.csv"'}
    return Response(out.getvalue(), mimetype="text/csv", headers=headers)
