"""The answer by trying everything: tiny markets only.

    best(market) -> Best            the best value of each level, over all plans that keep every rule
    outcome_document(market, plan)  one plan written out as an outcome/1 document, charges and all

A plan says which offer each need has, or None. `n` needs and `m` offers make (m + 1)^n plans; each is held against the
rules as the specification words them, one after the other, without any cleverness. It shares nothing with the engine
but the documents.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import floor, isqrt
from typing import Any

from matching.market import Market, Need, Offer

Plan = Mapping[str, str | None]


@dataclass(frozen=True)
class Best:
    """The best coverage, the least effective cost at it (with `reserve`: the least at all), and such a plan."""

    coverage: int
    effective_cost: int
    plan: Plan


def best(market: Market) -> Best:
    """Try every plan."""
    reserve = market.policy.unmatched == "reserve"

    def rank(found: Best) -> tuple[int, int]:
        return (0 if reserve else -found.coverage, found.effective_cost)

    return min((Best(coverage_of(market, plan), cost_of(market, plan), plan) for plan in plans(market)), key=rank)


def plans(market: Market) -> Iterator[Plan]:
    """Every plan that keeps every rule; the one that serves nobody is always among them."""
    choices = [
        [None, *(offer.id for offer in market.offers if pair_is_allowed(market, need, offer))] for need in market.needs
    ]
    for chosen in product(*choices):
        plan = {need.id: offer for need, offer in zip(market.needs, chosen, strict=True)}
        if keeps_the_rules(market, plan):
            yield plan


def pair_is_allowed(market: Market, need: Need, offer: Offer) -> bool:
    """Say whether the pair rules let this need have this offer, whoever else is served."""
    if need.keep_provider and offer.provider != need.current_provider:
        return False
    if market.pairs is not None:
        return any((pair.need, pair.offer) == (need.id, offer.id) for pair in market.pairs)
    bundle = market.bundle_by_id[need.bundle]
    return (
        need.bundle in [line.bundle for line in offer.lines]
        and _is_near_enough(need, offer)
        and offer.grade >= max(need.min_grade, bundle.min_grade)
        and set(need.requires) <= set(offer.attributes)
        and offer.provider not in need.excludes
        and _is_soon_enough(need, offer)
    )


def _is_near_enough(need: Need, offer: Offer) -> bool:
    metres = metres_between(need, offer)
    if metres is None:
        return need.max_distance_m is None
    return all(limit is None or metres <= limit for limit in (need.max_distance_m, offer.max_distance_m))


def _is_soon_enough(need: Need, offer: Offer) -> bool:
    if need.max_wait_days is None:
        return True
    return offer.first_appointment_days is not None and offer.first_appointment_days <= need.max_wait_days


def metres_between(need: Need, offer: Offer) -> int | None:
    """The straight line, rounded down; None where one has no place."""
    if need.easting_m is None or offer.easting_m is None:
        return None
    return isqrt((need.easting_m - offer.easting_m) ** 2 + (need.northing_m - offer.northing_m) ** 2)


def in_use(market: Market, plan: Plan) -> dict[str, list[Need]]:
    """The offers of a plan with the needs that each serves, in order of id."""
    served: dict[str, list[Need]] = {}
    for need in market.needs:
        if plan[need.id] is not None:
            served.setdefault(plan[need.id], []).append(need)
    return dict(sorted(served.items()))


def units_of(needs: list[Need]) -> int:
    """The units of some needs together."""
    return sum(need.units for need in needs)


def tier_of(market: Market, offer: Offer, needs: list[Need]) -> int:
    """The band that the offer's total lies in."""
    return max(t for t, band in enumerate(offer.lines[0].tiers) if band.from_units <= units_of(needs))


def price_of(market: Market, need: Need, offer: Offer, tier: int) -> int:
    """The pair's price of the whole need, else units times the tier's price."""
    for pair in market.pairs or ():
        if (pair.need, pair.offer) == (need.id, offer.id) and pair.price_pence is not None:
            return pair.price_pence
    (line,) = [line for line in offer.lines if line.bundle == need.bundle]
    return need.units * line.tiers[tier].price_pence


def parts_of(market: Market, need: Need, offer: Offer, tier: int) -> dict[str, int]:
    """The cost parts of one assignment."""
    policy = market.policy

    def weight(name: str) -> int:
        return need.weights.get(name, getattr(policy, name))

    extra = [p.extra_cost_pence for p in market.pairs or () if (p.need, p.offer) == (need.id, offer.id)]
    changes = need.current_provider not in (None, offer.provider)
    travel = Fraction((metres_between(need, offer) or 0) * need.units * weight("pence_per_km"), 1000)
    return {
        "price_pence": price_of(market, need, offer, tier),
        "quality_pence": (policy.best_grade - offer.grade) * need.units * weight("pence_per_quality_grade"),
        "travel_pence": floor(travel),
        "change_pence": weight("pence_per_change") if changes else 0,
        "wait_pence": (offer.first_appointment_days or 0) * weight("pence_per_wait_day"),
        "extra_pence": sum(extra),
    }


def keeps_the_rules(market: Market, plan: Plan) -> bool:
    """Say whether a plan of allowed pairs keeps all the other rules."""
    used = in_use(market, plan)
    offers = {name: market.offer_by_id[name] for name in used}
    return (
        all(_offer_is_content(market, offers[name], needs) for name, needs in used.items())
        and all(_provider_can(market, provider.id, provider.max_units, used) for provider in market.providers)
        and _groups_are_exclusive([offer.exclusive for offer in offers.values()])
        and all(_bundle_is_content(market, bundle.id, plan) for bundle in market.bundles)
        and (market.policy.pooling == "own_budget" or _pool_holds(market, used))
    )


def _offer_is_content(market: Market, offer: Offer, needs: list[Need]) -> bool:
    total = units_of(needs)
    if total < offer.min_units or (offer.max_units is not None and total > offer.max_units):
        return False
    for line in offer.lines:
        units = units_of([need for need in needs if need.bundle == line.bundle])
        if units < line.min_units or (line.max_units is not None and units > line.max_units):
            return False
    if market.policy.pooling == "shared_pool":
        return True
    tier = tier_of(market, offer, needs)
    headroom = [need.budget_pence - price_of(market, need, offer, tier) for need in needs]
    return min(headroom) >= 0 and sum(headroom) >= offer.fee_pence


def _provider_can(market: Market, provider: str, limit: int | None, used: Mapping[str, list[Need]]) -> bool:
    units = sum(units_of(needs) for name, needs in used.items() if market.offer_by_id[name].provider == provider)
    return limit is None or units <= limit


def _groups_are_exclusive(groups: list[str | None]) -> bool:
    named = [group for group in groups if group is not None]
    return len(named) == len(set(named))


def _bundle_is_content(market: Market, name: str, plan: Plan) -> bool:
    bundle = market.bundle_by_id[name]
    served = [
        (need, market.offer_by_id[plan[need.id]])
        for need in market.needs
        if need.bundle == name and plan[need.id] is not None
    ]
    if not served:
        return True
    providers = {offer.provider for _, offer in served}
    if len(providers) < bundle.min_providers:
        return False
    if bundle.max_providers is not None and len(providers) > bundle.max_providers:
        return False
    total = sum(need.units for need, _ in served)
    for provider in providers:
        units = sum(need.units for need, offer in served if offer.provider == provider)
        if bundle.max_share_permille is not None and Fraction(units, total) > Fraction(bundle.max_share_permille, 1000):
            return False
    mean_grade = Fraction(sum(need.units * offer.grade for need, offer in served), total)
    return mean_grade >= Fraction(bundle.target_grade_permille, 1000)


def _pool_holds(market: Market, used: Mapping[str, list[Need]]) -> bool:
    room = 0
    for name, needs in used.items():
        offer = market.offer_by_id[name]
        tier = tier_of(market, offer, needs)
        room -= offer.fee_pence
        room += sum(need.budget_pence - price_of(market, need, offer, tier) for need in needs)
    return room >= 0


def coverage_of(market: Market, plan: Plan) -> int:
    """The priorities of those who are served."""
    return sum(need.priority for need in market.needs if plan[need.id] is not None)


def cost_of(market: Market, plan: Plan) -> int:
    """Cost parts, fees, and with `reserve` the reserves of the others."""
    cost = 0
    for name, needs in in_use(market, plan).items():
        offer = market.offer_by_id[name]
        tier = tier_of(market, offer, needs)
        cost += offer.fee_pence + sum(sum(parts_of(market, need, offer, tier).values()) for need in needs)
    if market.policy.unmatched == "reserve":
        cost += sum(need.reserve_pence for need in market.needs if plan[need.id] is None)
    return cost


def round_by_largest_remainder(exact: dict[str, Fraction]) -> dict[str, int]:
    """Floors; then a penny each to the largest fractions, ties in order of id, until the whole total is there."""
    whole = {name: floor(share) for name, share in exact.items()}
    missing = int(sum(exact.values())) - sum(whole.values())
    for name in sorted(exact, key=lambda name: (whole[name] - exact[name], name))[:missing]:
        whole[name] += 1
    return whole


def shares_in_rounds(total: int, weight: dict[str, int], cap: dict[str, int]) -> dict[str, int]:
    """In proportion to weight, nobody above their cap; what a cap turns away goes round again."""
    exact = dict.fromkeys(weight, Fraction(0))
    left = Fraction(total)
    while left > 0:
        open_to = [name for name in weight if exact[name] < cap[name]]
        whole = sum(weight[name] for name in open_to)
        turned_away = Fraction(0)
        for name in open_to:
            wanted = exact[name] + left * weight[name] / whole
            exact[name] = min(Fraction(cap[name]), wanted)
            turned_away += wanted - exact[name]
        left = turned_away
    return round_by_largest_remainder(exact)


def charges_of(market: Market, plan: Plan) -> dict[str, tuple[int, int]]:
    """Each served need's fee share and what the pool adds to its bill."""
    fee_share: dict[str, int] = {}
    price: dict[str, int] = {}
    is_own = market.policy.pooling == "own_budget"
    for name, needs in in_use(market, plan).items():
        offer = market.offer_by_id[name]
        tier = tier_of(market, offer, needs)
        price |= {need.id: price_of(market, need, offer, tier) for need in needs}
        headroom = {need.id: need.budget_pence - price[need.id] for need in needs}
        no_cap = dict.fromkeys(headroom, offer.fee_pence)
        weight = {need.id: need.units for need in needs}
        fee_share |= shares_in_rounds(offer.fee_pence, weight, headroom if is_own else no_cap)
    if is_own:
        return {name: (share, 0) for name, share in fee_share.items()}
    left = {name: market.need_by_id[name].budget_pence - price[name] - fee_share[name] for name in price}
    owed = -sum(min(0, room) for room in left.values())
    room = {name: max(0, left[name]) for name in left}
    carried = dict.fromkeys(left, 0)
    if owed:
        carried = round_by_largest_remainder({n: Fraction(owed * room[n], sum(room.values())) for n in room})
    return {name: (fee_share[name], carried[name] + min(0, left[name])) for name in left}


def outcome_document(market: Market, plan: Plan) -> dict[str, Any]:
    """One plan as the outcome/1 document of somebody who claims that it is the best."""
    used, charges = in_use(market, plan), charges_of(market, plan)
    awards, assignments = [], []
    for name, needs in used.items():
        offer = market.offer_by_id[name]
        tier = tier_of(market, offer, needs)
        for need in needs:
            parts = parts_of(market, need, offer, tier)
            share, pool = charges[need.id]
            money = {"fee_share_pence": share, "pool_pence": pool, "charge_pence": parts["price_pence"] + share + pool}
            assignments.append({"need": need.id, "offer": name, "tier": tier, **parts, **money})
        spend = offer.fee_pence + sum(price_of(market, need, offer, tier) for need in needs)
        figures = {"units": units_of(needs), "needs": len(needs), "fee_pence": offer.fee_pence, "spend_pence": spend}
        awards.append({"offer": name, "tier": tier, **figures})
    coverage, cost = coverage_of(market, plan), cost_of(market, plan)
    is_reserve = market.policy.unmatched == "reserve"
    unmatched = []
    for need in market.needs:
        if plan[need.id] is None:
            allowed = any(pair_is_allowed(market, need, offer) for offer in market.offers)
            unmatched.append({"need": need.id, "reason": "not_chosen" if allowed else "no_eligible_offer"})
    return {
        "format": "outcome/1",
        "termination": "optimal" if assignments or not market.needs else "nothing_matched",
        "market_sha256": market.sha256,
        "policy": market.document()["policy"],
        "seed": market.policy.seed,
        "versions": {},
        "seconds": {},
        "objective": {
            "coverage": {"value": coverage}
            if is_reserve
            else {"value": coverage, "bound": coverage, "gap_permille": 0.0},
            "effective_cost": {"value": cost, "bound": cost, "gap_permille": 0.0},
        },
        "awards": awards,
        "assignments": sorted(assignments, key=lambda row: row["need"]),
        "unmatched": unmatched,
        "certificate": {},
    }
