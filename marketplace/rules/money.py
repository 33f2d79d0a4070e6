"""Money is whole pence. Rounding and apportioning happen here and nowhere else.

`parse_pounds` and `format_pounds` are the only two doors between a person's "£48.50" and 4850.
"""

import re
from collections.abc import Sequence

from .errors import CannotApportion, Invalid

Pence = int

MAX_PENCE = 10**12
"""No single amount is larger than ten thousand million pounds: what is, is a typing error."""

_POUNDS = re.compile(r"£?(?P<pounds>\d{1,3}(?:,\d{3})*|\d+)(?:\.(?P<pence>\d{1,2}))?")


def parse_pounds(text: str) -> Pence:
    """Read an amount as people type it: ``48``, ``48.5``, ``£1,234.50``.

    Raises
    ------
    Invalid
        If it is not an amount of pounds and pence, or larger than `MAX_PENCE`.
    """
    match = _POUNDS.fullmatch(text.strip().replace(" ", ""))
    if match is None:
        raise Invalid("not_an_amount", "Enter an amount in pounds, like 48.50", place="amount", text=text)
    pence = int(match["pounds"].replace(",", "")) * 100 + int((match["pence"] or "0").ljust(2, "0"))
    if pence > MAX_PENCE:
        raise Invalid("amount_too_large", "Enter a smaller amount: this one looks mistyped", place="amount", text=text)
    return pence


def format_pounds(pence: Pence) -> str:
    """``123456`` -> ``£1,234.56``; a debt carries its minus in front of the pound sign."""
    sign = "-" if pence < 0 else ""
    return f"{sign}£{abs(pence) // 100:,}.{abs(pence) % 100:02d}"


def apportion(total_pence: Pence, weights: Sequence[int], caps: Sequence[Pence]) -> list[Pence]:
    """Share `total_pence` in proportion to `weights`, nobody above their cap, to the penny.

    Largest remainder (Hamilton 1792); what a cap turns away goes round again among the others. Ties go to the
    earlier position, so callers order by a published key.

    Raises
    ------
    CannotApportion
        If the caps together are less than the total (facts: total_pence, caps_pence).
    """
    room_of = [min(cap, total_pence) if weight > 0 else 0 for weight, cap in zip(weights, caps, strict=True)]
    if sum(room_of) < total_pence:
        raise CannotApportion(
            "cannot_apportion",
            "The caps leave no room for the whole amount",
            total_pence=total_pence,
            caps_pence=sum(caps),
        )
    shares = [0] * len(room_of)
    left = total_pence
    while left:
        open_positions = [at for at, room in enumerate(room_of) if shares[at] < room]
        round_pence, weight_sum = left, sum(weights[at] for at in open_positions)
        for at in open_positions:
            share = min(round_pence * weights[at] // weight_sum, room_of[at] - shares[at])
            shares[at] += share
            left -= share
        if left < len(open_positions):
            by_remainder = sorted(open_positions, key=lambda at: (-(round_pence * weights[at] % weight_sum), at))
            for at in by_remainder:
                if left and shares[at] < room_of[at]:
                    shares[at] += 1
                    left -= 1
    return shares


def part_of(total_pence: Pence, parts: int, done: int) -> Pence:
    """What has fallen due of `total_pence` after `done` of `parts` equal parts; the last part brings the odd pennies.

    A fee is due in equal parts over a contract's units: after the k-th unit, floor(total x k / parts) in all, so that
    the sum of the parts is exactly the total.
    """
    if not 0 <= done <= parts or parts < 1:
        raise Invalid("parts_out_of_range", "Count the parts from none to all", place="done", parts=parts, done=done)
    return total_pence * done // parts
