"""Figures that name nobody: small counts are not shown, nor what would give them away beside a sum.

And NHS numbers where none belongs, in a log or in an address: `has_nhs_number`, `without_nhs_numbers`.
"""

import re
from collections.abc import Sequence

K = 8
"""Counts below this are suppressed (NHS disclosure control; an installation may only raise it)."""


def shown_count(count: int, k: int = K) -> str:
    """A count as outsiders may see it: the number, or a band in which somebody cannot be found."""
    return str(count) if count >= k or count == 0 else f"fewer than {k}"


def shown_units(units: int, patients: int, k: int = K) -> int | None:
    """Units of so many patients as outsiders may see them; None where they would point at somebody."""
    return units if patients >= k else None


def whole_groups(count: int, k: int = K) -> int:
    """How many of a growing number of people may be counted: it grows by `k` at a time.

    So two looks at it, and at a sum over those people, differ by nobody or by at least `k` people.
    """
    return count - count % k


def hidden(counts: Sequence[int], k: int = K) -> frozenset[int]:
    """Which cells of a row (by position) stay hidden when the row's sum is shown beside them.

    The small ones, and with them as many of the next smallest as it takes until two cells are hidden that come to
    `k` together: a single hidden cell could be read off the sum. Where the sum itself is small, whoever shows the row
    hides the sum too.
    """
    small = {place for place, count in enumerate(counts) if 0 < count < k}
    if not small:
        return frozenset()
    larger = sorted((count, place) for place, count in enumerate(counts) if count >= k)
    for _, place in larger:
        if len(small) > 1 and sum(counts[other] for other in small) >= k:
            break
        small.add(place)
    return frozenset(small)


def shown(counts: Sequence[int], k: int = K) -> tuple[int | None, ...]:
    """The cells of a row as they may stand beside its sum: None for what `hidden` names."""
    not_shown = hidden(counts, k)
    return tuple(None if place in not_shown else count for place, count in enumerate(counts))


def share_permille(part: int, whole: int, k: int = K) -> int | None:
    """A share as it may be shown: None where the part, the rest or the whole is so small that it names somebody."""
    if whole < k or 0 < part < k or 0 < whole - part < k:
        return None
    return part * 1000 // whole


_GAP = r"(?:[ +-]|\u00a0|%20|%2[BbDd]|%[Cc]2%[Aa]0){0,3}"
_HEX = "[0-9A-Fa-f]"
_START = rf"(?:(?<![0-9A-Za-z])|(?<=%{_HEX}{_HEX})|(?<=%25{_HEX}{_HEX}))"
_NHS_NUMBER = re.compile(rf"{_START}[0-9]{{3}}{_GAP}[0-9]{{3}}{_GAP}[0-9]{{4}}(?![0-9A-Za-z])")
"""Ten digits as people and addresses write them, alone or grouped; after an escape too, and one escaped again.

The check digit is not looked at: a number with a slip in it still leads to somebody. Within a hash or an id, where
letters touch the digits, it is none.
"""
HIDDEN = "[number hidden]"


def has_nhs_number(text: str) -> bool:
    """Whether there is something in a text that may be somebody's NHS number."""
    return _NHS_NUMBER.search(text) is not None


def without_nhs_numbers(text: str) -> str:
    """The text with everything hidden that may be somebody's NHS number."""
    return _NHS_NUMBER.sub(HIDDEN, text)
