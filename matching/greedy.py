"""A first choice in no time: needs in turn take their cheapest offer with room; what then breaks a rule is let go.

`levels` starts from it, so that a limit which strikes early still finds something to hand over. It is only a start: the
model's own rows decide whether it counts.
"""

from dataclasses import dataclass

import numpy as np

from matching.components import Part
from matching.eligibility import NO_LIMIT, Ints
from matching.formulation import NOT_MATCHED, Model


@dataclass
class Room:
    """Units that offers, lines and providers have left."""

    offer: list[int]
    line: dict[tuple[int, int], int]
    provider: dict[str, int]

    @classmethod
    def of(cls, part: Part) -> "Room":
        """All the room there is."""
        limits = part.market.provider_by_id
        return cls(
            offer=[_limit(offer.max_units) for offer in part.offers],
            line={
                (at, number): _limit(line.max_units)
                for at, offer in enumerate(part.offers)
                for number, line in enumerate(offer.lines)
            },
            provider={offer.provider: _limit(limits[offer.provider].max_units) for offer in part.offers},
        )

    def take(self, part: Part, pair: int) -> bool:
        """Take a pair's units, if there is room everywhere."""
        at, line, units = int(part.pair_offer[pair]), int(part.pair_line[pair]), int(part.pair_units[pair])
        provider = part.offers[at].provider
        if min(self.offer[at], self.line[at, line], self.provider[provider]) < units:
            return False
        self.offer[at] -= units
        self.line[at, line] -= units
        self.provider[provider] -= units
        return True


def first_choice(model: Model) -> Ints:
    """A choice that keeps the rules on offers, found by taking and letting go; bundle rules may still break."""
    part = model.part
    closed = _second_of_groups(part)
    choice = np.full(len(part.need_at), NOT_MATCHED)
    for _ in range(len(part.offer_at) + 1):
        choice = _taken(part, closed)
        failing = _failing(model, choice)
        if not failing:
            break
        closed |= failing
    return choice


def _taken(part: Part, closed: set[int]) -> Ints:
    """Let needs take offers in turn: the most urgent first, then those with the fewest to choose from."""
    room = Room.of(part)
    lowest = _lowest_slot_prices(part)
    pairs = np.flatnonzero((lowest >= 0) & ~np.isin(part.pair_offer, list(closed)))
    cost = part.pair_side_pence[pairs] + lowest[pairs]
    fewest = np.bincount(part.pair_need[pairs], minlength=len(part.need_at))
    need = part.pair_need[pairs]
    order = np.lexsort((pairs, cost, need, fewest[need], -part.need_priority[need]))
    choice = np.full(len(part.need_at), NOT_MATCHED)
    for pair in pairs[order].tolist():
        at = part.pair_need[pair]
        if choice[at] == NOT_MATCHED and room.take(part, pair):
            choice[at] = pair
    return choice


def _lowest_slot_prices(part: Part) -> Ints:
    """Each pair's price at its offer's first usable band; -1 where the need cannot pay that one.

    Whoever can pay the first band can mostly pay the others too, whichever of them the volume then reaches.
    """
    first = np.full(len(part.offer_at), NO_LIMIT)
    np.minimum.at(first, part.slot_offer, part.slot_from_units)
    at_first = part.slot_from_units[part.link_slot] == first[part.slot_offer[part.link_slot]]
    price = np.full(len(part.pair_need), -1, dtype=np.int64)
    price[part.link_pair[at_first]] = part.link_price_pence[at_first]
    return price


def _failing(model: Model, choice: Ints) -> set[int]:
    """Offers in use that break a rule of their own: no usable band, too few units, a fee that is not covered."""
    part = model.part
    values = model.values_of(choice)
    used = {int(at) for at in part.pair_offer[choice[choice >= 0]]}
    slots = np.flatnonzero(values[model.columns.use])
    failing = used - {int(at) for at in part.slot_offer[slots]}
    columns = (part.link_pair.tolist(), part.link_slot.tolist(), part.link_price_pence.tolist())
    links = {(pair, slot): price for pair, slot, price in zip(*columns, strict=True)}
    slot_of = {int(part.slot_offer[slot]): int(slot) for slot in slots}
    headroom = dict.fromkeys(slot_of, 0)
    units: dict[tuple[int, int], int] = {}
    for need, pair in enumerate(choice.tolist()):
        at = int(part.pair_offer[pair]) if pair >= 0 else -1
        if at not in slot_of:
            continue
        line = (at, int(part.pair_line[pair]))
        units[line] = units.get(line, 0) + int(part.pair_units[pair])
        price = links.get((pair, slot_of[at]))
        if price is None:
            failing.add(at)
        else:
            headroom[at] += int(part.need_budget_pence[need]) - price
    for at, offer in enumerate(part.offers):
        if at not in slot_of:
            continue
        total = sum(units.get((at, number), 0) for number in range(len(offer.lines)))
        short = any(units.get((at, number), 0) < line.min_units for number, line in enumerate(offer.lines))
        uncovered = part.market.policy.pooling == "own_budget" and headroom[at] < offer.fee_pence
        if total < offer.min_units or short or uncovered:
            failing.add(at)
    return failing


def _second_of_groups(part: Part) -> set[int]:
    """All but the first offer of each exclusive group."""
    seen: set[str] = set()
    closed: set[int] = set()
    for at, offer in enumerate(part.offers):
        if offer.exclusive is None:
            continue
        if offer.exclusive in seen:
            closed.add(at)
        seen.add(offer.exclusive)
    return closed


def _limit(value: int | None) -> int:
    return NO_LIMIT if value is None else value
