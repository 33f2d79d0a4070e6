"""Two honest ends: a contract that is ended early by a party to it, and a delivery that a provider refunds."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from marketplace.journey.contracts import end_early
from marketplace.journey.funds import refund
from marketplace.journey.scopes import contracts_for, deliveries_for, one
from marketplace.rules.errors import DomainError, NotAllowed, NotFound
from marketplace.rules.permissions import Role
from marketplace.schemas.tenders import ReasonSchema

from .access import current_actor, for_role
from .clock import request_now
from .database import db_session, writing
from .forms import WebForm, sent

Answer = str | Response | tuple[str, int]
BACK = {Role.PATIENT: "patient.contract", Role.PROVIDER: "provider.contract"}

pages = Blueprint("ending", __name__)


@pages.route("/contracts/<contract_id>/end", methods=["GET", "POST"])
@for_role(Role.PATIENT, Role.PROVIDER)
def end_contract(contract_id: str) -> Answer:
    """End a contract early, with a reason that the other party reads."""
    one(db_session(), contracts_for(current_actor()), contract_id, "contract")
    back = url_for(BACK[current_actor().role], contract_id=contract_id)

    def step(session: Session, reason: str) -> None:
        end_early(session, request_now(), current_actor(), contract_id, reason)

    return _ask("contract/end.html", back, "The contract has ended. What was not used is free again.", step)


@pages.route("/deliveries/<delivery_id>/refund", methods=["GET", "POST"])
@for_role(Role.PROVIDER)
def refund_delivery(delivery_id: str) -> Answer:
    """Give back what a wrongly recorded delivery cost."""
    delivery = one(db_session(), deliveries_for(current_actor()), delivery_id, "delivery")
    back = url_for("provider.contract", contract_id=delivery.contract_id)

    def step(session: Session, reason: str) -> None:
        refund(session, request_now(), current_actor(), delivery_id, reason)

    return _ask("contract/refund.html", back, "It is refunded: the patient's budget has the money again.", step)


def _ask(template: str, back: str, done: str, step: Callable[[Session, str], None]) -> Answer:
    """A page that asks for a reason, does the step, and goes back to the contract."""
    form = WebForm(ReasonSchema(), sent())
    if sent() is None:
        return render_template(template, form=form, back=back)
    if form.validate():
        try:
            with writing(db_session()) as session:
                step(session, form.data["reason"])
        except (NotAllowed, NotFound):
            raise
        except DomainError as error:
            form.refuse_for(error)
        else:
            flash(done, "done")
            return redirect(back)
    return render_template(template, form=form, back=back), 422
