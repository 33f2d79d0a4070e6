"""A patient with a direct payment holds the money, and pays the providers: what is due, and the buttons."""

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from marketplace.journey import settlements
from marketplace.rules.money import format_pounds
from marketplace.rules.permissions import Role, Scope, covers
from marketplace.schemas.payments import PaidAllSchema

from .access import current_actor, for_role, seen
from .clock import request_now
from .database import db_session, writing
from .forms import WebForm, sent

pages = Blueprint("paying", __name__, url_prefix="/patient/payments")


@pages.get("/")
@for_role(Role.PATIENT)
def payments() -> str:
    """What is due to whom for care that was confirmed."""
    session, actor = db_session(), current_actor()
    seen([actor.party_id], "payments")
    due = settlements.payments_due(session, actor)
    return render_template("patient/payments.html", payments=due, can_pay=covers(actor, Scope.PAYMENTS))


@pages.post("/")
@for_role(Role.PATIENT)
def pay_all() -> Response:
    """Note that every provider was paid what the page had said."""
    form = WebForm(PaidAllSchema(), sent())
    expected_pence = form.data["due_pence"] if form.validate() else 0
    with writing(db_session()) as session:
        paid_pence = settlements.pay_all(session, request_now(), current_actor(), expected_pence)
    flash(f"{format_pounds(paid_pence)} is noted as paid.", "done")
    return redirect(url_for("paying.payments"))


@pages.post("/<provider_id>")
@for_role(Role.PATIENT)
def pay(provider_id: str) -> Response:
    """Note that a provider was paid."""
    with writing(db_session()) as session:
        paid_pence = settlements.pay_provider(session, request_now(), current_actor(), provider_id)
    flash(f"{format_pounds(paid_pence)} is noted as paid.", "done")
    return redirect(url_for("paying.payments"))
