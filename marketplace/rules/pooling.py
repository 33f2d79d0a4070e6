"""What a pool is, in terms a patient can agree to: its document and the hash of it.

The terms name what the patient's budget is pooled FOR (service, area, period, the lot's rules). Who else joins is
not part of them: a neighbour's coming or going changes nobody's terms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from .canonical import sha256_of
from .errors import Invalid


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
