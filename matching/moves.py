"""One need moved to another offer, everything else standing: what would break, and what it would cost.

`explain` tries each alternative of a need here. The model's own rows say which rule breaks; the figures beside the rule
are then read from the market and the assignments.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from matching.components import Part, parts_of
from matching.eligibility import Ints, NeedArrays, distance_m
from matching.formulation import NOT_MATCHED, RULES, Model, model_of
from matching.market import Market, Need, Offer
from matching.outcome import Outcome
from matching.solve import Prepared, choice_of, prepare

Figure = int | str | None
Key = TypeVar("Key")


PRICE = "price"
SIDES = ("quality", "travel", "change", "wait", "extra")
"""The parts of a pair's cost beside its price."""


@dataclass(frozen=True)
class Largest:
    """The part that most of a move's cost comes from: `value` is what the offer moved to has, `limit` the one left.

    Grades with `quality`, metres with `travel`, days with `wait`; no figures with the others. `price` is all that
    prices and fees of the whole outcome change by.
    """

    part: str
    pence: int
    value: int | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Verdict:
    """Why something is not so: the rule, whom it concerns, what stands and what the rule asks."""

    rule: str
    subject: str
    value: Figure = None
    limit: Figure = None
    largest: Largest | None = None


@dataclass(frozen=True)
class Standing:
    """A solved market as one model, with its outcome as a choice."""

    prepared: Prepared
    model: Model
    choice: Ints
    values: Ints

    @property
    def market(self) -> Market:
        """The market."""
        return self.prepared.market

    @property
    def part(self) -> Part:
        """The whole market as one part."""
        return self.model.part

    @cached_property
    def pair_at(self) -> Mapping[tuple[str, str], int]:
        """Where the model has the pair of a need and an offer, by their ids; the pairs that are not usable lack."""
        names = [need.id for need in self.market.needs]
        needs, offers = self.part.need_at[self.part.pair_need].tolist(), self.part.pair_offer.tolist()
        return {
            (names[need], self.part.offers[offer].id): pair
            for pair, (need, offer) in enumerate(zip(needs, offers, strict=True))
        }

    @cached_property
    def eligible_at(self) -> Mapping[tuple[str, str], int]:
        """Where the market's eligible pairs have the pair of a need and an offer, by their ids."""
        market, pairs = self.market, self.prepared.pairs
        return {
            (market.needs[need].id, market.offers[offer].id): at
            for at, (need, offer) in enumerate(zip(pairs.need.tolist(), pairs.offer.tolist(), strict=True))
        }

    @cached_property
    def tally(self) -> "Tally":
        """Units and providers as they stand."""
        return Tally.of(self.part, self.choice)

    @cached_property
    def offer_at(self) -> Mapping[str, int]:
        """Where the market has an offer, by its id."""
        return {offer.id: at for at, offer in enumerate(self.market.offers)}

    def coverage(self, values: Ints) -> int:
        """Coverage of a point."""
        return int(self.model.coverage @ values)

    def cost_pence(self, values: Ints) -> int:
        """Effective cost of a point."""
        return int(self.model.cost_pence @ values) + self.model.constant_pence


def standing_of(market: Market, outcome: Outcome) -> Standing | None:
    """Lay a solved market out as one model; None where no pair is usable at all."""
    prepared = prepare(market)
    parts = parts_of(market, prepared.pairs, prepared.links, pooled=True)
    if not parts:
        return None
    model = model_of(parts[0])
    choice = choice_of(parts[0], outcome)
    return Standing(prepared, model, choice, model.values_of(choice))


def moved(standing: Standing, pair: int) -> Verdict | None:
    """Move the pair's need to the pair's offer: the first rule that breaks, or what it costs more; None if better.

    A move that keeps every rule is dearer by `value` pence in all (with `limit` 0), since the whole market was
    weighed: this includes what it does to the bands and fees of the offers it leaves and joins. `largest` says where
    most of it comes from, for a need that had an offer.
    """
    part = standing.part
    choice = standing.choice.copy()
    left = choice[part.pair_need[pair]]
    choice[part.pair_need[pair]] = pair
    values = standing.model.values_of(choice)
    broken = standing.model.broken(values)
    offers = [part.offers[part.pair_offer[pair]]] + ([part.offers[part.pair_offer[left]]] if left >= 0 else [])
    if broken:
        return _figures(standing, standing.tally.after(part, left, pair), values, offers, broken)
    dearer = standing.cost_pence(values) - standing.cost_pence(standing.values)
    if standing.coverage(values) > standing.coverage(standing.values) or dearer < 0:
        return None
    return Verdict("effective_cost", offers[0].id, dearer, 0, _largest(standing, left, pair, dearer))


def _largest(standing: Standing, left: int, joined: int, dearer_pence: int) -> Largest | None:
    """The part of a dearer move that adds most; the price where two add the same."""
    if left == NOT_MATCHED or dearer_pence <= 0:
        return None
    part, pairs = standing.part, standing.prepared.pairs
    need = standing.market.needs[int(part.need_at[part.pair_need[joined]])]
    there, here = (part.offers[part.pair_offer[pair]] for pair in (joined, left))
    to, since = (standing.eligible_at[need.id, offer.id] for offer in (there, here))
    amounts = {name: getattr(pairs, f"{name}_pence") for name in SIDES}
    sides = {name: int(pence[to] - pence[since]) for name, pence in amounts.items()}
    added = {PRICE: dearer_pence - sum(sides.values()), **sides}
    most = max(added, key=lambda name: added[name])
    figures = {
        "quality": (there.grade, here.grade),
        "travel": (_metres(standing.market, need, there), _metres(standing.market, need, here)),
        "wait": (there.first_appointment_days, here.first_appointment_days),
    }
    return Largest(most, added[most], *figures.get(most, ()))


def _metres(market: Market, need: Need, offer: Offer) -> int:
    apart_m, _ = distance_m(NeedArrays.of(market.bundle_by_id[need.bundle], [need]), offer)
    return int(apart_m[0])


def _figures(standing: Standing, tally: "Tally", values: Ints, offers: list[Offer], broken: list[str]) -> Verdict:
    """Put figures beside the first broken rule."""
    if any(rule in broken for rule in ("one_tier", "used_offer", "own_budget", "tier_volume")):
        # The offer's total units lie in no usable band, or somebody it serves cannot pay at the new one.
        return _band_figures(standing, tally, offers)
    activity: Ints = standing.model.matrix @ values
    found = [
        figure
        for offer in offers
        for figure in (*_offer_limits(standing.market, tally, offer), *_bundle_limits(standing, tally, offer, activity))
    ]
    for rule in broken:
        for figure in found:
            if figure.rule == rule:
                return figure
    return Verdict(broken[0], offers[0].id)


@dataclass(frozen=True)
class Tally:
    """Units of a choice by offer, line, provider, and providers by bundle."""

    offer_units: dict[str, int]
    line_units: dict[tuple[str, str], int]
    provider_units: dict[str, int]
    bundle_units: dict[tuple[str, str], int]

    @classmethod
    def of(cls, part: Part, choice: Ints) -> "Tally":
        """Count a choice."""
        tally = cls({}, {}, {}, {})
        for pair in choice[choice >= 0].tolist():
            tally._count(part, pair, +1)
        return tally

    def after(self, part: Part, left: int, joined: int) -> "Tally":
        """The count after one need has left a pair (-1: it had none) and joined another."""
        tally = Tally(dict(self.offer_units), dict(self.line_units), dict(self.provider_units), dict(self.bundle_units))
        if left >= 0:
            tally._count(part, left, -1)
        tally._count(part, joined, +1)
        return tally

    def _count(self, part: Part, pair: int, sign: int) -> None:
        offer, bundle = part.offers[part.pair_offer[pair]], part.pair_bundle[pair]
        units = sign * int(part.pair_units[pair])
        _add(self.offer_units, offer.id, units)
        _add(self.line_units, (offer.id, bundle), units)
        _add(self.provider_units, offer.provider, units)
        _add(self.bundle_units, (bundle, offer.provider), units)


def _add(counts: dict[Key, int], key: Key, units: int) -> None:
    """Add to a count; one that comes to nothing is not there."""
    counts[key] = counts.get(key, 0) + units
    if not counts[key]:
        del counts[key]


def _band_figures(standing: Standing, tally: Tally, offers: list[Offer]) -> Verdict:
    """An offer whose new total no usable band holds, or whose new band somebody cannot pay."""
    part = standing.part
    for offer in offers:
        units = tally.offer_units.get(offer.id, 0)
        if units and offer.max_units is not None and units > offer.max_units:
            return Verdict("capacity", offer.id, units, offer.max_units)
        if 0 < units < offer.min_units:
            return Verdict("minimum_volume", offer.id, units, offer.min_units)
        mine = part.slot_offer == part.offers.index(offer)
        held = mine & (part.slot_from_units <= units) & (units <= part.slot_to_units)
        if units and not held.any():
            starts = [tier.from_units for tier in offer.lines[0].tiers]
            return Verdict("tier_volume", offer.id, units, max(start for start in starts if start <= units))
    return Verdict("own_budget", offers[0].id, "band", None)


def _offer_limits(market: Market, tally: Tally, offer: Offer) -> Iterator[Verdict]:
    """Every limit of an offer, its lines and its provider that a choice exceeds."""
    units = tally.offer_units.get(offer.id, 0)
    provider = market.provider_by_id[offer.provider]
    served = tally.provider_units.get(provider.id, 0)
    if offer.max_units is not None and units > offer.max_units:
        yield Verdict("capacity", offer.id, units, offer.max_units)
    if 0 < units < offer.min_units:
        yield Verdict("minimum_volume", offer.id, units, offer.min_units)
    if provider.max_units is not None and served > provider.max_units:
        yield Verdict("provider_capacity", provider.id, served, provider.max_units)
    for line in offer.lines:
        found = tally.line_units.get((offer.id, line.bundle), 0)
        if line.max_units is not None and found > line.max_units:
            yield Verdict("line_capacity", offer.id, found, line.max_units)
        if units and found < line.min_units:
            yield Verdict("line_minimum", offer.id, found, line.min_units)
    group = [other.id for other in market.offers if offer.exclusive and other.exclusive == offer.exclusive]
    taken = [name for name in group if name != offer.id and tally.offer_units.get(name)]
    if units and taken:
        yield Verdict("exclusive_offers", offer.id, taken[0], offer.exclusive)


def _bundle_limits(standing: Standing, tally: Tally, offer: Offer, activity: Ints) -> Iterator[Verdict]:
    """Every limit of an offer's bundles, of its fee and of the pool that a choice exceeds."""
    for line in offer.lines:
        bundle = standing.market.bundle_by_id[line.bundle]
        units = {who: count for (name, who), count in tally.bundle_units.items() if name == bundle.id}
        total, largest = sum(units.values()), max(units.values(), default=0)
        if not total:
            continue
        if len(units) < bundle.min_providers:
            yield Verdict("provider_count", bundle.id, len(units), bundle.min_providers)
        if bundle.max_providers is not None and len(units) > bundle.max_providers:
            yield Verdict("provider_count", bundle.id, len(units), bundle.max_providers)
        if bundle.max_share_permille is not None and 1000 * largest > bundle.max_share_permille * total:
            yield Verdict("provider_share", bundle.id, -(-1000 * largest // total), bundle.max_share_permille)
        graded = sum(
            count * standing.market.offer_by_id[name].grade
            for (name, where), count in tally.line_units.items()
            if where == bundle.id
        )
        if 1000 * graded < bundle.target_grade_permille * total:
            yield Verdict("bundle_quality", bundle.id, 1000 * graded // total, bundle.target_grade_permille)
    charging = np.flatnonzero(standing.part.offer_fee_pence)
    for at, headroom in zip(charging, _activity_of(standing, "fee_cover", activity), strict=False):
        if standing.part.offers[at].id == offer.id and headroom < 0:
            yield Verdict("fee_cover", offer.id, int(headroom) + offer.fee_pence, offer.fee_pence)
    for headroom in _activity_of(standing, "shared_pool", activity):
        if headroom < 0:
            yield Verdict("shared_pool", "pool", int(headroom), 0)


def _activity_of(standing: Standing, rule: str, activity: Ints) -> Ints:
    """What a rule's rows come to, of all rows' activity."""
    number = [one.__name__ for one in RULES].index(rule)
    rows: Ints = activity[standing.model.rule_of_row == number]
    return rows
