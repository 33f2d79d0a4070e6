"""A provider's program: find tenders, make sealed offers, sign, record what was delivered, follow the claims."""

from typing import Any

from flask import Response
from marshmallow import Schema
from sqlalchemy.orm import Session

from marketplace.api.access import current_actor, for_role, seen
from marketplace.api.blueprint import Resources
from marketplace.api.bodies import DeliveriesSchema
from marketplace.api.database import db_session
from marketplace.api.lists import PageQuery, listed, one_of, page
from marketplace.api.repeating import take
from marketplace.api.shapes.common import Beside, OutcomeShape
from marketplace.api.shapes.provider import (
    ClaimListShape,
    DeliveryShape,
    FittingTenderShape,
    FullOfferShape,
    FullProviderContractShape,
    OfferShape,
    ProviderContractShape,
    RecordedShape,
    SiteShape,
)
from marketplace.front.clock import request_now
from marketplace.journey import contracts as contract_steps
from marketplace.journey import deliveries, delivery_files
from marketplace.journey import offers as offer_steps
from marketplace.journey.delivery_files import DeliveryDetails
from marketplace.journey.scopes import contracts_for, one
from marketplace.queries import contracts, offers, payments
from marketplace.queries.offer_results import offer_states
from marketplace.records.contracts import Contract
from marketplace.rules.lifecycle import ContractStatus
from marketplace.rules.permissions import Role
from marketplace.rules.tendering import OfferTerms
from marketplace.schemas.deliveries import DeliverySchema
from marketplace.schemas.fields import Whole
from marketplace.schemas.offers import OfferSchema

pages = Resources("provider", "/provider", "For a provider's practice system.")


class OffersQuery(PageQuery):
    """Which offers."""

    state = one_of("In which state, in words", offer_states())


class ContractsQuery(PageQuery):
    """Which contracts."""

    status = one_of("In which state", [status.value for status in ContractStatus])


class ClaimsQuery(PageQuery):
    """Which claims."""

    state = one_of("How far their payment is", list(payments.CLAIM_COLOURS))


class NumberQuery(Schema):
    """Which of several offers on one tender."""

    number = Whole(
        1,
        50,
        load_default=1,
        metadata={"description": "Which of your offers, 1 if left out: the same number is a new version."},
    )


@pages.asks("GET", "/sites")
@for_role(Role.PROVIDER)
@pages.answers(200, listed(SiteShape))
def sites() -> dict[str, Any]:
    """Your sites: an offer is made from one of them."""
    found = offers.sites_of(db_session(), current_actor())
    return {"rows": found, "total": len(found), "next": None}


@pages.asks("GET", "/tenders")
@for_role(Role.PROVIDER)
@pages.reads(PageQuery, "query")
@pages.answers(200, listed(FittingTenderShape))
def fitting_tenders(asked: dict[str, Any]) -> dict[str, Any]:
    """Open tenders that your sites could serve, the nearest deadline first."""
    session, actor, now = db_session(), current_actor(), request_now()
    total = offers.fitting_count(session, actor, now)
    return page(asked, total, lambda first, size: offers.fitting_tenders(session, actor, now, first, size))


@pages.asks("GET", "/offers")
@for_role(Role.PROVIDER)
@pages.reads(OffersQuery, "query")
@pages.answers(200, listed(OfferShape))
def list_offers(asked: dict[str, Any]) -> dict[str, Any]:
    """Your offers and their earlier versions, the newest first."""
    session, actor, state = db_session(), current_actor(), asked["state"]
    total = offers.offer_count(session, actor, state)
    return page(
        asked, total, lambda first, size: offers.own_offers(session, actor, state=state, first=first, size=size)
    )


@pages.asks("POST", "/tenders/<id:tender_id>/offers")
@for_role(Role.PROVIDER)
@pages.reads(NumberQuery, "query")
@pages.reads(OfferSchema)
@pages.answers(201, OfferShape)
def make_offer(asked: dict[str, Any], terms: OfferTerms, tender_id: str) -> Response:
    """Seal an offer on an open tender. Nobody but you can read it before the deadline; keep the receipt."""

    def step(session: Session) -> object:
        return offer_steps.submit_offer(
            session, request_now(), current_actor(), tender_id, terms, number=asked["number"]
        )

    return take(step, OfferShape(), 201)


@pages.asks("GET", "/offers/<id:offer_id>")
@for_role(Role.PROVIDER)
@pages.answers(200, FullOfferShape)
def offer(offer_id: str) -> object:
    """One of your offers with its terms."""
    found = offers.offer_page(db_session(), current_actor(), offer_id)
    return Beside(found.offer, terms=found.terms)


@pages.asks("POST", "/offers/<id:offer_id>/withdraw")
@for_role(Role.PROVIDER)
@pages.answers(200, OfferShape)
def withdraw_offer(offer_id: str) -> Response:
    """Take back an offer that stands, until the deadline."""
    return take(
        lambda session: offer_steps.withdraw_offer(session, request_now(), current_actor(), offer_id), OfferShape()
    )


@pages.asks("GET", "/contracts")
@for_role(Role.PROVIDER)
@pages.reads(ContractsQuery, "query")
@pages.answers(200, listed(ProviderContractShape))
def list_contracts(asked: dict[str, Any]) -> dict[str, Any]:
    """Your contracts, the newest first."""
    session, actor = db_session(), current_actor()
    statuses = [status for status in ContractStatus if asked["status"] in ("", status.value)]

    def fetch(first: int, size: int) -> list[Any]:
        order = Contract.offered_at.desc()
        rows = contracts.own_contracts(session, actor, statuses, first=first, size=size, order=order)
        seen([row.patient_id for row in rows if contracts.names_patient(row)], "list of contracts")
        return [_with_person(row) for row in rows]

    return page(asked, contracts.contract_count(session, actor, statuses), fetch)


@pages.asks("GET", "/contracts/<id:contract_id>")
@for_role(Role.PROVIDER)
@pages.answers(200, FullProviderContractShape)
def contract(contract_id: str) -> object:
    """One of your contracts with everything that was recorded under it."""
    found = one(db_session(), contracts_for(current_actor()), contract_id, "contract")
    if contracts.names_patient(found):
        seen([found.patient_id], "contract")
    return _with_person(found)


@pages.asks("POST", "/contracts/<id:contract_id>/sign")
@for_role(Role.PROVIDER)
@pages.answers(200, OutcomeShape)
def sign(contract_id: str) -> Response:
    """Sign a contract. Ask for it afterwards to see whom it is for."""
    return take(
        lambda session: contract_steps.sign_contract(session, request_now(), current_actor(), contract_id),
        OutcomeShape(),
    )


@pages.asks("POST", "/contracts/<id:contract_id>/deliveries")
@for_role(Role.PROVIDER)
@pages.reads(DeliverySchema)
@pages.answers(201, DeliveryShape)
def record_delivery(body: dict[str, Any], contract_id: str) -> Response:
    """Record what you delivered on a day. The patient is asked to confirm it."""

    def step(session: Session) -> object:
        return deliveries.record_delivery(
            session, request_now(), current_actor(), contract_id, body["units"], body["delivered_on"]
        )

    return take(step, DeliveryShape(), 201)


@pages.asks("POST", "/deliveries")
@for_role(Role.PROVIDER)
@pages.reads(DeliveriesSchema)
@pages.answers(201, RecordedShape)
def record_deliveries(body: dict[str, list[DeliveryDetails]]) -> Response:
    """Record many deliveries: all of them, or, if anything is wrong with one, none."""

    def step(session: Session) -> object:
        count = delivery_files.record_all(session, request_now(), current_actor(), body["deliveries"])
        return {"recorded": count}

    return take(step, RecordedShape(), 201)


@pages.asks("GET", "/claims")
@for_role(Role.PROVIDER)
@pages.reads(ClaimsQuery, "query")
@pages.answers(200, ClaimListShape)
def claims(asked: dict[str, Any]) -> dict[str, Any]:
    """What patients have confirmed, and how far its payment is; no patient is named."""
    session, actor, state = db_session(), current_actor(), asked["state"]
    total = payments.claim_count(session, actor, state)
    rows = page(asked, total, lambda first, size: payments.claim_rows(session, actor, first, size, state=state))
    return {**rows, "sums": payments.claim_sums(session, actor)}


def _with_person(row: Contract) -> Any:
    """A contract, with whom it is for where the provider may know that."""
    person = None
    if contracts.names_patient(row):
        patient = row.need.patient
        person = {"name": patient.name, "district": patient.district, "goal": row.need.plan_line.outcome}
    return Beside(row, person=person)
