"""A provider's contracts: whom to serve, the signature, the record of each delivery, what is owed and paid."""

from flask import Response as FileResponse
from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from marketplace.adapters.spreadsheets import pounds_cell
from marketplace.journey import contracts as steps
from marketplace.journey import deliveries
from marketplace.journey.scopes import contracts_for, one
from marketplace.queries import contracts
from marketplace.queries.words import london_day, units_of
from marketplace.records.contracts import Contract
from marketplace.rules.clock import london_date
from marketplace.rules.errors import Invalid
from marketplace.rules.lifecycle import IN_FORCE, ContractStatus
from marketplace.rules.permissions import Role
from marketplace.schemas.deliveries import DeliverySchema
from marketplace.web.access import current_actor, for_role, seen
from marketplace.web.clock import request_now
from marketplace.web.database import db_session, writing
from marketplace.web.forms import WebForm, sent
from marketplace.web.listing import Column, Listing, asked

from .blueprint import pages

Answer = str | Response | tuple[str, int]


def _person(contract: Contract) -> str:
    return contract.need.patient.name if contracts.names_patient(contract) else ""


def _service(contract: Contract) -> str:
    return contract.need.plan_line.service.name


COLUMNS: list[Column[Contract]] = [
    Column("contract", "Contract number", lambda row: row.id),
    Column("person", "Person", _person, contracts.PERSON),
    Column("service", "Service", _service, contracts.SERVICE),
    Column("done", "Confirmed", lambda row: row.units_confirmed, Contract.units_confirmed, "number"),
    Column("units", "Units in all", lambda row: row.units, Contract.units, "number"),
    Column(
        "charge",
        "Charge",
        lambda row: pounds_cell(row.bill_pence),
        Contract.charge_pence - Contract.pool_pence,
        "number",
    ),
    Column("state", "State", lambda row: contracts.CONTRACT_WORDS[row.status][0], Contract.status),
    Column("offered", "Offered", lambda row: london_day(row.offered_at), Contract.offered_at, "day"),
]


@pages.get("/contracts")
@for_role(Role.PROVIDER)
def list_contracts() -> str | FileResponse:
    """My contracts, and what I am owed. A person's name is there, on the page or in the file, once both have signed."""
    session, actor, state = db_session(), current_actor(), asked("state")
    listing = Listing("contracts", COLUMNS, "-offered")
    total = contracts.contract_count(session, actor)
    statuses = [status for status in ContractStatus if state in ("", status.value)]
    page = listing.page_from(
        contracts.contract_count(session, actor, statuses) if state else total,
        lambda first, size: contracts.own_contracts(
            session, actor, statuses, first=first, size=size, order=listing.order
        ),
    )
    seen([row.patient_id for row in page.rows if contracts.names_patient(row)], "list of contracts")
    if listing.export:
        return listing.file(page.rows)
    return render_template(
        "provider/contracts.html",
        page=page,
        total=total,
        listing=listing,
        state=state,
        states=[("", "All states"), *((key.value, words) for key, (words, _) in contracts.CONTRACT_WORDS.items())],
        named=contracts.names_patient,
        any_in_force=contracts.contract_count(session, actor, IN_FORCE) > 0,
        to_sign=contracts.to_sign(session, actor, request_now()),
        money=contracts.money_of(session, actor),
        words=contracts.CONTRACT_WORDS,
    )


@pages.route("/contracts/<contract_id>", methods=["GET", "POST"])
@for_role(Role.PROVIDER)
def contract(contract_id: str) -> Answer:
    """One contract: the least that is needed to deliver, and the record of what was delivered."""
    session, actor = db_session(), current_actor()
    unit = one(session, contracts_for(actor), contract_id, "contract").need.plan_line.service.unit
    form = WebForm(DeliverySchema(), sent(), told_as={"units": f"How many {units_of(unit)} were delivered"})
    if sent() is not None and form.validate():
        try:
            with writing(session):
                deliveries.record_delivery(
                    session, request_now(), actor, contract_id, form.data["units"], form.data["delivered_on"]
                )
        except Invalid as error:
            form.refuse_for(error)
        else:
            flash("It is recorded. The patient is asked to confirm it.", "done")
            return redirect(url_for("provider.contract", contract_id=contract_id))
    found = one(session, contracts_for(actor), contract_id, "contract")
    if contracts.names_patient(found):
        seen([found.patient_id], "contract")
    today = london_date(request_now())
    html = render_template(
        "provider/contract.html",
        contract=found,
        known=contracts.names_patient(found),
        form=form,
        words=contracts.CONTRACT_WORDS,
        delivery_words=contracts.DELIVERY_WORDS,
        lapsed=steps.has_lapsed(found),
        ending=contracts.ending(found, actor),
        now=request_now(),
        today=today,
        care_days=deliveries.days_of_care(found, today),
    )
    return (html, 422) if form.errors else html


@pages.post("/contracts/<contract_id>/sign")
@for_role(Role.PROVIDER)
def sign(contract_id: str) -> Response:
    """Sign a contract."""
    session = db_session()
    with writing(session):
        steps.sign_contract(session, request_now(), current_actor(), contract_id)
    flash("You signed the contract.", "done")
    return redirect(url_for("provider.contract", contract_id=contract_id))
