"""The people around a patient: the broker, who supports or may act for them, and the provider they rate."""

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from marketplace.journey.people import choose_broker
from marketplace.journey.ratings import keep_back
from marketplace.journey.ratings import rate as rate_provider
from marketplace.journey.representatives import end_authority
from marketplace.journey.scopes import contracts_for, one, patients_for
from marketplace.queries import care, people
from marketplace.queries.support import support_of
from marketplace.rules.errors import DomainError, NotAllowed, NotFound
from marketplace.rules.permissions import Role, Scope, check_scope
from marketplace.schemas.people import STARS, ChooseBrokerSchema, RatingSchema

from .access import current_actor, for_role
from .clock import request_now
from .database import db_session, writing
from .easy_read import patient_page
from .forms import WHOLE_FORM, WebForm, sent

Answer = str | Response | tuple[str, int]

pages = Blueprint("people", __name__, url_prefix="/patient")


@pages.route("/broker", methods=["GET", "POST"])
@for_role(Role.PATIENT)
def broker() -> Answer:
    """Who buys care for me and how I reach them; choose another one, and what that does to my groups."""
    session, actor = db_session(), current_actor()
    may_choose = actor.scopes is None or Scope.BROKER in actor.scopes
    if sent() is not None:
        check_scope(actor, Scope.BROKER)
    patient = one(session, patients_for(actor), actor.party_id, "patient")
    brokers = people.brokers_to_choose(session, patient)
    others = [row for row in brokers if row.id != patient.broker_id]
    names = {row.id: row.name for row in others}
    form = WebForm(ChooseBrokerSchema(), sent(), choices={"broker_id": list(names.items())})
    if sent() is not None and not others:  # the page says that there is none; it has no field to point at
        form.refuse(WHOLE_FORM, "Your broker was not changed")
    elif sent() is not None and form.validate():
        chosen = names.get(form.data["broker_id"])
        if chosen is None:
            form.refuse("broker_id", "Choose a broker from this list")
        else:
            left = [
                f"{need.bundle.service.name}, {need.bundle.area}" for need in people.groups_to_leave(session, actor)
            ]
            before_pence = people.set_aside_pence(session, actor)
            with writing(session):
                choose_broker(session, request_now(), actor, form.data["broker_id"])
            freed_pence = before_pence - people.set_aside_pence(session, actor)
            flash(people.broker_chosen(chosen, left, freed_pence), "done")
            return redirect(url_for("people.broker"))
    page = render_template(
        "patient/broker.html",
        patient=patient,
        others=others if may_choose else [],
        may_choose=may_choose,
        groups=people.groups_to_leave(session, actor),
        form=form,
    )
    return (page, 422) if form.errors else page


@pages.get("/support")
@for_role(Role.PATIENT)
def support() -> str:
    """Whether I get extra support, why, and what it gives me."""
    session, actor = db_session(), current_actor()
    patient = one(session, patients_for(actor), actor.party_id, "patient")
    return patient_page("support.html", page=support_of(session, request_now(), patient))


@pages.get("/representatives")
@for_role(Role.PATIENT)
def representatives() -> str:
    """Who may act for me, for what, until when."""
    actor = current_actor()
    rows = people.standing_authorities(db_session(), request_now(), actor)
    return render_template("patient/representatives.html", authorities=rows, can_end=actor.authority_id is None)


@pages.route("/representatives/<authority_id>/end", methods=["GET", "POST"])
@for_role(Role.PATIENT)
def end_representative(authority_id: str) -> Answer:
    """Ask once more, then end what somebody may do for me."""
    session, actor = db_session(), current_actor()
    if sent() is not None:
        with writing(session):
            end_authority(session, request_now(), actor, authority_id)
        flash("This person can no longer act for you.", "done")
        return redirect(url_for("people.representatives"))
    if actor.authority_id is not None:
        raise NotAllowed("patient_only", "Only the patient or their local care team can end this.")
    rows = people.standing_authorities(session, request_now(), actor)
    found = next((row for row in rows if row.authority_id == authority_id), None)
    if found is None:
        raise NotFound("not_found", "We cannot find that authority.")
    return render_template("patient/representative_end.html", authority=found)


@pages.route("/contracts/<contract_id>/rate", methods=["GET", "POST"])
@for_role(Role.PATIENT)
def rate(contract_id: str) -> Answer:
    """Give the provider of one contract one to five stars, once; later, read what I said and who may read it."""
    session, actor = db_session(), current_actor()
    check_scope(actor, Scope.DELIVERIES)
    contract = one(session, contracts_for(actor), contract_id, "contract")
    form = WebForm(RatingSchema(), sent(), initial={"provider_may_read": "no"}, choices={"stars": STARS})
    if sent() is not None and form.validate():
        try:
            with writing(session):
                rate_provider(
                    session,
                    request_now(),
                    actor,
                    contract_id,
                    form.data["stars"],
                    form.data["words"],
                    provider_may_read=form.data["provider_may_read"] == "yes",
                )
        except (NotAllowed, NotFound):
            raise
        except DomainError as error:
            form.refuse_for(error)
        else:
            flash("Thank you. Your stars help other people to choose.", "done")
            return redirect(url_for("patient.contract", contract_id=contract_id))
    contract = one(session, contracts_for(actor), contract_id, "contract")
    page = patient_page("rate.html", contract=contract, form=form, rating=care.rating_of(session, contract))
    return (page, 422) if form.errors else page


@pages.post("/contracts/<contract_id>/rate/keep-back")
@for_role(Role.PATIENT)
def keep_words_back(contract_id: str) -> Response:
    """Take back the yes to the provider's reading what I wrote."""
    with writing(db_session()) as session:
        keep_back(session, request_now(), current_actor(), contract_id)
    flash("Your provider can no longer read what you wrote.", "done")
    return redirect(url_for("people.rate", contract_id=contract_id))
