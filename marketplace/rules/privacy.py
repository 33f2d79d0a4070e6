"""Figures that name nobody: small counts are not shown."""

K = 8
"""Counts below this are suppressed (NHS disclosure control; an installation may only raise it)."""


def shown_count(count: int, k: int = K) -> str:
    """A count as outsiders may see it: the number, or a band in which somebody cannot be found."""
    return str(count) if count >= k or count == 0 else f"fewer than {k}"


def shown_units(units: int, patients: int, k: int = K) -> int | None:
    """Units of so many patients as outsiders may see them; None where they would point at somebody."""
    return units if patients >= k else None
