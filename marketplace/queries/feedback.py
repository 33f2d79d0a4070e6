"""What a bidder reads when an award is confirmed: `feedback_page`, in sentences; `results_to_read`, `can_represent`.

The document is what `journey.feedback` stored: figures and names of rules. The words for them are here.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session, contains_eager

from marketplace.journey.scopes import objectors_offers_for, offers_for, one, representations_for
from marketplace.journey.sites import facts_said
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.tenders import Representation, Tender
from marketplace.rules.clock import Instant
from marketplace.rules.errors import NotFound
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Actor
from marketplace.rules.sites import SiteFacts
from marketplace.rules.tendering import OfferTerms

from .notices import Lot, lots_of
from .objections import OwnObjection, own_objection
from .offer_results import RESULT_KNOWN, OfferResult, results_of, told_of
from .words import one_unit, plural, pounds, units, units_of, words

TOLD = (OfferStatus.STANDING, OfferStatus.EXCLUDED)
BAND_WORDS = {
    "top third": "Among the best third of the offers",
    "middle third": "In the middle third of the offers",
    "lower third": "In the lower third of the offers",
}
RANKED = "Where your offer ranked"
TOO_FEW = "Not shown: with so few offers it would give the others away."
CLOSED_WORDS = {
    "tier_volume": "Not all of your volume bands could be reached with the people whom you could serve.",
    "minimum_volume": "Your smallest number of {many} could not be reached with the people whom you could serve.",
    "line_minimum": "Your smallest number of {many} for one group could not be reached.",
    "capacity": "Your largest number of {many} was too small for one of your volume bands.",
    "provider_capacity": "All your offers together reached your largest number of {many}.",
    "line_capacity": "Your largest number of {many} for one group was too small.",
    "fee_cover": "Your fixed fee did not fit into the budgets of the people whom you could serve.",
}
CHANGES: Mapping[str, Callable[[Mapping[str, Any], str], str]] = {
    "price": lambda change, unit: f"all your prices had been {pounds(change['needed'])} lower for each {unit}",
    "capacity": lambda change, unit: (
        f"you could have taken {units(change['needed'], unit)} instead of {change['now']:,}"
    ),
}
"""What would have brought an offer into use: how the sentence "If ..., your offer would have been used" goes on."""


@dataclass(frozen=True, slots=True)
class FeedbackPage:
    """One opened offer and what its provider is told of it; None until it is written."""

    offer: Offer
    feedback: Mapping[str, Any] | None
    bands: Sequence[tuple[str, str]]
    represented: OwnObjection | None
    result: OfferResult | None = None
    unit: str = "unit"

    @property
    def verdict(self) -> str:
        """What came of the offer, in one sentence: of the match, and, once the award is known, of who stayed."""
        said = self.feedback or {}
        if said.get("rule") == "excluded":
            return "Your offer was left out of the match."
        if said.get("used") and self.result is not None and self.result.used_units < self.result.matched_units:
            return told_of(self.result, self.unit)
        if said.get("used"):
            people = plural(said["needs"], "person", "people")
            return f"Your offer was used: {units(said['units'], self.unit)} for {people}."
        if not said.get("eligible_needs"):
            return "Your offer was not used: it fitted the needs of nobody in the group."
        return "Your offer was not used: others were better for the group under the published rules."

    @property
    def compared(self) -> bool:
        """Whether it stands in a third of the offers anywhere."""
        return any(band is not None for band in (self.feedback or {}).get("band", {}).values())

    @property
    def obstacles(self) -> list[str]:
        """The rules that stood in its way."""
        said = self.feedback or {}
        rules = [] if said.get("used") else said.get("closed_by", [])
        return [CLOSED_WORDS.get(rule, f"{words(rule)}.").format(many=units_of(self.unit)) for rule in rules]

    @property
    def changes(self) -> list[str]:
        """The single changes that would have brought it into use."""
        return [_change(change, self.unit) for change in (self.feedback or {}).get("changes", [])]


@dataclass(frozen=True, slots=True)
class ObjectorsOffer:
    """One opened offer of somebody who objected: its terms, its place as sealed, and what its provider was told."""

    terms: OfferTerms
    site: SiteFacts
    lots: Mapping[str, Lot]
    told: FeedbackPage


def feedback_page(session: Session, actor: Actor, offer_id: str) -> FeedbackPage:
    """The feedback on one of the provider's own offers, once the award is confirmed.

    Raises
    ------
    NotFound
        If it is somebody else's, or its result is not known yet.
    """
    offer = one(session, offers_for(actor), offer_id, "offer")
    tender = offer.tender
    if tender.status not in RESULT_KNOWN or offer.opened_at is None or offer.status not in TOLD:
        raise NotFound("not_found", "There is no feedback on this offer yet.")
    lots = lots_of(session, tender)
    return FeedbackPage(
        offer=offer,
        feedback=offer.feedback,
        bands=bands_in_words(lots, offer.feedback),
        represented=own_objection(session, actor, tender),
        result=results_of(session, [offer]).get(offer.id),
        unit=one_unit(lot.unit for lot in lots),
    )


def bands_in_words(lots: Collection[Lot], feedback: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """In which third of the offers one stands, lot by lot, where there are enough of them to say."""
    alone = len(lots) == 1
    named = {lot.bundle_id: RANKED if alone else f"{RANKED}: {lot.service}, {lot.area}" for lot in lots}
    bands = (feedback or {}).get("band", {})
    return [(named.get(lot, RANKED), BAND_WORDS.get(band, TOO_FEW)) for lot, band in bands.items()]


def objectors_offers(session: Session, actor: Actor, row: Representation) -> list[ObjectorsOffer]:
    """What somebody who objected had offered, and what it was told: for whoever decides on the objection."""
    query = objectors_offers_for(actor).where(
        Offer.tender_id == row.tender_id, Offer.provider_id == row.provider_id, Offer.status.in_(TOLD)
    )
    offers = session.scalars(query.order_by(Offer.number, Offer.id)).all()
    results = results_of(session, offers)
    lots = {lot.bundle_id: lot for lot in lots_of(session, row.tender)} if offers else {}
    return [
        ObjectorsOffer(
            terms=OfferTerms.from_document(offer.content or {}),
            site=facts_said(offer),
            lots=lots,
            told=FeedbackPage(
                offer,
                offer.feedback,
                bands_in_words(lots.values(), offer.feedback),
                None,
                results.get(offer.id),
                one_unit(lot.unit for lot in lots.values()),
            ),
        )
        for offer in offers
    ]


def results_to_read(session: Session, actor: Actor, now: Instant) -> list[Offer]:
    """Of each tender in its objection period that the provider took part in and has not objected to: one offer.

    The one whose feedback is written, if there is one; the nearest end of the period comes first.
    """
    objected = representations_for(actor).with_only_columns(Representation.tender_id)
    query = offers_for(actor).where(
        Tender.status == TenderStatus.STANDSTILL,
        Tender.standstill_ends_at > now,
        Tender.id.not_in(objected),
        Offer.opened_at.is_not(None),
        Offer.status.in_(TOLD),
    )
    offers = session.scalars(query.options(contains_eager(Offer.tender)).order_by(Tender.standstill_ends_at, Offer.id))
    by_tender: dict[str, Offer] = {}
    for offer in offers:
        if offer.tender_id not in by_tender or by_tender[offer.tender_id].feedback is None:
            by_tender[offer.tender_id] = offer
    return list(by_tender.values())


def can_represent(tender: Tender, now: Instant) -> bool:
    """Whether a bidder can object now."""
    ends_at = tender.standstill_ends_at
    return tender.status is TenderStatus.STANDSTILL and ends_at is not None and now < ends_at


def _change(change: Mapping[str, Any], unit: str) -> str:
    condition = CHANGES.get(str(change["kind"]))
    if condition is None:
        return f"{words(change['kind'])}: {change['needed']} instead of {change['now']}."
    sentence = f"If {condition(change, unit)}, your offer would have been used."
    return sentence if change.get("smallest") else f"{sentence} A smaller change may have been enough."
