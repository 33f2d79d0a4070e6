"""What has changed in a group's rules, for those who agreed to the old ones: `changes`.

What differs is worked out by `rules.tendering.policy_changes`; here each rule gets its words (`TOLD`; a test asks for
every one). A change is one or two short sentences, so that they can stand on an easy-read page too.
"""

from collections.abc import Callable, Mapping
from typing import Any

from marketplace.rules.quality import WORDS
from marketplace.rules.tendering import policy_changes

from .words import plural, pounds

POOLING = {
    "own_budget": "Now everybody pays for their own care only.",
    "shared_pool": "Now people in the group help to pay for each other.",
}


def changes(old: Mapping[str, Any], new: Mapping[str, Any], unit: str) -> list[str]:
    """What is otherwise in a new policy than in an old one, in words; `unit` is what one unit of the care is."""
    changed = policy_changes(old, new)
    told = [words(changed[name][0], changed[name][1], unit) for name, words in TOLD.items() if name in changed]
    return list(dict.fromkeys(told))  # several rules of one kind are told once


def _weight(what: str, *, each_unit: bool) -> Callable[[int, int, str], str]:
    def words(was: int, becomes: int, unit: str) -> str:
        each = f" per {unit}" if each_unit else ""
        first = f"counted like {pounds(was)}{each}" if was else "did not count"
        now = f"counts like {pounds(becomes)}{each}" if becomes else "does not count"
        return f"Before, {what} {first}. Now it {now}."

    return words


def _best_grade(was: int, becomes: int, _: str) -> str:
    return f"The best rating that counts was {_grade(was)} before. Now it is {_grade(becomes)}."


def _grade(grade: int) -> str:
    return WORDS.get(grade, f"number {grade}")


def _pooling(_: str, becomes: str, __: str) -> str:
    return POOLING[becomes]


def _minimum_offers(was: int, becomes: int, _: str) -> str:
    return f"At least {plural(becomes, 'provider')} must make an offer now. It was {was} before."


def _answer_days(was: int, becomes: int, _: str) -> str:
    return f"You have {plural(becomes, 'day')} now to answer your match. It was {was} before."


def _time(_: int, __: int, ___: str) -> str:
    return "The broker's own time limits have changed."


def _matching(_: object, __: object, ___: str) -> str:
    return "How the offers are matched has changed."


TOLD: Mapping[str, Callable[[Any, Any, str], str]] = {
    "pence_per_quality_grade": _weight("each grade better", each_unit=True),
    "best_grade": _best_grade,
    "pence_per_km": _weight("each kilometre nearer", each_unit=True),
    "pence_per_wait_day": _weight("each day less to wait", each_unit=False),
    "pence_per_change": _weight("keeping your own provider", each_unit=False),
    "unmatched": _matching,
    "weight_bounds_permille": _matching,
    "pooling": _pooling,
    "minimum_offers": _minimum_offers,
    "answer_days": _answer_days,
    "match_within_days": _time,
    "confirm_within_days": _time,
    "standstill_working_days": _time,
    "review_within_days": _time,
    "review_standstill_working_days": _time,
}
"""How the change of each rule is told, from what it was and what it is now; in the order in which they are read."""
