"""The page before a payment: what would be paid, to whom, for which days; a yes pays exactly that, or nothing.

The sums and the hash are over all that is due; deliveries are listed page by page, and only whose are on the page
that is read were looked at.

Whoever holds the money comes by here: `confirm_payment` is the whole page, for one provider or for all.
"""

from collections.abc import Sequence

from flask import flash, redirect, render_template
from werkzeug.wrappers import Response

from marketplace.journey import settlements
from marketplace.journey.settlements import ServiceDue
from marketplace.queries.payments import summed_for, what_for
from marketplace.queries.words import listed, plural
from marketplace.rules.errors import Conflict
from marketplace.rules.money import format_pounds
from marketplace.rules.permissions import Role
from marketplace.schemas.payments import PaymentShownSchema

from .access import current_actor, seen
from .clock import request_now
from .database import db_session, writing
from .easy_read import patient_page
from .forms import WHOLE_FORM, WebForm, sent
from .listing import page_from

Answer = str | Response | tuple[str, int]


def confirm_payment(provider_id: str | None, *, back: str) -> Answer:
    """Show what is due, and once it is said yes to, pay that. Where nothing is due any more, go back and say so."""
    session, actor = db_session(), current_actor()
    settlements.check_can_pay(actor)
    form, status = WebForm(PaymentShownSchema(), sent()), 200
    if sent() is not None and settlements.amounts_due(session, actor, provider_id):
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
    amounts = settlements.amounts_due(session, actor, provider_id)  # first: what comes due while we read is not in it
    if not amounts:
        flash("Nothing is due there now.", "error")
        return redirect(back)
    listed_page = page_from(
        len(amounts), lambda first, size: settlements.deliveries_due(session, actor, provider_id, first, size)
    )
    rows, sums = listed_page.rows, settlements.services_due(session, actor, provider_id)
    if actor.role is not Role.PATIENT:
        seen({row.patient_id for row in rows}, "payment")
    own = actor.role is Role.PATIENT
    page = (patient_page if own else render_template)(
        "pay.html" if own else "payments/confirm.html",
        form=form,
        page=listed_page,
        sums=sums,
        to=_told_to(sums),
        what_for=what_for(rows) if listed_page.pages == 1 else summed_for(sums),
        due_pence=sum(due_pence for _, due_pence in amounts),
        shown_sha256=settlements.shown_sha256(amounts),
        back=back,
    )
    return (page, status) if status != 200 else page


def _told_to(sums: Sequence[ServiceDue]) -> str:
    """Whom the money is for: the provider's name, or how many there are."""
    names = list(dict.fromkeys(row.provider_name for row in sums))
    return listed(names) if len(names) < 3 else plural(len(names), "provider")
