"""Easy-read: the switch that a patient keeps, and `patient_page`, which gives each of their pages in the way they want.

An easy-read page tells the same facts and has the same forms: short sentences, one idea a line, a picture beside each,
larger type. The other pages are given as they are, in larger type.
"""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from marketplace.journey.people import set_easy_read
from marketplace.records.people import Patient
from marketplace.rules.permissions import Role

from .access import current_actor, for_role
from .account import is_ours
from .clock import request_now
from .database import db_session, writing

TWINS = frozenset(
    {
        "budget.html",
        "contract.html",
        "delivery.html",
        "home.html",
        "invitation.html",
        "match.html",
        "pay.html",
        "rate.html",
        "support.html",
    }
)
"""The pages that have an easy-read twin, in ``templates/patient/easy``."""

pages = Blueprint("easy_read", __name__, url_prefix="/patient")


@pages.post("/easy-read")
@for_role(Role.PATIENT)
def switch() -> Response:
    """Turn easy-read on or off, and come back to the same page."""
    wanted = request.form.get("easy_read") == "on"
    with writing(db_session()) as session:
        set_easy_read(session, request_now(), current_actor(), wanted)
    flash("Your pages are in easy read now." if wanted else "Easy read is off now.", "done")
    back = request.form.get("back", "")
    return redirect(back if is_ours(back) else url_for("patient.home"))


def patient_page(name: str, **shown: Any) -> str:
    """A patient's page: its easy-read twin where they want that and there is one."""
    easy = _patient().easy_read and name in TWINS
    return render_template(f"patient/easy/{name}" if easy else f"patient/{name}", **shown)


def _patient() -> Patient:
    return db_session().get_one(Patient, current_actor().party_id)
