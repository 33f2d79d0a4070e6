"""The broker's clients: the list."""

from flask import Response, render_template

from marketplace.records.people import Patient
from marketplace.rules.permissions import Role
from marketplace.web.access import current_actor, for_role, seen
from marketplace.web.database import db_session
from marketplace.web.listing import Column, Listing, asked
from marketplace.web.queries import tenders
from marketplace.web.queries.tenders import Client

from .blueprint import pages

COLUMNS: list[Column[Client]] = [
    Column("name", "Name", lambda row: row.patient.name, Patient.name),
    Column("district", "District", lambda row: row.patient.district, Patient.district),
    Column("lines", "Parts of the care plan", lambda row: row.lines),
    Column("pooled", "In a group now", lambda row: row.pooled),
]
IN_A_GROUP = [("", "All clients"), ("yes", "In a group now"), ("no", "In no group")]


@pages.get("/clients")
@for_role(Role.BROKER)
def clients() -> str | Response:
    """The broker's clients."""
    search, group = asked("search"), asked("group")
    session, actor = db_session(), current_actor()
    listing = Listing("clients", COLUMNS, "name")
    page = listing.page_from(
        tenders.client_count(session, actor, search, group),
        lambda first, size: tenders.clients(session, actor, search, first, size, group=group, order=listing.order),
    )
    seen([client.patient.id for client in page.rows], "list of clients")
    if listing.export:
        return listing.file(page.rows)
    return render_template(
        "broker/clients.html", page=page, listing=listing, search=search, group=group, groups=IN_A_GROUP
    )
