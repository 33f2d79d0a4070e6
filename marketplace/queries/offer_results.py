"""What came of a provider's opened offers, in words and as conditions: `results_of`, `state_of`, `told_of`, `in_state`.

An offer is used by the people who accepted in the latest verified round. Nothing of that is told before the award is
published, nor while the match is to be run again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, ScalarSelect, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.pools import Need
from marketplace.records.rounds import Award, Match, MatchStatus, Round, RoundStatus
from marketplace.records.tenders import Tender
from marketplace.rules.lifecycle import TenderStatus

from .words import units

OFFER_WORDS = {
    OfferStatus.DRAFT: ("Draft", "blue"),
    OfferStatus.REPLACED: ("Replaced", "grey"),
    OfferStatus.WITHDRAWN: ("Withdrawn", "grey"),
    OfferStatus.EXCLUDED: ("Left out", "red"),
    OfferStatus.VOID: ("Void", "red"),
}
SEALED, NEVER_OPENED, OPENED = "Sealed", "Never opened", "Opened"
USED, PART_USED, NOT_USED = "Used", "Part used", "Not used"
COLOURS = {
    SEALED: "green",
    NEVER_OPENED: "grey",
    OPENED: "blue",
    USED: "green",
    PART_USED: "green",
    NOT_USED: "grey",
}
"""The states of an offer that stands: what has come of it depends on its tender."""
RESULT_KNOWN = frozenset({TenderStatus.STANDSTILL, TenderStatus.UNDER_REVIEW, TenderStatus.AWARDED})
CAME_TO_NOTHING = frozenset({TenderStatus.UNSUCCESSFUL, TenderStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class OfferResult:
    """How many units the match gave to an offer, and how many of them were accepted."""

    matched_units: int = 0
    used_units: int = 0


def results_of(session: Session, offers: Sequence[Offer]) -> dict[str, OfferResult]:
    """What came of those of these offers whose result is known, by their ids; in one question."""
    known = [offer.id for offer in offers if offer.opened_at is not None and is_known(offer.tender)]
    rows = session.execute(select(Offer.id, _matched(), _used()).where(Offer.id.in_(known))) if known else ()
    return {offer_id: OfferResult(int(matched), int(used)) for offer_id, matched, used in rows}


def state_of(offer: Offer, result: OfferResult | None) -> tuple[str, str]:
    """An offer's state in words, and the colour of the tag."""
    if offer.status is not OfferStatus.STANDING:
        return OFFER_WORDS[offer.status]
    words = OPENED
    if offer.opened_at is None:
        words = SEALED if offer.tender.status is TenderStatus.OPEN else NEVER_OPENED
    elif offer.tender.status in CAME_TO_NOTHING:
        words = NOT_USED
    elif is_known(offer.tender):
        found = result or OfferResult()
        words = NOT_USED if not found.used_units else USED if found.used_units == found.matched_units else PART_USED
    return words, COLOURS[words]


def told_of(result: OfferResult, unit: str) -> str:
    """What came of an offer whose result is known, in one sentence."""
    if not result.matched_units:
        return "Your offer was not used: others were better for the group under the published rules."
    if not result.used_units:
        return "Your offer was not used: it was matched, but too few people stayed for it to stand."
    used = units(result.used_units, unit)
    if result.used_units < result.matched_units:
        return f"Your offer was used in part: {used} of {result.matched_units:,}. The other people did not take it."
    return f"Your offer was used: {used}."


def is_known(tender: Tender) -> bool:
    """Whether a tender's result is told: it is published, and its match need not be run again."""
    return tender.status in RESULT_KNOWN and not tender.rerun_ordered


def offer_states() -> list[str]:
    """The states of an offer, in words."""
    return sorted({*COLOURS, *(words for words, _ in OFFER_WORDS.values())})


def in_state(words: str) -> ColumnElement[bool]:
    """The offers in the state of these words: `state_of` said as a condition; a test compares the two."""
    if words not in COLOURS:
        return Offer.status.in_([status for status, told in OFFER_WORDS.items() if told[0] == words])
    opened = Offer.opened_at.is_not(None)
    open_still = Offer.tender.has(Tender.status == TenderStatus.OPEN)
    known = opened & Offer.tender.has(Tender.status.in_(RESULT_KNOWN) & ~Tender.rerun_ordered)
    in_vain = opened & Offer.tender.has(Tender.status.in_(CAME_TO_NOTHING))
    conditions = {
        SEALED: and_(~opened, open_still),
        NEVER_OPENED: and_(~opened, ~open_still),
        OPENED: and_(opened, ~known, ~in_vain),
        USED: and_(known, _used() > 0, _used() == _matched()),
        PART_USED: and_(known, _used() > 0, _used() < _matched()),
        NOT_USED: or_(in_vain, and_(known, _used() == 0)),
    }
    return and_(Offer.status == OfferStatus.STANDING, conditions[words])


def award_of(session: Session, offer: Offer) -> Award | None:
    """The offer's award in the latest verified round of its tender; None where that round does not use it."""
    return session.scalar(
        select(Award).join(Offer, Offer.id == Award.offer_id).where(Offer.id == offer.id, Award.round_id == _latest())
    )


def _latest() -> ScalarSelect[str]:
    """The latest verified round of an offer's tender."""
    return (
        select(Round.id)
        .where(Round.tender_id == Offer.tender_id, Round.status == RoundStatus.VERIFIED)
        .order_by(Round.number.desc())
        .limit(1)
        .correlate(Offer)
        .scalar_subquery()
    )


def _matched() -> ScalarSelect[int]:
    award = aliased(Award)
    return (
        select(func.coalesce(func.sum(award.units), 0))
        .where(award.offer_id == Offer.id, award.round_id == _latest())
        .correlate(Offer)
        .scalar_subquery()
    )


def _used() -> ScalarSelect[int]:
    award = aliased(Award)
    return (
        select(func.coalesce(func.sum(Need.units), 0))
        .select_from(Match)
        .join(award, award.id == Match.award_id)
        .join(Need, Need.id == Match.need_id)
        .where(award.offer_id == Offer.id, award.round_id == _latest(), Match.status == MatchStatus.ACCEPTED)
        .correlate(Offer)
        .scalar_subquery()
    )
