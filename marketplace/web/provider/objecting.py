"""A provider's word beside its offer: a question, an error it admits, an objection to an award; and the feedback."""

from typing import Any

from flask import render_template, url_for
from sqlalchemy.orm import Session

from marketplace.journey import amendments, cancellations, reviews
from marketplace.journey.scopes import offers_for, one, tenders_for
from marketplace.queries import feedback, offers
from marketplace.records.offers import OfferStatus
from marketplace.rules.errors import NotFound, WrongState
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Role
from marketplace.schemas.proceedings import AdmitErrorSchema, GroundsSchema, QuestionSchema
from marketplace.web.access import current_actor, for_role
from marketplace.web.asking import Answer, ask
from marketplace.web.clock import request_now
from marketplace.web.database import db_session
from marketplace.web.forms import WebForm, sent

from .blueprint import pages


@pages.route("/tenders/<tender_id>/question", methods=["GET", "POST"])
@for_role(Role.PROVIDER)
def question(tender_id: str) -> Answer:
    """Ask the broker something; everybody reads it, and nobody reads who asked."""
    tender = one(db_session(), tenders_for(None), tender_id, "tender")
    if tender.status is not TenderStatus.OPEN or tender.offers_due_at is None or tender.offers_due_at <= request_now():
        raise WrongState("tender_not_open", "Questions can be asked while the tender is open for offers.")

    def step(session: Session, data: dict[str, Any]) -> None:
        amendments.ask(session, request_now(), current_actor(), tender_id, data["text"])

    return ask(
        "provider/question.html",
        WebForm(QuestionSchema(), sent()),
        step,
        back=url_for("provider.tender", tender_id=tender_id),
        done="Your question is published, without your name. You will be told when it is answered.",
        tender=tender,
    )


@pages.route("/offers/<offer_id>/error", methods=["GET", "POST"])
@for_role(Role.PROVIDER)
def admit_error(offer_id: str) -> Answer:
    """Own up to a mistake in an opened offer, before the match is run: it is left out."""
    offer = one(db_session(), offers_for(current_actor()), offer_id, "offer")
    if offer.tender.status is not TenderStatus.CLOSED or offer.status is not OfferStatus.STANDING:
        raise WrongState("correction_over", "An error can be admitted between the opening and the matching.")

    def step(session: Session, data: dict[str, Any]) -> None:
        cancellations.admit_error(session, request_now(), current_actor(), offer_id, data["reason"])

    return ask(
        "provider/admit_error.html",
        WebForm(AdmitErrorSchema(), sent()),
        step,
        back=url_for("provider.offer", offer_id=offer_id),
        done="Your offer is left out of the match. The broker is told why.",
        offer=offer,
    )


@pages.route("/tenders/<tender_id>/represent", methods=["GET", "POST"])
@for_role(Role.PROVIDER)
def represent(tender_id: str) -> Answer:
    """Object to an award during its pause."""
    session, actor = db_session(), current_actor()
    tender = one(session, tenders_for(None), tender_id, "tender")
    mine = [offer for offer in offers.own_offers(session, actor, tender_id) if offer.opened_at is not None]
    if not mine:
        raise NotFound("not_found", "We cannot find that tender among those you made an offer on.")
    if not feedback.can_represent(tender, request_now()):
        raise WrongState("standstill_over", "You can object until the pause before the final result ends.")
    back = url_for("provider.offer", offer_id=mine[0].id)

    def step(session: Session, data: dict[str, Any]) -> None:
        reviews.represent(session, request_now(), actor, tender_id, data["grounds"])

    return ask(
        "provider/represent.html",
        WebForm(GroundsSchema(), sent()),
        step,
        back=back,
        done="Your objection is with the commissioner. The award waits until it is decided.",
        tender=tender,
    )


@pages.get("/offers/<offer_id>/feedback")
@for_role(Role.PROVIDER)
def read_feedback(offer_id: str) -> str:
    """How the offer did, and what would have made a difference: a worker writes it once the award is confirmed."""
    page = feedback.feedback_page(db_session(), current_actor(), offer_id)
    return render_template("provider/feedback.html", page=page, now=request_now())
