"""Who may pay for whom in a pool, and how shared money is split to the penny.

Under ``own_budget`` nobody pays for anybody else. Under ``shared_pool`` (matching.md, exact meanings) a need's bill is
its price and its share of the fee; its charge, what its own budget pays, may be more than the bill or less, and never
more than that budget. The difference is `pool_pence`: given to the pool (+) or received from it (-).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .errors import WrongState
from .money import Pence, apportion, format_pounds


class Pooling(StrEnum):
    """The rule of a policy that says who may pay for whom, in the words of market/1."""

    OWN_BUDGET = "own_budget"
    SHARED_POOL = "shared_pool"


def is_shared(policy: Mapping[str, Any]) -> bool:
    """Whether this published policy lets some members of the pool carry a part of what others' care costs."""
    return bool(policy["matching"]["pooling"] == Pooling.SHARED_POOL)


@dataclass(frozen=True, slots=True)
class Example:
    """Two bills for the same budget, one below and one above it, and what sharing would come to at most."""

    below_pence: Pence
    left_pence: Pence
    above_pence: Pence
    carried_pence: Pence


def example_of(budget_pence: Pence) -> Example:
    """What sharing may mean for this budget: bills that are a tenth lower and a tenth higher, in whole pounds."""
    tenth = max(100, budget_pence // 1000 * 100)
    below = max(0, budget_pence - tenth)
    return Example(below, budget_pence - below, budget_pence + tenth, tenth)


def check_pool_covered(pool_pence: Sequence[Pence]) -> None:
    """Those who stay must give at least what they receive: refusals may have taken givers away.

    Raises
    ------
    WrongState
        With what is missing; a new match without those who left finds who can still be carried.
    """
    missing_pence = -sum(pool_pence)
    if missing_pence > 0:
        raise WrongState(
            "pool_short",
            f"Some who would have helped to pay for others said no, so {format_pounds(missing_pence)} is missing. "
            "Look again for those who said no: the match then finds who can still be helped.",
            missing_pence=missing_pence,
        )


def own_part(amount_pence: Pence, before_pence: Pence, charge_pence: Pence, bill_pence: Pence) -> Pence:
    """What of an amount that comes back under a contract is its own budget's; the rest is the pool's.

    In the proportion in which the bill was paid, over all that has come back: of the first x pence the budget has
    floor(charge x / bill), so that the parts of many returns add up to no more than either side paid in.

    Parameters
    ----------
    amount_pence, before_pence
        What comes back now, and what of the same bill has come back before; together at most the bill.
    charge_pence, bill_pence
        What the budget paid of the bill, and the bill.
    """
    if charge_pence >= bill_pence:
        return amount_pence
    after_pence = before_pence + amount_pence
    return charge_pence * after_pence // bill_pence - charge_pence * before_pence // bill_pence


def shares_back(left_pence: Pence, given_pence: Sequence[Pence], returned_pence: Sequence[Pence]) -> list[Pence]:
    """Share what the pool has left among those who gave, in proportion to their gifts; nobody gets back more.

    Largest remainder, ties to the earlier position, so callers order by id.
    """
    caps = [given - returned for given, returned in zip(given_pence, returned_pence, strict=True)]
    return apportion(left_pence, given_pence, caps)
