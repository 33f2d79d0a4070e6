"""Brokers' own fees: what a commissioner has agreed with each, what each has earned, and what was paid."""

from typing import Any

from flask import Blueprint, render_template, url_for
from flask import Response as FileResponse
from sqlalchemy.orm import Session

from marketplace.adapters.spreadsheets import pounds_cell
from marketplace.journey import broker_fees as steps
from marketplace.journey.broker_fees import FeeStanding
from marketplace.queries.words import typed_pounds
from marketplace.records.base import new_id
from marketplace.rules.permissions import Role
from marketplace.schemas.payments import BrokerFeeSchema, PayFeeSchema

from .access import current_actor, for_role
from .asking import Answer, ask
from .clock import request_now
from .database import db_session
from .forms import WebForm, sent
from .listing import Column, Listing

COLUMNS: list[Column[FeeStanding]] = [
    Column("name", "Broker", lambda row: row.name, lambda row: row.name.lower()),
    Column("fee", "Fee for each contract", lambda row: pounds_cell(row.fee_pence), lambda row: row.fee_pence, "number"),
    Column("contracts", "Contracts signed", lambda row: row.contracts, lambda row: row.contracts, "number"),
    Column("earned", "Earned", lambda row: pounds_cell(row.earned_pence)),
    Column("paid", "Paid", lambda row: pounds_cell(row.paid_pence)),
    Column("owed", "Owed now", lambda row: pounds_cell(row.owed_pence), lambda row: row.owed_pence, "number"),
]

pages = Blueprint("broker_fees", __name__, url_prefix="/commissioner/broker-fees")


@pages.get("/")
@for_role(Role.COMMISSIONER)
def standings() -> str | FileResponse:
    """Every broker with its fee: to whom most is owed first."""
    listing = Listing("broker-fees", COLUMNS, "-owed")
    page = listing.page_of(steps.fees(db_session(), current_actor()))
    if listing.export:
        return listing.file(page.rows)
    return render_template("commissioner/broker_fees.html", page=page, listing=listing)


@pages.route("/<broker_id>/fee", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def agree(broker_id: str) -> Answer:
    """Agree another fee with a broker, for what it publishes from now on."""
    standing = steps.fee_of(db_session(), current_actor(), broker_id)

    def step(session: Session, data: dict[str, Any]) -> None:
        steps.agree_fee(session, request_now(), current_actor(), broker_id, data["fee_pence"])

    return ask(
        "commissioner/broker_fee.html",
        WebForm(BrokerFeeSchema(), sent(), initial={"fee_pence": typed_pounds(standing.fee_pence)}),
        step,
        back=url_for("broker_fees.standings"),
        done=f"The fee is agreed. {standing.name} is told.",
        standing=standing,
    )


@pages.route("/<broker_id>/payment", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def pay(broker_id: str) -> Answer:
    """Note that fees were paid, all of them or a part; a form sent twice counts once."""
    standing = steps.fee_of(db_session(), current_actor(), broker_id)
    initial = {
        "request_id": new_id(),
        "owed_pence": str(standing.owed_pence),
        "amount_pence": typed_pounds(standing.owed_pence),
    }

    def step(session: Session, data: dict[str, Any]) -> None:
        steps.pay_fee(session, request_now(), current_actor(), broker_id, **data)

    return ask(
        "commissioner/broker_fee_paid.html",
        WebForm(PayFeeSchema(), sent(), initial=initial),
        step,
        back=url_for("broker_fees.standings"),
        done=f"The payment is noted. {standing.name} is told.",
        told_here=("owed_changed", "nothing_owed"),
        standing=standing,
    )
