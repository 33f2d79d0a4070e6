"""How often somebody may try a password or a code: so many tries in so long, counted back from now.

`journey.tries` keeps what was tried; here is what that comes to. A try that is refused is none: whoever goes on without
end is let through no more often than the limits say, and not less often either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from .clock import Instant
from .errors import Invalid, TooManyTries


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many tries in so many seconds."""

    tries: int
    window_s: int

    @property
    def window(self) -> timedelta:
        """How far back tries count."""
        return timedelta(seconds=self.window_s)


def limits_from(pairs: object) -> tuple[Limit, ...]:
    """Limits as settings have them: pairs of tries and seconds.

    Raises
    ------
    Invalid
        If there is none, or they are anything else.
    """
    if not isinstance(pairs, list) or not pairs or not all(map(_is_pair, pairs)):
        raise Invalid("no_limit", "A limit looks like [[20, 60]]: 20 tries in 60 seconds.", place="limits")
    return tuple(Limit(*pair) for pair in pairs)


def longest_window(limits: Sequence[Limit]) -> timedelta:
    """How long a try counts at all."""
    return max(limit.window for limit in limits)


def check_may_try(now: Instant, earlier: Sequence[Instant], limits: Sequence[Limit]) -> None:
    """Another try is within every limit.

    Raises
    ------
    TooManyTries
        If it is not (facts: tries, window_s).
    """
    for limit in limits:
        if sum(1 for at in earlier if at > now - limit.window) >= limit.tries:
            message = "There were too many tries in a short time."
            raise TooManyTries("too_many_tries", message, tries=limit.tries, window_s=limit.window_s)


def _is_pair(pair: object) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(type(number) is int and number > 0 for number in pair)
