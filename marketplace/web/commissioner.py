"""A commissioner's pages: the money in all, care plans to approve, providers to pay, the budgets one by one."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import Response as FileResponse
from werkzeug.wrappers import Response

from marketplace.journey import budgets as steps
from marketplace.journey import settlements, totals
from marketplace.queries import funding, organisations, proceedings
from marketplace.queries.funding import BudgetRow
from marketplace.queries.support import without_supporter
from marketplace.queries.words import words
from marketplace.records.budgets import Budget, PlanStatus
from marketplace.records.people import Patient
from marketplace.rules.permissions import Role

from .access import current_actor, for_role, seen
from .budget_columns import FILE_COLUMNS, money_columns
from .clock import request_now
from .confirming import Answer, confirm_payment
from .database import db_session, writing
from .listing import Column, Listing, asked

AT_ONCE = 20
"""How many care plans that wait are on the home page: the oldest; the others are in the list of budgets."""

PLANS = [("", "All care plans"), *((status.value, words(status.value)) for status in PlanStatus)]
COLUMNS: list[Column[BudgetRow]] = [
    Column("person", "Person", lambda row: row.budget.patient.name, Patient.name),
    Column("until", "Until", lambda row: row.budget.valid_to, Budget.valid_to, "day"),
    Column("plan", "Care plan", lambda row: words(row.budget.plan_status.value)),
    *FILE_COLUMNS,
]

pages = Blueprint("commissioner", __name__, url_prefix="/commissioner")


@pages.get("/")
@for_role(Role.COMMISSIONER)
def home() -> str:
    """What waits for a decision, the budgets in all, and who is suspended."""
    session, actor = db_session(), current_actor()
    plans = funding.plans_to_approve(session, request_now(), actor, AT_ONCE)
    seen([budget.patient_id for budget in plans], "care plans to approve")
    objections, decide_by = proceedings.undecided(session, actor)
    return render_template(
        "commissioner/home.html",
        totals=totals.totals(session, actor),
        plans=plans,
        waiting=funding.plans_waiting(session, request_now(), actor),
        suspended=organisations.suspended(session, actor),
        payments=settlements.payments_due(session, actor),
        objections=objections,
        decide_by=decide_by,
        without_supporter=without_supporter(session, request_now(), actor),
    )


@pages.get("/budgets")
@for_role(Role.COMMISSIONER)
def budgets() -> str | FileResponse:
    """Every budget with its figures."""
    session, actor, search, plan = db_session(), current_actor(), asked("search"), asked("plan")
    listing = Listing("budgets", COLUMNS, "person")
    page = listing.page_from(
        funding.budget_count(session, actor, search, plan),
        lambda first, size: funding.budget_rows(
            session,
            actor,
            first,
            size,
            search=search,
            plan=plan,
            order=listing.order_then(Budget.id),
            by_name=listing.sort.endswith("person"),
        ),
    )
    seen([row.budget.patient_id for row in page.rows], "list of budgets")
    if listing.export:
        return listing.file(page.rows)
    return render_template(
        "commissioner/budgets.html",
        page=page,
        money=money_columns(page.rows),
        listing=listing,
        search=search,
        plan=plan,
        plans=PLANS,
    )


@pages.post("/budgets/<budget_id>/approve")
@for_role(Role.COMMISSIONER)
def approve(budget_id: str) -> Response:
    """Approve a care plan."""
    session = db_session()
    with writing(session):
        steps.approve_plan(session, request_now(), current_actor(), budget_id)
    flash("The care plan is approved. The patient is told.", "done")
    if request.form.get("next") == "budget":
        return redirect(url_for("funding.budget", budget_id=budget_id))
    return redirect(url_for("commissioner.home"))


@pages.route("/providers/<provider_id>/pay", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def pay(provider_id: str) -> Answer:
    """Ask once more, then note that a provider was paid for all confirmed deliveries."""
    return confirm_payment(provider_id, back=url_for("commissioner.home"))
