"""Which pairs were allowed at all, and whether the unmatched were told the truth.

`broken_rules` is the specification's list of pair rules, read for one need and one offer. An assignment must break none
of them; a refusal in the outcome must be one of them, with the figures that stand in the market.
"""

from collections.abc import Iterator

from matching.market import Need, Offer
from matching.outcome import Reason, Refusal, Termination, Unmatched
from matching.verify_view import Finding, View, distance_between, price_of

#: The rules that can stand in each other's way over a whole bundle, by their public names.
RULES = frozenset(
    {
        "one_provider",
        "one_tier",
        "used_offer",
        "own_budget",
        "fee_cover",
        "shared_pool",
        "capacity",
        "line_capacity",
        "provider_capacity",
        "minimum_volume",
        "line_minimum",
        "tier_volume",
        "provider_count",
        "provider_share",
        "bundle_quality",
        "exclusive_offers",
        "keep_provider",
    }
)


def pair_findings(view: View) -> Iterator[Finding]:
    """Two rules, eligible and keep_provider, for every assignment."""
    for served in view.served:
        need, offer = served.need, served.offer
        for refusal in broken_rules(view, need, offer):
            code = "keep_provider" if refusal.rule == "keep_provider" else "eligible"
            message = f"need {need.id} may not have offer {offer.id}: {_in_words(refusal)}"
            yield Finding(code, served.place, message, _facts(need, refusal))


def broken_rules(view: View, need: Need, offer: Offer) -> Iterator[Refusal]:
    """Every pair rule that stands between a need and an offer, with its figures.

    Where the market lists its pairs, the list stands in place of all rules of `eligible`. Keeping one's provider is a
    rule of its own.
    """
    if view.pair_of is None:
        yield from _eligible(view, need, offer)
    elif (need.id, offer.id) not in view.pair_of:
        yield Refusal(offer.id, "pairs")
    if need.keep_provider and need.current_provider != offer.provider:
        yield Refusal(offer.id, "keep_provider", offer.provider, need.current_provider)


def _eligible(view: View, need: Need, offer: Offer) -> Iterator[Refusal]:
    if (offer.id, need.bundle) not in view.line_of:
        yield Refusal(offer.id, "bundle", None, need.bundle)
    yield from _distance(need, offer)
    least_grade = max(need.min_grade, view.bundle_of(need).min_grade)
    if offer.grade < least_grade:
        yield Refusal(offer.id, "grade", offer.grade, least_grade)
    for attribute in need.requires:
        if attribute not in offer.attributes:
            yield Refusal(offer.id, "attribute", None, attribute)
    if offer.provider in need.excludes:
        yield Refusal(offer.id, "excluded", offer.provider, None)
    if need.max_wait_days is not None:
        days = offer.first_appointment_days
        if days is None or days > need.max_wait_days:
            yield Refusal(offer.id, "wait", days, need.max_wait_days)


def _distance(need: Need, offer: Offer) -> Iterator[Refusal]:
    """The smaller of both limits holds; without a distance, a need that has a limit refuses."""
    distance_m = distance_between(need, offer)
    limits = [limit for limit in (need.max_distance_m, offer.max_distance_m) if limit is not None]
    if distance_m is None:
        if need.max_distance_m is not None:
            yield Refusal(offer.id, "distance", None, min(limits))
    elif limits and distance_m > min(limits):
        yield Refusal(offer.id, "distance", distance_m, min(limits))


def _facts(need: Need, refusal: Refusal) -> dict[str, object]:
    figures = {"value": refusal.value, "limit": refusal.limit}
    return {"need": need.id, "offer": refusal.offer, "rule": refusal.rule, **figures}


def _in_words(refusal: Refusal) -> str:
    return f"{refusal.rule} (stands: {refusal.value}, asked: {refusal.limit})"


def reason_findings(view: View) -> Iterator[Finding]:
    """Every reason and every refusal that an unmatched need was given must be true."""
    for position, entry in enumerate(view.outcome.unmatched):
        need = view.market.need_by_id.get(entry.need)
        if need is None:
            continue
        place = f"unmatched[{position}]"
        yield from _refusal_findings(view, need, entry, place)
        message = _untrue(view, need, entry)
        if message is not None:
            facts = {"need": need.id, "reason": str(entry.reason)}
            yield Finding("reason", f"{place}.reason", f"need {need.id}: {message}", facts)


def _refusal_findings(view: View, need: Need, entry: Unmatched, place: str) -> Iterator[Finding]:
    for number, refusal in enumerate(entry.refusals):
        offer = view.market.offer_by_id.get(refusal.offer)
        where = f"{place}.refusals[{number}]"
        if offer is None:
            message = f"there is no offer {refusal.offer} in this market"
            yield Finding("unknown", f"{where}.offer", message, {"offer": refusal.offer})
        elif not _is_true(view, need, offer, refusal):
            message = f"offer {offer.id} does not refuse need {need.id} by {_in_words(refusal)}"
            yield Finding("refusal", where, message, _facts(need, refusal))


def _is_true(view: View, need: Need, offer: Offer, refusal: Refusal) -> bool:
    if refusal.rule == "own_budget":
        too_dear = [price for price in _prices(view, need, offer) if price > need.budget_pence]
        return refusal.value in too_dear and refusal.limit == need.budget_pence
    return refusal in broken_rules(view, need, offer)


def _prices(view: View, need: Need, offer: Offer) -> list[int]:
    """What the need costs with an offer, tier by tier; nothing where the offer has no line for it."""
    line = view.line_of.get((offer.id, need.bundle))
    if line is None:
        return []
    pair = None if view.pair_of is None else view.pair_of.get((need.id, offer.id))
    return [price_of(need, line, tier, pair) for tier in range(len(line.tiers))]


def _untrue(view: View, need: Need, entry: Unmatched) -> str | None:
    """Why a reason cannot be the true one; None where nothing speaks against it."""
    eligible = [
        offer for offer in view.offers_of_bundle[need.bundle] if next(broken_rules(view, need, offer), None) is None
    ]
    is_stopped = view.outcome.termination in {Termination.LIMIT_REACHED, Termination.CANCELLED}
    message = None
    match entry.reason:
        case Reason.NO_ELIGIBLE_OFFER if eligible:
            message = f"offer {eligible[0].id} is eligible"
        case Reason.NO_ELIGIBLE_OFFER:
            pass
        case _ if not eligible:
            message = "no offer is eligible, and the reason should say so"
        case Reason.UNAFFORDABLE:
            message = _affordable(view, need, eligible)
        case Reason.RULES_IN_CONFLICT if not entry.rules:
            message = "rules in conflict, and none is named"
        case Reason.RULES_IN_CONFLICT if not RULES.issuperset(entry.rules):
            message = f"there is no rule {', '.join(sorted(set(entry.rules) - RULES))} to be in conflict"
        case Reason.RULES_IN_CONFLICT:
            others = (served.need.id for served in view.served if served.need.bundle == need.bundle)
            neighbour = next(others, None)
            if neighbour is not None:
                message = f"need {neighbour} of the same bundle is served, so its rules can be met"
        case Reason.RESERVE_CHEAPER if view.market.policy.unmatched != "reserve":
            message = "under this policy no reserve is weighed against an offer"
        case Reason.SEARCH_STOPPED if not is_stopped:
            message = f"nothing stopped the search: it ended as {view.outcome.termination}"
    return message


def _affordable(view: View, need: Need, eligible: list[Offer]) -> str | None:
    """Unaffordable is untrue under a shared pool, and where an offer's price fits at a band that can be had for sure.

    Sure are the band that the outcome uses, and the one that the need would reach all alone.
    """
    if view.market.policy.pooling != "own_budget":
        return "under a shared pool a single budget refuses nothing"
    for offer in eligible:
        prices = _prices(view, need, offer)
        if offer.id in view.awards:
            tier = view.awards[offer.id][1].tier
            if tier < len(prices) and prices[tier] <= need.budget_pence:
                return f"offer {offer.id} is in use at {prices[tier]} pence, the budget is {need.budget_pence}"
        if _is_content_with(offer, need):
            alone = prices[max(tier for tier, band in enumerate(offer.lines[0].tiers) if band.from_units <= need.units)]
            if alone <= need.budget_pence:
                return f"offer {offer.id} would serve it alone at {alone} pence, the budget is {need.budget_pence}"
    return None


def _is_content_with(offer: Offer, need: Need) -> bool:
    """Say whether an offer's minimums and maximums allow it to serve this need and nobody else."""
    limits = [(offer.min_units, offer.max_units, need.units)]
    limits += [(line.min_units, line.max_units, need.units * (line.bundle == need.bundle)) for line in offer.lines]
    return all(low <= units and (high is None or units <= high) for low, high, units in limits)
