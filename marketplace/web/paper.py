"""A patient's papers: a statement of each budget and a contract, on clean pages made to be printed; the statement as
a file too.
"""

from decimal import Decimal

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from marketplace.adapters.spreadsheets import Cell
from marketplace.journey.contracts import has_lapsed
from marketplace.journey.deliveries import CONFIRM_WITHIN_DAYS
from marketplace.journey.scopes import contracts_for, one
from marketplace.journey.sites import facts_said
from marketplace.journey.statements import meanings
from marketplace.queries import budgets
from marketplace.queries.contracts import ending
from marketplace.rules.clock import london_date
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Role

from .access import current_actor, for_role
from .clock import request_now
from .database import db_session
from .files import download

pages = Blueprint("paper", __name__, url_prefix="/patient")

HEADINGS = ("Date", "What happened", "#Change", "#Free to use", "#Set aside", "#Promised", "#Spent")
"""The statement's columns: what the posting did to what is free, then what stands in each place after it."""
FILE_HEADINGS = ("Date", "What happened", "Why", "Amount", "Change", "Free to use", "Set aside", "Promised", "Spent")
"""The file's: the amount, which the sheet says in words, has a column of its own. Only the change has a sign."""


@pages.get("/budgets/<budget_id>/statement")
@for_role(Role.PATIENT)
def statement(budget_id: str) -> str:
    """One budget's postings in words with their running balances, to be printed."""
    page = budgets.budget_page(db_session(), current_actor(), request_now(), budget_id)
    told = meanings({row.kind for row in page.rows})
    return render_template("paper/statement.html", page=page, headings=HEADINGS, meanings=told, now=request_now())


@pages.get("/budgets/<budget_id>/statement/<kind>")
@for_role(Role.PATIENT)
def statement_file(budget_id: str, kind: str) -> Response:
    """The same rows as a file (``csv`` or ``xlsx``)."""
    page = budgets.budget_page(db_session(), current_actor(), request_now(), budget_id)
    lines: list[list[Cell]] = [[*FILE_HEADINGS]]
    for row in page.rows:
        after = (row.after.available_pence, row.after.reserved_pence, row.after.committed_pence, row.after.spent_pence)
        moved = (row.amount_pence, row.available_change_pence)
        lines.append([london_date(row.posted_at), row.words, row.why, *(_pounds(pence) for pence in (*moved, *after))])
    return download(kind, f"statement {page.budget.valid_from} to {page.budget.valid_to}", lines)


@pages.get("/contracts/<contract_id>/print")
@for_role(Role.PATIENT)
def contract(contract_id: str) -> str:
    """One contract: who, what, for how much, who signed when, and what holds when something goes wrong."""
    found = one(db_session(), contracts_for(current_actor()), contract_id, "contract")
    return render_template(
        "paper/contract.html",
        contract=found,
        lapsed=has_lapsed(found),
        ending=ending(found, current_actor()),
        site=facts_said(found.match.award.offer),
        confirm_days=CONFIRM_WITHIN_DAYS,
        now=request_now(),
    )


def _pounds(pence: Pence) -> Decimal:
    return Decimal(pence).scaleb(-2)
