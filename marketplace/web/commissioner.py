"""A commissioner's pages: the money in all, care plans to approve, providers to pay, the budgets one by one."""

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from marketplace.journey import budgets as steps
from marketplace.journey import settlements
from marketplace.rules.money import format_pounds
from marketplace.rules.permissions import Role

from .access import current_actor, for_role, seen
from .clock import request_now
from .database import db_session, writing
from .listing import page_from
from .queries import funding, proceedings

pages = Blueprint("commissioner", __name__, url_prefix="/commissioner")


@pages.get("/")
@for_role(Role.COMMISSIONER)
def home() -> str:
    """The budgets in all, and what waits."""
    session, actor = db_session(), current_actor()
    plans = funding.plans_to_approve(session, actor)
    seen([budget.patient_id for budget in plans], "care plans to approve")
    return render_template(
        "commissioner/home.html",
        figures=funding.totals(session, actor),
        plans=plans,
        payments=settlements.payments_due(session, actor),
        objections=proceedings.undecided(session, actor),
    )


@pages.get("/budgets")
@for_role(Role.COMMISSIONER)
def budgets() -> str:
    """Every budget with its figures."""
    session, actor = db_session(), current_actor()
    page = page_from(
        funding.budget_count(session, actor), lambda first, size: funding.budget_rows(session, actor, first, size)
    )
    seen([row.budget.patient_id for row in page.rows], "list of budgets")
    return render_template("commissioner/budgets.html", page=page)


@pages.post("/budgets/<budget_id>/approve")
@for_role(Role.COMMISSIONER)
def approve(budget_id: str) -> Response:
    """Approve a care plan."""
    session = db_session()
    with writing(session):
        steps.approve_plan(session, request_now(), current_actor(), budget_id)
    flash("The care plan is approved.", "done")
    return redirect(url_for("commissioner.home"))


@pages.post("/providers/<provider_id>/pay")
@for_role(Role.COMMISSIONER)
def pay(provider_id: str) -> Response:
    """Pay a provider for all confirmed deliveries."""
    session = db_session()
    with writing(session):
        paid_pence = settlements.pay_provider(session, request_now(), current_actor(), provider_id)
    flash(f"{format_pounds(paid_pence)} is paid.", "done")
    return redirect(url_for("commissioner.home"))
