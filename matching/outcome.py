"""What came of a market: awards, assignments, unmatched needs with their reason, and how sure the engine is.

`solve` makes an `Outcome`; `Outcome.document` writes outcome/1 and `read_outcome` reads it back. Reading checks the
shape only: whether the content is right is for `verify` to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from matching.market import plain
from matching.reading import Record, Source, load

FORMAT = "outcome/1"
MAX_TOTAL_PENCE = 2**62


class Termination(StrEnum):
    """Why the search ended."""

    OPTIMAL = "optimal"
    """Both gaps are 0."""
    WITHIN_GAP = "within_gap"
    """The gaps that were asked for are reached."""
    LIMIT_REACHED = "limit_reached"
    """A limit struck first: the best outcome found, with its honest gap."""
    CANCELLED = "cancelled"
    """The caller asked to stop: the best outcome found, with its honest gap."""
    NOTHING_MATCHED = "nothing_matched"
    """Proven: no need can be matched (or none should, where a reserve is cheaper)."""


class Reason(StrEnum):
    """Why a need is unmatched."""

    NO_ELIGIBLE_OFFER = "no_eligible_offer"
    """Every offer refuses the need, or the need refuses it; `refusals` has each offer's first rule."""
    UNAFFORDABLE = "unaffordable"
    """Offers are eligible, and at no reachable tier does the price fit the budget (`refusals`: own_budget)."""
    RULES_IN_CONFLICT = "rules_in_conflict"
    """Nothing in the bundle can be matched under `rules` taken together."""
    NOT_CHOSEN = "not_chosen"
    """Matching this need would cost coverage or cost elsewhere; `explain` says by which rule."""
    RESERVE_CHEAPER = "reserve_cheaper"
    """With `unmatched: reserve`: the conventional package is the better value."""
    SEARCH_STOPPED = "search_stopped"
    """A limit or a cancel struck before the search could settle this need."""


@dataclass(frozen=True)
class Refusal:
    """One offer that a pair rule refuses, with the figures: `value` is what stands, `limit` what the rule asks."""

    offer: str
    rule: str
    value: int | str | None = None
    limit: int | str | None = None


@dataclass(frozen=True)
class Level:
    """One level of the objective: value found, bound proven, both in the level's own unit.

    `certified_bound` is what the certificate proves without any solver; None where there is no certificate.
    """

    value: int
    bound: int | None
    gap_permille: float | None
    certified_bound: int | None = None


@dataclass(frozen=True)
class Award:
    """An offer in use; `tier` counts from 0, `needs` is how many it serves."""

    offer: str
    tier: int
    units: int
    needs: int
    fee_pence: int
    spend_pence: int


@dataclass(frozen=True)
class Assignment:
    """One matched need: its price, its share of the fee, what it pays, and the other cost parts of its pair."""

    need: str
    offer: str
    tier: int
    price_pence: int
    fee_share_pence: int
    pool_pence: int
    charge_pence: int
    quality_pence: int
    travel_pence: int
    change_pence: int
    wait_pence: int
    extra_pence: int


@dataclass(frozen=True)
class Unmatched:
    """One need without an offer, and why; `rules` names a conflict's constraints."""

    need: str
    reason: Reason
    refusals: tuple[Refusal, ...] = ()
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """A solved market. Lists are sorted by id: awards by offer, the others by need."""

    termination: Termination
    market_sha256: str
    policy: Mapping[str, Any]
    seed: int
    versions: Mapping[str, str]
    seconds: Mapping[str, float]
    coverage: Level
    effective_cost: Level
    awards: tuple[Award, ...]
    assignments: tuple[Assignment, ...]
    unmatched: tuple[Unmatched, ...]
    certificate: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Write the outcome/1 document."""
        return {
            "format": FORMAT,
            "termination": str(self.termination),
            "market_sha256": self.market_sha256,
            "policy": dict(self.policy),
            "seed": self.seed,
            "versions": dict(self.versions),
            "seconds": dict(self.seconds),
            "objective": {
                "coverage": _level_document(self.coverage),
                "effective_cost": _level_document(self.effective_cost),
            },
            "awards": plain(self.awards),
            "assignments": plain(self.assignments),
            "unmatched": [_unmatched_document(member) for member in self.unmatched],
            "certificate": dict(self.certificate),
        }

    def offer_of(self) -> dict[str, str]:
        """Map each matched need to its offer."""
        return {assignment.need: assignment.offer for assignment in self.assignments}


def gap_permille(value: int, bound: int) -> float:
    """The gap of a level: 1000 x |value - bound| / max(1, |value|)."""
    return 1000 * abs(value - bound) / max(1, abs(value))


def _level_document(level: Level) -> dict[str, Any]:
    return {
        "value": level.value,
        "bound": level.bound,
        "gap_permille": level.gap_permille,
        "certified_bound": level.certified_bound,
    }


def _unmatched_document(member: Unmatched) -> dict[str, Any]:
    document: dict[str, Any] = {"need": member.need, "reason": str(member.reason), "refusals": plain(member.refusals)}
    if member.rules:
        document["rules"] = list(member.rules)
    return document


def read_outcome(source: Source) -> Outcome:
    """Read an outcome/1 document: its shape is checked, its content is not.

    Raises
    ------
    DocumentError
        With the place and the remedy.
    """
    record = Record(load(source), "")
    record.choice("format", [FORMAT])
    objective = record.record_or_empty("objective")
    outcome = Outcome(
        termination=Termination(record.choice("termination", [str(member) for member in Termination])),
        market_sha256=record.text("market_sha256"),
        policy=dict(record.free("policy")),
        seed=record.whole("seed", maximum=2**64 - 1),
        versions={str(key): str(value) for key, value in record.free("versions").items()},
        seconds=_seconds(record.record_or_empty("seconds"), record.free("seconds")),
        coverage=_level(Record(objective.free("coverage"), "objective.coverage")),
        effective_cost=_level(Record(objective.free("effective_cost"), "objective.effective_cost")),
        awards=tuple(_award(member) for member in record.records("awards")),
        assignments=tuple(_assignment(member) for member in record.records("assignments")),
        unmatched=tuple(_unmatched(member) for member in record.records("unmatched")),
        certificate=dict(record.free("certificate")),
    )
    objective.close()
    record.close()
    return outcome


def _seconds(record: Record, found: Mapping[str, Any]) -> dict[str, float]:
    return {str(key): record.number(str(key)) for key in found}


def _pence(record: Record, name: str) -> int:
    return record.whole(name, minimum=-MAX_TOTAL_PENCE, maximum=MAX_TOTAL_PENCE)


def _level(record: Record) -> Level:
    level = Level(
        value=_pence(record, "value"),
        bound=record.optional_whole("bound", minimum=-MAX_TOTAL_PENCE, maximum=MAX_TOTAL_PENCE),
        gap_permille=record.optional_number("gap_permille"),
        certified_bound=record.optional_whole("certified_bound", minimum=-MAX_TOTAL_PENCE, maximum=MAX_TOTAL_PENCE),
    )
    record.close()
    return level


def _award(record: Record) -> Award:
    award = Award(
        offer=record.text("offer"),
        tier=record.whole("tier"),
        units=record.whole("units", maximum=MAX_TOTAL_PENCE),
        needs=record.whole("needs", maximum=MAX_TOTAL_PENCE),
        fee_pence=_pence(record, "fee_pence"),
        spend_pence=_pence(record, "spend_pence"),
    )
    record.close()
    return award


def _assignment(record: Record) -> Assignment:
    names = ("price", "fee_share", "pool", "charge", "quality", "travel", "change", "wait", "extra")
    assignment = Assignment(
        need=record.text("need"),
        offer=record.text("offer"),
        tier=record.whole("tier"),
        **{f"{name}_pence": _pence(record, f"{name}_pence") for name in names},
    )
    record.close()
    return assignment


def _figure(record: Record, name: str) -> int | str | None:
    """Read a refusal's figure: a count, a distance, a name, or nothing."""
    found = record.free_value(name)
    if isinstance(found, str):
        return record.text_or(name, "")
    return record.optional_whole(name, minimum=-MAX_TOTAL_PENCE, maximum=MAX_TOTAL_PENCE)


def _unmatched(record: Record) -> Unmatched:
    refusals = []
    for member in record.records("refusals", default_empty=True):
        value, limit = _figure(member, "value"), _figure(member, "limit")
        refusals.append(Refusal(offer=member.text("offer"), rule=member.text("rule"), value=value, limit=limit))
        member.close()
    unmatched = Unmatched(
        need=record.text("need"),
        reason=Reason(record.choice("reason", [str(member) for member in Reason])),
        refusals=tuple(refusals),
        rules=record.texts("rules"),
    )
    record.close()
    return unmatched
