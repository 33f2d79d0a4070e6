"""Honest ends: a contract ended early by a party to it or by its funder, and a delivery that is refunded.

`contract` is the page of those who stand behind the money: the organisation that holds the budget, the commissioner.
"""

from typing import Any

from flask import Blueprint, render_template, url_for
from sqlalchemy.orm import Session

from marketplace.journey.contracts import end_early, has_lapsed
from marketplace.journey.funds import refund
from marketplace.journey.scopes import contracts_for, deliveries_for, one
from marketplace.journey.sharing import own_rest
from marketplace.queries import holding
from marketplace.queries.contracts import CONTRACT_WORDS, DELIVERY_WORDS, ending, names_patient
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus, due_so_far
from marketplace.rules.clock import london_date
from marketplace.rules.lifecycle import ContractStatus
from marketplace.rules.permissions import Role
from marketplace.schemas.tenders import ReasonSchema

from .access import current_actor, for_role, seen
from .asking import Answer, ask
from .clock import request_now
from .database import db_session
from .forms import WebForm, sent

BACK = {Role.PATIENT: "patient.contract", Role.PROVIDER: "provider.contract"}
"""Where a contract's own parties read it; everybody else reads it at `contract`."""

pages = Blueprint("ending", __name__)


@pages.get("/contracts/<contract_id>")
@for_role(Role.HOLDER, Role.COMMISSIONER)
def contract(contract_id: str) -> str:
    """A contract that one pays for: what was agreed, what was delivered, and the ways to end or refund."""
    found = one(db_session(), contracts_for(current_actor()), contract_id, "contract")
    seen([found.patient_id], "contract")
    return render_template(
        "contract/contract.html",
        contract=found,
        words=CONTRACT_WORDS,
        delivery_words=DELIVERY_WORDS,
        lapsed=has_lapsed(found),
        ending=ending(found, current_actor()),
        can_sign=holding.can_sign(found, current_actor(), request_now()),
    )


@pages.route("/contracts/<contract_id>/end", methods=["GET", "POST"])
@for_role(Role.PATIENT, Role.PROVIDER, Role.HOLDER, Role.COMMISSIONER)
def end_contract(contract_id: str) -> Answer:
    """End a contract early, with a reason that everybody who is party to it reads."""
    found = one(db_session(), contracts_for(current_actor()), contract_id, "contract")
    shared = bool(found.pool_pence) and current_actor().role is not Role.PROVIDER
    name = _name(found)
    budget_over = found.budget.is_over(london_date(request_now()))

    def step(session: Session, data: dict[str, Any]) -> None:
        end_early(session, request_now(), current_actor(), contract_id, data["reason"])

    return ask(
        "contract/end.html",
        WebForm(ReasonSchema(), sent()),
        step,
        back=_contract(contract_id),
        done=f"The contract has ended. {_of_the_rest(budget_over=budget_over)}",
        told_here={"contract_not_in_force", "delivery_waits"},
        shared=shared,
        budget_over=budget_over,
        contract=found,
        name=name,
        free_pence=own_rest(db_session(), found),
        unpaid_pence=found.bill_pence - due_so_far(db_session(), contract_id),
    )


@pages.route("/deliveries/<delivery_id>/refund", methods=["GET", "POST"])
@for_role(Role.PROVIDER, Role.COMMISSIONER)
def refund_delivery(delivery_id: str) -> Answer:
    """Give back what a wrongly recorded delivery cost; the commissioner notes it once the money is back."""
    delivery = one(db_session(), deliveries_for(current_actor()), delivery_id, "delivery")
    name = _name(delivery.contract)
    again = delivery.contract.status is ContractStatus.IN_DELIVERY
    budget_over = delivery.contract.budget.is_over(london_date(request_now()))

    def step(session: Session, data: dict[str, Any]) -> None:
        refund(session, request_now(), current_actor(), delivery_id, data["reason"])

    return ask(
        "contract/refund.html",
        WebForm(ReasonSchema(), sent()),
        step,
        back=_contract(delivery.contract_id),
        done=_taken_back(delivery, again=again, budget_over=budget_over),
        told_here={"nothing_to_refund", "with_the_bank"},
        delivery=delivery,
        name=name,
        again=again,
        budget_over=budget_over,
    )


def _of_the_rest(*, budget_over: bool) -> str:
    """What becomes of what was not used. A provider learns nothing of the budget."""
    if current_actor().role is Role.PROVIDER:
        return "Care that was not given will not be paid for."
    return f"What was not used {'goes back' if budget_over else 'is free again'}."


def _taken_back(delivery: Delivery, *, again: bool, budget_over: bool) -> str:
    """What was done to a delivery that is paid, or is only confirmed, and what becomes of the money."""
    done = "It is refunded" if delivery.status is DeliveryStatus.PAID else "The confirmation is taken back"
    if again:
        return f"{done}: the care can be given anew."
    if current_actor().role is Role.PROVIDER:
        return f"{done}."
    goes_back = "the money goes back, as the budget is over" if budget_over else "the money is free again"
    return f"{done}: {goes_back}."


def _name(contract: Contract) -> str | None:
    """Whose contract it is: told to those who pay, and to its provider while it may know."""
    role = current_actor().role
    if role is Role.PATIENT or (role is Role.PROVIDER and not names_patient(contract)):
        return None
    seen([contract.patient_id], "contract")
    return contract.need.patient.name


def _contract(contract_id: str) -> str:
    return url_for(BACK.get(current_actor().role, "ending.contract"), contract_id=contract_id)
