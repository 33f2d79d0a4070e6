"""What is said of a site: `SiteStatement`, what its provider may say itself, and `SiteFacts`, what an offer says of it.

An offer carries the facts of its site as they stood when it was sealed (marketplace/journey/README.md has the why).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from math import isqrt
from typing import Any

from .errors import Invalid
from .quality import UNRATED

LONGEST_WAIT_DAYS = 365
LONGEST_EVIDENCE = 500
LONGEST_CONTACT = 200


@dataclass(frozen=True, slots=True)
class SiteStatement:
    """What a provider states about one of its sites. The place and the regulator's rating are not its to state.

    Attributes
    ----------
    first_appointment_days
        How many days somebody waits for the first appointment at most; None if it does not say.
    own_evidence, own_evidence_date
        For a site without a rating: what it shows for its quality, in its own words, and of which day that is.
    contact
        How the people who have a contract reach it: a telephone number, an e-mail address. No offer says it.
    """

    name: str
    services: tuple[str, ...]
    attributes: tuple[str, ...] = ()
    first_appointment_days: int | None = None
    own_evidence: str | None = None
    own_evidence_date: date | None = None
    contact: str | None = None


def check_statement(statement: SiteStatement, grade: int, today: date) -> None:
    """A site does something, is reached within a year, and shows evidence of its own only in place of a rating.

    Raises
    ------
    Invalid
        Naming the field, in a provider's words.
    """
    days, evidence, evidence_date = (
        statement.first_appointment_days,
        statement.own_evidence,
        statement.own_evidence_date,
    )
    if not statement.name.strip():
        raise Invalid("name_missing", "Enter a name for the place.", place="name")
    if not statement.services:
        raise Invalid("no_services", "Choose at least one of the services there.", place="services")
    if days is not None and not 0 <= days <= LONGEST_WAIT_DAYS:
        message = f"Enter a whole number of days from 0 to {LONGEST_WAIT_DAYS}."
        raise Invalid("days_out_of_range", message, place="first_appointment_days", days=days)
    if len(statement.contact or "") > LONGEST_CONTACT:
        raise Invalid("contact_too_long", f"Use {LONGEST_CONTACT} characters or fewer.", place="contact")
    if not evidence and evidence_date is None:
        return
    if grade != UNRATED:
        message = "This place has a published rating, and that is what people see."
        raise Invalid("site_is_rated", message, place="own_evidence", grade=grade)
    if not evidence:
        raise Invalid("evidence_missing", "Write what you can show, or leave out its date.", place="own_evidence")
    if len(evidence) > LONGEST_EVIDENCE:
        message = f"Use {LONGEST_EVIDENCE} characters or fewer."
        raise Invalid("evidence_too_long", message, place="own_evidence", characters=len(evidence))
    if evidence_date is None or evidence_date > today:
        message = "Enter the day that this is from: today, or a day before."
        raise Invalid("evidence_date", message, place="own_evidence_date")


def metres_between(easting_m: int, northing_m: int, other_easting_m: int, other_northing_m: int) -> int:
    """How far apart two places are in a straight line, in whole metres, rounded down: as the match counts it."""
    return isqrt((easting_m - other_easting_m) ** 2 + (northing_m - other_northing_m) ** 2)


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """A site as an offer states it: where it is, what it has, and the evidence of its quality, at that moment.

    Evidence of the provider's own is among the facts while no rating is published, and never in place of one.
    """

    name: str
    district: str
    easting_m: int
    northing_m: int
    attributes: tuple[str, ...]
    first_appointment_days: int | None
    grade: int
    rating: str | None
    rating_date: date | None
    own_evidence: str | None
    own_evidence_date: date | None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "SiteFacts":
        """Read back what `document` wrote."""
        dates = {name: _day(document[name]) for name in ("rating_date", "own_evidence_date")}
        return cls(**{**document, "attributes": tuple(document["attributes"]), **dates})

    def document(self) -> dict[str, Any]:
        """Write it into an offer's content: a date as 2026-11-21, and no order among the attributes."""
        dates = {name: day.isoformat() if day else None for name, day in self._dates()}
        return {**asdict(self), "attributes": sorted(self.attributes), **dates}

    def _dates(self) -> tuple[tuple[str, date | None], ...]:
        return ("rating_date", self.rating_date), ("own_evidence_date", self.own_evidence_date)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
