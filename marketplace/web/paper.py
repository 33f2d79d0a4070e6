"""A patient's papers: a statement of each budget and a contract, on clean pages made to be printed; the statement as
a file too.
"""

from decimal import Decimal

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from marketplace.adapters.spreadsheets import Cell
from marketplace.journey.scopes import contracts_for, one
from marketplace.rules.clock import london_date
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Role

from .access import current_actor, for_role
from .clock import request_now
from .database import db_session
from .files import download
from .queries import budgets

pages = Blueprint("paper", __name__, url_prefix="/patient")

HEADINGS = ("Date", "What happened", "#Amount", "#Free to use", "#Set aside", "#Promised", "#Spent")
"""The statement's columns: the last four are what stands in each place after the posting."""


@pages.get("/budgets/<budget_id>/statement")
@for_role(Role.PATIENT)
def statement(budget_id: str) -> str:
    """One budget's postings in words with their running balances, to be printed."""
    page = budgets.budget_page(db_session(), current_actor(), budget_id)
    return render_template("paper/statement.html", page=page, headings=HEADINGS, now=request_now())


@pages.get("/budgets/<budget_id>/statement/<kind>")
@for_role(Role.PATIENT)
def statement_file(budget_id: str, kind: str) -> Response:
    """The same rows as a file (``csv`` or ``xlsx``)."""
    page = budgets.budget_page(db_session(), current_actor(), budget_id)
    lines: list[list[Cell]] = [[heading.removeprefix("#") for heading in HEADINGS]]
    for row in page.rows:
        after = (row.after.available_pence, row.after.reserved_pence, row.after.committed_pence, row.after.spent_pence)
        amount = row.available_change_pence or row.amount_pence
        lines.append([london_date(row.posted_at), row.told, *(_pounds(pence) for pence in (amount, *after))])
    return download(kind, f"statement {page.budget.valid_from} to {page.budget.valid_to}", lines)


@pages.get("/contracts/<contract_id>/print")
@for_role(Role.PATIENT)
def contract(contract_id: str) -> str:
    """One contract: who, what, for how much, who signed when, and what holds when something goes wrong."""
    found = one(db_session(), contracts_for(current_actor()), contract_id, "contract")
    return render_template("paper/contract.html", contract=found, now=request_now())


def _pounds(pence: Pence) -> Decimal:
    return Decimal(pence).scaleb(-2)
