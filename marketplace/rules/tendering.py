"""The published policy, the offers made under it, and the seed that nobody chose.

`policy_document` is what is hashed, shown to patients and frozen; its ``matching`` part goes into the market as it
stands. `check_offer` says, in a provider's words, what is wrong with an offer before it is sealed.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from .clock import LONDON, Instant, london_date, standstill_ends
from .errors import Invalid, WrongState
from .money import Pence
from .sharing import Pooling

RULES_VERSION = 1
MAX_UNITS = 1_000_000
MOST_IN_POLICY = 1_000_000
"""No weight of a policy is more pence than this, no time more days."""
SEED_BITS = 63
WEIGHT_BOUNDS_PERMILLE = (500, 2000)
"""A patient's own weights may be half to twice the policy's."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The broker's rules and weights for one tender, in the words of market/1, and its times.

    `pooling` says who may pay for whom; ``shared_pool`` needs a yes of its own from everybody (`rules.sharing`).

    The working days of the standstill (8) and after a review (5) are the Provider Selection Regime's (SI 2023/1348,
    regulation 12); another regime's profile would state its own.
    """

    pence_per_quality_grade: int = 0
    pence_per_km: int = 0
    pence_per_change: int = 0
    pence_per_wait_day: int = 0
    best_grade: int = 4
    minimum_offers: int = 1
    answer_days: int = 7
    match_within_days: int = 14
    confirm_within_days: int = 14
    standstill_working_days: int = 8
    review_within_days: int = 20
    review_standstill_working_days: int = 5
    pooling: Pooling = Pooling.OWN_BUDGET


def policy_document(policy: Policy) -> dict[str, object]:
    """The policy as it is published and hashed.

    Raises
    ------
    Invalid
        If a weight is negative, a time is not at least one day, or there is no such way of pooling.
    """
    values = asdict(policy)
    if values.pop("pooling") not in set(Pooling):
        raise Invalid("policy_out_of_range", "Choose who may pay for whom.", place="pooling", value=str(policy.pooling))
    for name, value in values.items():
        least = 0 if name.startswith("pence_") else 1
        if type(value) is not int or not least <= value <= MOST_IN_POLICY:
            message = f"Enter a whole number from {least} to {MOST_IN_POLICY:,}."
            raise Invalid("policy_out_of_range", message, place=name, value=str(value))
    weights = {name: value for name, value in values.items() if name.startswith("pence_") or name == "best_grade"}
    times = {name: value for name, value in values.items() if name not in weights}
    return {
        "rules_version": RULES_VERSION,
        "matching": {
            "pooling": str(policy.pooling),
            "unmatched": "coverage_first",
            "weight_bounds_permille": list(WEIGHT_BOUNDS_PERMILLE),
            **weights,
        },
        "process": times,
    }


def policy_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The rules in which two policy documents differ: by name, what it said before and what it says now."""
    old, new = ({**document["matching"], **document["process"]} for document in (before, now))
    return {name: [old.get(name), value] for name, value in new.items() if old.get(name) != value}


def seed_of(nonce: str, market_sha256: str) -> int:
    """The tie-break's seed: the first 63 bits of sha256(nonce, market_sha256).

    The nonce's own hash stands in the published notice and the market is fixed by the offers, so neither the broker
    nor anybody else could choose it.
    """
    digest = hashlib.sha256(bytes.fromhex(nonce) + bytes.fromhex(market_sha256)).digest()
    return int.from_bytes(digest[:8]) >> (64 - SEED_BITS)


def nonce_commitment(nonce: str) -> str:
    """What the notice says of the nonce before anybody may know it."""
    return hashlib.sha256(bytes.fromhex(nonce)).hexdigest()


def check_deadline_serves(offers_due_at: Instant, care_ends_on: date | None) -> None:
    """Offers close before the care of any group is over: a later deadline is most likely a year mistyped.

    Raises
    ------
    Invalid
        Naming the deadline.
    """
    if care_ends_on is not None and london_date(offers_due_at - timedelta(microseconds=1)) >= care_ends_on:
        message = f"Choose an earlier day. Care is to end on {care_ends_on.day} {care_ends_on:%B %Y}."
        raise Invalid("deadline_after_care", message, place="offers_due_at")


def check_publishable(now: Instant, offers_due_at: Instant, agreed: int) -> None:
    """A tender needs somebody to buy for, and gives providers at least a day.

    Raises
    ------
    Invalid, WrongState
        Naming the deadline, or that nobody has agreed yet.
    """
    if offers_due_at < now + timedelta(days=1):
        raise Invalid(
            "deadline_too_soon",
            "Choose a later day. Providers need at least one full day to make an offer.",
            place="offers_due_at",
        )
    if agreed < 1:
        raise WrongState(
            "nobody_agreed", "No patient has agreed to this pool yet, so there is nothing to publish.", agreed=agreed
        )


def award_day(
    offers_close_on: date, answer_days: int, standstill_working_days: int, holidays: Collection[date]
) -> date:
    """The day contracts can be signed if patients take all their time and the broker takes none.

    The match is made on the day after offers close, and the award confirmed on the day after the last answer was due.
    """
    confirmed_on = offers_close_on + timedelta(days=answer_days + 2)
    ends_at = standstill_ends(datetime.combine(confirmed_on, time(12), LONDON), standstill_working_days, holidays)
    return london_date(ends_at)


def publish_for(
    care_begins_on: date, answer_days: int, standstill_working_days: int, holidays: Collection[date]
) -> date:
    """The last day to publish for care from that day on: a day for offers, then the way to the award (`award_day`)."""
    publish_on = care_begins_on
    while award_day(publish_on + timedelta(days=1), answer_days, standstill_working_days, holidays) > care_begins_on:
        publish_on -= timedelta(days=1)
    return publish_on


def check_later_deadline(now: Instant, old: Instant | None, new: Instant) -> None:
    """A deadline may be put off, never brought forward, and leaves at least a day.

    Raises
    ------
    Invalid
        Naming the deadline.
    """
    if old is None or new <= old or new < now + timedelta(days=1):
        message = "The new deadline must be later than the old one, and at least one full day away."
        raise Invalid("deadline_not_later", message, place="offers_due_at")


@dataclass(frozen=True, slots=True)
class OfferTier:
    """From so many units of the whole offer on, every unit of the line costs this."""

    from_units: int
    price_pence: Pence


@dataclass(frozen=True, slots=True)
class OfferLine:
    """An offer's part for one lot (bundle)."""

    bundle: str
    tiers: tuple[OfferTier, ...]
    min_units: int = 0
    max_units: int | None = None


@dataclass(frozen=True, slots=True)
class OfferTerms:
    """What a provider seals: from which site, at what fee, how many units, at what prices by lot and band.

    `max_distance_m` is how far it goes (for visits at home). Of a provider's offers with the same `exclusive` word at
    most one is used: either the one or the other.
    """

    site_id: str
    lines: tuple[OfferLine, ...]
    fee_pence: Pence = 0
    min_units: int = 0
    max_units: int | None = None
    max_distance_m: int | None = None
    exclusive: str | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "OfferTerms":
        """Read it from a validated document (schemas/offers.py, or what `document` wrote)."""
        lines = tuple(
            OfferLine(
                bundle=line["bundle"],
                tiers=tuple(OfferTier(tier["from_units"], tier["price_pence"]) for tier in line["tiers"]),
                min_units=line.get("min_units") or 0,
                max_units=line.get("max_units"),
            )
            for line in document["lines"]
        )
        return cls(
            site_id=document["site_id"],
            lines=lines,
            fee_pence=document.get("fee_pence") or 0,
            min_units=document.get("min_units") or 0,
            max_units=document.get("max_units"),
            max_distance_m=document.get("max_distance_m"),
            exclusive=document.get("exclusive"),
        )

    def document(self) -> dict[str, Any]:
        """Write it for sealing; `from_document` reads it back."""
        return asdict(self)

    @property
    def bands(self) -> list[int]:
        """Where each volume band starts; the same for every line."""
        return [tier.from_units for tier in self.lines[0].tiers]


def check_offer(terms: OfferTerms, bundle_ids: Collection[str]) -> None:
    """An offer names lots of this tender, each once, and its tiers are bands of one total.

    Raises
    ------
    Invalid
        Naming the field, in a provider's words.
    """
    if not terms.lines:
        raise Invalid("no_lines", "Offer for at least one lot.", place="lines")
    seen: set[str] = set()
    for at, line in enumerate(terms.lines):
        place = f"lines[{at}]"
        if line.bundle not in bundle_ids:
            raise Invalid("unknown_lot", "This lot is not part of the tender.", place=f"{place}.bundle")
        if line.bundle in seen:
            raise Invalid("lot_twice", "Each lot may appear once in an offer.", place=f"{place}.bundle")
        seen.add(line.bundle)
        _check_bands([tier.from_units for tier in line.tiers], terms.bands, place)
        _check_range(line.min_units, line.max_units, f"{place}.max_units")
    _check_range(terms.min_units, terms.max_units, "max_units")


def _check_bands(own: list[int], common: list[int], place: str) -> None:
    if not own or own[0] != 0:
        raise Invalid("first_band", "The first price must start from 0 units.", place=f"{place}.tiers")
    for at, (earlier, later) in enumerate(pairwise(own), start=1):
        if later <= earlier:
            message = f"Each price must start from more units than the one before: enter {earlier + 1:,} or more."
            raise Invalid("bands_overlap", message, place=f"{place}.tiers[{at}].from_units")
    if own != common:
        message = "Use the same volume bands for every lot: a band counts the offer's units over all its lots."
        raise Invalid("bands_differ", message, place=f"{place}.tiers")


def _check_range(least: int, most: int | None, place: str) -> None:
    if most is not None and least > most:
        raise Invalid(
            "units_out_of_order",
            f"Enter {least:,} or more: the most cannot be below the fewest.",
            place=place,
            least=least,
            most=most,
        )


def earnings_pence(terms: OfferTerms, line: OfferLine, units: int) -> Pence | None:
    """What the offer would earn if all `units` were in this line, its fee included; None above what it can serve."""
    if any(limit is not None and units > limit for limit in (terms.max_units, line.max_units)):
        return None
    price_pence = [tier.price_pence for tier in line.tiers if tier.from_units <= units][-1]
    return price_pence * units + terms.fee_pence
