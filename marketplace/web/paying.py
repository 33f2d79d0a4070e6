"""A patient with a direct payment pays the providers: what is due, and the pages that ask once more.

The patient pays at their bank; here they say that they did.
"""

from collections import defaultdict

from flask import Blueprint, render_template, url_for

from marketplace.journey import settlements
from marketplace.journey.settlements import DeliveryDue
from marketplace.queries.payments import what_for
from marketplace.rules.permissions import Role

from .access import current_actor, for_role, seen
from .confirming import Answer, confirm_payment
from .database import db_session

pages = Blueprint("paying", __name__, url_prefix="/patient/payments")


@pages.get("/")
@for_role(Role.PATIENT)
def payments() -> str:
    """What is due to whom for care that was confirmed, and on which days it was."""
    session, actor = db_session(), current_actor()
    seen([actor.party_id], "payments")
    due: dict[str, list[DeliveryDue]] = defaultdict(list)
    for row in settlements.deliveries_due(session, actor):
        due[row.provider_id].append(row)
    return render_template(
        "patient/payments.html",
        payments=settlements.payments_due(session, actor),
        can_pay=settlements.can_pay(actor),
        what_for={provider_id: what_for(rows) for provider_id, rows in due.items()},
    )


@pages.route("/all", methods=["GET", "POST"])
@for_role(Role.PATIENT)
def pay_all() -> Answer:
    """Ask once more, then note that every provider was paid what the page had said."""
    return confirm_payment(None, back=url_for("paying.payments"))


@pages.route("/<provider_id>", methods=["GET", "POST"])
@for_role(Role.PATIENT)
def pay(provider_id: str) -> Answer:
    """Ask once more, then note that a provider was paid."""
    return confirm_payment(provider_id, back=url_for("paying.payments"))
