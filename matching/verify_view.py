"""What `verify` looks at: the outcome's rows joined with the market's values, and findings about rows that do not join.

    View(market, outcome).served        one entry per assignment that names a known need, offer, line and tier
    View(market, outcome).findings      about those that do not, about needs told twice or not at all

Cost parts of a pair are recomputed here, once, for the price checks and for the objective.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isqrt

from matching.market import Bundle, Line, Market, Need, Offer, Pair
from matching.outcome import Assignment, Award, Outcome

PARTS = ("price", "quality", "travel", "change", "wait", "extra")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with an outcome.

    Attributes
    ----------
    code
        The public name of the rule, or what does not fit: `market_hash`, `policy`, `charge`, `objective`, ...
    place
        Where in the outcome's document: `assignments[3].charge_pence`.
    message
        A sentence with the figures.
    facts
        The figures themselves.
    """

    code: str
    place: str
    message: str
    facts: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code} at {self.place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Served:
    """One assignment with the need, the offer and the line that it speaks of; `pair` where the market lists pairs."""

    place: str
    row: Assignment
    need: Need
    offer: Offer
    line: Line
    pair: Pair | None

    @property
    def price_pence(self) -> int:
        """What the need costs with this offer at the tier that the row names."""
        return price_of(self.need, self.line, self.row.tier, self.pair)


class View:
    """Market and outcome side by side.

    Attributes
    ----------
    served
        The assignments that can be understood, each need once.
    served_by_need, served_by_offer
        The same, by id; by offer in order of need.
    awards
        The first award of each known offer, with its place.
    offers_in_use
        Offers with an award or an assignment, sorted.
    findings
        What could not be joined.
    """

    def __init__(self, market: Market, outcome: Outcome) -> None:
        self.market = market
        self.outcome = outcome
        self.findings: list[Finding] = []
        self.line_of: dict[tuple[str, str], Line] = {}
        self.offers_of_bundle: dict[str, list[Offer]] = {bundle.id: [] for bundle in market.bundles}
        for offer in market.offers:
            for line in offer.lines:
                self.line_of[offer.id, line.bundle] = line
                self.offers_of_bundle[line.bundle].append(offer)
        self.pair_of: dict[tuple[str, str], Pair] | None = None
        if market.pairs is not None:
            self.pair_of = {(pair.need, pair.offer): pair for pair in market.pairs}
        self.served_by_need: dict[str, Served] = {}
        self._join_assignments()
        self.served = sorted(self.served_by_need.values(), key=lambda served: served.need.id)
        self.served_by_offer: dict[str, list[Served]] = {}
        for served in self.served:
            self.served_by_offer.setdefault(served.offer.id, []).append(served)
        self.awards: dict[str, tuple[str, Award]] = {}
        self._join_awards()
        self.offers_in_use = sorted({*self.awards, *self.served_by_offer})
        self._count_needs()

    def bundle_of(self, need: Need) -> Bundle:
        """The lot that a need is in."""
        return self.market.bundle_by_id[need.bundle]

    def offer_place(self, offer: str) -> str:
        """Where the outcome speaks of an offer: its award, else its first assignment."""
        return self.awards[offer][0] if offer in self.awards else self.served_by_offer[offer][0].place

    def cost_parts(self, served: Served) -> dict[str, int]:
        """The parts of a pair's effective cost, by `PARTS`."""
        need, offer = served.need, served.offer
        weight = self._weights(need)
        distance_m = distance_between(need, offer)
        is_change = need.current_provider is not None and need.current_provider != offer.provider
        grades_below = self.market.policy.best_grade - offer.grade
        return {
            "price": served.price_pence,
            "quality": grades_below * weight["pence_per_quality_grade"] * need.units,
            "travel": 0 if distance_m is None else distance_m * weight["pence_per_km"] * need.units // 1000,
            "change": weight["pence_per_change"] if is_change else 0,
            "wait": (offer.first_appointment_days or 0) * weight["pence_per_wait_day"],
            "extra": 0 if served.pair is None else served.pair.extra_cost_pence,
        }

    def _weights(self, need: Need) -> dict[str, int]:
        """The policy's weights, each replaced by the patient's own where there is one."""
        policy = self.market.policy
        published = {
            "pence_per_quality_grade": policy.pence_per_quality_grade,
            "pence_per_km": policy.pence_per_km,
            "pence_per_change": policy.pence_per_change,
            "pence_per_wait_day": policy.pence_per_wait_day,
        }
        return published | dict(need.weights)

    def _join_assignments(self) -> None:
        for position, row in enumerate(self.outcome.assignments):
            place = f"assignments[{position}]"
            need, offer = self.market.need_by_id.get(row.need), self.market.offer_by_id.get(row.offer)
            if need is None:
                self._unknown(f"{place}.need", "need", row.need)
            if offer is None:
                self._unknown(f"{place}.offer", "offer", row.offer)
            if need is None or offer is None:
                continue
            if need.id in self.served_by_need:
                first = self.served_by_need[need.id].offer.id
                facts = {"need": need.id, "first": first, "second": offer.id}
                self._find("one_provider", place, f"need {need.id} has offer {first} already", facts)
                continue
            line = self.line_of.get((offer.id, need.bundle))
            if line is None:
                facts = {"need": need.id, "offer": offer.id, "bundle": need.bundle}
                self._find("eligible", place, f"offer {offer.id} has no line for bundle {need.bundle}", facts)
                continue
            if row.tier >= len(line.tiers):
                message = f"offer {offer.id} has no tier {row.tier}"
                self._find("one_tier", f"{place}.tier", message, {"offer": offer.id, "tier": row.tier})
                continue
            pair = None if self.pair_of is None else self.pair_of.get((need.id, offer.id))
            self.served_by_need[need.id] = Served(place, row, need, offer, line, pair)

    def _join_awards(self) -> None:
        for position, award in enumerate(self.outcome.awards):
            place = f"awards[{position}]"
            offer = self.market.offer_by_id.get(award.offer)
            if offer is None:
                self._unknown(f"{place}.offer", "offer", award.offer)
                continue
            if award.offer in self.awards:
                first = self.awards[award.offer][1].tier
                facts = {"offer": award.offer, "first": first, "second": award.tier}
                self._find("one_tier", place, f"offer {award.offer} is awarded a second time", facts)
                continue
            if award.tier >= len(offer.lines[0].tiers):
                facts = {"offer": award.offer, "tier": award.tier, "tiers": len(offer.lines[0].tiers)}
                self._find("one_tier", f"{place}.tier", f"offer {award.offer} has no tier {award.tier}", facts)
            self.awards[award.offer] = (place, award)

    def _count_needs(self) -> None:
        """Every need is told of once: assigned or unmatched."""
        told = Counter(row.need for row in self.outcome.assignments)
        assigned = set(told)
        for position, entry in enumerate(self.outcome.unmatched):
            place = f"unmatched[{position}]"
            if entry.need not in self.market.need_by_id:
                self._unknown(f"{place}.need", "need", entry.need)
            elif entry.need in told:
                where = "assignments" if entry.need in assigned else "unmatched"
                facts = {"need": entry.need, "also_in": where}
                self._find("every_need", place, f"need {entry.need} stands in {where} already", facts)
            told[entry.need] += 1
        for need in self.market.needs:
            if not told[need.id]:
                facts = {"need": need.id}
                self._find("every_need", "unmatched", f"need {need.id} is neither assigned nor unmatched", facts)

    def _unknown(self, place: str, what: str, name: str) -> None:
        self._find("unknown", place, f"there is no {what} {name} in this market", {what: name})

    def _find(self, code: str, place: str, message: str, facts: Mapping[str, object]) -> None:
        self.findings.append(Finding(code, place, message, facts))


def price_of(need: Need, line: Line, tier: int, pair: Pair | None) -> int:
    """The pair's own price of the whole need where it states one, else units times the tier's price."""
    if pair is not None and pair.price_pence is not None:
        return pair.price_pence
    return need.units * line.tiers[tier].price_pence


def distance_between(need: Need, offer: Offer) -> int | None:
    """Whole metres in a straight line, rounded down; None where one of them has no place."""
    if need.easting_m is None or need.northing_m is None or offer.easting_m is None or offer.northing_m is None:
        return None
    return isqrt((need.easting_m - offer.easting_m) ** 2 + (need.northing_m - offer.northing_m) ** 2)
