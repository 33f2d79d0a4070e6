"""The rules on offers, providers, bundles and the pool, each re-checked under its public name.

One function per rule of the model, from the assignments up: what an award says of itself is compared with them, never
believed. Rules on a single pair are in `verify_pairs`, pennies in `verify_charges`.
"""

from collections import defaultdict
from collections.abc import Iterator

from matching.market import Bundle, Offer
from matching.verify_view import Finding, Served, View


def rule_findings(view: View) -> Iterator[Finding]:
    """Everything wrong with who is in use, how much they got, and how the bundles came out."""
    for name in view.offers_in_use:
        offer = view.market.offer_by_id[name]
        served = view.served_by_offer.get(name, [])
        units = sum(each.need.units for each in served)
        yield from _used_offer(view, offer, served)
        yield from _award(view, offer, served, units)
        yield from _offer_volume(view, offer, units)
        yield from _line_volume(view, offer, served)
        yield from _tier_volume(view, offer, served, units)
    yield from _provider_capacity(view)
    yield from _exclusive_offers(view)
    by_bundle: dict[str, list[Served]] = defaultdict(list)
    for each in view.served:
        by_bundle[each.need.bundle].append(each)
    for name, served in sorted(by_bundle.items()):
        bundle = view.market.bundle_by_id[name]
        yield from _provider_count(bundle, served)
        yield from _provider_share(bundle, served)
        yield from _bundle_quality(bundle, served)
    yield from _shared_pool(view)


def _used_offer(view: View, offer: Offer, served: list[Served]) -> Iterator[Finding]:
    """used_offer: a need is assigned only to an offer in use, at its tier."""
    if offer.id not in view.awards:
        message = f"offer {offer.id} serves {len(served)} needs and has no award"
        yield Finding("used_offer", served[0].place, message, {"offer": offer.id, "needs": len(served)})
        tiers = {each.row.tier for each in served}
        if len(tiers) > 1:
            message = f"offer {offer.id} serves at {len(tiers)} tiers at once"
            yield Finding("one_tier", served[0].place, message, {"offer": offer.id, "tiers": len(tiers)})
        return
    tier = view.awards[offer.id][1].tier
    for each in served:
        if each.row.tier != tier:
            message = f"offer {offer.id} is used at tier {tier}; need {each.need.id} has it at tier {each.row.tier}"
            facts = {"offer": offer.id, "need": each.need.id, "award": tier, "assignment": each.row.tier}
            yield Finding("used_offer", f"{each.place}.tier", message, facts)


def _award(view: View, offer: Offer, served: list[Served], units: int) -> Iterator[Finding]:
    """What an award adds up must be what its assignments add up to."""
    if offer.id not in view.awards:
        return
    place, award = view.awards[offer.id]
    spend_pence = sum(each.price_pence for each in served) + offer.fee_pence
    figures = (
        ("units", award.units, units),
        ("needs", award.needs, len(served)),
        ("fee_pence", award.fee_pence, offer.fee_pence),
        ("spend_pence", award.spend_pence, spend_pence),
    )
    for name, stated, recomputed in figures:
        if stated != recomputed:
            message = f"offer {offer.id} has {name} {recomputed} by its assignments, not {stated}"
            facts = {"offer": offer.id, "stated": stated, "recomputed": recomputed}
            yield Finding("award", f"{place}.{name}", message, facts)


def _offer_volume(view: View, offer: Offer, units: int) -> Iterator[Finding]:
    """Two rules, capacity and minimum_volume: between the offer's minimum, at least one, and its maximum."""
    facts = {"offer": offer.id, "units": units}
    place = view.offer_place(offer.id)
    if offer.max_units is not None and units > offer.max_units:
        message = f"offer {offer.id} got {units} units; it has at most {offer.max_units}"
        yield Finding("capacity", place, message, {**facts, "limit": offer.max_units})
    least = max(1, offer.min_units)
    if units < least:
        message = f"offer {offer.id} is in use with {units} units; it asks for at least {least}"
        yield Finding("minimum_volume", place, message, {**facts, "limit": least})


def _line_volume(view: View, offer: Offer, served: list[Served]) -> Iterator[Finding]:
    """Two rules, line_capacity and line_minimum: every line of an offer in use, also one that got nothing."""
    units_of: dict[str, int] = defaultdict(int)
    for each in served:
        units_of[each.need.bundle] += each.need.units
    place = view.offer_place(offer.id)
    for line in offer.lines:
        units = units_of[line.bundle]
        facts = {"offer": offer.id, "bundle": line.bundle, "units": units}
        if line.max_units is not None and units > line.max_units:
            message = (
                f"offer {offer.id} got {units} units in bundle {line.bundle}; it has at most {line.max_units} there"
            )
            yield Finding("line_capacity", place, message, {**facts, "limit": line.max_units})
        if units < line.min_units:
            message = f"offer {offer.id} got {units} units in bundle {line.bundle}; it asks for {line.min_units} there"
            yield Finding("line_minimum", place, message, {**facts, "limit": line.min_units})


def _tier_volume(view: View, offer: Offer, served: list[Served], units: int) -> Iterator[Finding]:
    """tier_volume: the tier in use is the band that the offer's total units lie in."""
    bands = offer.lines[0].tiers
    tier = view.awards[offer.id][1].tier if offer.id in view.awards else served[0].row.tier
    right = max(number for number, band in enumerate(bands) if band.from_units <= units)
    if tier != right and tier < len(bands):
        start = bands[tier].from_units
        end = bands[tier + 1].from_units if tier + 1 < len(bands) else None
        band = f"from {start} on" if end is None else f"from {start} to below {end}"
        message = f"offer {offer.id} got {units} units, which is tier {right}; tier {tier} is {band}"
        facts = {"offer": offer.id, "units": units, "tier": tier, "right": right}
        yield Finding("tier_volume", view.offer_place(offer.id), message, facts)


def _provider_capacity(view: View) -> Iterator[Finding]:
    """provider_capacity: what a provider can do over all its offers."""
    units_of: dict[str, int] = defaultdict(int)
    for each in view.served:
        units_of[each.offer.provider] += each.need.units
    for provider in view.market.providers:
        units = units_of[provider.id]
        if provider.max_units is not None and units > provider.max_units:
            message = (
                f"provider {provider.id} got {units} units over all its offers; it has at most {provider.max_units}"
            )
            facts = {"provider": provider.id, "units": units, "limit": provider.max_units}
            yield Finding("provider_capacity", "assignments", message, facts)


def _exclusive_offers(view: View) -> Iterator[Finding]:
    """exclusive_offers: of a group at most one offer is in use."""
    group: dict[str, list[str]] = defaultdict(list)
    for name in view.offers_in_use:
        exclusive = view.market.offer_by_id[name].exclusive
        if exclusive is not None:
            group[exclusive].append(name)
    for exclusive, offers in sorted(group.items()):
        if len(offers) > 1:
            message = f"of group {exclusive} at most one offer may be used, not {', '.join(offers)}"
            facts = {"group": exclusive, "offers": ", ".join(offers)}
            yield Finding("exclusive_offers", view.offer_place(offers[1]), message, facts)


def _provider_count(bundle: Bundle, served: list[Served]) -> Iterator[Finding]:
    """provider_count: providers, not offers; only where somebody is served."""
    count = len({each.offer.provider for each in served})
    facts = {"bundle": bundle.id, "providers": count}
    if count < bundle.min_providers:
        message = f"bundle {bundle.id} has {count} providers; it asks for at least {bundle.min_providers}"
        yield Finding("provider_count", "assignments", message, {**facts, "limit": bundle.min_providers})
    if bundle.max_providers is not None and count > bundle.max_providers:
        message = f"bundle {bundle.id} has {count} providers; it allows at most {bundle.max_providers}"
        yield Finding("provider_count", "assignments", message, {**facts, "limit": bundle.max_providers})


def _provider_share(bundle: Bundle, served: list[Served]) -> Iterator[Finding]:
    """provider_share: 1000 x units of a provider <= max_share_permille x units matched."""
    if bundle.max_share_permille is None:
        return
    units_of: dict[str, int] = defaultdict(int)
    for each in served:
        units_of[each.offer.provider] += each.need.units
    total = sum(units_of.values())
    for provider, units in sorted(units_of.items()):
        if 1000 * units > bundle.max_share_permille * total:
            message = (
                f"provider {provider} has {units} of {total} units in bundle {bundle.id}, "
                f"above {bundle.max_share_permille} per mille"
            )
            facts = {"bundle": bundle.id, "provider": provider, "units": units, "total": total}
            yield Finding("provider_share", "assignments", message, {**facts, "limit": bundle.max_share_permille})


def _bundle_quality(bundle: Bundle, served: list[Served]) -> Iterator[Finding]:
    """bundle_quality: 1000 x sum(units x grade) >= target x sum(units)."""
    units = sum(each.need.units for each in served)
    graded = sum(each.need.units * each.offer.grade for each in served)
    if 1000 * graded < bundle.target_grade_permille * units:
        mean = 1000 * graded // units
        message = f"bundle {bundle.id} has a mean grade of {mean} per mille, below {bundle.target_grade_permille}"
        facts = {"bundle": bundle.id, "mean_permille": mean, "limit": bundle.target_grade_permille}
        yield Finding("bundle_quality", "assignments", message, facts)


def _shared_pool(view: View) -> Iterator[Finding]:
    """shared_pool: over the whole market, prices and fees fit into the budgets of those who are served."""
    if view.market.policy.pooling != "shared_pool":
        return
    cost = sum(each.price_pence for each in view.served)
    cost += sum(view.market.offer_by_id[name].fee_pence for name in view.offers_in_use)
    budgets = sum(each.need.budget_pence for each in view.served)
    if cost > budgets:
        message = f"prices and fees of {cost} pence are above the budgets of those served, {budgets} pence"
        yield Finding("shared_pool", "assignments", message, {"cost_pence": cost, "budget_pence": budgets})
