"""How a charge falls due as units are delivered."""

from .errors import Invalid
from .money import Pence, part_of


def due_for(charge_pence: Pence, units: int, confirmed_before: int, delivered: int) -> Pence:
    """What falls due when `delivered` more of a contract's `units` are confirmed.

    The charge (price and share of the fee) falls due in equal parts over the units; the last unit brings the odd
    pennies, so that the parts add up to the charge exactly.

    Raises
    ------
    Invalid
        If more would be delivered than the contract has left.
    """
    left = units - confirmed_before
    if not 1 <= delivered <= left:
        raise Invalid(
            "units_out_of_range",
            f"Enter between 1 and {left} units: that is what the contract has left.",
            place="units",
            delivered=delivered,
            left=left,
        )
    return part_of(charge_pence, units, confirmed_before + delivered) - part_of(charge_pence, units, confirmed_before)
