"""From chosen pairs to an outcome: awards, charges to the penny, and a reason for everybody who is left out.

`solve` and `rematch` call `assemble`; what it says is derived from the market and the chosen pairs alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matching.charges import Bill, Charge, own_budget_charges, shared_pool_charges
from matching.components import Links
from matching.eligibility import Ints, Pairs, refusals_of
from matching.market import Market, Offer
from matching.outcome import Assignment, Award, Reason, Refusal, Unmatched


@dataclass(frozen=True)
class Settled:
    """The lists of an outcome."""

    awards: tuple[Award, ...]
    assignments: tuple[Assignment, ...]
    unmatched: tuple[Unmatched, ...]


@dataclass(frozen=True)
class Why:
    """What the search knows about the unmatched: conflicts by bundle, and whether it was stopped."""

    conflicts: Mapping[str, tuple[str, ...]]
    stopped: bool


def assemble(market: Market, pairs: Pairs, links: Links, chosen: Ints, why: Why) -> Settled:
    """Write an outcome's lists.

    Parameters
    ----------
    market, pairs, links
        What was solved.
    chosen
        Positions of the chosen pairs, one at most for each need.
    why
        What the search knows about the others.
    """
    ordered = chosen[np.argsort(pairs.need[chosen], kind="stable")]
    units = np.bincount(pairs.offer[ordered], weights=pairs.units[ordered], minlength=len(market.offers)).astype(int)
    tier_of = {int(at): tier_at(market.offers[at], int(units[at])) for at in np.unique(pairs.offer[ordered])}
    bills = [_bill(market, pairs, int(at), tier_of) for at in ordered]
    charges = _charges(market, bills)
    assignments = tuple(
        _assignment(bill, charge, tier_of[int(pairs.offer[at])], pairs, int(at))
        for bill, charge, at in zip(bills, charges, ordered, strict=True)
    )
    awards = tuple(
        _award(market.offers[at], tier_of[at], [bill for bill in bills if bill.offer == market.offers[at].id])
        for at in sorted(tier_of)
    )
    matched = set(pairs.need[ordered].tolist())
    left_out = [at for at in range(len(market.needs)) if at not in matched]
    return Settled(awards, assignments, _unmatched(market, pairs, links, left_out, why))


def tier_at(offer: Offer, units: int) -> int:
    """The tier whose band holds so many units."""
    return max(tier for tier, band in enumerate(offer.lines[0].tiers) if band.from_units <= units)


def price_at(market: Market, pairs: Pairs, at: int, tier: int) -> int:
    """What a pair's need costs at a tier."""
    fixed = int(pairs.fixed_price_pence[at])
    line = market.offers[pairs.offer[at]].lines[pairs.line[at]]
    return fixed if fixed >= 0 else line.tiers[tier].price_pence * int(pairs.units[at])


def _bill(market: Market, pairs: Pairs, at: int, tier_of: Mapping[int, int]) -> Bill:
    need, offer_at = market.needs[pairs.need[at]], int(pairs.offer[at])
    price = price_at(market, pairs, at, tier_of[offer_at])
    return Bill(need.id, market.offers[offer_at].id, need.units, price, need.budget_pence)


def _charges(market: Market, bills: Sequence[Bill]) -> list[Charge]:
    """Charges in the order of the bills, which is that of need ids."""
    fees = {offer.id: offer.fee_pence for offer in market.offers}
    if market.policy.pooling == "shared_pool":
        return shared_pool_charges(bills, fees)
    charges: dict[str, Charge] = {}
    by_offer: dict[str, list[Bill]] = {}
    for bill in bills:
        by_offer.setdefault(bill.offer, []).append(bill)
    for offer, served in by_offer.items():
        shared = own_budget_charges(served, fees[offer])
        charges.update({bill.need: charge for bill, charge in zip(served, shared, strict=True)})
    return [charges[bill.need] for bill in bills]


def _assignment(bill: Bill, charge: Charge, tier: int, pairs: Pairs, at: int) -> Assignment:
    return Assignment(
        need=bill.need,
        offer=bill.offer,
        tier=tier,
        price_pence=bill.price_pence,
        fee_share_pence=charge.fee_share_pence,
        pool_pence=charge.pool_pence,
        charge_pence=charge.charge_pence,
        quality_pence=int(pairs.quality_pence[at]),
        travel_pence=int(pairs.travel_pence[at]),
        change_pence=int(pairs.change_pence[at]),
        wait_pence=int(pairs.wait_pence[at]),
        extra_pence=int(pairs.extra_pence[at]),
    )


def _award(offer: Offer, tier: int, served: Sequence[Bill]) -> Award:
    return Award(
        offer=offer.id,
        tier=tier,
        units=sum(bill.units for bill in served),
        needs=len(served),
        fee_pence=offer.fee_pence,
        spend_pence=offer.fee_pence + sum(bill.price_pence for bill in served),
    )


def _unmatched(market: Market, pairs: Pairs, links: Links, left_out: list[int], why: Why) -> tuple[Unmatched, ...]:
    """Each unmatched need with the strongest reason that is certain."""
    eligible = np.bincount(pairs.need, minlength=len(market.needs))
    payable = np.bincount(pairs.need[np.unique(links.pair)], minlength=len(market.needs))
    told = []
    for at in left_out:
        need = market.needs[at]
        if not eligible[at]:
            told.append(Unmatched(need.id, Reason.NO_ELIGIBLE_OFFER, tuple(refusals_of(market, need))))
        elif not payable[at]:
            told.append(Unmatched(need.id, Reason.UNAFFORDABLE, _too_dear(market, pairs, at)))
        elif need.bundle in why.conflicts:
            told.append(Unmatched(need.id, Reason.RULES_IN_CONFLICT, rules=why.conflicts[need.bundle]))
        elif why.stopped:
            told.append(Unmatched(need.id, Reason.SEARCH_STOPPED))
        elif market.policy.unmatched == "reserve":
            told.append(Unmatched(need.id, Reason.RESERVE_CHEAPER))
        else:
            told.append(Unmatched(need.id, Reason.NOT_CHOSEN))
    return tuple(told)


def _too_dear(market: Market, pairs: Pairs, need_at: int) -> tuple[Refusal, ...]:
    """For a need that can pay no eligible offer at any tier: each offer's lowest price against the budget."""
    need, refusals = market.needs[need_at], refusals_of(market, market.needs[need_at])
    for at in np.flatnonzero(pairs.need == need_at):
        offer = market.offers[pairs.offer[at]]
        price = min(price_at(market, pairs, int(at), tier) for tier in range(len(offer.lines[0].tiers)))
        refusals.append(Refusal(offer.id, "own_budget", price, need.budget_pence))
    return tuple(sorted(refusals, key=lambda refusal: refusal.offer))
