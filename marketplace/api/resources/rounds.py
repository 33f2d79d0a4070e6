"""A broker's program, from the closed tender on: ask for the match, follow it, read its rows, confirm the award."""

from typing import Any

from flask import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.api.access import current_actor, for_role, seen
from marketplace.api.blueprint import Resources
from marketplace.api.database import db_session
from marketplace.api.lists import PageQuery, listed, one_of, page, search
from marketplace.api.repeating import take
from marketplace.api.shapes.broker import (
    DraftedShape,
    JobShape,
    MatchRowShape,
    ProgressShape,
    ResultShape,
    UnmatchedShape,
)
from marketplace.api.shapes.common import Beside
from marketplace.front.clock import request_now
from marketplace.journey import awards
from marketplace.journey import tenders as steps
from marketplace.journey.rounds import latest_round, latest_round_id
from marketplace.journey.scopes import one, tenders_for
from marketplace.queries import results
from marketplace.queries import unmatched as without
from marketplace.records.people import Patient
from marketplace.records.rounds import Match, MatchStatus
from marketplace.rules.errors import NotFound
from marketplace.rules.permissions import Role
from marketplace.schemas.tenders import AwardSchema
from marketplace.work import client

pages = Resources("rounds", "/broker/tenders", "For a broker: match and award.")


class MatchesQuery(PageQuery):
    """Which matches."""

    offer = search("With which offer, by its id")
    lot = search("In which lot, by its id")
    answer = one_of("With which answer", [status.value for status in MatchStatus])


class UnmatchedQuery(PageQuery):
    """Which people without a match."""

    reason = search("For which reason, by its short name")
    lot = search("In which lot, by its id")


@pages.asks("POST", "/<id:tender_id>/close")
@for_role(Role.BROKER)
@pages.answers(200, DraftedShape)
def close(tender_id: str) -> Response:
    """Open the offers of a tender whose deadline has passed, if that has not happened yet."""
    return take(lambda session: steps.close_tender(session, request_now(), current_actor(), tender_id), DraftedShape())


@pages.asks("POST", "/<id:tender_id>/round")
@for_role(Role.BROKER)
@pages.answers(202, JobShape)
def run_round(tender_id: str) -> Response:
    """Ask for the match under the published policy. A worker takes it up: follow its progress."""
    return take(
        lambda session: client.enqueue_round(session, request_now(), current_actor(), tender_id), JobShape(), 202
    )


@pages.asks("POST", "/<id:tender_id>/rematch")
@for_role(Role.BROKER)
@pages.answers(202, JobShape)
def run_rematch(tender_id: str) -> Response:
    """Look for other providers for those who said no. Everybody else stays where they are."""
    return take(
        lambda session: client.enqueue_rematch(session, request_now(), current_actor(), tender_id), JobShape(), 202
    )


@pages.asks("GET", "/<id:tender_id>/progress")
@for_role(Role.BROKER)
@pages.answers(200, ProgressShape)
def progress(tender_id: str) -> object:
    """How far the latest match is."""
    found = client.progress_of(db_session(), request_now(), current_actor(), tender_id)
    if found is None:
        raise NotFound("not_found", "No match was asked for yet.")
    return found


@pages.asks("GET", "/<id:tender_id>/result")
@for_role(Role.BROKER)
@pages.answers(200, ResultShape)
def result(tender_id: str) -> object:
    """What the latest match came to: coverage, cost, the offers in use, and why people are without a match."""
    found = results.result(db_session(), current_actor(), tender_id)
    reasons = [{"code": code, "words": words, "people": people} for code, words, people in found.reasons]
    return Beside(found, reasons=reasons)


@pages.asks("GET", "/<id:tender_id>/matches")
@for_role(Role.BROKER)
@pages.reads(MatchesQuery, "query")
@pages.answers(200, listed(MatchRowShape))
def matches(asked: dict[str, Any], tender_id: str) -> dict[str, Any]:
    """The matches behind the figures, by name."""
    session, actor = db_session(), current_actor()
    tender = one(session, tenders_for(actor), tender_id, "tender")
    filters = {name: asked[name] for name in ("offer", "lot", "answer")}
    query = results.people_query(session, actor, tender, **filters)

    def fetch(first: int, size: int) -> list[Match]:
        rows = session.scalars(query.order_by(Patient.name, Match.id).offset(first).limit(size)).all()
        seen([row.need.patient_id for row in rows], "result of a match")
        return list(rows)

    return page(asked, session.scalar(select(func.count()).select_from(query.subquery())) or 0, fetch)


@pages.asks("GET", "/<id:tender_id>/unmatched")
@for_role(Role.BROKER)
@pages.reads(UnmatchedQuery, "query")
@pages.answers(200, listed(UnmatchedShape))
def unmatched(asked: dict[str, Any], tender_id: str) -> dict[str, Any]:
    """Everybody without a match, with what would have helped."""
    session, actor = db_session(), current_actor()
    tender = one(session, tenders_for(actor), tender_id, "tender")
    row = latest_round(session, tender.id)
    if row is None:
        raise NotFound("not_found", "There is no result yet.")
    lines = without.lines_of(row, reason=asked["reason"], lot=asked["lot"])
    lines = sorted(lines, key=lambda line: (line["reason"], line["need"]))
    labels = results.offer_labels(session, tender)

    def fetch(first: int, size: int) -> list[Any]:
        rows = without.unmatched_rows(session, actor, row, lines[first : first + size], labels)
        seen([found.need.patient_id for found in rows], "result of a match")
        return rows

    return page(asked, len(lines), fetch)


@pages.asks("POST", "/<id:tender_id>/award")
@for_role(Role.BROKER)
@pages.reads(AwardSchema)
@pages.answers(200, DraftedShape)
def award(body: dict[str, Any], tender_id: str) -> Response:
    """Confirm the award with your reasons. The pause begins in which providers may object."""

    def step(session: Session) -> object:
        if latest_round_id(session, one(session, tenders_for(current_actor()), tender_id, "tender").id) is None:
            raise NotFound("not_found", "There is no result yet.")
        return awards.confirm_award(session, request_now(), current_actor(), tender_id, body["reasons"])

    return take(step, DraftedShape())
