"""A commissioner's page for one budget: its statement, money added or taken back, the care plan's review."""

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from marketplace.journey import budgets as plans
from marketplace.journey import funds, statements
from marketplace.journey.scopes import budgets_for, one
from marketplace.queries import holding
from marketplace.queries.contracts import CONTRACT_WORDS
from marketplace.queries.words import typed_pounds
from marketplace.records.base import new_id
from marketplace.records.budgets import PlanLine
from marketplace.rules.clock import london_date
from marketplace.rules.errors import DomainError, InsufficientFunds, NotFound
from marketplace.rules.money import format_pounds
from marketplace.rules.permissions import Role
from marketplace.schemas.budgets import MoneyActSchema, ReviewSchema

from .access import current_actor, for_role, seen
from .clock import request_now
from .database import db_session, writing
from .forms import WebForm, sent

Answer = str | Response | tuple[str, int]
ACTS = {"supplement": "Add money", "reclaim": "Take unspent money back"}

pages = Blueprint("funding", __name__, url_prefix="/commissioner/budgets/<budget_id>")


@pages.get("/")
@for_role(Role.COMMISSIONER)
def budget(budget_id: str) -> str:
    """The budget: where its money stands, every posting, its plan's next review."""
    session, actor = db_session(), current_actor()
    found = one(session, budgets_for(actor), budget_id, "budget")
    seen([found.patient_id], "budget")
    return render_template(
        "commissioner/budget.html",
        budget=found,
        is_over=found.is_over(london_date(request_now())),
        figures=statements.figures_of(session, [budget_id]),
        rows=statements.statement(session, actor, budget_id),
        payer=statements.payer_words(found, actor),
        contracts=holding.of_budget(session, actor, budget_id),
        words=CONTRACT_WORDS,
    )


@pages.route("/money", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def money(budget_id: str) -> Answer:
    """Add money, or take back what is free; a form sent twice counts once."""
    found = one(db_session(), budgets_for(current_actor()), budget_id, "budget")
    form = WebForm(MoneyActSchema(), sent(), initial={"request_id": new_id()}, choices={"act": list(ACTS.items())})
    free_pence = statements.figures_of(db_session(), [budget_id]).available_pence
    shown = {"form": form, "budget": found, "free_pence": free_pence}
    if sent() is None:
        return render_template("commissioner/budget_money.html", **shown)
    if form.validate():
        step = funds.supplement if form.data["act"] == "supplement" else funds.reclaim
        amount_pence, reason = form.data["amount_pence"], form.data["reason"]
        try:
            with writing(db_session()) as session:
                step(
                    session,
                    request_now(),
                    current_actor(),
                    budget_id,
                    amount_pence,
                    reason,
                    request_id=form.data["request_id"],
                )
        except NotFound:
            raise
        except InsufficientFunds:
            form.refuse("amount_pence", f"Only {format_pounds(free_pence)} is free. Take back no more than that")
        except DomainError as error:
            form.refuse_for(error)
        else:
            done = "added" if form.data["act"] == "supplement" else "taken back"
            flash(f"{format_pounds(amount_pence)} is {done}. The patient is told, with your reason.", "done")
            return redirect(url_for("funding.budget", budget_id=budget_id))
    return render_template("commissioner/budget_money.html", **shown), 422


@pages.route("/review", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def review(budget_id: str) -> Answer:
    """Note a review of the care plan, and change what no group and no contract holds."""
    found = one(db_session(), budgets_for(current_actor()), budget_id, "budget")
    held = plans.held_lines(db_session(), found)
    free = [line for line in found.lines if line.id not in held]
    form = WebForm(ReviewSchema(), sent(), initial={"lines": [_line(line) for line in free]})
    services = {line.id: line.service for line in found.lines}
    kept = [row for row in found.lines if row.id in held]
    shown = {"form": form, "budget": found, "services": services, "held": kept}
    if sent() is None:
        return render_template("commissioner/budget_review.html", **shown)
    if form.validate():
        findings, changes = form.data["findings"], form.data["lines"]
        try:
            with writing(db_session()) as session:
                plans.review_plan(session, request_now(), current_actor(), budget_id, findings, changes)
        except NotFound:
            raise
        except DomainError as error:
            form.refuse_for(error)
        else:
            flash("The review is recorded, and the next one has a date.", "done")
            return redirect(url_for("funding.budget", budget_id=budget_id))
    return render_template("commissioner/budget_review.html", **shown), 422


def _line(line: PlanLine) -> dict[str, object]:
    """A line of the plan as it stands in the form."""
    pounds = typed_pounds(line.budget_pence)
    return {"line_id": line.id, "outcome": line.outcome, "units": line.units, "budget_pence": pounds}
