"""Money of shared groups on its way between keepers: a commissioner's list of who owes whom, and what was paid."""

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, render_template, url_for
from flask import Response as FileResponse
from sqlalchemy.orm import Session

from marketplace.adapters.spreadsheets import pounds_cell
from marketplace.journey import hand_overs
from marketplace.journey.hand_overs import Standing
from marketplace.queries.words import typed_pounds
from marketplace.records.base import new_id
from marketplace.rules.errors import Conflict, DomainError, NotFound
from marketplace.rules.money import format_pounds
from marketplace.rules.permissions import Role
from marketplace.schemas.payments import HandOverSchema

from .access import current_actor, for_role, seen
from .asking import Answer
from .clock import request_now
from .database import db_session, writing
from .forms import WebForm, sent
from .listing import Column, Listing

KEEPERS: Mapping[Role, str] = {Role.HOLDER: "Organisation", Role.PATIENT: "Patient"}
COLUMNS: list[Column[Standing]] = [
    Column("name", "Who holds the money", lambda row: row.name, lambda row: row.name.lower()),
    Column("kind", "What it is", lambda row: KEEPERS[row.role]),
    Column("shared", "Gave to groups, less what it got", lambda row: pounds_cell(row.shared_pence)),
    Column("handed", "Handed over, less what it was handed", lambda row: pounds_cell(row.handed_pence)),
    Column("due", "Owed to you", lambda row: pounds_cell(row.due_pence), lambda row: row.due_pence, "number"),
]

pages = Blueprint("handing_over", __name__, url_prefix="/commissioner/hand-overs")


@pages.get("/")
@for_role(Role.COMMISSIONER)
def standings() -> str | FileResponse:
    """Every keeper whom shared groups concern: who owes most first."""
    listing = Listing("hand-overs", COLUMNS, "-due")
    page = listing.page_of(hand_overs.standings(db_session(), current_actor()))
    seen([row.keeper_id for row in page.rows if row.role is Role.PATIENT], "money of shared groups")
    if listing.export:
        return listing.file(page.rows)
    return render_template("commissioner/hand_overs.html", page=page, listing=listing, kinds=KEEPERS)


@pages.route("/<keeper_id>", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def hand_over(keeper_id: str) -> Answer:
    """Note that what is owed was paid, all of it or a part; a form sent twice counts once."""
    standing = _standing(db_session(), keeper_id)
    initial = {"request_id": new_id(), "amount_pence": typed_pounds(abs(standing.due_pence))}
    form = WebForm(HandOverSchema(), sent(), initial=initial)
    if sent() is None:
        return render_template("commissioner/hand_over.html", form=form, standing=standing)
    if form.validate():
        amount_pence = form.data["amount_pence"]
        try:
            with writing(db_session()) as session:
                hand_overs.hand_over(session, request_now(), current_actor(), keeper_id, **form.data)
        except DomainError as error:
            if isinstance(error, NotFound | Conflict) and error.code != "owed_changed":
                raise
            form.refuse_for(error)
            standing = _standing(db_session(), keeper_id)  # what is owed may be what was refused
        else:
            flash(f"It is recorded that {format_pounds(amount_pence)} was paid. {standing.name} is told.", "done")
            return redirect(url_for("handing_over.standings"))
    return render_template("commissioner/hand_over.html", form=form, standing=standing), 422


def _standing(session: Session, keeper_id: str) -> Standing:
    found = next((row for row in hand_overs.standings(session, current_actor()) if row.keeper_id == keeper_id), None)
    if found is None:
        raise NotFound("not_found", "We cannot find whoever holds these budgets.")
    if found.role is Role.PATIENT:
        seen([keeper_id], "money of shared groups")
    return found
