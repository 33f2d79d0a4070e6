"""The pages of an organisation that holds budgets: what it has to sign, what it has to pay, whose money it keeps."""

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from marketplace.journey import contracts, settlements, statements
from marketplace.journey.hand_overs import standing_of
from marketplace.rules.money import format_pounds
from marketplace.rules.permissions import Role

from .access import current_actor, for_role, seen
from .clock import request_now
from .database import db_session, writing
from .queries import holding

pages = Blueprint("holder", __name__, url_prefix="/holder")


@pages.get("/")
@for_role(Role.HOLDER)
def home() -> str:
    """Contracts to sign and in force, payments due, and the budgets it keeps with where their money stands."""
    session, actor = db_session(), current_actor()
    budgets = holding.budgets_held(session, actor)
    seen([budget.patient_id for budget in budgets], "budgets held")
    return render_template(
        "holder/home.html",
        contracts=holding.to_sign(session, actor, request_now()),
        running=holding.in_force(session, actor),
        payments=settlements.payments_due(session, actor),
        budgets=budgets,
        figures=statements.figures_of(session, [budget.id for budget in budgets]),
        standing=standing_of(session, actor.party_id),
    )


@pages.post("/contracts/<contract_id>/sign")
@for_role(Role.HOLDER)
def sign(contract_id: str) -> Response:
    """Sign a contract as its party."""
    session = db_session()
    with writing(session):
        contracts.sign_contract(session, request_now(), current_actor(), contract_id)
    flash("You have signed the contract.", "done")
    return redirect(url_for("holder.home"))


@pages.post("/providers/<provider_id>/pay")
@for_role(Role.HOLDER)
def pay(provider_id: str) -> Response:
    """Note that a provider was paid for all confirmed deliveries to the people whose budgets it keeps."""
    session = db_session()
    with writing(session):
        paid_pence = settlements.pay_provider(session, request_now(), current_actor(), provider_id)
    flash(f"{format_pounds(paid_pence)} is paid.", "done")
    return redirect(url_for("holder.home"))
