"""Claim 5, quality pays: how often offers are used, by the quality of their site and by their price; `quality`.

Prices are an offer's lowest for a lot, in thousandths of the catalogue's guide price, so that services can be put side
by side. How a single losing bidder fared is nobody's business: a group of fewer than k offers shows nothing, nor does
a larger one by which it could be read off the sum.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.pools import Bundle, Need
from marketplace.records.rounds import Award
from marketplace.rules.awarding import rank_band
from marketplace.rules.privacy import hidden
from marketplace.rules.quality import UNRATED
from marketplace.rules.tendering import OfferTerms

from .cohort import Counted, lower_median, served


@dataclass(frozen=True, slots=True)
class OfferGroup:
    """Offers of one grade, or of one third by price: how many there were, how many are used, the middle price.

    All three are None where they are not shown.
    """

    key: str
    offers: int | None
    used: int | None
    price_permille: int | None

    @property
    def used_permille(self) -> int | None:
        """How many of a thousand are used."""
        return None if self.offers is None or self.used is None else self.used * 1000 // self.offers


@dataclass(frozen=True, slots=True)
class QualityClaim:
    """The offers by grade, the best first (0: not rated), and by price within their lot, the lowest third first."""

    by_grade: tuple[OfferGroup, ...]
    by_price: tuple[OfferGroup, ...]


@dataclass(frozen=True, slots=True)
class Bid:
    """One offer's line on one lot."""

    bundle_id: str
    offer_id: str
    grade: int
    price_permille: int
    used: bool


def quality(session: Session, counted: Sequence[Counted]) -> QualityClaim:
    """Group the opened offers on the counted tenders."""
    bids = _bids(session, counted)
    by_lot: dict[str, list[Bid]] = defaultdict(list)
    for bid in bids:
        by_lot[bid.bundle_id].append(bid)
    thirds: dict[str, list[Bid]] = {"top third": [], "middle third": [], "lower third": []}
    for lot in by_lot.values():
        for place, bid in enumerate(sorted(lot, key=lambda one: (one.price_permille, one.offer_id))):
            thirds[rank_band(place, len(lot))].append(bid)
    grades = sorted({bid.grade for bid in bids}, reverse=True)
    by_third = zip(("lowest", "middle", "highest"), thirds.values(), strict=True)
    return QualityClaim(
        by_grade=grouped({str(grade): [bid for bid in bids if bid.grade == grade] for grade in grades}),
        by_price=grouped({key: members for key, members in by_third if members}),
    )


def grouped(groups: Mapping[str, Sequence[Bid]]) -> tuple[OfferGroup, ...]:
    """Each group's figures, but for those that would point at somebody who lost."""
    not_shown = hidden([len(members) for members in groups.values()])
    return tuple(
        OfferGroup(key, None, None, None)
        if place in not_shown
        else OfferGroup(
            key=key,
            offers=len(members),
            used=sum(bid.used for bid in members),
            price_permille=lower_median([bid.price_permille for bid in members]),
        )
        for place, (key, members) in enumerate(groups.items())
    )


def _bids(session: Session, counted: Sequence[Counted]) -> list[Bid]:
    tenders = [tender.tender_id for tender in counted]
    in_use = set(session.execute(served(counted, Award.offer_id, Need.bundle_id).distinct()).all())
    guide = dict(session.execute(select(Bundle.id, Bundle.reference_pence).where(Bundle.tender_id.in_(tenders))).all())
    query = (
        select(Offer.id, Offer.content, Offer.grade)
        .where(Offer.tender_id.in_(tenders), Offer.status == OfferStatus.STANDING, Offer.content.is_not(None))
        .order_by(Offer.id)
    )
    return [
        Bid(
            bundle_id=line.bundle,
            offer_id=offer_id,
            grade=grade or UNRATED,
            price_permille=min(tier.price_pence for tier in line.tiers) * 1000 // guide[line.bundle],
            used=(offer_id, line.bundle) in in_use,
        )
        for offer_id, content, grade in session.execute(query)
        for line in OfferTerms.from_document(content or {}).lines
        if line.bundle in guide
    ]
