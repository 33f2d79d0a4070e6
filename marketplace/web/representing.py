"""A representative's own pages: whom they may act for today, and the switch that puts them in that person's place.

While they act, a patient's pages are theirs (`access.current_actor`); which acts are covered is asked by each step.
"""

from flask import Blueprint, flash, redirect, render_template, session, url_for
from werkzeug.wrappers import Response

from marketplace.journey import representatives
from marketplace.rules.permissions import Role

from .access import ACTING_FOR, for_role, own_actor
from .clock import request_now
from .database import db_session
from .queries import people

pages = Blueprint("representing", __name__, url_prefix="/representative")


@pages.get("/")
@for_role(Role.REPRESENTATIVE)
def home() -> str:
    """The people I may act for today: for what, and until when."""
    standing = people.standing_authorities(db_session(), request_now(), own_actor())
    return render_template("representative/home.html", authorities=standing, acting_for=session.get(ACTING_FOR))


@pages.post("/act-for/<patient_id>")
@for_role(Role.REPRESENTATIVE)
def act_for(patient_id: str) -> Response:
    """Begin to act for somebody. Without an authority that holds today there is no such person."""
    representatives.acting_for(db_session(), request_now(), own_actor(), patient_id)
    session[ACTING_FOR] = patient_id
    return redirect(url_for("patient.home"))


@pages.post("/stop")
@for_role(Role.REPRESENTATIVE)
def stop() -> Response:
    """Be oneself again."""
    session.pop(ACTING_FOR, None)
    flash("You act for nobody now.", "done")
    return redirect(url_for("representing.home"))
