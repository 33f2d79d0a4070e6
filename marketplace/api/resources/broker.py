"""A broker's program: its clients, and a tender from the draft to its publication."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from marketplace.api.access import current_actor, for_role, seen
from marketplace.api.blueprint import Resources
from marketplace.api.database import db_session
from marketplace.api.lists import PageQuery, listed, one_of, page, search
from marketplace.api.repeating import take
from marketplace.api.shapes.broker import (
    BuiltLotShape,
    ClientShape,
    DraftedShape,
    FullTenderShape,
    GroupShape,
    InvitedShape,
    TakenOnShape,
    TenderShape,
)
from marketplace.api.shapes.common import Beside
from marketplace.front.clock import request_now
from marketplace.journey import clients as client_steps
from marketplace.journey import pools
from marketplace.journey import tenders as steps
from marketplace.journey.clients import ClientDetails
from marketplace.journey.scopes import one, tenders_for
from marketplace.queries import clients as found_clients
from marketplace.queries import invitations, lots, tenders
from marketplace.queries.tenders import TenderRow
from marketplace.records.pools import Bundle
from marketplace.rules.clock import london_midnight_after
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Role
from marketplace.rules.pooling import BundleTerms
from marketplace.schemas.clients import ClientSchema
from marketplace.schemas.tenders import BundleSchema, InviteSchema, PublishSchema, ReasonSchema, TenderSchema

STATUSES = [status.value for status in TenderStatus if status is not TenderStatus.DELETED]

pages = Resources("broker", "/broker", "For a broker's case system.")


class ClientsQuery(PageQuery):
    """Which clients."""

    search = search("Letters of the name, or a postcode district")
    group = one_of(
        "In a group now, or in none; with extra support, or with it and no supporter yet",
        ["yes", "no", "supported", "no-supporter"],
    )


class TendersQuery(PageQuery):
    """Which tenders."""

    status = one_of("In which state", STATUSES)
    search = search("Letters of the title")
    turn = one_of("By whose turn it is: yours, or somebody else's, with a date", list(tenders.TURNS))


@pages.asks("GET", "/clients")
@for_role(Role.BROKER)
@pages.reads(ClientsQuery, "query")
@pages.answers(200, listed(ClientShape))
def list_clients(asked: dict[str, Any]) -> dict[str, Any]:
    """Your clients, by name."""
    session, actor, words, group = db_session(), current_actor(), asked["search"], asked["group"]
    now = request_now()

    def fetch(first: int, size: int) -> list[Any]:
        rows = found_clients.clients(session, actor, words, first, size, now=now, group=group)
        seen([row.patient.id for row in rows], "list of clients")
        return rows

    return page(asked, found_clients.client_count(session, actor, words, group, now), fetch)


@pages.asks("POST", "/clients")
@for_role(Role.BROKER)
@pages.reads(ClientSchema)
@pages.answers(201, TakenOnShape)
def take_on(client: ClientDetails) -> Response:
    """Take on one person who asked you to act for them. They are told, and so is the commissioner."""
    return take(
        lambda session: client_steps.take_on(session, request_now(), current_actor(), client), TakenOnShape(), 201
    )


@pages.asks("GET", "/tenders")
@for_role(Role.BROKER)
@pages.reads(TendersQuery, "query")
@pages.answers(200, listed(TenderShape))
def list_tenders(asked: dict[str, Any]) -> dict[str, Any]:
    """Your tenders, the newest first."""
    session, actor, now = db_session(), current_actor(), request_now()
    status = TenderStatus(asked["status"]) if asked["status"] else None
    which = tenders.Asked(status, asked["search"], asked["turn"])

    def fetch(first: int, size: int) -> list[Any]:
        return [_row(row) for row in tenders.own_tenders(session, actor, now, which, first=first, size=size)]

    return page(asked, tenders.tender_count(session, actor, now, which), fetch)


@pages.asks("POST", "/tenders")
@for_role(Role.BROKER)
@pages.reads(TenderSchema)
@pages.answers(201, DraftedShape)
def draft_tender(body: dict[str, Any]) -> Response:
    """Draft a tender: its title, what counts how much, and its times."""

    def step(session: Session) -> object:
        return steps.draft_tender(session, request_now(), current_actor(), body["title"], body["policy"])

    return take(step, DraftedShape(), 201)


@pages.asks("GET", "/tenders/<id:tender_id>")
@for_role(Role.BROKER)
@pages.answers(200, FullTenderShape)
def tender(tender_id: str) -> object:
    """One of your tenders with its policy and its lots."""
    row = tenders.tender_row(db_session(), current_actor(), tender_id)
    return Beside(_row(row), each_lot=lots.lots_of(db_session(), current_actor(), row.tender))


@pages.asks("POST", "/tenders/<id:tender_id>/delete")
@for_role(Role.BROKER)
@pages.reads(ReasonSchema)
@pages.answers(200, DraftedShape)
def delete_draft(body: dict[str, Any], tender_id: str) -> Response:
    """Delete a draft. Whoever was invited is told why, and can be invited again."""

    def step(session: Session) -> object:
        return steps.delete_draft(session, request_now(), current_actor(), tender_id, body["reason"])

    return take(step, DraftedShape())


@pages.asks("POST", "/tenders/<id:tender_id>/lots")
@for_role(Role.BROKER)
@pages.reads(BundleSchema)
@pages.answers(201, BuiltLotShape)
def build_lot(terms: BundleTerms, tender_id: str) -> Response:
    """Add a lot to a draft. Ask for the lot afterwards to see who could be invited to it."""
    return take(
        lambda session: pools.build_bundle(session, request_now(), current_actor(), tender_id, terms),
        BuiltLotShape(),
        201,
    )


@pages.asks("GET", "/lots/<id:lot_id>")
@for_role(Role.BROKER)
@pages.answers(200, GroupShape)
def lot(lot_id: str) -> object:
    """A lot with its invitations, and, in a draft, who could be invited besides."""
    found = invitations.group_page(db_session(), current_actor(), lot_id)
    seen(found.patient_ids, "invitations to a group")
    return found


@pages.asks("POST", "/lots/<id:lot_id>/invitations")
@for_role(Role.BROKER)
@pages.reads(InviteSchema)
@pages.answers(201, InvitedShape)
def invite(body: dict[str, Any], lot_id: str) -> Response:
    """Invite people to a lot of a draft, by the plan lines of its candidates."""

    def step(session: Session) -> object:
        found = session.get(Bundle, lot_id)
        tender_id = found.tender_id if found is not None else ""
        one(session, tenders_for(current_actor()), tender_id, "lot")
        return {"invited": pools.invite(session, request_now(), current_actor(), lot_id, body["plan_line_ids"])}

    return take(step, InvitedShape(), 201)


@pages.asks("POST", "/tenders/<id:tender_id>/publish")
@for_role(Role.BROKER)
@pages.reads(PublishSchema)
@pages.answers(200, DraftedShape)
def publish(body: dict[str, Any], tender_id: str) -> Response:
    """Publish a draft: its rules hold for all, money is set aside, providers can make offers until the end of a day."""
    due_at = london_midnight_after(body["offers_due_on"])
    return take(
        lambda session: steps.publish_tender(session, request_now(), current_actor(), tender_id, due_at),
        DraftedShape(),
    )


@pages.asks("POST", "/tenders/<id:tender_id>/withdraw")
@for_role(Role.BROKER)
@pages.reads(ReasonSchema)
@pages.answers(200, DraftedShape)
def withdraw(body: dict[str, Any], tender_id: str) -> Response:
    """Take an open tender back. Every pound is released, and everybody is told why."""

    def step(session: Session) -> object:
        return steps.withdraw_tender(session, request_now(), current_actor(), tender_id, body["reason"])

    return take(step, DraftedShape())


def _row(row: TenderRow) -> Any:
    return Beside(row, action=row.action(request_now()))
