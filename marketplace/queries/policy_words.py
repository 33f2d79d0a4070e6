"""What has changed in a group's rules, for those who agreed to the old ones: `changes`.

Each change is two short sentences, so that they can stand on an easy-read page too.
"""

from collections.abc import Mapping
from typing import Any

from .words import plural, pounds

POOLING = {
    "own_budget": "Now everybody pays for their own care only.",
    "shared_pool": "Now people in the group help to pay for each other.",
}
TIMES = ("match_within_days", "confirm_within_days", "standstill_working_days", "review_within_days",
         "review_standstill_working_days")  # fmt: skip


def changes(old: Mapping[str, Any], new: Mapping[str, Any], unit: str) -> list[str]:
    """What is otherwise in a new policy than in an old one, in words; `unit` is what one unit of the care is."""
    before, now = old["matching"] | old["process"], new["matching"] | new["process"]
    each = f" for each {unit}"
    found = [
        _weight("One grade better", before, now, "pence_per_quality_grade", each),
        _weight("One kilometre nearer", before, now, "pence_per_km", each),
        _weight("One day less to wait", before, now, "pence_per_wait_day", ""),
        _weight("Keeping your own provider", before, now, "pence_per_change", ""),
    ]
    if before["pooling"] != now["pooling"]:
        found.append(POOLING[now["pooling"]])
    if before["minimum_offers"] != now["minimum_offers"]:
        least = plural(now["minimum_offers"], "provider")
        found.append(f"At least {least} must make an offer now. It was {before['minimum_offers']} before.")
    if before["answer_days"] != now["answer_days"]:
        days = plural(now["answer_days"], "day")
        found.append(f"You have {days} now to answer your match. It was {before['answer_days']} before.")
    if any(before[name] != now[name] for name in TIMES):
        found.append("The broker's own time limits have changed.")
    return [told for told in found if told]


def _weight(what: str, before: Mapping[str, Any], now: Mapping[str, Any], name: str, each: str) -> str:
    was, becomes = before[name], now[name]
    if was == becomes:
        return ""
    first = f"counted like {pounds(was)}{each}" if was else "did not count"
    return f"{what} {first} before. Now it {f'counts like {pounds(becomes)}' if becomes else 'does not count'}."
