"""The broker's clients: the list; taking on somebody who asked for it, or a file of them.

A file is told line by line what is wrong with it. Once nothing is, its rows wait sealed in the page (`waiting`) until
the broker says yes; then all of these people are taken on, or nobody.
"""

from dataclasses import asdict
from datetime import date
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from marketplace.adapters.spreadsheets import read_lines
from marketplace.journey import clients as steps
from marketplace.journey import waiting
from marketplace.journey.clients import ClientDetails
from marketplace.journey.scopes import one, patients_for
from marketplace.queries import clients as found
from marketplace.queries.clients import Client
from marketplace.queries.support import support_of
from marketplace.records.people import Patient
from marketplace.rules.errors import Conflict, Invalid
from marketplace.rules.permissions import Role
from marketplace.schemas.clients import ClientSchema
from marketplace.web.access import current_actor, for_role, seen
from marketplace.web.asking import ask
from marketplace.web.clock import request_now
from marketplace.web.database import db_session, writing
from marketplace.web.files import download, uploaded
from marketplace.web.forms import WebForm, sent
from marketplace.web.listing import Column, Listing, asked
from marketplace.web.row_files import headings, read_rows
from marketplace.web.supporting import supporter_page

from .blueprint import pages

Answer = str | AnyResponse | tuple[str, int]
PURPOSE = "clients"
COLUMNS: list[Column[Client]] = [
    Column("name", "Name", lambda row: row.patient.name, Patient.name),
    Column("district", "District", lambda row: row.patient.district, Patient.district),
    Column("lines", "Parts of the care plan", lambda row: row.lines),
    Column("pooled", "Parts in a group now", lambda row: row.pooled),
    Column("support", "Extra support", lambda row: "Yes" if row.supported else ""),
]
IN_A_GROUP = [
    ("", "All clients"),
    ("yes", "In a group now"),
    ("no", "In no group"),
    ("supported", "With extra support"),
    ("no-supporter", "Without a supporter yet"),
]


@pages.get("/clients")
@for_role(Role.BROKER)
def clients() -> str | Response:
    """The broker's clients."""
    search, group = asked("search"), asked("group")
    session, actor, now = db_session(), current_actor(), request_now()
    listing = Listing("clients", COLUMNS, "name")
    page = listing.page_from(
        found.client_count(session, actor, search, group, now),
        lambda first, size: found.clients(
            session, actor, search, first, size, now=now, group=group, order=listing.order
        ),
    )
    seen([client.patient.id for client in page.rows], "list of clients")
    if listing.export:
        return listing.file(page.rows)
    return render_template(
        "broker/clients.html", page=page, listing=listing, search=search, group=group, groups=IN_A_GROUP
    )


@pages.route("/clients/add", methods=["GET", "POST"])
@for_role(Role.BROKER)
def add_client() -> Answer:
    """Take on one person who asked for it."""

    def step(session: Session, client: ClientDetails) -> None:
        try:
            steps.take_on(session, request_now(), current_actor(), client)
        except Conflict as error:
            raise Invalid(error.code, error.message, place=str(error.facts["place"])) from None

    return ask(
        "broker/client_add.html",
        WebForm(ClientSchema(), sent()),
        step,
        back=url_for("broker.clients"),
        done="The person is your client now. The commissioner has been told, and can give them a plan and a budget.",
    )


@pages.get("/clients/template.<kind>")
@for_role(Role.BROKER)
def clients_template(kind: str) -> Response:
    """An empty file of clients."""
    return download(kind, "new clients", [headings(ClientSchema())])


@pages.route("/clients/import", methods=["GET", "POST"])
@for_role(Role.BROKER)
def import_clients() -> Answer:
    """Send a file; read what is wrong with it, or who would be taken on. Nobody is registered yet."""
    session, actor = db_session(), current_actor()
    if sent() is None:
        return render_template("broker/client_import.html", faults=(), refused=None, clients=None)
    try:
        content = uploaded()
        if content is None:
            raise Invalid("file_missing", "Choose the file with the people who asked you.", place="file")
        rows = read_rows(ClientSchema, read_lines(content))
    except Invalid as error:
        return render_template("broker/client_import.html", faults=(), refused=error.message, clients=None), 422
    with writing(session):
        for position, found in steps.faults_of(session, request_now(), actor, rows.documents):
            rows.refuse_for(position, found)
    if rows.faults:
        refused = "Nobody is registered yet. Mend the file and send it again."
        page = render_template("broker/client_import.html", faults=rows.sorted_faults, refused=refused, clients=None)
        return page, 422
    token = waiting.hand_out(session, request_now(), actor, PURPOSE, [_plain(client) for client in rows.documents])
    return render_template(
        "broker/client_import.html", faults=(), refused=None, clients=rows.documents, token_of_rows=token
    )


@pages.post("/clients/import/confirm")
@for_role(Role.BROKER)
def confirm_clients() -> AnyResponse:
    """Take on everybody in the checked file."""
    session, actor = db_session(), current_actor()
    rows = waiting.take_back(session, request_now(), actor, PURPOSE, request.form.get("rows", ""))
    with writing(session):
        count = steps.take_on_all(session, request_now(), actor, [_client(row) for row in rows])
    are = "person is your client" if count == 1 else "people are your clients"
    gets = "a plan and a budget" if count == 1 else "plans and budgets"
    flash(f"{count} {are} now. The commissioner has been told, and can now give them {gets}.", "done")
    return redirect(url_for("broker.clients"))


def _plain(client: ClientDetails) -> dict[str, Any]:
    return {**asdict(client), "asked_on": client.asked_on.isoformat()}


def _client(row: dict[str, Any]) -> ClientDetails:
    return ClientDetails(**{**row, "asked_on": date.fromisoformat(row["asked_on"])})


@pages.get("/clients/<patient_id>/support")
@for_role(Role.BROKER)
def client_support(patient_id: str) -> str:
    """Whether a client gets extra support, why, and what it gives them."""
    patient = _own_client(patient_id)
    return render_template("broker/support.html", page=support_of(db_session(), request_now(), patient))


@pages.route("/clients/<patient_id>/supporter", methods=["GET", "POST"])
@for_role(Role.BROKER)
def client_supporter(patient_id: str) -> Answer:
    """Name who stands by a client with extra support."""
    return supporter_page(_own_client(patient_id), back=url_for("broker.client_support", patient_id=patient_id))


def _own_client(patient_id: str) -> Patient:
    patient = one(db_session(), patients_for(current_actor()), patient_id, "patient")
    seen([patient_id], "extra support")
    return patient
