"""Who pays what, to the penny: fees shared among those served, and the pool's bills (matching.md, exact meanings).

`assemble` calls `own_budget_charges` or `shared_pool_charges` once it is settled who is served by whom.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from matching.errors import MatchingError


@dataclass(frozen=True)
class Bill:
    """One matched need's price and budget going in."""

    need: str
    offer: str
    units: int
    price_pence: int
    budget_pence: int


@dataclass(frozen=True)
class Charge:
    """What comes out: `charge_pence` = price + fee share + pool."""

    fee_share_pence: int
    pool_pence: int
    charge_pence: int


def apportion(total_pence: int, weights: Sequence[int], caps_pence: Sequence[int] | None = None) -> list[int]:
    """Share a total in proportion to weights, nobody above their cap, to the penny.

    What a cap turns away goes round again in proportion to the weights of those who still have room: after the last
    round a share is exactly weight x rest / weights, where the rest is what the capped have left over. Then whole
    pence, and the missing ones by largest remainder; ties go to the earlier position.

    Raises
    ------
    MatchingError
        If the caps together are less than the total (facts: total_pence, caps_pence).
    """
    if caps_pence is None:
        caps_pence = [total_pence] * len(weights)
    if sum(caps_pence) < total_pence:
        facts = {"total_pence": total_pence, "caps_pence": sum(caps_pence)}
        raise MatchingError("cannot_apportion", "there is less room than there is to share", facts)
    free = [position for position, weight in enumerate(weights) if weight > 0]
    shares, rest = [0] * len(weights), total_pence
    while True:
        weight_sum = sum(weights[position] for position in free)
        full = [position for position in free if caps_pence[position] * weight_sum <= rest * weights[position]]
        if not full or not free:
            break
        for position in full:
            shares[position] = caps_pence[position]
        rest -= sum(caps_pence[position] for position in full)
        free = [position for position in free if position not in set(full)]
    if not free:
        return _place_rest(shares, rest, caps_pence)
    for position in free:
        shares[position] = rest * weights[position] // weight_sum
    missing = rest - sum(shares[position] for position in free)
    by_remainder = sorted(free, key=lambda position: (-(rest * weights[position] % weight_sum), position))
    for position in by_remainder[:missing]:
        shares[position] += 1
    return shares


def _place_rest(shares: list[int], rest: int, caps_pence: Sequence[int]) -> list[int]:
    """What is left where everybody with a weight is full: to those without one, in order (weights of 0 only)."""
    for position, cap in enumerate(caps_pence):
        given = min(rest, cap - shares[position])
        shares[position] += given
        rest -= given
    return shares


def own_budget_charges(bills: Sequence[Bill], fee_pence: int) -> list[Charge]:
    """Share one offer's fee over those it serves: by units, nobody above their headroom. Bills sorted by need."""
    headroom = [bill.budget_pence - bill.price_pence for bill in bills]
    shares = apportion(fee_pence, [bill.units for bill in bills], headroom)
    return [Charge(share, 0, bill.price_pence + share) for bill, share in zip(bills, shares, strict=True)]


def shared_pool_charges(bills: Sequence[Bill], fee_pence_of: dict[str, int]) -> list[Charge]:
    """Charge a whole pool: each pays their bill up to their budget; who has headroom left carries what is missing."""
    fee_shares = [0] * len(bills)
    for offer in sorted({bill.offer for bill in bills}):
        served = [position for position, bill in enumerate(bills) if bill.offer == offer]
        shares = apportion(fee_pence_of[offer], [bills[position].units for position in served])
        for position, share in zip(served, shares, strict=True):
            fee_shares[position] = share
    totals = [bill.price_pence + share for bill, share in zip(bills, fee_shares, strict=True)]
    charges = [min(bill.budget_pence, total) for bill, total in zip(bills, totals, strict=True)]
    headroom = [bill.budget_pence - charge for bill, charge in zip(bills, charges, strict=True)]
    owed = sum(totals) - sum(charges)
    extra = apportion(owed, headroom, headroom)
    return [
        Charge(share, charge + more - total, charge + more)
        for share, charge, more, total in zip(fee_shares, charges, extra, totals, strict=True)
    ]
