"""How a contract's bill falls due as units are delivered."""

from .errors import Invalid
from .money import Pence, part_of


def due_for(bill_pence: Pence, units: int, confirmed_before: int, delivered: int, due_before_pence: Pence) -> Pence:
    """What falls due when `delivered` more of a contract's `units` are confirmed.

    The bill (price and share of the fee) falls due in equal parts over the units; the last unit brings the odd
    pennies, so that the parts add up to the bill exactly. `due_before_pence` is what has fallen due by now, refunds
    taken off: a refunded unit may have cost a penny more or less than the one that is delivered in its place.

    Raises
    ------
    Invalid
        If more would be delivered than the contract has left.
    """
    check_left(units, confirmed_before, delivered)
    return max(0, part_of(bill_pence, units, confirmed_before + delivered) - due_before_pence)


def check_left(units: int, confirmed_before: int, delivered: int, beside: int = 0) -> None:
    """A contract cannot deliver more than its units, with so many `beside` these that are not recorded yet.

    Raises
    ------
    Invalid
        With what it has left.
    """
    left = units - confirmed_before - beside
    if not 1 <= delivered <= left:
        none = "Nothing is left to record: all that the contract is for is recorded already."
        if beside:
            none = "Nothing is left for this line: the lines before it have all that the contract has left."
        raise Invalid(
            "units_out_of_range",
            f"Enter a whole number from 1 to {left}. The contract has no more left." if left else none,
            place="units",
            delivered=delivered,
            left=left,
        )
