"""What came of a round, for its broker: `result` (coverage, cost, awards by lot, unmatched), `people_query` (each row).

Offers go by their aliases until an award is proposed; from then on the provider's name stands beside the alias. A large
tender's result is added up in the database: its matches are not read one by one.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, contains_eager, defer, joinedload

from marketplace.journey.awards import STAYING, shortfall_with
from marketplace.journey.figures import TenderFigures, tender_figures
from marketplace.journey.rounds import latest_round, latest_round_id
from marketplace.journey.scopes import matches_for, may_name_providers, one, tenders_for
from marketplace.journey.sites import facts_said
from marketplace.records.offers import Offer
from marketplace.records.people import Patient
from marketplace.records.pools import Bundle, Need
from marketplace.records.rounds import Award, Match, MatchStatus, Round
from marketplace.records.tenders import Tender
from marketplace.rules.errors import NotFound
from marketplace.rules.permissions import Actor
from marketplace.rules.quality import rating_words
from marketplace.rules.sites import SiteFacts

from .maps import People, Pin, RingMap, ring_map
from .unmatched import UnmatchedRow, lines_of, reasons_of, unmatched_rows

FILLS = 6
"""How many colours a bar has; the seventh offer begins again with the first."""
FIRST_UNMATCHED = 10
"""So many people without a match are told of on the page of the result; the list has them all."""

TERMINATIONS = {
    "optimal": "The best possible result, proven.",
    "within_gap": "Proven to be very near the best possible result: the table says how near.",
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

    @property
    def staying(self) -> int:
        """How many of its people did not say no."""
        return self.answers.get("accepted", 0) + self.answers.get("proposed", 0)


@dataclass(frozen=True, slots=True)
class Sure:
    """One of the two aims, and how sure it is: what was found, what nothing can be better than, by how much per mille.

    `certified` is the bound that anybody can check from the certificate without a solver; `bound` may be the solver's
    word for more.
    """

    aim: str
    value: int
    bound: int
    gap_permille: float
    certified: int | None


@dataclass(frozen=True, slots=True)
class Result:
    """A round's result; `first` are some of those without a match.

    Once providers may be named there are `map`, and `in_own_words`: what those without a rating show for themselves.
    """

    tender: Tender
    round: Round
    figures: TenderFigures
    certainty: str
    sure: Sequence[Sure]
    lots: Sequence[LotResult]
    awards: Sequence[AwardRow]
    idle: Sequence[tuple[str, str]]
    unmatched: int
    first: Sequence[UnmatchedRow]
    reasons: Sequence[tuple[str, str, int]]
    map: RingMap | None
    in_own_words: Sequence[tuple[str, SiteFacts]]

    @property
    def said_no(self) -> int:
        """How many of those matched said no: its figures leave them out, its lots and awards are as they were found."""
        return sum(award.answers.get("declined", 0) for award in self.awards)


@dataclass(slots=True)
class _Tally:
    """What one offer has in a round, added up."""

    units: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    people: Counter[str] = field(default_factory=Counter)
    staying: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    answers: Counter[str] = field(default_factory=Counter)
    fee_pence: int = 0


def result(session: Session, actor: Actor, tender_id: str) -> Result:
    """The result of the latest verified round of one of the broker's own tenders."""
    tender = one(session, tenders_for(actor), tender_id, "tender")
    row = latest_round(session, tender.id)
    if row is None or row.outcome is None:
        raise NotFound("not_found", "There is no result yet.")
    labels = offer_labels(session, tender)
    tallies = _tallies(session, row.id)
    lines = sorted(lines_of(row), key=lambda line: (line["reason"], line["need"]))
    used = {award.offer_id for award in row.awards}
    awards = _awards(row.awards, tallies, labels)
    return Result(
        tender=tender,
        round=row,
        figures=tender_figures(session, tender),
        certainty=TERMINATIONS.get(str(row.outcome["termination"]), "The search has ended."),
        sure=_sure(row.outcome),
        lots=_lots(tender, tallies, _unmatched_by_lot(row, lines), labels),
        awards=awards,
        idle=sorted((label, offer) for offer, label in labels.items() if offer not in used),
        unmatched=len(lines),
        first=unmatched_rows(session, actor, row, lines[:FIRST_UNMATCHED], labels),
        reasons=reasons_of(row),
        map=_map(session, row.id, used) if may_name_providers(tender) else None,
        in_own_words=_in_own_words(awards) if may_name_providers(tender) else [],
    )


def award_rows(session: Session, tender: Tender) -> list[AwardRow]:
    """The offers in use in the latest verified round, each with the answers it has."""
    round_id = latest_round_id(session, tender.id)
    if round_id is None:
        raise NotFound("not_found", "There is no result yet.")
    awards = session.scalars(select(Award).where(Award.round_id == round_id).options(joinedload(Award.offer))).all()
    return _awards(awards, _tallies(session, round_id), offer_labels(session, tender))


def offer_labels(session: Session, tender: Tender) -> dict[str, str]:
    """What each opened offer is called now: its alias, and its provider once that may be known."""
    query = select(Offer).where(Offer.tender_id == tender.id, Offer.opened_at.is_not(None))
    named = may_name_providers(tender)
    return {
        offer.id: f"{offer.alias}: {offer.provider.name}" if named else str(offer.alias)
        for offer in session.scalars(query.options(joinedload(Offer.provider)))
    }


def people_query(
    session: Session, actor: Actor, tender: Tender, *, offer: str = "", lot: str = "", answer: str = ""
) -> Select[Match]:
    """The matches behind the figures: of one offer, one lot, with one answer, if these are named."""
    query = (
        matches_for(actor)
        .join(Need.patient)
        .where(Award.round_id == latest_round_id(session, tender.id))
        .options(
            contains_eager(Match.award),
            contains_eager(Match.need).options(
                contains_eager(Need.patient), joinedload(Need.bundle).joinedload(Bundle.service)
            ),
            defer(Match.reasons),
        )
    )
    if offer:
        query = query.where(Award.offer_id == offer)
    if lot:
        query = query.where(Need.bundle_id == lot)
    if answer in set(MatchStatus):
        query = query.where(Match.status == MatchStatus(answer))
    return query


def _tallies(session: Session, round_id: str) -> dict[str, _Tally]:
    """The matches of a round by offer: one row of the database for each lot and answer."""
    query = (
        select(
            Award.offer_id,
            Need.bundle_id,
            Match.status,
            func.count(),
            func.sum(Need.units),
            func.sum(Match.fee_share_pence),
        )
        .select_from(Match)
        .join(Match.award)
        .join(Match.need)
        .where(Award.round_id == round_id)
        .group_by(Award.offer_id, Need.bundle_id, Match.status)
    )
    tallies: dict[str, _Tally] = defaultdict(_Tally)
    for offer_id, bundle_id, status, people, units, fee_pence in session.execute(query):
        tally = tallies[offer_id]
        tally.units[bundle_id] += int(units)
        tally.people[bundle_id] += people
        tally.answers[status.value] += people
        if status in STAYING:
            tally.staying[bundle_id] += int(units)
            tally.fee_pence += int(fee_pence)
    return tallies


def _sure(outcome: Mapping[str, Any]) -> list[Sure]:
    return [
        Sure(aim, level["value"], level["bound"], level["gap_permille"], level["certified_bound"])
        for aim in ("coverage", "effective_cost")
        for level in (outcome["objective"][aim],)
    ]


def _unmatched_by_lot(row: Round, lines: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """People and units without a match, by lot."""
    needs = {need["id"]: need for need in row.market["needs"]}
    found: dict[str, tuple[int, int]] = {}
    for line in lines:
        need = needs[line["need"]]
        people, units = found.get(need["bundle"], (0, 0))
        found[need["bundle"]] = (people + 1, units + need["units"])
    return found


def _lots(
    tender: Tender,
    tallies: Mapping[str, _Tally],
    unmatched: Mapping[str, tuple[int, int]],
    labels: Mapping[str, str],
) -> list[LotResult]:
    fills = {
        offer: f"cp-fill-{at % FILLS + 1}" for at, offer in enumerate(sorted(tallies, key=lambda key: labels[key]))
    }
    lots = []
    for bundle in tender.lots:
        segments = [
            Segment(
                offer_id=offer,
                label=labels[offer],
                units=tallies[offer].units[bundle.id],
                people=tallies[offer].people[bundle.id],
                fill=fill,
            )
            for offer, fill in fills.items()
            if tallies[offer].people[bundle.id]
        ]
        people, units = unmatched.get(bundle.id, (0, 0))
        lots.append(LotResult(bundle, segments, units, people))
    return lots


def _awards(awards: Sequence[Award], tallies: Mapping[str, _Tally], labels: Mapping[str, str]) -> list[AwardRow]:
    rows = []
    for award in awards:
        tiers = (award.offer.content or {"lines": [{"tiers": []}]})["lines"][0]["tiers"]
        tally = tallies[award.offer_id]
        rows.append(
            AwardRow(
                offer=award.offer,
                label=labels[award.offer_id],
                from_units=tiers[award.tier]["from_units"] if tiers else 0,
                units=award.units,
                people=sum(tally.people.values()),
                fee_pence=award.fee_pence,
                spend_pence=award.spend_pence,
                answers=tally.answers,
                stands=shortfall_with(award, tally.staying, tally.fee_pence) is None,
            )
        )
    return sorted(rows, key=lambda line: line.label)


def _in_own_words(awards: Sequence[AwardRow]) -> list[tuple[str, SiteFacts]]:
    """The offers in use whose site has no rating and shows something else for its quality."""
    said = [(row.label, facts_said(row.offer)) for row in awards]
    return [(label, site) for label, site in said if site.own_evidence]


def _map(session: Session, round_id: str, used: set[str]) -> RingMap | None:
    """Who is matched, roughly, and the sites of the offers in use."""
    homes = (
        select(Patient.easting_m, Patient.northing_m)
        .join(Need, Need.patient_id == Patient.id)
        .join(Match, Match.need_id == Need.id)
        .join(Match.award)
        .where(Award.round_id == round_id)
    )
    offers = select(Offer).where(Offer.id.in_(used)).options(joinedload(Offer.provider))
    pins = {
        offer.site_id: Pin(
            easting_m=site.easting_m,
            northing_m=site.northing_m,
            name=offer.provider.name,
            place=site.district,
            rating=rating_words(site.rating),
            chosen=True,
        )
        for offer in session.scalars(offers)
        for site in [facts_said(offer)]
    }
    return ring_map([People(row[0], row[1]) for row in session.execute(homes)], list(pins.values()))
