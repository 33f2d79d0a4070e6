"""What counts for a patient in a pool: the words of the page, and what its form starts from."""

from typing import Any

from marketplace.records.pools import Need
from marketplace.rules.preferences import Preferences

IMPORTANCE = (
    ("less", "Less than for most people"),
    ("normal", "The same as for most people"),
    ("more", "More than for most people"),
)


def shown(need: Need) -> dict[str, Any]:
    """The form as it starts: what was chosen before, else what the care plan says."""
    chosen = Preferences.from_document(need.preferences)
    longest = chosen.max_distance_m if chosen.max_distance_m is not None else need.plan_line.max_distance_m
    return {
        "quality": chosen.quality.value,
        "distance": chosen.distance.value,
        "wait": chosen.wait.value,
        "continuity": chosen.continuity.value,
        "max_distance_m": None if longest is None else longest // 1000,
        "keep_provider": "true" if chosen.keep_provider else None,
    }
