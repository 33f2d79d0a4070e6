"""Who may be served by whom: named pair rules, and the eligible pairs of a market with their cost parts.

`eligible_pairs` looks at every line of every offer against the needs of its bundle, on arrays, and keeps what no rule
refuses (or takes the document's own list). `refusals_of` says for one need which rule refuses each offer, by the same
rules on arrays of length one. `components`, `formulation` and `explain` work on the `Pairs`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from matching.errors import MarketTooLarge
from matching.market import Bundle, Market, Need, Offer
from matching.outcome import Refusal

Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

NO_LIMIT = 2**60
MAX_TOTAL_COST_PENCE = 2**52
"""Above this, sums of pence are no longer exact in the solver's floating-point numbers."""


@dataclass(frozen=True)
class NeedArrays:
    """Some needs of one bundle as arrays, one entry a need."""

    bundle: Bundle
    needs: Sequence[Need]
    units: Ints
    easting_m: Ints
    northing_m: Ints
    has_place: Truths
    max_distance_m: Ints
    min_grade: Ints
    max_wait_days: Ints

    @classmethod
    def of(cls, bundle: Bundle, needs: Sequence[Need]) -> "NeedArrays":
        """Lay needs out as arrays."""
        return cls(
            bundle=bundle,
            needs=needs,
            units=_array(need.units for need in needs),
            easting_m=_array(need.easting_m or 0 for need in needs),
            northing_m=_array(need.northing_m or 0 for need in needs),
            has_place=np.array([need.easting_m is not None for need in needs], dtype=bool),
            max_distance_m=_array(_limit(need.max_distance_m) for need in needs),
            min_grade=_array(need.min_grade for need in needs),
            max_wait_days=_array(_limit(need.max_wait_days) for need in needs),
        )


@dataclass(frozen=True)
class Verdict:
    """What one rule says of one offer and some needs: who is refused, with what stands and what was asked."""

    refused: Truths
    value: Sequence[Any] | npt.NDArray[Any] | None = None
    limit: Sequence[Any] | npt.NDArray[Any] | None = None


def excluded(needs: NeedArrays, offer: Offer) -> Verdict:
    """A patient may rule a provider out."""
    refused = _each(needs, lambda need: offer.provider in need.excludes)
    return Verdict(refused, [offer.provider] * len(refused))


def keep_provider(needs: NeedArrays, offer: Offer) -> Verdict:
    """A patient who asked for continuity is served by the current provider or by nobody.

    It holds for pairs stated in the document too: it is the patient's word, not a rule of distance or grade.
    """
    refused = _each(needs, lambda need: need.keep_provider and need.current_provider != offer.provider)
    return Verdict(refused, [offer.provider] * len(refused), [need.current_provider for need in needs.needs])


def grade(needs: NeedArrays, offer: Offer) -> Verdict:
    """The offer's quality grade reaches both the need's and the bundle's minimum."""
    least = np.maximum(needs.min_grade, needs.bundle.min_grade)
    return Verdict(least > offer.grade, np.full_like(least, offer.grade), least)


def attribute(needs: NeedArrays, offer: Offer) -> Verdict:
    """The offer has every attribute that the need requires (home visits, step-free, language ...)."""
    offered = frozenset(offer.attributes)
    missing = [next((name for name in need.requires if name not in offered), None) for need in needs.needs]
    return Verdict(np.array([name is not None for name in missing], dtype=bool), None, missing)


def distance(needs: NeedArrays, offer: Offer) -> Verdict:
    """The way is no longer than the need's limit and the offer's own; without a place, a need's limit refuses."""
    apart_m, known = distance_m(needs, offer)
    limit_m = np.minimum(needs.max_distance_m, _limit(offer.max_distance_m))
    refused = np.where(known, apart_m > limit_m, needs.max_distance_m < NO_LIMIT)
    value = [int(metres) if there else None for metres, there in zip(apart_m, known, strict=True)]
    return Verdict(refused, value, limit_m)


def wait(needs: NeedArrays, offer: Offer) -> Verdict:
    """The first appointment lies within the need's longest wait; an offer that states none is refused by a limit."""
    days = offer.first_appointment_days
    refused = needs.max_wait_days < (NO_LIMIT if days is None else days)
    return Verdict(refused, [days] * len(refused), needs.max_wait_days)


PairRule = Callable[[NeedArrays, Offer], Verdict]
PAIR_RULES: tuple[PairRule, ...] = (excluded, keep_provider, grade, attribute, distance, wait)
"""In the order in which they are asked; the first that refuses is the reason given."""


@dataclass(frozen=True)
class Pairs:
    """Eligible (need, offer) combinations, one entry a pair, sorted by need and offer.

    `need` and `offer` are positions in the market's lists, `line` counts the offer's lines. `fixed_price_pence` is -1
    where the price follows the tier. The other amounts are the cost parts that do not depend on the tier.
    """

    need: Ints
    offer: Ints
    line: Ints
    units: Ints
    fixed_price_pence: Ints
    quality_pence: Ints
    travel_pence: Ints
    change_pence: Ints
    wait_pence: Ints
    extra_pence: Ints

    def __len__(self) -> int:
        return len(self.need)

    @property
    def side_pence(self) -> Ints:
        """Everything but the price."""
        return self.quality_pence + self.travel_pence + self.change_pence + self.wait_pence + self.extra_pence

    def take(self, chosen: npt.NDArray[Any]) -> "Pairs":
        """Keep some pairs, by mask or position."""
        return Pairs(**{item.name: getattr(self, item.name)[chosen] for item in fields(self)})


def count_candidates(market: Market) -> int:
    """How many combinations there would be to look at: the size estimate, taken before anything is built."""
    if market.pairs is not None:
        return len(market.pairs)
    needs_in: dict[str, int] = {}
    for need in market.needs:
        needs_in[need.bundle] = needs_in.get(need.bundle, 0) + 1
    return sum(needs_in.get(line.bundle, 0) for offer in market.offers for line in offer.lines)


def eligible_pairs(market: Market) -> Pairs:
    """Find the eligible pairs of a market.

    Raises
    ------
    MarketTooLarge
        If the costs could add up to more than can be summed exactly.
    """
    needs_of: dict[str, list[int]] = {bundle.id: [] for bundle in market.bundles}
    for position, need in enumerate(market.needs):
        needs_of[need.bundle].append(position)
    arrays_of = {
        bundle: NeedArrays.of(market.bundle_by_id[bundle], [market.needs[i] for i in members])
        for bundle, members in needs_of.items()
    }
    if market.pairs is not None:
        pairs = _stated_pairs(market)
    else:
        blocks = []
        for offer_position, offer in enumerate(market.offers):
            for line_position, line in enumerate(offer.lines):
                needs = arrays_of[line.bundle]
                fit = ~_refused_by_any(needs, offer)
                positions = np.array(needs_of[line.bundle], dtype=np.int64)[fit]
                chosen = NeedArrays.of(needs.bundle, [market.needs[i] for i in positions])
                blocks.append(_block(market, offer_position, line_position, positions, chosen))
        pairs = _joined(blocks)
    _check_figures(market, pairs)
    return pairs


def refusals_of(market: Market, need: Need) -> list[Refusal]:
    """For one need, every offer on its bundle that a pair rule refuses, with the first rule that does."""
    if market.pairs is not None:
        stated = {pair.offer for pair in market.pairs if pair.need == need.id}
        bids = [offer for offer in market.offers if any(line.bundle == need.bundle for line in offer.lines)]
        refusals = [Refusal(offer.id, "pairs") for offer in bids if offer.id not in stated]
        rules: tuple[PairRule, ...] = (keep_provider,)
    else:
        bids = [offer for offer in market.offers if any(line.bundle == need.bundle for line in offer.lines)]
        stated, refusals, rules = {offer.id for offer in bids}, [], PAIR_RULES
    needs = NeedArrays.of(market.bundle_by_id[need.bundle], [need])
    for offer in bids:
        if offer.id not in stated:
            continue
        for rule in rules:
            verdict = rule(needs, offer)
            if verdict.refused[0]:
                refusals.append(Refusal(offer.id, rule.__name__, _figure(verdict.value), _figure(verdict.limit)))
                break
    return sorted(refusals, key=lambda refusal: refusal.offer)


def distance_m(needs: NeedArrays, offer: Offer) -> tuple[Ints, Truths]:
    """Whole metres between needs and offer (rounded down), and whether both have a place."""
    east = needs.easting_m - (offer.easting_m or 0)
    north = needs.northing_m - (offer.northing_m or 0)
    # Coordinates stay below 1e7 metres, so the sum of squares is exact in a double and so is its root, rounded down.
    apart = np.floor(np.sqrt((east * east + north * north).astype(np.float64))).astype(np.int64)
    return apart, needs.has_place & (offer.easting_m is not None)


def _refused_by_any(needs: NeedArrays, offer: Offer) -> Truths:
    refused = np.zeros(len(needs.needs), dtype=bool)
    for rule in PAIR_RULES:
        refused |= rule(needs, offer).refused
    return refused


def _stated_pairs(market: Market) -> Pairs:
    """The document's own pairs: every rule but the patient's own word is suspended."""
    position_of = {need.id: position for position, need in enumerate(market.needs)}
    stated: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
    for pair in market.pairs or ():
        position = position_of[pair.need]
        need = market.needs[position]
        price = -1 if pair.price_pence is None else pair.price_pence
        stated.setdefault((pair.offer, need.bundle), []).append((position, pair.extra_cost_pence, price))
    blocks = []
    for offer_position, offer in enumerate(market.offers):
        for line_position, line in enumerate(offer.lines):
            found = stated.get((offer.id, line.bundle))
            if not found:
                continue
            table = np.array(found, dtype=np.int64)
            needs = NeedArrays.of(market.bundle_by_id[line.bundle], [market.needs[i] for i in table[:, 0]])
            fit = ~keep_provider(needs, offer).refused
            block = _block(market, offer_position, line_position, table[:, 0], needs)
            block["extra_pence"], block["fixed_price_pence"] = table[:, 1], table[:, 2]
            blocks.append({name: column[fit] for name, column in block.items()})
    return _joined(blocks)


def _block(market: Market, offer_at: int, line_at: int, positions: Ints, needs: NeedArrays) -> dict[str, Ints]:
    """One line's pairs with their cost parts (matching.md, exact meanings)."""
    offer, policy = market.offers[offer_at], market.policy
    apart_m, known = distance_m(needs, offer)
    days = offer.first_appointment_days or 0
    leaves = _each(needs, lambda need: need.current_provider not in (None, offer.provider))
    per_grade, per_km = _weight(needs, policy, "pence_per_quality_grade"), _weight(needs, policy, "pence_per_km")
    zeros = np.zeros(len(positions), dtype=np.int64)
    return {
        "need": positions,
        "offer": zeros + offer_at,
        "line": zeros + line_at,
        "units": needs.units,
        "fixed_price_pence": zeros - 1,
        "quality_pence": (policy.best_grade - offer.grade) * per_grade * needs.units,
        "travel_pence": np.where(known, apart_m, 0) * per_km * needs.units // 1000,
        "change_pence": np.where(leaves, _weight(needs, policy, "pence_per_change"), 0),
        "wait_pence": days * _weight(needs, policy, "pence_per_wait_day"),
        "extra_pence": zeros,
    }


def _weight(needs: NeedArrays, policy: Any, name: str) -> Ints:
    published = getattr(policy, name)
    return _array(need.weights.get(name, published) for need in needs.needs)


def _joined(blocks: Sequence[dict[str, Ints]]) -> Pairs:
    names = [item.name for item in fields(Pairs)]
    empty = np.zeros(0, dtype=np.int64)
    columns = {name: np.concatenate([block[name] for block in blocks] or [empty]) for name in names}
    return Pairs(**columns).take(np.lexsort((columns["offer"], columns["need"])))


def _check_figures(market: Market, pairs: Pairs) -> None:
    """Refuse a market whose worst total is beyond exact arithmetic."""
    if not len(pairs):
        return
    lines = [line for offer in market.offers for line in offer.lines]
    dearest = max(tier.price_pence for line in lines for tier in line.tiers)
    price = max(dearest * int(pairs.units.max()), int(pairs.fixed_price_pence.max()))
    side = sum(int(np.abs(getattr(pairs, f"{name}_pence")).max()) for name in ("quality", "change", "wait", "extra"))
    reserve = max((need.reserve_pence or 0 for need in market.needs), default=0)
    # Travel is bounded in whole numbers of any size first: the product itself is what could overflow.
    way = int(pairs.units.max()) * 3 * 10**7 * max(market.policy.pence_per_km, *_own_km_weights(market)) // 1000
    budget = max(need.budget_pence for need in market.needs)
    fees = sum(offer.fee_pence for offer in market.offers)
    worst = len(market.needs) * (price + side + reserve + way + budget) + fees
    if worst > MAX_TOTAL_COST_PENCE:
        message = f"amounts could add up to {worst} pence, above the {MAX_TOTAL_COST_PENCE} that stay exact: split it"
        raise MarketTooLarge("figures_too_large", message, {"worst_pence": worst, "limit_pence": MAX_TOTAL_COST_PENCE})


def _own_km_weights(market: Market) -> list[int]:
    return [need.weights.get("pence_per_km", 0) for need in market.needs]


def _array(values: Iterable[int]) -> Ints:
    return np.fromiter(values, dtype=np.int64)


def _limit(value: int | None) -> int:
    return NO_LIMIT if value is None else value


def _each(needs: NeedArrays, test: Callable[[Need], bool]) -> Truths:
    return np.fromiter((test(need) for need in needs.needs), dtype=bool, count=len(needs.needs))


def _figure(values: Sequence[Any] | npt.NDArray[Any] | None) -> int | str | None:
    if values is None:
        return None
    value = values[0]
    if value is None or isinstance(value, str):
        return value
    return None if value >= NO_LIMIT else int(value)
