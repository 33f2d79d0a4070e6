"""What a tender has come to, in words: its dates, how it ended and by whom, what an amendment brought."""

from collections.abc import Iterator, Sequence

from flask import Flask
from marshmallow import Schema

from marketplace.journey.rounds import must_run_again, run_again_by
from marketplace.queries.states import COLOURS, WORDS, state_of
from marketplace.queries.tenders import TenderRow
from marketplace.queries.words import moment, one_unit, pounds
from marketplace.records.tenders import Amendment, AmendmentKind, CancelCode, Tender
from marketplace.rules.clock import Instant
from marketplace.rules.lifecycle import GIVEN_UP, TenderStatus
from marketplace.rules.permissions import Role
from marketplace.schemas.proceedings import CANCEL_WORDS
from marketplace.schemas.tenders import TenderSchema

GROUNDS = CANCEL_WORDS | {
    CancelCode.REVIEW.value: "An objection to the award was upheld",
    CancelCode.REVIEW_OUT_OF_TIME.value: "An objection to the award was not decided in time",
}
ENDED_WORDS = {
    TenderStatus.DELETED: "Deleted",
    TenderStatus.WITHDRAWN: "Withdrawn",
    TenderStatus.UNSUCCESSFUL: "Ended without an award",
    TenderStatus.CANCELLED: "Cancelled",
}
AMENDED = {
    AmendmentKind.CLARIFICATION: "Explained",
    AmendmentKind.EXTENSION: "More time",
    AmendmentKind.CHANGE: "Changed",
}


def tender_state(tender: Tender) -> tuple[str, str]:
    """The state that a tender is shown in, in words, and the colour of its tag."""
    return WORDS[state_of(tender)], COLOURS[state_of(tender)]


def end_of(tender: Tender) -> list[tuple[str, str]]:
    """How a tender ended without an award: when, by whom, on what grounds, why. Nothing while it goes on."""
    if tender.status not in GIVEN_UP:
        return []
    found = [(ENDED_WORDS[tender.status], moment(tender.ended_at)), ("By", _by(tender))]
    if tender.cancelled_code is not None:
        found.append(("Grounds", GROUNDS[tender.cancelled_code.value]))
    return [*found, ("Why", tender.status_reason or "–")]


def dates_of(row: TenderRow, now: Instant) -> list[tuple[str, str]]:
    """A tender's dates as its broker needs them, in order of time: what was done when, and what is to be done by when.

    A date by which something was to be done is left out once it means nothing any more.
    """
    known = [(words, at) for words, at in (*_to_come(row, now), *_done(row.tender)) if at is not None]
    return [(words, moment(at)) for words, at in sorted(known, key=lambda date: date[1])]


def amendment_words(amendment: Amendment) -> str:
    """What kind of amendment it is."""
    return AMENDED[amendment.kind]


def amendments_heading(amendments: Sequence[Amendment]) -> str:
    """What came after the publication: something was explained, or changed (more time is a change too), or both."""
    explained = [amendment.kind is AmendmentKind.CLARIFICATION for amendment in amendments]
    done = "Changed" if not any(explained) else "Explained" if all(explained) else "Explained or changed"
    return f"{done} since it was published"


def weights_told_as(schema: Schema, tender: Tender) -> dict[str, str]:
    """What the weights that count per unit are called where a message names them: in the tender's own unit."""
    unit = one_unit(bundle.service.unit for bundle in tender.lots)
    titles = {name: str(field.metadata.get("title", "")) for name, field in schema.fields.items()}
    return {name: title.replace("per unit", f"per {unit}") for name, title in titles.items() if "per unit" in title}


def rule_changes(amendment: Amendment, unit: str = "unit") -> list[str]:
    """The rules that an amendment changed, each with what it said before and says now, in the tender's unit."""
    fields = TenderSchema().fields
    titles = {name: str(field.metadata["title"]).replace("per unit", f"per {unit}") for name, field in fields.items()}
    return [
        f"{titles[name].rstrip('?')}: {_value(name, before)} before, {_value(name, now)} now"
        for name, (before, now) in (amendment.changed or {}).items()
        if name in titles
    ]


def amendment_sentences(amendment: Amendment) -> str:
    """All that an amendment brought, as one text: for data that has no page."""
    due = f" Offers by {moment(amendment.offers_due_at)}." if amendment.offers_due_at is not None else ""
    return f"{amendment.text}{due}{''.join(f' {change}.' for change in rule_changes(amendment))}"


def init_app(app: Flask) -> None:
    """Give the templates these words."""
    for says in (tender_state, end_of, dates_of, amendment_words, amendments_heading, rule_changes):
        app.jinja_env.globals[says.__name__] = says


def _by(tender: Tender) -> str:
    if tender.status is TenderStatus.UNSUCCESSFUL:
        return "Nobody: it follows from its rules and dates"
    if tender.ended_by is Role.BROKER:
        return f"{tender.broker.name}, its broker"
    return "The commissioner" if tender.ended_by is Role.COMMISSIONER else "Nobody: a date had passed"


def _done(tender: Tender) -> Iterator[tuple[str, Instant | None]]:
    """What is over, each with its instant."""
    yield "Drafted", tender.created_at
    yield "Published", tender.published_at
    yield "Offers opened", tender.closed_at
    confirmed = (TenderStatus.STANDSTILL, TenderStatus.UNDER_REVIEW, TenderStatus.AWARDED)
    if must_run_again(tender):
        yield "Match proposed; it counts no longer", tender.proposed_at
        yield "First award confirmed; it counts no longer", tender.standstill_from
    else:
        yield "Match proposed", tender.proposed_at
        if tender.status in confirmed:
            yield "Award confirmed", tender.standstill_from
    if tender.status is TenderStatus.AWARDED:
        yield "The pause ended", tender.standstill_ends_at
        yield "Awarded", tender.awarded_at
    if tender.status in GIVEN_UP:
        yield ENDED_WORDS[tender.status], tender.ended_at


def _to_come(row: TenderRow, now: Instant) -> Iterator[tuple[str, Instant | None]]:
    """The deadlines that mean something now, and the one for offers for as long as it was kept to."""
    tender, stage = row.tender, row.tender.status
    if stage is TenderStatus.DRAFT:
        yield "To be published by", tender.publish_by
    if stage is TenderStatus.OPEN and tender.offers_due_at is not None and now < tender.offers_due_at:
        yield "Offers by", tender.offers_due_at
    elif stage is TenderStatus.OPEN or tender.closed_at is not None:
        yield "Offers could come in until", tender.offers_due_at
    if row.must_run_again:
        yield "Match to be run again by", run_again_by(tender)
        return
    if stage is TenderStatus.CLOSED:
        yield "The match starts by", tender.match_by
    if row.waits_for_answers:
        yield "Answers by", tender.answers_due_at
    if stage is TenderStatus.PROPOSED:
        yield "You confirm the award by", tender.confirm_by
    if stage is TenderStatus.STANDSTILL:
        yield "The pause ends", tender.standstill_ends_at
    if stage is TenderStatus.UNDER_REVIEW:
        yield "The objection is decided by", tender.review_by


def _value(name: str, value: object) -> str:
    """A rule's value as a page says it."""
    if name.startswith("pence_") and isinstance(value, int):
        return pounds(value)
    said: dict[str, str] = TenderSchema().fields[name].metadata.get("x-words", {})
    return f"“{said[str(value)]}”" if str(value) in said else str(value)
