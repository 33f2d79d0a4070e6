"""A commissioner admits brokers and providers, with the places where these work and the evidence of their quality.

What a provider states of its places is its own to change (`provider.profile`); their ratings, and which of them are
closed to new offers, are the commissioner's.
"""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from marketplace.journey import people as steps
from marketplace.journey import sites
from marketplace.journey.clients import place_of
from marketplace.journey.people import SiteDetails
from marketplace.journey.scopes import one, sites_for
from marketplace.queries import allocating as found
from marketplace.queries import organisations
from marketplace.rules.errors import Invalid
from marketplace.rules.permissions import Role
from marketplace.rules.quality import WORDS, grade_of
from marketplace.schemas.parties import (
    BrokerSchema,
    CloseSiteSchema,
    MoveSchema,
    ProviderSchema,
    RatingSchema,
    SiteSchema,
)

from .access import current_actor, for_role
from .asking import Answer, ask
from .cataloguing import with_place
from .clock import request_now
from .database import db_session, writing
from .forms import WebForm, sent

pages = Blueprint("admitting", __name__, url_prefix="/commissioner")


@pages.route("/brokers/new", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def admit_broker() -> Answer:
    """Admit a broker."""

    def step(session: Session, data: dict[str, Any]) -> None:
        with_place(lambda: steps.approve_broker(session, request_now(), current_actor(), **data))

    return ask(
        "commissioner/broker_new.html",
        WebForm(BrokerSchema(), sent()),
        step,
        back=url_for("deciding.organisations"),
        done="The broker is admitted. Open an account for it next.",
    )


@pages.route("/providers/new", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def admit_provider() -> Answer:
    """Admit a provider with its first place."""

    def step(session: Session, data: dict[str, Any]) -> None:
        site = _site(session, data)
        with_place(lambda: steps.approve_provider(session, request_now(), current_actor(), data["name"], [site]))

    return ask(
        "commissioner/provider_new.html",
        WebForm(ProviderSchema(), sent(), choices={"services": found.services(db_session())}),
        step,
        back=url_for("deciding.organisations"),
        done="The provider is admitted. Open an account for it next.",
    )


@pages.get("/providers/<provider_id>")
@for_role(Role.COMMISSIONER)
def provider(provider_id: str) -> str:
    """A provider with its places."""
    session = db_session()
    row = organisations.organisation(session, current_actor(), "provider", provider_id)
    return render_template("commissioner/provider.html", provider=row, services=dict(found.services(session)))


@pages.route("/providers/<provider_id>/sites/new", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def add_site(provider_id: str) -> Answer:
    """Admit one more place of a provider."""
    row = organisations.organisation(db_session(), current_actor(), "provider", provider_id)

    def step(session: Session, data: dict[str, Any]) -> None:
        try:
            with_place(
                lambda: steps.add_site(session, request_now(), current_actor(), provider_id, _site(session, data))
            )
        except Invalid as error:
            place = "site_name" if error.place == "name" else error.place
            raise Invalid(error.code, error.message, place=place) from None

    return ask(
        "commissioner/site_new.html",
        WebForm(SiteSchema(), sent(), choices={"services": found.services(db_session())}),
        step,
        back=url_for("admitting.provider", provider_id=provider_id),
        done="The place is added. The provider has been told.",
        provider=row,
    )


@pages.route("/sites/<site_id>/rating", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def change_rating(site_id: str) -> Answer:
    """Enter what the regulator has published of a place since, and why."""
    site = one(db_session(), sites_for(current_actor()), site_id, "place")

    def step(session: Session, data: dict[str, Any]) -> None:
        sites.change_rating(session, request_now(), current_actor(), site_id, **data)

    return ask(
        "commissioner/rating.html",
        WebForm(RatingSchema(), sent()),
        step,
        back=url_for("admitting.provider", provider_id=site.provider_id),
        done="The rating is changed. The provider has been told.",
        site=site,
    )


@pages.route("/sites/<site_id>/move", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def move_site(site_id: str) -> Answer:
    """Enter where a place is from now on, and why."""
    site = one(db_session(), sites_for(current_actor()), site_id, "place")

    def step(session: Session, data: dict[str, Any]) -> None:
        easting_m, northing_m = _point(session, data)
        sites.move_site(
            session,
            request_now(),
            current_actor(),
            site_id,
            district=data["district"],
            easting_m=easting_m,
            northing_m=northing_m,
            reason=data["reason"],
        )

    return ask(
        "commissioner/site_move.html",
        WebForm(MoveSchema(), sent()),
        step,
        back=url_for("admitting.provider", provider_id=site.provider_id),
        done="The place has moved. The provider and everybody who goes there have been told.",
        site=site,
    )


@pages.route("/sites/<site_id>/close", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def close_site(site_id: str) -> Answer:
    """Close a place to new offers."""
    site = one(db_session(), sites_for(current_actor()), site_id, "place")

    def step(session: Session, data: dict[str, Any]) -> None:
        sites.close_site(session, request_now(), current_actor(), site_id, data["reason"])

    return ask(
        "commissioner/site_close.html",
        WebForm(CloseSiteSchema(), sent()),
        step,
        back=url_for("admitting.provider", provider_id=site.provider_id),
        done="The place is closed to new offers. The provider has been told.",
        site=site,
    )


@pages.post("/sites/<site_id>/reopen")
@for_role(Role.COMMISSIONER)
def reopen_site(site_id: str) -> Response:
    """Open a closed place again."""
    provider_id = one(db_session(), sites_for(current_actor()), site_id, "place").provider_id
    with writing(db_session()) as session:
        sites.reopen_site(session, request_now(), current_actor(), site_id)
    flash("The place is open again. The provider has been told.", "done")
    return redirect(url_for("admitting.provider", provider_id=provider_id))


def _site(session: Session, data: dict[str, Any]) -> SiteDetails:
    """The typed place as a value; without a grid reference it is in the middle of its district."""
    known = dict(found.services(session))
    if unknown := [service for service in data["services"] if service not in known]:
        raise Invalid("service_unknown", "Choose services from the list.", place="services", services=len(unknown))
    easting_m, northing_m = _point(session, data)
    rating = None if data["rating"] == WORDS[0] else data["rating"]
    return SiteDetails(
        name=data["site_name"],
        district=data["district"],
        easting_m=easting_m,
        northing_m=northing_m,
        services=tuple(data["services"]),
        attributes=tuple(data["attributes"]),
        rating=rating,
        rating_date=data["rating_date"] if rating else None,
        grade=grade_of(rating),
        first_appointment_days=data["first_appointment_days"],
    )


def _point(session: Session, data: dict[str, Any]) -> tuple[int, int]:
    """Where a typed place is: its grid reference, or else the middle of its district."""
    if data["easting_m"] is not None:
        return data["easting_m"], data["northing_m"]
    try:
        return place_of(session, data["district"])
    except Invalid as error:
        message = "We do not know where this district is. Enter the easting and the northing of the place."
        raise Invalid(error.code, message, place="easting_m") from None
