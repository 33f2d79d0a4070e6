"""Whoever pays, by its finance system: what is due, a run with its bank file, the bank's answer posted back."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from marketplace.adapters.bank_files import Answer
from marketplace.api.access import current_actor, for_role
from marketplace.api.blueprint import Resources
from marketplace.api.bodies import BankAnswersSchema
from marketplace.api.database import db_session
from marketplace.api.lists import PageQuery, page
from marketplace.api.repeating import take
from marketplace.api.shapes.money import FullRunShape, RunListShape, SettledShape
from marketplace.front.clock import request_now
from marketplace.journey import payments as steps
from marketplace.journey.scopes import one
from marketplace.journey.settlements import payments_due
from marketplace.queries import payments
from marketplace.rules.permissions import Role

PAYERS = (Role.COMMISSIONER, Role.HOLDER)

pages = Resources("payments", "/payments", "For whoever pays: a commissioner, or an organisation that holds budgets.")


@pages.asks("GET", "/runs")
@for_role(*PAYERS)
@pages.reads(PageQuery, "query")
@pages.answers(200, RunListShape)
def runs(asked: dict[str, Any]) -> dict[str, Any]:
    """What is due, your payment runs, the latest first, and whether every penny is accounted for."""
    session, actor = db_session(), current_actor()
    rows = page(
        asked, payments.run_count(session, actor), lambda first, size: payments.run_rows(session, actor, first, size)
    )
    came = steps.reconcile(session, actor)
    return {**rows, "due": payments_due(session, actor), "reconciled": came, "agrees": came.agrees}


@pages.asks("POST", "/runs")
@for_role(*PAYERS)
@pages.answers(201, FullRunShape)
def prepare_run() -> Response:
    """Gather what is due into a new run. What is in a run is with the bank, and cannot be paid a second time."""
    return take(lambda session: steps.prepare_run(session, request_now(), current_actor()), FullRunShape(), 201)


@pages.asks("GET", "/runs/<id:run_id>")
@for_role(*PAYERS)
@pages.answers(200, FullRunShape)
def run(run_id: str) -> object:
    """One payment run with its payments."""
    return one(db_session(), steps.runs_for(current_actor()), run_id, "payment run")


@pages.asks("GET", "/runs/<id:run_id>/bank.csv")
@for_role(*PAYERS)
@pages.answers(200, {"type": "string"}, content_type="text/csv", description="The file, as text")
def bank_file(run_id: str) -> Response:
    """The run as a file for the bank."""
    return Response(steps.bank_file(db_session(), current_actor(), run_id), mimetype="text/csv")


@pages.asks("POST", "/runs/<id:run_id>/answers")
@for_role(*PAYERS)
@pages.reads(BankAnswersSchema)
@pages.answers(200, SettledShape)
def post_back(body: dict[str, list[Answer]], run_id: str) -> Response:
    """Post the bank's answer back. What is paid is settled, what is returned is due again."""

    def step(session: Session) -> object:
        return {"settled": steps.post_back(session, request_now(), current_actor(), run_id, body["answers"])}

    return take(step, SettledShape())
