"""The page before a payment: what would be paid, to whom, for which days; a yes pays exactly that, or nothing.

Whoever holds the money comes by here: `confirm_payment` is the whole page, for one provider or for all.
"""

from collections.abc import Sequence

from flask import flash, redirect, render_template
from werkzeug.wrappers import Response

from marketplace.journey import settlements
from marketplace.journey.settlements import DeliveryDue
from marketplace.queries.payments import what_for
from marketplace.queries.words import listed, plural
from marketplace.rules.errors import Conflict
from marketplace.rules.money import format_pounds
from marketplace.rules.permissions import Role
from marketplace.schemas.payments import PaymentShownSchema

from .access import current_actor, seen
from .clock import request_now
from .database import db_session, writing
from .forms import WHOLE_FORM, WebForm, sent

Answer = str | Response | tuple[str, int]


def confirm_payment(provider_id: str | None, *, back: str) -> Answer:
    """Show what is due, and once it is said yes to, pay that. Where nothing is due any more, go back and say so."""
    session, actor = db_session(), current_actor()
    settlements.check_can_pay(actor)
    form, status = WebForm(PaymentShownSchema(), sent()), 200
    if sent() is not None and settlements.deliveries_due(session, actor, provider_id):
        shown = form.data["shown_sha256"] if form.validate() else ""
        try:
            with writing(session):
                paid_pence = (
                    settlements.pay_all(session, request_now(), actor, shown)
                    if provider_id is None
                    else settlements.pay_provider(session, request_now(), actor, provider_id, shown)
                )
        except Conflict as error:
            form.refuse(WHOLE_FORM, error.message)
            status = 409
        else:
            flash(f"{format_pounds(paid_pence)} is noted as paid.", "done")
            return redirect(back)
    rows = settlements.deliveries_due(session, actor, provider_id)
    if not rows:
        flash("Nothing is due there now.", "done")
        return redirect(back)
    if actor.role is not Role.PATIENT:
        seen({row.patient_id for row in rows}, "payment")
    page = render_template(
        "payments/confirm.html",
        form=form,
        rows=rows,
        to=_told_to(rows),
        what_for=what_for(rows),
        due_pence=sum(row.due_pence for row in rows),
        shown_sha256=settlements.shown_sha256((row.delivery_id, row.due_pence) for row in rows),
        back=back,
    )
    return (page, status) if status != 200 else page


def _told_to(rows: Sequence[DeliveryDue]) -> str:
    """Whom the money is for: the provider's name, or how many there are."""
    names = list(dict.fromkeys(row.provider_name for row in rows))
    return listed(names) if len(names) < 3 else plural(len(names), "provider")
