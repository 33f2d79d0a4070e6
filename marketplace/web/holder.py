"""The pages of an organisation that holds budgets: what it has to sign, what it has to pay, whose money it keeps."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask import Response as FileResponse
from werkzeug.wrappers import Response

from marketplace.adapters.spreadsheets import pounds_cell
from marketplace.journey import contracts as steps
from marketplace.journey import settlements, statements
from marketplace.journey.hand_overs import standing_of
from marketplace.queries import funding, holding
from marketplace.queries.contracts import CONTRACT_WORDS, SERVICE
from marketplace.queries.funding import BudgetRow
from marketplace.queries.holding import PERSON
from marketplace.records.budgets import Budget
from marketplace.records.contracts import Contract
from marketplace.records.people import Patient
from marketplace.rules.permissions import Role

from .access import current_actor, for_role, seen
from .budget_columns import FILE_COLUMNS, money_columns
from .clock import request_now
from .confirming import Answer, confirm_payment
from .database import db_session, writing
from .listing import Column, Listing, asked

BUDGETS: list[Column[BudgetRow]] = [
    Column("person", "Person", lambda row: row.budget.patient.name, Patient.name),
    Column("from", "From", lambda row: row.budget.valid_from, Budget.valid_from, "day"),
    Column("until", "Until", lambda row: row.budget.valid_to, Budget.valid_to, "day"),
    *FILE_COLUMNS,
]
CONTRACTS: list[Column[Contract]] = [
    Column("person", "Person", lambda row: row.need.patient.name, PERSON),
    Column("service", "Service", lambda row: row.need.plan_line.service.name, SERVICE),
    Column("provider", "Provider", lambda row: row.provider.name),
    Column("charge", "Charge", lambda row: pounds_cell(row.charge_pence), Contract.charge_pence, "number"),
    Column("others", "Of it for others", lambda row: pounds_cell(row.gives_pence)),
    Column("done", "Done", lambda row: row.units_confirmed, Contract.units_confirmed, "number"),
    Column("units", "Units in all", lambda row: row.units, Contract.units, "number"),
    Column("state", "State", lambda row: CONTRACT_WORDS[row.status][0], Contract.status),
    Column("until", "Care until", lambda row: row.need.bundle.period_to, Contract.ends_at, "day"),
]

pages = Blueprint("holder", __name__, url_prefix="/holder")


@pages.get("/")
@for_role(Role.HOLDER)
def home() -> str:
    """Where the money of the budgets it keeps stands, contracts to sign, payments due."""
    session, actor = db_session(), current_actor()
    to_sign = holding.to_sign(session, actor, request_now())
    seen([contract.patient_id for contract in to_sign], "contracts to sign")
    return render_template(
        "holder/home.html",
        contracts=to_sign,
        payments=settlements.payments_due(session, actor),
        budgets=funding.budget_count(session, actor),
        running=holding.contract_count(session, actor, "", "in_force"),
        figures=statements.figures_of(session, holding.budgets_held(actor)),
        standing=standing_of(session, actor.party_id),
    )


@pages.get("/budgets")
@for_role(Role.HOLDER)
def budgets() -> str | FileResponse:
    """Whose budgets it keeps, each with its figures."""
    session, actor, search = db_session(), current_actor(), asked("search")
    listing = Listing("budgets held", BUDGETS, "person")
    page = listing.page_from(
        funding.budget_count(session, actor, search),
        lambda first, size: funding.budget_rows(
            session, actor, first, size, search=search, order=listing.order_then(Budget.id)
        ),
    )
    seen([row.budget.patient_id for row in page.rows], "budgets held")
    if listing.export:
        return listing.file(page.rows)
    money = money_columns(page.rows)
    return render_template("holder/budgets.html", page=page, money=money, listing=listing, search=search)


@pages.get("/contracts")
@for_role(Role.HOLDER)
def contracts() -> str | FileResponse:
    """The contracts that are paid from the budgets it keeps."""
    session, actor, search, state = db_session(), current_actor(), asked("search"), asked("state")
    listing = Listing("contracts", CONTRACTS, "until")
    page = listing.page_from(
        holding.contract_count(session, actor, search, state),
        lambda first, size: holding.contracts(
            session, actor, first, size, search=search, state=state, order=listing.order
        ),
    )
    seen([row.patient_id for row in page.rows], "contracts")
    if listing.export:
        return listing.file(page.rows)
    return render_template(
        "holder/contracts.html",
        page=page,
        listing=listing,
        search=search,
        state=state,
        states=[("", "All states"), ("to_sign", "To be signed"), ("in_force", "In force"), ("over", "Over")],
        words=CONTRACT_WORDS,
    )


@pages.post("/contracts/<contract_id>/sign")
@for_role(Role.HOLDER)
def sign(contract_id: str) -> Response:
    """Sign a contract as its party."""
    session = db_session()
    with writing(session):
        steps.sign_contract(session, request_now(), current_actor(), contract_id)
    flash("You have signed the contract.", "done")
    return redirect(url_for("holder.home"))


@pages.route("/providers/<provider_id>/pay", methods=["GET", "POST"])
@for_role(Role.HOLDER)
def pay(provider_id: str) -> Answer:
    """Ask once more, then note that a provider was paid for the people whose budgets it keeps."""
    return confirm_payment(provider_id, back=url_for("holder.home"))
