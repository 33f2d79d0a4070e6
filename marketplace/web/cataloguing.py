"""The catalogue on pages: what a budget may buy and at which prices, and what it may not, with the reason."""

from typing import Any

from flask import Blueprint, render_template, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.journey import catalogue as steps
from marketplace.queries import allocating as found
from marketplace.queries.words import typed_pounds
from marketplace.records.catalogue import Service
from marketplace.rules.errors import Conflict, Invalid, NotFound
from marketplace.rules.permissions import Role
from marketplace.schemas.catalogue import ExclusionSchema, PricesSchema, ServiceSchema

from .access import current_actor, for_role
from .asking import Answer, ask
from .clock import request_now
from .database import db_session
from .forms import WebForm, sent

pages = Blueprint("cataloguing", __name__, url_prefix="/commissioner/catalogue")


@pages.get("/")
@for_role(Role.COMMISSIONER)
def catalogue() -> str:
    """Every service with its prices, and what is excluded."""
    session = db_session()
    services = session.scalars(select(Service).order_by(Service.name)).all()
    return render_template("commissioner/catalogue.html", services=services, excluded=found.exclusions(session))


@pages.route("/services/new", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def add_service() -> Answer:
    """Put a service into the catalogue."""

    def step(session: Session, data: dict[str, Any]) -> None:
        with_place(lambda: steps.add_service(session, request_now(), current_actor(), **data))

    return ask(
        "commissioner/service_new.html",
        WebForm(ServiceSchema(), sent()),
        step,
        back=url_for("cataloguing.catalogue"),
        done="The service is in the catalogue.",
    )


@pages.route("/services/<service_id>", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def service(service_id: str) -> Answer:
    """What a service has cost since when, and a form to change it for what is published from now on."""
    session = db_session()
    row = session.get(Service, service_id)
    if row is None:
        raise NotFound("not_found", "We cannot find that service.")
    standing = {name: typed_pounds(getattr(row, name)) for name in steps.PRICES}

    def step(session: Session, prices: steps.Prices) -> None:
        steps.change_prices(session, request_now(), current_actor(), service_id, prices)

    return ask(
        "commissioner/service.html",
        WebForm(PricesSchema(), sent(), initial={**standing, "source": row.source}),
        step,
        back=url_for("cataloguing.catalogue"),
        done="The prices are changed. They hold for what is published from now on.",
        service=row,
        changes=steps.price_changes(session, service_id),
    )


@pages.route("/exclusions/new", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def exclude() -> Answer:
    """Say what no budget may pay for, and why."""

    def step(session: Session, data: dict[str, Any]) -> None:
        with_place(lambda: steps.exclude(session, request_now(), current_actor(), **data))

    return ask(
        "commissioner/exclusion_new.html",
        WebForm(ExclusionSchema(), sent()),
        step,
        back=url_for("cataloguing.catalogue"),
        done="It is excluded. Whoever plans it reads the reason.",
    )


def with_place(step: Any) -> None:
    """Take a step; a conflict that names a field is told at the field."""
    try:
        step()
    except Conflict as error:
        if "place" not in error.facts:
            raise
        raise Invalid(error.code, error.message, place=str(error.facts["place"])) from None
