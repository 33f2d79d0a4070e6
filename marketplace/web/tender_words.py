"""What a tender has come to, in words: its dates, how it ended and by whom, what an amendment brought."""

from collections.abc import Iterator, Sequence

from flask import Flask

from marketplace.journey.rounds import must_run_again, run_again_by
from marketplace.queries.states import COLOURS, WORDS, state_of
from marketplace.queries.words import moment, plural, pounds
from marketplace.records.tenders import Amendment, AmendmentKind, CancelCode, Tender
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


def dates_of(tender: Tender) -> list[tuple[str, str]]:
    """A tender's dates as its broker needs them: what was done when, and until when the next thing is to be done."""
    return [
        ("Drafted", moment(tender.created_at)),
        *_before_the_offers(tender),
        *_of_the_match(tender),
        *_of_the_award(tender),
        *end_of(tender)[:1],
    ]


def amendment_words(amendment: Amendment) -> str:
    """What kind of amendment it is."""
    return AMENDED[amendment.kind]


def amendments_heading(amendments: Sequence[Amendment]) -> str:
    """What came after the publication: something was explained, or changed (more time is a change too), or both."""
    explained = [amendment.kind is AmendmentKind.CLARIFICATION for amendment in amendments]
    done = "Changed" if not any(explained) else "Explained" if all(explained) else "Explained or changed"
    return f"{done} since it was published"


def rule_changes(amendment: Amendment) -> list[str]:
    """The rules that an amendment changed, each with what it said before and says now."""
    titles = TenderSchema().fields
    return [
        f"{str(titles[name].metadata['title']).rstrip('?')}: {_value(name, before)} before, {_value(name, now)} now"
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


def _before_the_offers(tender: Tender) -> Iterator[tuple[str, str]]:
    if tender.published_at is not None:
        yield "Published", moment(tender.published_at)
        yield "Offers by", moment(tender.offers_due_at)
    elif tender.status is TenderStatus.DRAFT:
        yield "Published", f"Not yet. If nothing changes, this draft is deleted at {moment(tender.publish_by)}"
        yield "Offers by", "Set when it is published"
    yield "Offers asked for", f"At least {tender.minimum_offers}"
    if tender.closed_at is not None:
        yield "Offers opened", moment(tender.closed_at)


def _of_the_match(tender: Tender) -> Iterator[tuple[str, str]]:
    again = must_run_again(tender)
    if tender.status is TenderStatus.CLOSED and tender.match_by is not None and not again:
        yield "The match starts by", moment(tender.match_by)
    if tender.proposed_at is not None:
        yield "Match proposed", moment(tender.proposed_at)
    if again:
        yield "The match is run again by", moment(run_again_by(tender))
    if tender.answers_due_at is not None and not again:
        yield "Answers by", moment(tender.answers_due_at)
    elif tender.status not in GIVEN_UP:
        yield "People answer within", plural(tender.answer_days, "day")


def _of_the_award(tender: Tender) -> Iterator[tuple[str, str]]:
    stage = tender.status
    if stage is TenderStatus.PROPOSED and tender.confirm_by is not None and not must_run_again(tender):
        yield "You confirm the award by", moment(tender.confirm_by)
    if stage in (TenderStatus.STANDSTILL, TenderStatus.UNDER_REVIEW, TenderStatus.AWARDED):
        yield "Award confirmed", moment(tender.standstill_from)
    if stage is TenderStatus.STANDSTILL:
        yield "The pause ends", moment(tender.standstill_ends_at)
    if stage is TenderStatus.UNDER_REVIEW and tender.review_by is not None:
        yield "The objection is decided by", moment(tender.review_by)
    if stage is TenderStatus.AWARDED:
        yield "The pause ended", moment(tender.standstill_ends_at)
        yield "Awarded", moment(tender.awarded_at)


def _value(name: str, value: object) -> str:
    """A rule's value as a page says it."""
    if name.startswith("pence_") and isinstance(value, int):
        return pounds(value)
    said: dict[str, str] = TenderSchema().fields[name].metadata.get("x-words", {})
    return f"“{said[str(value)]}”" if str(value) in said else str(value)
