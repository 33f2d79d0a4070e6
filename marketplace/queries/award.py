"""What a broker confirms, and on what grounds: the award by criterion, interests declared, the answers, the letters."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session, joinedload

from marketplace.journey.advice import advice_of
from marketplace.journey.moved_places import too_far_for
from marketplace.journey.rounds import latest_round_id, must_run_again
from marketplace.journey.scopes import offers_for
from marketplace.journey.sites import facts_said, rating_fell
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.people import Interest, Patient
from marketplace.records.pools import Need
from marketplace.records.providers import Provider
from marketplace.records.rounds import Award, Match, MatchStatus
from marketplace.records.tenders import Tender
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Actor
from marketplace.rules.quality import rating_words

from .feedback import TOLD, FeedbackPage, bands_in_words
from .notices import lots_of
from .offer_results import OfferResult, results_of
from .results import AwardRow, award_rows, offer_labels
from .words import one_unit

DECLINED_FIRST = case(
    {MatchStatus.DECLINED: 0, MatchStatus.DISPLACED: 1, MatchStatus.PROPOSED: 2}, value=Match.status, else_=3
)

GIVEN = (MatchStatus.ACCEPTED, MatchStatus.DECLINED)
"""Answers that somebody gave."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """What one offer in use counts for by each criterion, in pence; nobody pays the parts beside price and fee."""

    label: str
    people: int
    price_pence: int
    fee_pence: int
    quality_pence: int
    travel_pence: int
    wait_pence: int
    change_pence: int

    @property
    def counted_pence(self) -> int:
        """All of it: what the match makes as small as it can."""
        beside = self.quality_pence + self.travel_pence + self.wait_pence + self.change_pence
        return self.price_pence + self.fee_pence + beside


@dataclass(frozen=True, slots=True)
class Letter:
    """What one bidder reads, or will read; nothing in it yet while it is being worked out."""

    label: str
    feedback: FeedbackPage


@dataclass(frozen=True, slots=True)
class AwardPage:
    """The award of the latest round, as far as it has come."""

    offers: Sequence[AwardRow]
    criteria: Sequence[Criteria]
    interests: Sequence[tuple[str, str]]
    left_out: Sequence[tuple[str, str]]
    fallen: Sequence[tuple[str, str, str]]
    too_far: Sequence[tuple[str, int]]
    want_another: int
    some_unused: bool

    def answered(self, answer: str) -> int:
        """How many matches have this answer."""
        return sum(row.answers[answer] for row in self.offers)

    @property
    def falling_people(self) -> int:
        """How many people lose their match if the award is confirmed as it is: their offer cannot go ahead."""
        return sum(row.staying for row in self.offers if not row.stands)

    @property
    def falling_offers(self) -> Sequence[str]:
        """The offers that these people have."""
        return [row.label for row in self.offers if row.staying and not row.stands]

    @property
    def ends_without_award(self) -> bool:
        """Whether confirming now would leave nobody with a match."""
        return not any(row.staying for row in self.offers if row.stands)

    @property
    def total(self) -> Criteria:
        """All offers together."""
        sums = {
            name: sum(getattr(row, name) for row in self.criteria)
            for name in Criteria.__dataclass_fields__
            if name != "label"
        }
        return Criteria(label="All together", **sums)


def award_page(session: Session, tender: Tender) -> AwardPage:
    """What the broker has before it when it confirms."""
    labels = offer_labels(session, tender)
    left_out = select(Offer).where(Offer.tender_id == tender.id, Offer.status == OfferStatus.EXCLUDED)
    standing = _standing(session, tender)
    far = too_far_for(session, tender.id, standing)
    offers = award_rows(session, tender)
    used = {row.offer.id for row in offers}
    return AwardPage(
        offers=offers,
        criteria=_criteria(session, tender, labels),
        interests=_interests(session, tender),
        left_out=[(labels[offer.id], offer.excluded_reason or "") for offer in session.scalars(left_out)],
        fallen=_fallen(labels, standing),
        too_far=sorted((labels[key], people) for key, people in far.items() if people),
        want_another=_want_another(session, tender),
        some_unused=any(offer.id not in used for offer in standing),
    )


def falling_offers(session: Session, tender: Tender) -> list[str]:
    """The offers in use that can no longer go ahead after the answers."""
    return [row.label for row in award_rows(session, tender) if not row.stands]


def _want_another(session: Session, tender: Tender) -> int:
    """How many of those who said no want another provider."""
    query = select(func.count()).select_from(Match).join(Match.award)
    query = query.where(Award.round_id == latest_round_id(session, tender.id))
    return session.scalar(query.where(Match.status == MatchStatus.DECLINED, Match.look_again)) or 0


def _standing(session: Session, tender: Tender) -> Sequence[Offer]:
    standing = select(Offer).where(
        Offer.tender_id == tender.id, Offer.status == OfferStatus.STANDING, Offer.opened_at.is_not(None)
    )
    return session.scalars(standing.options(joinedload(Offer.site))).all()


def _fallen(labels: dict[str, str], standing: Sequence[Offer]) -> list[tuple[str, str, str]]:
    """The standing offers that state a better rating than is published now: label, rating stated, rating now."""
    return sorted(
        (labels[offer.id], rating_words(facts_said(offer).rating), rating_words(offer.site.rating))
        for offer in standing
        if offer.site is not None and rating_fell(offer)
    )


def by_answer(query: Select[Match], *, given_only: bool = False) -> Select[Match]:
    """Those who said no first, then those who have not answered (unless only answers given are asked for); by name."""
    if given_only:
        query = query.where(Match.status.in_(GIVEN))
    return query.order_by(DECLINED_FIRST, Patient.name, Match.id)


def letters(session: Session, actor: Actor, tender: Tender) -> list[Letter]:
    """What each bidder has been told, or, before the award is confirmed, will be told if it is confirmed as it is."""
    labels = offer_labels(session, tender)
    round_id = latest_round_id(session, tender.id)
    advice = advice_of(session, round_id) if round_id is not None else {}
    offers = session.scalars(offers_for(actor).where(Offer.tender_id == tender.id, Offer.status.in_(TOLD))).all()
    lots = lots_of(session, tender)
    unit = one_unit(lot.unit for lot in lots)
    results = results_of(session, offers) or _expected(session, tender)
    found = []
    for offer in sorted(offers, key=lambda offer: labels[offer.id]):
        left_out = {"used": False, "rule": "excluded"} if offer.status is OfferStatus.EXCLUDED else None
        said = offer.feedback or left_out or advice.get(offer.id)
        told = FeedbackPage(offer, said, bands_in_words(lots, said), None, results.get(offer.id), unit)
        found.append(Letter(labels[offer.id], told))
    return found


def _expected(session: Session, tender: Tender) -> dict[str, OfferResult]:
    """What comes of the offers in use if the award is confirmed as it is now; who has not answered counts as a yes."""
    if tender.status is not TenderStatus.PROPOSED or must_run_again(tender):
        return {}
    query = (
        select(Award.offer_id, func.sum(Need.units))
        .select_from(Match)
        .join(Match.award)
        .join(Need, Need.id == Match.need_id)
        .where(Award.round_id == latest_round_id(session, tender.id))
        .where(Match.status.in_((MatchStatus.ACCEPTED, MatchStatus.PROPOSED)))
        .group_by(Award.offer_id)
    )
    staying = {offer_id: int(units) for offer_id, units in session.execute(query)}
    rows = award_rows(session, tender)
    return {row.offer.id: OfferResult(row.units, staying.get(row.offer.id, 0) if row.stands else 0) for row in rows}


def _criteria(session: Session, tender: Tender, labels: dict[str, str]) -> list[Criteria]:
    query = (
        select(
            Award.offer_id,
            func.count(),
            func.sum(Match.price_pence),
            Award.fee_pence,
            func.sum(Match.quality_pence),
            func.sum(Match.travel_pence),
            func.sum(Match.wait_pence),
            func.sum(Match.change_pence),
        )
        .select_from(Match)
        .join(Match.award)
        .join(Need, Need.id == Match.need_id)
        .where(Award.round_id == latest_round_id(session, tender.id))
        .group_by(Award.offer_id, Award.fee_pence)
    )
    rows = [Criteria(labels[offer_id], *map(int, sums)) for offer_id, *sums in session.execute(query)]
    return sorted(rows, key=lambda row: row.label)


def _interests(session: Session, tender: Tender) -> list[tuple[str, str]]:
    """The bidders in whom the broker has declared an interest: provider and kind."""
    bidders = select(Offer.provider_id).where(Offer.tender_id == tender.id, Offer.opened_at.is_not(None))
    query = (
        select(Provider.name, Interest.kind)
        .join(Interest, Interest.provider_id == Provider.id)
        .where(Interest.holder_id == tender.broker_id, Interest.ended_at.is_(None), Provider.id.in_(bidders))
        .order_by(Provider.name)
    )
    return [(row[0], row[1]) for row in session.execute(query)]
