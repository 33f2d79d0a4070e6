"""A commissioner's pages on one person's extra support: why, what it gives, what is recorded, who stands by them."""

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response

from marketplace.journey.scopes import one, patients_for
from marketplace.journey.support import facts_of, record_facts
from marketplace.journey.supporters import name_supporter, supporters_of
from marketplace.queries.support import support_of
from marketplace.records.people import Patient
from marketplace.rules.permissions import Role
from marketplace.schemas.support import RecordFactsSchema, SupporterSchema

from .access import current_actor, for_role, seen
from .asking import ask
from .clock import request_now
from .database import db_session
from .forms import WebForm, sent

Answer = str | Response | tuple[str, int]

pages = Blueprint("supporting", __name__, url_prefix="/commissioner/people/<patient_id>/support")


@pages.get("/")
@for_role(Role.COMMISSIONER)
def support(patient_id: str) -> str:
    """Whether this person gets extra support, why, and what it gives them."""
    patient = _patient(patient_id)
    return render_template("commissioner/support.html", page=support_of(db_session(), request_now(), patient))


@pages.route("/facts", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def facts(patient_id: str) -> Answer:
    """Record what the rule asks about; it decides anew."""
    patient = _patient(patient_id)
    known = facts_of(patient)
    initial = {"deprivation_decile": known.deprivation_decile, "conditions": list(known.conditions)}
    if known.lacks_capacity:
        initial["lacks_capacity"] = True
    return ask(
        "commissioner/support_facts.html",
        WebForm(RecordFactsSchema(), sent(), initial=initial),
        lambda session, data: record_facts(session, request_now(), current_actor(), patient_id, data),
        back=url_for("supporting.support", patient_id=patient_id),
        done="It is recorded. Your rule has been applied again to each budget that runs.",
        patient=patient,
    )


@pages.route("/supporter", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def supporter(patient_id: str) -> Answer:
    """Name who stands by this person."""
    return supporter_page(_patient(patient_id), back=url_for("supporting.support", patient_id=patient_id))


def supporter_page(patient: Patient, *, back: str) -> Answer:
    """The form in which a commissioner or a broker names somebody's supporter."""
    patient_id = patient.id
    standing = supporters_of(db_session(), [patient_id]).get(patient_id)
    known = {"name": standing.name, "who": standing.who, "reach": standing.reach} if standing else None
    return ask(
        "commissioner/supporter.html",
        WebForm(SupporterSchema(), sent(), initial=known),
        lambda session, data: name_supporter(session, request_now(), current_actor(), patient_id, data),
        back=back,
        done="The supporter is named. The patient has been told.",
        told_here=("no_extra_support",),
        patient=patient,
        standing=standing,
    )


def _patient(patient_id: str) -> Patient:
    patient = one(db_session(), patients_for(current_actor()), patient_id, "patient")
    seen([patient_id], "extra support")
    return patient
