"""What a pool is, in terms a patient can agree to: its document and the hash of it.

The terms name what the patient's budget is pooled FOR (service, area, period, the lot's rules). Who else joins is
not part of them: a neighbour's coming or going changes nobody's terms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import isqrt

from .canonical import sha256_of
from .errors import Invalid

FAR_M = 50_000
"""How far somebody is thought to go who has not said."""


@dataclass(frozen=True, slots=True)
class BundleTerms:
    """The terms of one pool; `districts` are postcode districts, the area's name is what people read."""

    service_id: str
    area: str
    districts: tuple[str, ...]
    period_from: date
    period_to: date
    min_grade: int | None = None
    min_providers: int | None = None
    max_providers: int | None = None

    def sha256(self, tender_id: str) -> str:
        """What a consent is bound to: these terms, in this tender."""
        return sha256_of(
            {
                "tender": tender_id,
                "service": self.service_id,
                "area": self.area,
                "districts": sorted(self.districts),
                "period": [self.period_from.isoformat(), self.period_to.isoformat()],
                "min_grade": self.min_grade,
                "min_providers": self.min_providers,
                "max_providers": self.max_providers,
            }
        )


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a pool's people are, as a circle: its middle, and how far from it a site can be of use to any of them."""

    easting_m: int
    northing_m: int
    within_m: int

    def has(self, easting_m: int, northing_m: int) -> bool:
        """Whether a site is inside."""
        return _apart_m(self.easting_m, self.northing_m, easting_m, northing_m) <= self.within_m


def reach_of(places: Sequence[tuple[int, int, int | None]]) -> Reach:
    """The reach of a pool by its people's places, each with how far that person would go (None: not said).

    Around the mean place, as far as the one who lives farthest from it and the one who would go farthest, together:
    no site that somebody could go to is outside. Who has not said counts with `FAR_M`.
    """
    easting_m = sum(easting_m for easting_m, _, _ in places) // len(places)
    northing_m = sum(northing_m for _, northing_m, _ in places) // len(places)
    spread_m = max(_apart_m(easting_m, northing_m, place[0], place[1]) for place in places)
    longest_m = max(FAR_M if limit_m is None else limit_m for _, _, limit_m in places)
    return Reach(easting_m, northing_m, spread_m + longest_m)


def _apart_m(easting_m: int, northing_m: int, other_easting_m: int, other_northing_m: int) -> int:
    """How far apart two places are, in whole metres, rounded up."""
    square = (easting_m - other_easting_m) ** 2 + (northing_m - other_northing_m) ** 2
    return isqrt(square - 1) + 1 if square else 0


def check_terms(terms: BundleTerms) -> None:
    """A pool has an area and a period, and its limits do not contradict each other.

    Raises
    ------
    Invalid
        Naming the field.
    """
    if not terms.districts:
        raise Invalid("no_districts", "Choose at least one postcode district.", place="districts")
    if terms.period_from > terms.period_to:
        raise Invalid("period_out_of_order", "The period must end after it begins.", place="period_to")
    if terms.min_providers and terms.max_providers and terms.min_providers > terms.max_providers:
        raise Invalid(
            "providers_out_of_order",
            "The least number of providers cannot be above the greatest.",
            place="max_providers",
            min_providers=terms.min_providers,
            max_providers=terms.max_providers,
        )


def area_name(districts: Sequence[str]) -> str:
    """A plain name for an area of districts, where the broker gives none: ``LN1, LN2 and LN6``."""
    ordered = sorted(districts)
    return ordered[0] if len(ordered) == 1 else f"{', '.join(ordered[:-1])} and {ordered[-1]}"
