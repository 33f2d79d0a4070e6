"""A broker's own fees: what its tenders have earned, and what its commissioner has paid."""

from flask import Response, render_template

from marketplace.adapters.spreadsheets import pounds_cell
from marketplace.journey.broker_fees import TenderFee, own_fee, tender_fees
from marketplace.rules.permissions import Role
from marketplace.web.access import current_actor, for_role
from marketplace.web.database import db_session
from marketplace.web.listing import Column, Listing

from .blueprint import pages

COLUMNS: list[Column[TenderFee]] = [
    Column("title", "Tender", lambda row: row.title, lambda row: row.title.lower()),
    Column("fee", "Fee for each contract", lambda row: pounds_cell(row.fee_pence)),
    Column("contracts", "Contracts signed", lambda row: row.contracts, lambda row: row.contracts, "number"),
    Column("earned", "Earned", lambda row: pounds_cell(row.earned_pence), lambda row: row.earned_pence, "number"),
]


@pages.get("/fees")
@for_role(Role.BROKER)
def fees() -> str | Response:
    """What was earned, tender by tender, and what is still to be paid."""
    actor, session = current_actor(), db_session()
    listing = Listing("fees", COLUMNS, "title")
    page = listing.page_of(tender_fees(session, actor))
    if listing.export:
        return listing.file(page.rows)
    return render_template("broker/fees.html", standing=own_fee(session, actor), page=page, listing=listing)
