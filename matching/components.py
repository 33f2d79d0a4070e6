"""A market falls apart into parts that have nothing in common; each is laid out as arrays for the solver.

`parts_of` drops what can never be used (a tier whose minimum is above its capacity), joins offers that share a need, a
provider's limit, an exclusive group or a bundle with rules of its own, and hands over one `Part` for each island.
Parts are solved apart: coverage and cost of the market are the sums over its parts. A shared pool joins everything.

Needs and offers stand in a part in the seed's order: ids sorted, then permuted by a hash of seed and id, so that a tie
which the objective leaves open is nobody's choice.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from matching.eligibility import NO_LIMIT, Ints, Pairs, Truths
from matching.market import Market, Offer


@dataclass(frozen=True)
class Part:
    """One island of a market, in local numbers.

    A *slot* is an offer at a usable tier; a *link* is a pair at a slot that the need's budget can pay. All arrays of
    one prefix have the same length: `need_` (needs), `offer_` (offers), `pair_`, `slot_`, `link_`. `pair_need`,
    `link_slot` and the like are local positions; `need_at`, `offer_at` and `pair_at` point into market and `Pairs`.
    """

    market: Market
    need_at: Ints
    need_budget_pence: Ints
    need_priority: Ints
    need_reserve_pence: Ints
    offer_at: Ints
    offer_rank: Ints
    offer_fee_pence: Ints
    pair_at: Ints
    pair_need: Ints
    pair_offer: Ints
    pair_line: Ints
    pair_units: Ints
    pair_side_pence: Ints
    pair_fixed: Truths
    slot_offer: Ints
    slot_tier: Ints
    slot_from_units: Ints
    slot_to_units: Ints
    slot_low_units: Ints
    slot_high_units: Ints
    link_pair: Ints
    link_slot: Ints
    link_price_pence: Ints
    link_unit_price_pence: Ints

    @property
    def name(self) -> str:
        """The part's name in progress events: its first need in the order of ids."""
        return str(min(self.market.needs[at].id for at in self.need_at))

    @cached_property
    def offers(self) -> list[Offer]:
        """The part's offers."""
        return [self.market.offers[at] for at in self.offer_at]

    @cached_property
    def pair_bundle(self) -> list[str]:
        """The bundle of each pair's need."""
        bundles = [self.market.needs[at].bundle for at in self.need_at]
        return [bundles[need] for need in self.pair_need]


@dataclass(frozen=True)
class Slot:
    """An offer at a tier: the units it could reach, and the rules that close it where it never could."""

    offer: int
    tier: int
    from_units: int
    to_units: int
    low_units: int
    high_units: int
    closed_by: tuple[str, ...]


@dataclass(frozen=True)
class Links:
    """Which pair fits which slot: entries of one length, over all slots, closed ones included."""

    slots: Sequence[Slot]
    pair: Ints
    slot: Ints
    price_pence: Ints
    unit_price_pence: Ints


def link_pairs(market: Market, pairs: Pairs) -> Links:
    """Price every pair at every tier, keep what the pooling rule lets the need pay, and measure each slot's reach."""
    own_budget = market.policy.pooling == "own_budget"
    budget = np.array([need.budget_pence for need in market.needs], dtype=np.int64)
    members = _members(pairs.offer, len(market.offers))
    slots: list[Slot] = []
    columns: list[npt.NDArray[Any]] = []
    for offer_at, offer in enumerate(market.offers):
        chosen = members[offer_at]
        if not len(chosen):
            continue
        units, fixed, line = pairs.units[chosen], pairs.fixed_price_pence[chosen], pairs.line[chosen]
        for tier in range(len(offer.lines[0].tiers)):
            unit_price = np.array([one.tiers[tier].price_pence for one in offer.lines], dtype=np.int64)[line]
            price = np.where(fixed >= 0, fixed, unit_price * units)
            payable = price <= budget[pairs.need[chosen]] if own_budget else np.ones(len(chosen), dtype=bool)
            headroom = int((budget[pairs.need[chosen]] - price)[payable].sum()) if own_budget else NO_LIMIT
            slot = _slot(market, offer_at, tier, units=units[payable], line=line[payable], headroom_pence=headroom)
            table = [chosen, np.full(len(chosen), len(slots)), price, np.where(fixed >= 0, 0, unit_price)]
            columns.append(np.stack(table)[:, payable])
            slots.append(slot)
    joined = np.concatenate(columns, axis=1) if columns else np.zeros((4, 0), dtype=np.int64)
    return Links(slots, *joined.astype(np.int64))


def _slot(market: Market, offer_at: int, tier: int, *, units: Ints, line: Ints, headroom_pence: int) -> Slot:
    """Measure what an offer could reach at a tier, and name the rules that close it."""
    offer = market.offers[offer_at]
    starts = [one.from_units for one in offer.lines[0].tiers]
    from_units = starts[tier]
    to_units = starts[tier + 1] - 1 if tier + 1 < len(starts) else NO_LIMIT
    by_line = np.bincount(line, weights=units, minlength=len(offer.lines)).astype(np.int64)
    reach = [min(int(found), _limit(one.max_units)) for found, one in zip(by_line, offer.lines, strict=True)]
    floors = {
        "tier_volume": from_units,
        "minimum_volume": max(1, offer.min_units),
        "line_minimum": sum(one.min_units for one in offer.lines),
    }
    ceilings = {
        "tier_volume": to_units,
        "capacity": _limit(offer.max_units),
        "provider_capacity": _limit(market.provider_by_id[offer.provider].max_units),
        "line_capacity": sum(reach) if sum(reach) < int(by_line.sum()) else NO_LIMIT,
        "": int(by_line.sum()),
    }
    low, high = max(floors.values()), min(ceilings.values())
    closed = {name for name, floor in floors.items() if floor > high}
    if closed:
        closed |= {name for name, ceiling in ceilings.items() if ceiling < low and name}
    if any(one.min_units > found for one, found in zip(offer.lines, reach, strict=True)):
        closed.add("line_minimum")
        if any(one.min_units > _limit(one.max_units) for one in offer.lines):
            closed.add("line_capacity")
    if headroom_pence < offer.fee_pence:
        closed.add("fee_cover")
    return Slot(offer_at, tier, from_units, to_units, low, high, tuple(sorted(closed)))


def parts_of(market: Market, pairs: Pairs, links: Links, *, pooled: bool) -> list[Part]:
    """Split a market into its independent parts, the largest first.

    Parameters
    ----------
    market, pairs, links
        The market, its eligible pairs, and those pairs at the tiers.
    pooled
        True: keep everything together, for a pool that ties all of it.
    """
    usable = np.array([not slot.closed_by for slot in links.slots], dtype=bool)
    alive = usable[links.slot] if len(links.slot) else np.zeros(0, dtype=bool)
    living_pairs = np.unique(links.pair[alive])
    if not len(living_pairs):
        return []
    island = _islands(market, pairs, living_pairs, pooled=pooled)
    ranks = seeded_ranks(market.policy.seed, [offer.id for offer in market.offers])
    need_ranks = seeded_ranks(market.policy.seed, [need.id for need in market.needs])
    slot_of_offer = np.array([slot.offer for slot in links.slots], dtype=np.int64)
    link_island = np.where(alive, island[slot_of_offer[links.slot]], -1)
    order = np.argsort(link_island, kind="stable")
    starts = np.searchsorted(link_island[order], np.arange(int(island.max()) + 2))
    parts = []
    for number in range(int(island.max()) + 1):
        chosen = order[starts[number] : starts[number + 1]]
        if len(chosen):
            parts.append(_part(market, pairs, links, chosen, (need_ranks, ranks)))
    return sorted(parts, key=lambda part: (-len(part.link_pair), part.name))


def _islands(market: Market, pairs: Pairs, living: Ints, *, pooled: bool) -> Ints:
    """Number the islands: for each offer of the market, the island it belongs to (-1: not in play)."""
    offers, count = pairs.offer[living], len(market.offers)
    if pooled:
        island = np.full(count, -1, dtype=np.int64)
        island[offers] = 0
        return island
    node = {name: count + number for number, name in enumerate(_meeting_points(market))}
    ends: list[tuple[int, int]] = []
    for offer_at in np.unique(offers):
        offer = market.offers[offer_at]
        points = [("provider", offer.provider), ("exclusive", offer.exclusive or "")]
        points += [("bundle", line.bundle) for line in offer.lines]
        ends += [(int(offer_at), node[point]) for point in points if point in node]
    width = count + len(node)
    table = np.array(ends, dtype=np.int64).reshape(-1, 2)
    rows = np.concatenate([offers, table[:, 0]])
    columns = np.concatenate([width + pairs.need[living], table[:, 1]])
    size = width + len(market.needs)
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    island = np.full(count, -1, dtype=np.int64)
    playing = np.unique(offers)
    island[playing] = np.unique(label[playing], return_inverse=True)[1]
    return island


def _meeting_points(market: Market) -> list[tuple[str, str]]:
    """What ties offers together beside the needs they share."""
    points = [("provider", provider.id) for provider in market.providers if provider.max_units is not None]
    points += [("exclusive", name) for name in sorted({offer.exclusive for offer in market.offers if offer.exclusive})]
    for bundle in market.bundles:
        counted = bundle.min_providers > 1 or bundle.max_providers is not None
        if counted or bundle.max_share_permille is not None or bundle.target_grade_permille:
            points.append(("bundle", bundle.id))
    return points


def _part(market: Market, pairs: Pairs, links: Links, chosen: Ints, ranks: tuple[Ints, Ints]) -> Part:
    """Lay one island out in local numbers, in the seed's order: `ranks` of needs and of offers."""
    need_ranks, offer_ranks = ranks
    slot_ids = np.unique(links.slot[chosen])
    slot_ids = slot_ids[np.lexsort((slot_ids, offer_ranks[[links.slots[i].offer for i in slot_ids]]))]
    slots = [links.slots[i] for i in slot_ids]
    pair_ids = np.unique(links.pair[chosen])
    pair_ids = pair_ids[np.lexsort((offer_ranks[pairs.offer[pair_ids]], need_ranks[pairs.need[pair_ids]]))]
    need_at = _by_rank(np.unique(pairs.need[pair_ids]), need_ranks)
    offer_at = _by_rank(np.unique(pairs.offer[pair_ids]), offer_ranks)
    needs = [market.needs[i] for i in need_at]
    link_pair, link_slot = _local(pair_ids, links.pair[chosen]), _local(slot_ids, links.slot[chosen])
    order = np.lexsort((link_slot, link_pair))
    return Part(
        market=market,
        need_at=need_at,
        need_budget_pence=_array(need.budget_pence for need in needs),
        need_priority=_array(need.priority for need in needs),
        need_reserve_pence=_array(need.reserve_pence or 0 for need in needs),
        offer_at=offer_at,
        offer_rank=offer_ranks[offer_at],
        offer_fee_pence=_array(market.offers[i].fee_pence for i in offer_at),
        pair_at=pair_ids,
        pair_need=_local(need_at, pairs.need[pair_ids]),
        pair_offer=_local(offer_at, pairs.offer[pair_ids]),
        pair_line=pairs.line[pair_ids],
        pair_units=pairs.units[pair_ids],
        pair_side_pence=pairs.side_pence[pair_ids],
        pair_fixed=pairs.fixed_price_pence[pair_ids] >= 0,
        slot_offer=_local(offer_at, _array(slot.offer for slot in slots)),
        slot_tier=_array(slot.tier for slot in slots),
        slot_from_units=_array(slot.from_units for slot in slots),
        slot_to_units=_array(slot.to_units for slot in slots),
        slot_low_units=_array(slot.low_units for slot in slots),
        slot_high_units=_array(slot.high_units for slot in slots),
        link_pair=link_pair[order],
        link_slot=link_slot[order],
        link_price_pence=links.price_pence[chosen][order],
        link_unit_price_pence=links.unit_price_pence[chosen][order],
    )


def seeded_ranks(seed: int, ids: Iterable[str]) -> Ints:
    """Rank ids by the sha256 of seed and id: the published order of ties, 0 first."""
    keys = [hashlib.sha256(f"{seed}:{one}".encode()).digest() for one in ids]
    ranks = np.empty(len(keys), dtype=np.int64)
    ranks[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    return ranks


def _by_rank(positions: Ints, ranks: Ints) -> Ints:
    return positions[np.argsort(ranks[positions], kind="stable")]


def _local(members: Ints, values: Ints) -> Ints:
    """Turn market positions into positions within `members`."""
    order = np.argsort(members, kind="stable")
    return order[np.searchsorted(members, values, sorter=order)].astype(np.int64)


def _members(group: Ints, count: int) -> list[Ints]:
    """For each group, the positions of its entries."""
    order = np.argsort(group, kind="stable")
    return np.split(order, np.searchsorted(group[order], np.arange(1, count))) if count else []


def _array(values: Iterable[int]) -> Ints:
    return np.fromiter(values, dtype=np.int64)


def _limit(value: int | None) -> int:
    return NO_LIMIT if value is None else value
