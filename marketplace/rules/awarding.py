"""What an award means in figures, and what is left of it when patients refuse."""

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import WrongState
from .money import Pence

FEWEST_FOR_A_BAND = 6
"""With fewer offers a third of them is one offer, whose bidder would learn its exact place and so a rival's."""
SHORTEST_REASONS = 10
"""How many characters the reasons for an award have at least."""


@dataclass(frozen=True, slots=True)
class Saving:
    """What the pool pays for its matched needs, against two other ways of buying the same units."""

    charges_pence: Pence
    conventional_pence: Pence
    alone_pence: Pence

    @property
    def against_conventional_pence(self) -> Pence:
        """Saved against the conventional package (negative: it cost more)."""
        return self.conventional_pence - self.charges_pence

    @property
    def against_alone_pence(self) -> Pence:
        """Saved against each patient buying single private sessions (negative: it cost more)."""
        return self.alone_pence - self.charges_pence


def saving(matched: Sequence[tuple[Pence, int, Pence, Pence]]) -> Saving:
    """Add up matched needs given as (charge, units, conventional price of a unit, private price of a unit)."""
    return Saving(
        charges_pence=sum(charge for charge, _, _, _ in matched),
        conventional_pence=sum(units * conventional for _, units, conventional, _ in matched),
        alone_pence=sum(units * private for _, units, _, private in matched),
    )


def alias(position: int) -> str:
    """The name an offer bears until an award is proposed: A, B ... Z, AA, AB ..."""
    letters = ""
    position += 1
    while position:
        position, letter = divmod(position - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"Offer {letters}"


@dataclass(frozen=True, slots=True)
class LineDemand:
    """How many units one line of an award still has, and the least its provider asked for."""

    bundle_id: str
    units: int
    min_units: int


@dataclass(frozen=True, slots=True)
class Remaining:
    """What refusals have left of an award, beside what its provider asked for."""

    lines: tuple[LineDemand, ...]
    min_units: int
    band_from_units: int
    fee_pence: Pence
    fee_covered_pence: Pence

    @property
    def units(self) -> int:
        """The units still served."""
        return sum(line.units for line in self.lines)


def award_shortfall(left: Remaining) -> str | None:
    """The rule, by its public name, that an award misses after refusals; None while it stands.

    Nobody may be made to deliver below what they offered for: below the minimum, the band of the price, or without
    the fee. The provider may waive it at the same prices; with nobody left there is nothing to waive.
    """
    if left.units == 0:
        return "nobody_left"
    if left.units < left.min_units:
        return "minimum_volume"
    if left.units < left.band_from_units:
        return "tier_volume"
    if any(line.units < line.min_units for line in left.lines):
        return "line_minimum"
    if left.fee_covered_pence < left.fee_pence:
        return "fee_cover"
    return None


def rank_band(position: int, count: int) -> str:
    """In which third of `count` offers the one at `position` (from 0, best first) stands."""
    return ("top third", "middle third", "lower third")[min(2, position * 3 // count)]


def told_band(position: int, count: int) -> str | None:
    """The third that a bidder may be told; None where a third holds one offer, and would tell the exact place."""
    return None if count < FEWEST_FOR_A_BAND else rank_band(position, count)


def check_award_reasons(reasons: str) -> str:
    """An award is confirmed with written reasons.

    Raises
    ------
    WrongState
        If there are none to speak of.
    """
    text = reasons.strip()
    if not text:
        raise WrongState("reasons_missing", "Write the reasons for this award in a sentence or two.")
    if len(text) < SHORTEST_REASONS:
        message = f"Write more about the reasons for this award: at least {SHORTEST_REASONS} characters."
        raise WrongState("reasons_missing", message)
    return text
