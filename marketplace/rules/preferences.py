"""What a patient asks for in a pool: weights that move the policy's within its published bounds, and limits.

`Preferences` is what is stored; its `weights` go into the market in market/1's words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .errors import Invalid
from .tendering import WEIGHT_BOUNDS_PERMILLE


class Importance(StrEnum):
    """How much something counts for one patient, against what the policy says for everybody."""

    LESS = "less"
    NORMAL = "normal"
    MORE = "more"


_PERMILLE = {
    Importance.LESS: WEIGHT_BOUNDS_PERMILLE[0],
    Importance.NORMAL: 1000,
    Importance.MORE: WEIGHT_BOUNDS_PERMILLE[1],
}


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a patient asks for in a pool: four plain questions, a longest way, and whom they do not want.

    They move the policy's weights within its published bounds; nobody can buy themselves to the front by them.
    """

    quality: Importance = Importance.NORMAL
    distance: Importance = Importance.NORMAL
    wait: Importance = Importance.NORMAL
    continuity: Importance = Importance.NORMAL
    max_distance_m: int | None = None
    keep_provider: bool = False
    excludes: tuple[str, ...] = ()

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> "Preferences":
        """Read back what `document` wrote; nothing at all means no preferences."""
        if not document:
            return cls()
        return cls(
            quality=Importance(document["quality"]),
            distance=Importance(document["distance"]),
            wait=Importance(document["wait"]),
            continuity=Importance(document["continuity"]),
            max_distance_m=document["max_distance_m"],
            keep_provider=document["keep_provider"],
            excludes=tuple(document["excludes"]),
        )

    def document(self) -> dict[str, Any]:
        """As stored and hashed."""
        return {
            "quality": self.quality.value,
            "distance": self.distance.value,
            "wait": self.wait.value,
            "continuity": self.continuity.value,
            "max_distance_m": self.max_distance_m,
            "keep_provider": self.keep_provider,
            "excludes": sorted(self.excludes),
        }

    def weights(self, policy: Mapping[str, Any]) -> dict[str, int]:
        """The patient's own weights in market/1's words: only those that differ from the policy's.

        Rounded upwards to whole pence, which keeps a halved weight within the bounds.
        """
        asked = {
            "pence_per_quality_grade": self.quality,
            "pence_per_km": self.distance,
            "pence_per_wait_day": self.wait,
            "pence_per_change": self.continuity,
        }
        return {
            name: -(-policy[name] * _PERMILLE[importance] // 1000)
            for name, importance in asked.items()
            if importance is not Importance.NORMAL and policy[name]
        }


def check_preferences(preferences: Preferences, current_provider_id: str | None) -> None:
    """Preferences must be possible.

    Raises
    ------
    Invalid
        If a distance is not positive, or the present provider is to be kept but there is none, or is excluded.
    """
    if preferences.max_distance_m is not None and not 0 < preferences.max_distance_m <= 200_000:
        raise Invalid("distance_out_of_range", "Enter a distance from 1 to 200 km.", place="max_distance_m")
    if preferences.keep_provider and current_provider_id is None:
        raise Invalid(
            "no_provider_to_keep", "You have no provider for this yet, so there is none to keep.", place="keep_provider"
        )
    if preferences.keep_provider and current_provider_id in preferences.excludes:
        raise Invalid("kept_and_excluded", "You cannot keep and rule out the same provider.", place="excludes")
