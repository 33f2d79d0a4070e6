"""A patient leaves the budget, or parts of the care plan, for the conventional package."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from marketplace.journey.leaving import choose_conventional
from marketplace.journey.scopes import budgets_for, one
from marketplace.journey.statements import figures_of
from marketplace.queries.leaving import what_leaves
from marketplace.rules.clock import london_date
from marketplace.rules.errors import DomainError, NotAllowed, NotFound
from marketplace.rules.permissions import Role, Scope, check_scope

from .access import current_actor, for_role, seen
from .clock import request_now
from .database import db_session, writing

Answer = str | Response | tuple[str, int]

pages = Blueprint("leaving", __name__, url_prefix="/patient/budgets/<budget_id>/leave")


@pages.route("/", methods=["GET", "POST"])
@for_role(Role.PATIENT)
def leave(budget_id: str) -> Answer:
    """What it means, which parts of the plan, and the button. What cannot be left now says why."""
    check_scope(current_actor(), Scope.LEAVING)
    problem, chosen = None, request.form.getlist("plan_line_ids")
    if request.method == "POST":
        problem = "Choose at least one part of your care plan." if not chosen else None
        if chosen:
            try:
                with writing(db_session()) as session:
                    choose_conventional(session, request_now(), current_actor(), budget_id, chosen)
            except (NotAllowed, NotFound):
                raise
            except DomainError as error:
                problem = error.message
            else:
                flash("You have chosen the usual NHS care for this. Your local care team is told.", "done")
                return redirect(url_for("patient.budget"))
    found = one(db_session(), budgets_for(current_actor()), budget_id, "budget")
    seen([found.patient_id], "budget")
    (leaving,) = what_leaves(db_session(), request_now(), [(found, figures_of(db_session(), [budget_id]))])
    page = render_template(
        "patient/leave_budget.html",
        budget=found,
        is_over=found.is_over(london_date(request_now())),
        leaving=leaving,
        chosen=chosen,
        problem=problem,
    )
    return (page, 422) if problem else page
