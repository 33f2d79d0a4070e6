"""Auditors of a tender's round: who was named, each time the round was handed out, a form to name one more."""

from typing import Any

from flask import Blueprint, Response, url_for
from sqlalchemy.orm import Session

from marketplace.journey import auditors
from marketplace.journey.proofs import published_round_id
from marketplace.journey.scopes import auditors_for, one, overseen_tenders_for
from marketplace.queries.auditors import auditors_of
from marketplace.rules.errors import WrongState
from marketplace.rules.permissions import Role
from marketplace.schemas.auditors import AuditorSchema, StrikeOffSchema

from .access import current_actor, for_role
from .asking import Answer, ask
from .clock import request_now
from .database import db_session, writing
from .files import attached
from .forms import WebForm, sent

pages = Blueprint("auditing", __name__, url_prefix="/commissioner")


@pages.route("/tenders/<tender_id>/auditors", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def tender_auditors(tender_id: str) -> Answer:
    """Who may check a tender's round in full, and a form to name somebody."""
    session, actor = db_session(), current_actor()
    tender = one(session, overseen_tenders_for(actor), tender_id, "tender")

    def step(session: Session, data: dict[str, Any]) -> None:
        auditors.name_auditor(session, request_now(), actor, tender_id, **data)

    return ask(
        "commissioner/auditors.html",
        WebForm(AuditorSchema(), sent()),
        step,
        back=url_for("auditing.tender_auditors", tender_id=tender_id),
        done="The auditor is named. You can hand the matching out to them now.",
        tender=tender,
        auditors=auditors_of(session, actor, tender_id),
        has_result=published_round_id(session, tender) is not None,
    )


@pages.route("/auditors/<auditor_id>/strike-off", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def strike_off(auditor_id: str) -> Answer:
    """Take back an auditor's naming: what that means, and why."""
    auditor = one(db_session(), auditors_for(current_actor()), auditor_id, "auditor")
    if auditor.struck_at is not None:
        raise WrongState("auditor_struck_off", "This auditor is struck off already.")

    def step(session: Session, data: dict[str, Any]) -> None:
        auditors.strike_off(session, request_now(), current_actor(), auditor_id, data["reason"])

    return ask(
        "commissioner/auditor_strike.html",
        WebForm(StrikeOffSchema(), sent()),
        step,
        back=url_for("auditing.tender_auditors", tender_id=auditor.tender_id),
        done="The auditor is struck off. Nothing more can be handed out to them.",
        auditor=auditor,
    )


@pages.post("/auditors/<auditor_id>/bundle")
@for_role(Role.COMMISSIONER)
def hand_out(auditor_id: str) -> Response:
    """The matching as one file, for this auditor: each time is recorded, and each patient in it can read that."""
    made = auditors.make(db_session(), current_actor(), auditor_id)
    with writing(db_session()) as session:
        bundle = auditors.hand_out(session, request_now(), current_actor(), made)
    return attached(Response(bundle.content, mimetype="application/zip"), bundle.name)
