"""The model of one part, as integer arrays; one function for each named constraint.

Columns (local numbers of `components.Part`; a slot is an offer at a tier, a class is an offer's line, with pairs whose
price follows the tier apart from pairs with a price of their own):

    assign[p]     0/1   pair p = (need n, offer o) is chosen
    use[s]        0/1   slot s = (offer o, tier t) is in use
    volume[c, s]  >= 0  units of class c that are paid at slot s's price; only where an offer has several usable slots
    serves[b, i]  0/1   provider i serves bundle b; only where somebody counts
    active[b]     0/1   anything of bundle b is matched; only where at least two providers are asked for

Objectives:

    coverage        maximise  sum of priority[n] * assign[p]
    effective_cost  minimise  sum of side[p] * assign[p] + sum of price * volume + sum of fee[o] * use[s]
                              (- reserve[n] * assign[p] where an unmatched need costs its reserve)

Tiers as volumes need a third of the columns that one `assign` per tier would, and exactly the same whole solutions:
with one slot in use, all of the offer's volume is in that slot. Every coefficient is a whole number, so `Model.broken`
checks a whole solution exactly, by the same rows that the solver saw.

`solve` builds a `Model` for each part; `repair` and `explain` ask it what is broken.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from matching.components import Part
from matching.eligibility import NO_LIMIT, Ints, Truths
from matching.market import Line
from matching.rows import Rows

NOT_MATCHED = -1


@dataclass(frozen=True)
class Columns:
    """Where each kind of variable stands, and the entries that add up to the units of a slot.

    `pair_price_pence` is the price where it does not depend on the slot (a price of its own, or one usable slot), else
    0. `entry_` arrays: the column `entry_col` carries `entry_coef` units of the part-line `entry_line` into slot
    `entry_slot`: volumes where the offer has several slots, assignments where it has one.
    """

    part: Part
    class_offer: Ints
    class_of_pair: Ints
    volume_class: Ints
    volume_slot: Ints
    volume_price_pence: Ints
    pair_price_pence: Ints
    line_key: Ints
    entry_slot: Ints
    entry_line: Ints
    entry_col: Ints
    entry_coef: Ints
    serves: tuple[tuple[str, str], ...]
    active: tuple[str, ...]

    @property
    def assign(self) -> Ints:
        """Columns of `assign`, by pair."""
        return np.arange(len(self.part.pair_need))

    @property
    def use(self) -> Ints:
        """Columns of `use`, by slot."""
        return len(self.part.pair_need) + np.arange(len(self.part.slot_offer))

    @property
    def volume(self) -> Ints:
        """Columns of `volume`."""
        return len(self.part.pair_need) + len(self.part.slot_offer) + np.arange(len(self.volume_slot))

    @property
    def first_serves(self) -> int:
        """Where the columns of `serves` begin; those of `active` follow."""
        return len(self.part.pair_need) + len(self.part.slot_offer) + len(self.volume_slot)

    @property
    def count(self) -> int:
        """How many columns there are."""
        return self.first_serves + len(self.serves) + len(self.active)

    @cached_property
    def slot_count(self) -> Ints:
        """How many usable slots each offer has."""
        return np.bincount(self.part.slot_offer, minlength=len(self.part.offer_at))

    @cached_property
    def slot_reach(self) -> Ints:
        """All units that could pay a slot's price."""
        part = self.part
        units = part.pair_units[part.link_pair]
        return np.bincount(part.link_slot, weights=units, minlength=len(part.slot_offer)).astype(np.int64)


def columns_of(part: Part) -> Columns:
    """Lay the columns of a part out."""
    slot_count = np.bincount(part.slot_offer, minlength=len(part.offer_at))
    key = (part.pair_offer << 33) | (part.pair_line << 1) | part.pair_fixed
    classes, class_of_pair = np.unique(key, return_inverse=True)
    class_offer = classes >> 33
    lines, line_of_class = np.unique(classes >> 1, return_inverse=True)
    many = slot_count[part.pair_offer[part.link_pair]] > 1
    own_price = np.zeros(len(part.pair_need), dtype=np.int64)
    settled = ~many | part.pair_fixed[part.link_pair]
    own_price[part.link_pair[settled]] = part.link_price_pence[settled]
    # A volume exists where at least one pair of the class fits the slot; its price is the line's at that tier.
    reach = (class_of_pair[part.link_pair[many]] << 32) | part.link_slot[many]
    volumes, first = np.unique(reach, return_index=True)
    volume_class, volume_slot = volumes >> 32, volumes & (2**32 - 1)
    only_slot = np.zeros(len(part.offer_at), dtype=np.int64)
    only_slot[part.slot_offer] = np.arange(len(part.slot_offer))
    single = np.flatnonzero(slot_count[part.pair_offer] == 1)
    first_volume = len(part.pair_need) + len(part.slot_offer)
    serves, active = _counted(part)
    return Columns(
        part=part,
        class_offer=class_offer,
        class_of_pair=class_of_pair,
        volume_class=volume_class,
        volume_slot=volume_slot,
        volume_price_pence=part.link_unit_price_pence[many][first],
        pair_price_pence=own_price,
        line_key=lines,
        entry_slot=np.concatenate([volume_slot, only_slot[part.pair_offer[single]]]),
        entry_line=np.concatenate([line_of_class[volume_class], line_of_class[class_of_pair[single]]]),
        entry_col=np.concatenate([first_volume + np.arange(len(volumes)), single]),
        entry_coef=np.concatenate([np.ones(len(volumes), dtype=np.int64), part.pair_units[single]]),
        serves=serves,
        active=active,
    )


def _counted(part: Part) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Which (bundle, provider) and which bundles need columns of their own, for `provider_count`."""
    bundles = part.market.bundle_by_id
    offers = part.offers
    found = {(bundle, offers[o].provider) for bundle, o in zip(part.pair_bundle, part.pair_offer, strict=True)}
    counted = {name for name, _ in found if bundles[name].min_providers > 1 or bundles[name].max_providers is not None}
    serves = tuple(sorted(pair for pair in found if pair[0] in counted))
    return serves, tuple(sorted(name for name in counted if bundles[name].min_providers > 1))


def one_provider(columns: Columns) -> Rows:
    """Each need is assigned at most once: sum over its pairs of assign <= 1."""
    part = columns.part
    return Rows.of(len(part.need_at)).add(part.pair_need, columns.assign, 1).at_most(1)


def one_tier(columns: Columns) -> Rows:
    """An offer is used at one tier at most: sum over its slots of use <= 1."""
    part = columns.part
    return Rows.of(len(part.offer_at)).add(part.slot_offer, columns.use, 1).at_most(1)


def used_offer(columns: Columns) -> Rows:
    """A need is assigned only to an offer in use: assign[p] <= sum of use[s] over the slots it can pay (own_budget).

    Written per pair, because the aggregated form leaves the LP bound loose.
    """
    part = columns.part
    rows = Rows.of(len(part.pair_need)).add(np.arange(len(part.pair_need)), columns.assign, 1)
    return rows.add(part.link_pair, columns.use[part.link_slot], -1).at_most(0)


def own_budget(columns: Columns) -> Rows:
    """Nobody pays above their budget: a pair has a link to a slot only where its price fits (see `used_offer`).

    So the units paid at a slot's price are units of those who can pay it:
    volume[c, s] <= sum of units[p] * assign[p] over the pairs of class c with a link to s.
    """
    part = columns.part
    if not len(columns.volume_slot):
        return Rows.of(0).at_most(0)
    key = (columns.class_of_pair[part.link_pair] << 32) | part.link_slot
    known = (columns.volume_class << 32) | columns.volume_slot
    place = np.minimum(np.searchsorted(known, key), len(known) - 1)
    hit = known[place] == key
    rows = Rows.of(len(known)).add(np.arange(len(known)), columns.volume, 1)
    return rows.add(place[hit], part.link_pair[hit], -part.pair_units[part.link_pair[hit]]).at_most(0)


def tier_volume(columns: Columns) -> Rows:
    """The offer's total units lie inside the band of its tier, and all of them are paid at that tier.

    For each class: sum over slots of volume = sum of units * assign.
    For each slot: from_units * use <= units of the slot <= to_units * use.
    """
    part = columns.part
    several = columns.slot_count[part.pair_offer] > 1
    whole = Rows.of(len(columns.class_offer)).add(columns.volume_class, columns.volume, 1)
    whole = whole.add(columns.class_of_pair[several], columns.assign[several], -part.pair_units[several]).equal(0)
    to_units = np.minimum(part.slot_to_units, columns.slot_reach)
    return Rows.join([whole, _floor(columns, part.slot_from_units), _ceiling(columns, to_units)])


def minimum_volume(columns: Columns) -> Rows:
    """An offer in use serves at least its minimum units, and at least one: units of the slot >= minimum * use.

    A clinic day costs the same for two patients as for ten.
    """
    least = np.array([max(1, offer.min_units) for offer in columns.part.offers], dtype=np.int64)
    return _floor(columns, least[columns.part.slot_offer])


def capacity(columns: Columns) -> Rows:
    """An offer serves at most its maximum units: units of the slot <= maximum * use."""
    part = columns.part
    most = np.array([_limit(offer.max_units) for offer in part.offers], dtype=np.int64)[part.slot_offer]
    return _ceiling(columns, np.minimum(most, columns.slot_reach))


def _floor(columns: Columns, units: Ints) -> Rows:
    rows = Rows.of(len(units)).add(columns.entry_slot, columns.entry_col, columns.entry_coef)
    return rows.add(np.arange(len(units)), columns.use, -units).at_least(0)


def _ceiling(columns: Columns, units: Ints) -> Rows:
    rows = Rows.of(len(units)).add(columns.entry_slot, columns.entry_col, columns.entry_coef)
    return rows.add(np.arange(len(units)), columns.use, -units).at_most(0)


def line_capacity(columns: Columns) -> Rows:
    """A line serves at most its maximum units in its bundle: units of line and slot <= maximum * use."""
    return _line_rows(columns, lambda line: line.max_units).at_most(0)


def line_minimum(columns: Columns) -> Rows:
    """An offer in use serves at least each line's minimum units: units of line and slot >= minimum * use."""
    return _line_rows(columns, lambda line: line.min_units or None).at_least(0)


def _line_rows(columns: Columns, limit: Callable[[Line], int | None]) -> Rows:
    """One row for each slot and line that has the limit: units of line and slot - limit * use."""
    part = columns.part
    limits = [(o, at, limit(line)) for o, offer in enumerate(part.offers) for at, line in enumerate(offer.lines)]
    stated = {(o << 32) | at: units for o, at, units in limits if units is not None}
    keys = columns.line_key[columns.entry_line]
    chosen = np.flatnonzero(np.isin(keys, list(stated)))
    width = len(columns.line_key)
    numbers, row = np.unique(columns.entry_slot[chosen] * width + columns.entry_line[chosen], return_inverse=True)
    units = np.array([stated[key] for key in columns.line_key[numbers % width].tolist()], dtype=np.int64)
    rows = Rows.of(len(numbers)).add(row, columns.entry_col[chosen], columns.entry_coef[chosen])
    return rows.add(np.arange(len(numbers)), columns.use[numbers // width], -units)


def fee_cover(columns: Columns) -> Rows:
    """With own_budget, a used offer's fee fits in the headroom of those it serves.

    sum of budget * assign - price paid under the offer  >=  fee * sum of use, for each offer with a fee
    """
    part = columns.part
    charging = np.flatnonzero(part.offer_fee_pence)
    if part.market.policy.pooling != "own_budget" or not len(charging):
        return Rows.of(0).at_least(0)
    row_of = np.full(len(part.offer_at), -1)
    row_of[charging] = np.arange(len(charging))
    return _headroom(columns, row_of, len(charging))


def shared_pool(columns: Columns) -> Rows:
    """With shared_pool, all prices and all fees fit in all budgets of the matched: one row over the whole market."""
    part = columns.part
    if part.market.policy.pooling != "shared_pool":
        return Rows.of(0).at_least(0)
    return _headroom(columns, np.zeros(len(part.offer_at), dtype=np.int64), 1)


def _headroom(columns: Columns, row_of_offer: Ints, count: int) -> Rows:
    """Budgets of the matched - prices - fees, summed into the row of their offer (-1: left out)."""
    part = columns.part
    by_pair, by_slot = row_of_offer[part.pair_offer], row_of_offer[part.slot_offer]
    by_volume = row_of_offer[columns.class_offer[columns.volume_class]]
    paid = part.need_budget_pence[part.pair_need] - columns.pair_price_pence
    rows = Rows.of(count)
    for row, column, coefficient in (
        (by_pair, columns.assign, paid),
        (by_volume, columns.volume, -columns.volume_price_pence),
        (by_slot, columns.use, -part.offer_fee_pence[part.slot_offer]),
    ):
        rows.add(row[row >= 0], column[row >= 0], coefficient[row >= 0])
    return rows.at_least(0)


def provider_capacity(columns: Columns) -> Rows:
    """A provider serves at most its maximum units over all its offers: sum of units * assign <= maximum."""
    part = columns.part
    most = [_limit(part.market.provider_by_id[offer.provider].max_units) for offer in part.offers]
    providers = sorted({offer.provider for offer, units in zip(part.offers, most, strict=True) if units < NO_LIMIT})
    number = {name: row for row, name in enumerate(providers)}
    row_of = np.array([number.get(offer.provider, -1) for offer in part.offers], dtype=np.int64)[part.pair_offer]
    counts = row_of >= 0
    right = [_limit(part.market.provider_by_id[name].max_units) for name in providers]
    rows = Rows.of(len(providers)).add(row_of[counts], columns.assign[counts], part.pair_units[counts])
    return rows.at_most(np.array(right, dtype=np.int64))


def provider_count(columns: Columns) -> Rows:
    """At least and at most so many providers serve a bundle, if anything of it is matched.

    assign[p] <= serves[b, i];  serves[b, i] <= sum of assign;  assign[p] <= active[b]
    sum over i of serves[b, i] <= max_providers[b];  sum over i of serves[b, i] >= min_providers[b] * active[b]
    """
    part, bundles = columns.part, columns.part.market.bundle_by_id
    serves = {key: columns.first_serves + at for at, key in enumerate(columns.serves)}
    active = {name: columns.first_serves + len(serves) + at for at, name in enumerate(columns.active)}
    providers = [part.offers[o].provider for o in part.pair_offer]
    keys = list(zip(part.pair_bundle, providers, strict=True))
    counted = np.array([p for p, key in enumerate(keys) if key in serves], dtype=np.int64)
    column = np.array([serves[keys[p]] for p in counted], dtype=np.int64)
    spans = np.arange(len(counted))
    serving = Rows.of(len(counted)).add(spans, counted, 1).add(spans, column, -1).at_most(0)
    honest = Rows.of(len(serves)).add(column - columns.first_serves, counted, -1)
    honest = honest.add(np.arange(len(serves)), np.arange(len(serves)) + columns.first_serves, 1).at_most(0)
    asked = [p for p in counted.tolist() if keys[p][0] in active]
    waking = Rows.of(len(asked)).add(np.arange(len(asked)), asked, 1)
    waking = waking.add(np.arange(len(asked)), [active[keys[p][0]] for p in asked], -1).at_most(0)
    names = sorted({name for name, _ in serves})
    row = [names.index(name) for name, _ in serves]
    most = np.array([_limit(bundles[name].max_providers) for name in names], dtype=np.int64)
    few = Rows.of(len(names)).add(row, list(serves.values()), 1).at_most(most)
    wanted = [at for at, (name, _) in enumerate(serves) if name in active]
    many = Rows.of(len(active)).add(
        [list(active).index(columns.serves[at][0]) for at in wanted], [columns.first_serves + at for at in wanted], 1
    )
    least = [-bundles[name].min_providers for name in active]
    many = many.add(np.arange(len(active)), list(active.values()), least).at_least(0)
    return Rows.join([serving, honest, waking, few, many])


def provider_share(columns: Columns) -> Rows:
    """No provider serves more than so many per mille of the units matched in a bundle.

    1000 * units of the provider in the bundle  <=  max_share_permille * units matched in the bundle
    """
    part, bundles = columns.part, columns.part.market.bundle_by_id
    names = np.array(part.pair_bundle, dtype=object)
    providers = np.array([part.offers[o].provider for o in part.pair_offer], dtype=object)
    blocks = []
    for name in sorted(set(part.pair_bundle)):
        share = bundles[name].max_share_permille
        if share is None:
            continue
        inside = np.flatnonzero(names == name)
        for provider in sorted(set(providers[inside])):
            coefficient = part.pair_units[inside] * (1000 * (providers[inside] == provider) - share)
            blocks.append(Rows.of(1).add(0, inside, coefficient).at_most(0))
    return Rows.join(blocks)


def bundle_quality(columns: Columns) -> Rows:
    """The unit-weighted mean grade of what is matched in a bundle reaches the bundle's target.

    sum of units * (1000 * grade - target_grade_permille) * assign  >=  0
    """
    part, bundles = columns.part, columns.part.market.bundle_by_id
    targets = {name: bundles[name].target_grade_permille for name in set(part.pair_bundle)}
    names = sorted(name for name, target in targets.items() if target)
    chosen = np.array([p for p, name in enumerate(part.pair_bundle) if targets[name]], dtype=np.int64)
    row = [names.index(part.pair_bundle[p]) for p in chosen.tolist()]
    grades = np.array([offer.grade for offer in part.offers], dtype=np.int64)[part.pair_offer[chosen]]
    target = np.array([targets[part.pair_bundle[p]] for p in chosen.tolist()], dtype=np.int64)
    coefficient = part.pair_units[chosen] * (1000 * grades - target)
    return Rows.of(len(names)).add(row, chosen, coefficient).at_least(0)


def exclusive_offers(columns: Columns) -> Rows:
    """Of a named group of one provider's offers at most one is used: sum of use over the group <= 1."""
    part = columns.part
    groups = sorted({offer.exclusive for offer in part.offers if offer.exclusive is not None})
    row_of = np.array([groups.index(o.exclusive) if o.exclusive is not None else -1 for o in part.offers])
    row = row_of[part.slot_offer].astype(np.int64)
    return Rows.of(len(groups)).add(row[row >= 0], columns.use[row >= 0], 1).at_most(1)


Rule = Callable[[Columns], Rows]
RULES: tuple[Rule, ...] = (
    one_provider, one_tier, used_offer, own_budget, tier_volume, minimum_volume, capacity, line_minimum, line_capacity,
    fee_cover, shared_pool, provider_capacity, provider_count, provider_share, bundle_quality, exclusive_offers,
)  # fmt: skip
"""Every rule that ties pairs together; `eligible` and `keep_provider` have decided before which pairs there are."""
STRUCTURE = ("one_provider", "one_tier", "used_offer", "own_budget", "tier_volume")
"""The rules without which the columns have no meaning; they are never named as one side of a conflict."""


@dataclass(frozen=True)
class Model:
    """One part as matrices: rows low <= matrix @ x <= high, and the two objectives."""

    columns: Columns
    matrix: csr_array
    low: Ints
    high: Ints
    rule_of_row: Ints
    upper: Ints
    integral: Truths
    coverage: Ints
    cost_pence: Ints
    constant_pence: int

    @property
    def part(self) -> Part:
        """The part that was modelled."""
        return self.columns.part

    def without(self, rules: Iterable[str]) -> "Model":
        """The same model with some rules left out."""
        names = set(rules)
        dropped = np.array([rule.__name__ in names for rule in RULES], dtype=bool)[self.rule_of_row]
        high, low = np.where(dropped, NO_LIMIT, self.high), np.where(dropped, -NO_LIMIT, self.low)
        return replace(self, low=low, high=high)

    def values_of(self, choice: Ints) -> Ints:
        """Write a choice (for each need its pair, or -1) as a whole point of the model.

        A choice that fits no slot of an offer leaves that offer's `use` at 0, which `broken` then reports.
        """
        part, columns = self.part, self.columns
        values = np.zeros(columns.count, dtype=np.int64)
        chosen = choice[choice >= 0]
        values[chosen] = 1
        units = part.pair_units * values[columns.assign]
        total = np.bincount(part.pair_offer, weights=units, minlength=len(part.offer_at)).astype(np.int64)
        used = total[part.slot_offer]
        slots = np.flatnonzero((used > 0) & (part.slot_from_units <= used) & (used <= part.slot_to_units))
        values[columns.use[slots]] = 1
        by_class = np.bincount(columns.class_of_pair, weights=units, minlength=len(columns.class_offer))
        in_use = np.isin(columns.volume_slot, slots)
        values[columns.volume[in_use]] = by_class[columns.volume_class[in_use]]
        if columns.serves or columns.active:
            providers = [part.offers[offer].provider for offer in part.pair_offer[chosen].tolist()]
            bundles = [part.pair_bundle[pair] for pair in chosen.tolist()]
            served, active = set(zip(bundles, providers, strict=True)), set(bundles)
            values[columns.first_serves :] = [key in served for key in columns.serves] + [
                name in active for name in columns.active
            ]
        return values

    def broken(self, values: Ints) -> list[str]:
        """Name the rules that a whole point breaks, in exact arithmetic."""
        activity = self.matrix @ values
        rows = (activity < self.low) | (activity > self.high)
        return [RULES[rule].__name__ for rule in np.unique(self.rule_of_row[rows])]


def model_of(part: Part) -> Model:
    """Build the model of a part."""
    columns = columns_of(part)
    blocks = [rule(columns) for rule in RULES]
    joined = Rows.join(blocks)
    row, column, coefficient = joined.triplets()
    matrix = csr_array((coefficient, (row, column)), shape=(joined.count, columns.count))
    upper = np.ones(columns.count, dtype=np.int64)
    upper[columns.volume] = columns.slot_reach[columns.volume_slot]
    integral = np.ones(columns.count, dtype=bool)
    integral[columns.volume] = False
    coverage = np.zeros(columns.count, dtype=np.int64)
    coverage[columns.assign] = part.need_priority[part.pair_need]
    cost = np.zeros(columns.count, dtype=np.int64)
    cost[columns.assign] = part.pair_side_pence + columns.pair_price_pence
    cost[columns.volume] = columns.volume_price_pence
    cost[columns.use] = part.offer_fee_pence[part.slot_offer]
    constant = 0
    if part.market.policy.unmatched == "reserve":
        cost[columns.assign] -= part.need_reserve_pence[part.pair_need]
        constant = int(part.need_reserve_pence.sum())
    rules = np.repeat(np.arange(len(RULES)), [block.count for block in blocks])
    return Model(
        columns, matrix, low=joined.low, high=joined.high, rule_of_row=rules, upper=upper, integral=integral,
        coverage=coverage, cost_pence=cost, constant_pence=constant,
    )  # fmt: skip


def _limit(value: int | None) -> int:
    return NO_LIMIT if value is None else value
