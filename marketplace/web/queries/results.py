"""What came of a round, for its broker: `result` (coverage, cost, awards by lot, unmatched), `people` (every row).

Offers go by their aliases until an award is proposed; from then on the provider's name stands beside the alias.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from marketplace.journey.awards import matches_of, shortfall
from marketplace.journey.figures import TenderFigures, tender_figures
from marketplace.journey.rounds import latest_round
from marketplace.journey.scopes import may_name_providers, needs_for, one, tenders_for
from marketplace.records.offers import Offer
from marketplace.records.pools import Bundle, Need
from marketplace.records.rounds import Match, Round
from marketplace.records.tenders import Tender
from marketplace.rules.errors import NotFound
from marketplace.rules.permissions import Actor
from marketplace.web import reasons

from .tenders import by_patient

FILLS = 6
"""How many colours a bar has; the seventh offer begins again with the first."""

TERMINATIONS = {
    "optimal": "The best possible result, proven.",
    "within_gap": "Proven to be within two thousandths of the best possible result.",
    "limit_reached": "The best result found in the time allowed.",
    "cancelled": "The best result found before the search was stopped.",
    "nothing_matched": "It is proven that nobody can be matched.",
}


@dataclass(frozen=True, slots=True)
class Segment:
    """One offer's part of a lot."""

    offer_id: str
    label: str
    units: int
    people: int
    fill: str


@dataclass(frozen=True, slots=True)
class LotResult:
    """Who serves a lot, and how much of it nobody does."""

    bundle: Bundle
    segments: Sequence[Segment]
    unmatched_units: int
    unmatched_people: int

    @property
    def units(self) -> int:
        """All units of the lot."""
        return sum(segment.units for segment in self.segments) + self.unmatched_units

    @property
    def bar_parts(self) -> list[tuple[str, int, str]]:
        """The bar's parts: words, amount, colour. What nobody serves is the bar's ground."""
        return [(segment.label, segment.units, segment.fill) for segment in self.segments]


@dataclass(frozen=True, slots=True)
class AwardRow:
    """One offer in use."""

    offer: Offer
    label: str
    from_units: int
    units: int
    people: int
    fee_pence: int
    spend_pence: int
    answers: Mapping[str, int]
    stands: bool


@dataclass(frozen=True, slots=True)
class UnmatchedRow:
    """One person without a match: why, and what each offer lacked."""

    need: Need
    reason: str
    refusals: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Result:
    """A round's result."""

    tender: Tender
    round: Round
    figures: TenderFigures
    certainty: str
    lots: Sequence[LotResult]
    awards: Sequence[AwardRow]
    unmatched: Sequence[UnmatchedRow]
    reasons: Sequence[tuple[str, int]]


def result(session: Session, actor: Actor, tender_id: str) -> Result:
    """The result of the latest verified round of one of the broker's own tenders."""
    tender = one(session, tenders_for(actor), tender_id, "tender")
    row = latest_round(session, tender.id)
    if row is None or row.outcome is None:
        raise NotFound("not_found", "There is no result yet.")
    labels = offer_labels(session, tender)
    matches = matches_of(session, tender)
    needs = _needs(session, actor, tender)
    unmatched = _unmatched(row.outcome, needs, labels)
    return Result(
        tender=tender,
        round=row,
        figures=tender_figures(session, tender),
        certainty=TERMINATIONS.get(str(row.outcome["termination"]), "The search has ended."),
        lots=_lots(tender, matches, unmatched, labels),
        awards=_awards(row, matches, labels),
        unmatched=unmatched,
        reasons=Counter(line.reason for line in unmatched).most_common(),
    )


def award_rows(session: Session, tender: Tender) -> list[AwardRow]:
    """The offers in use in the latest verified round, each with the answers it has."""
    row = latest_round(session, tender.id)
    if row is None:
        raise NotFound("not_found", "There is no result yet.")
    return _awards(row, matches_of(session, tender), offer_labels(session, tender))


def offer_labels(session: Session, tender: Tender) -> dict[str, str]:
    """What each opened offer is called now: its alias, and its provider once that may be known."""
    query = select(Offer).where(Offer.tender_id == tender.id, Offer.opened_at.is_not(None))
    named = may_name_providers(tender)
    return {
        offer.id: f"{offer.alias}: {offer.provider.name}" if named else str(offer.alias)
        for offer in session.scalars(query.options(joinedload(Offer.provider)))
    }


def people(session: Session, actor: Actor, tender_id: str, offer_id: str = "") -> tuple[Tender, list[Match]]:
    """The matches behind the figures, of one offer if it is named."""
    tender = one(session, tenders_for(actor), tender_id, "tender")
    found = [match for match in matches_of(session, tender) if not offer_id or match.award.offer_id == offer_id]
    return tender, by_patient(session, found)


def _needs(session: Session, actor: Actor, tender: Tender) -> dict[str, Need]:
    query = needs_for(actor).where(Bundle.tender_id == tender.id)
    return {need.id: need for need in session.scalars(query.options(joinedload(Need.patient), joinedload(Need.bundle)))}


def _unmatched(outcome: Mapping[str, Any], needs: Mapping[str, Need], labels: Mapping[str, str]) -> list[UnmatchedRow]:
    rows = [
        UnmatchedRow(
            need=needs[line["need"]],
            reason=reasons.unmatched(line["reason"]),
            refusals=[
                (labels.get(refusal["offer"], "An offer"), reasons.refusal(refusal))
                for refusal in line.get("refusals", [])
            ],
        )
        for line in outcome["unmatched"]
        if line["need"] in needs
    ]
    return sorted(rows, key=lambda row: (row.reason, row.need.patient.name))


def _lots(
    tender: Tender, matches: Sequence[Match], unmatched: Sequence[UnmatchedRow], labels: Mapping[str, str]
) -> list[LotResult]:
    order = {offer_id: number for number, offer_id in enumerate(sorted(labels, key=lambda key: labels[key]))}
    units: dict[tuple[str, str], int] = defaultdict(int)
    heads: Counter[tuple[str, str]] = Counter()
    for match in matches:
        key = (match.need.bundle_id, match.award.offer_id)
        units[key] += match.need.units
        heads[key] += 1
    lots = []
    for bundle in tender.bundles:
        serving = sorted((offer for lot, offer in units if lot == bundle.id), key=lambda offer: order[offer])
        left = [row.need for row in unmatched if row.need.bundle_id == bundle.id]
        segments = [
            Segment(
                offer_id=offer,
                label=labels[offer],
                units=units[(bundle.id, offer)],
                people=heads[(bundle.id, offer)],
                fill=f"cp-fill-{position % FILLS + 1}",
            )
            for position, offer in enumerate(serving)
        ]
        lots.append(LotResult(bundle, segments, sum(need.units for need in left), len(left)))
    return lots


def _awards(row: Round, matches: Sequence[Match], labels: Mapping[str, str]) -> list[AwardRow]:
    members: dict[str, list[Match]] = defaultdict(list)
    for match in matches:
        members[match.award_id].append(match)
    rows = []
    for award in row.awards:
        tiers = (award.offer.content or {"lines": [{"tiers": []}]})["lines"][0]["tiers"]
        rows.append(
            AwardRow(
                offer=award.offer,
                label=labels[award.offer_id],
                from_units=tiers[award.tier]["from_units"] if tiers else 0,
                units=award.units,
                people=len(members[award.id]),
                fee_pence=award.fee_pence,
                spend_pence=award.spend_pence,
                answers=Counter(match.status.value for match in members[award.id]),
                stands=shortfall(award, members[award.id]) is None,
            )
        )
    return sorted(rows, key=lambda line: line.label)
