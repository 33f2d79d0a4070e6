"""A representative's own pages: whom they may act for today, the switch into that person's place, their interests.

While they act, a patient's pages are theirs (`access.current_actor`); which acts are covered is asked by each step.
"""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, session, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from marketplace.journey import conduct, representatives
from marketplace.queries import people, proceedings
from marketplace.rules.permissions import Role
from marketplace.schemas.proceedings import InterestSchema

from .access import ACTING_FOR, for_role, own_actor
from .asking import Answer, ask
from .clock import request_now
from .database import db_session, writing
from .forms import WebForm, sent

KINDS = (
    ("owns", "I own it, or a part of it"),
    ("paid_by", "It pays me, or somebody in my family"),
    ("represents", "I act for it"),
)
"""How a person may stand to a provider, in their own words."""

pages = Blueprint("representing", __name__, url_prefix="/representative")


@pages.get("/")
@for_role(Role.REPRESENTATIVE)
def home() -> str:
    """The people I may act for today: for what, and until when."""
    standing = people.standing_authorities(db_session(), request_now(), own_actor())
    return render_template("representative/home.html", authorities=standing, acting_for=session.get(ACTING_FOR))


@pages.route("/interests", methods=["GET", "POST"])
@for_role(Role.REPRESENTATIVE)
def interests() -> Answer:
    """The providers I stand to gain by. Whoever has one can represent nobody."""
    actor = own_actor()
    declared = proceedings.interests_of(db_session(), actor)
    taken = {interest.provider_id for interest, _ in declared}
    providers = [(key, name) for key, name in proceedings.providers(db_session()) if key not in taken]

    def step(session: Session, data: dict[str, Any]) -> None:
        conduct.declare_interest(session, request_now(), actor, data["provider_id"], data["kind"])

    return ask(
        "representative/interests.html",
        WebForm(InterestSchema(), sent(), choices={"provider_id": providers, "kind": KINDS}),
        step,
        back=url_for("representing.interests"),
        done="Your interest is on record.",
        told_here={"acts_for_patients"},
        declared=declared,
        kinds=dict(KINDS),
    )


@pages.post("/interests/<interest_id>/end")
@for_role(Role.REPRESENTATIVE)
def end_interest(interest_id: str) -> Response:
    """Say that a declared interest is over."""
    with writing(db_session()) as session:
        conduct.end_interest(session, request_now(), own_actor(), interest_id)
    flash("The interest has ended.", "done")
    return redirect(url_for("representing.interests"))


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
