"""A provider's claims: what patients have confirmed, what is in a payment run, what is paid; and the same as a file."""

from flask import Response, render_template

from marketplace.adapters.spreadsheets import pounds_cell
from marketplace.queries import payments
from marketplace.queries.payments import ClaimRow
from marketplace.records.contracts import Delivery
from marketplace.rules.permissions import Role
from marketplace.web.access import current_actor, for_role
from marketplace.web.database import db_session
from marketplace.web.listing import Column, Listing, asked

from .blueprint import pages

COLUMNS: list[Column[ClaimRow]] = [
    Column("day", "Day", lambda row: row.delivered_on, Delivery.delivered_on, "day"),
    Column("service", "Service", lambda row: row.service),
    Column("units", "Units", lambda row: row.units, Delivery.units, "number"),
    Column("amount", "Amount", lambda row: pounds_cell(row.amount_pence), Delivery.due_pence, "number"),
    Column("payer", "Payer", lambda row: row.payer),
    Column("state", "State", lambda row: row.state),
    Column("reference", "Reference", lambda row: row.reference),
]
STATES = [("", "All states"), *((state, state) for state in payments.CLAIM_COLOURS)]


@pages.get("/claims")
@for_role(Role.PROVIDER)
def claims() -> str | Response:
    """Every confirmed delivery, and how far its payment is. No patient is named, on the page or in the file."""
    session, actor, state = db_session(), current_actor(), asked("state")
    listing = Listing("claims", COLUMNS, "-day")
    page = listing.page_from(
        payments.claim_count(session, actor, state),
        lambda first, size: payments.claim_rows(session, actor, first, size, state=state, order=listing.order),
    )
    if listing.export:
        return listing.file(page.rows)
    sums = payments.claim_sums(session, actor)
    return render_template(
        "provider/claims.html",
        page=page,
        listing=listing,
        sums=sums,
        colours=payments.CLAIM_COLOURS,
        state=state,
        states=STATES,
    )
