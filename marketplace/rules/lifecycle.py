"""Statuses and the ONE table of moves between them, for tender, lot and contract.

`check_move` is what every step asks; `mermaid` draws the same table for the README, and a test compares them.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from .errors import WrongState

S = TypeVar("S", bound=StrEnum)


class TenderStatus(StrEnum):
    """Where a tender is in its life (domain.md, A tender's life)."""

    DRAFT = "draft"
    DELETED = "deleted"
    OPEN = "open"
    CLOSED = "closed"
    MATCHING = "matching"
    PROPOSED = "proposed"
    STANDSTILL = "standstill"
    UNDER_REVIEW = "under_review"
    AWARDED = "awarded"
    WITHDRAWN = "withdrawn"
    UNSUCCESSFUL = "unsuccessful"
    CANCELLED = "cancelled"


class LotResult(StrEnum):
    """What came of one bundle of a tender."""

    ACTIVE = "active"
    UNSUCCESSFUL = "unsuccessful"
    CANCELLED = "cancelled"


class ContractStatus(StrEnum):
    """One patient's contract with one provider."""

    OFFERED = "offered"
    SIGNED = "signed"
    IN_DELIVERY = "in_delivery"
    COMPLETED = "completed"
    ENDED = "ended"


TENDER_MOVES: Mapping[TenderStatus, frozenset[TenderStatus]] = {
    TenderStatus.DRAFT: frozenset({TenderStatus.OPEN, TenderStatus.DELETED}),
    TenderStatus.DELETED: frozenset(),
    TenderStatus.OPEN: frozenset({TenderStatus.CLOSED, TenderStatus.WITHDRAWN, TenderStatus.UNSUCCESSFUL}),
    TenderStatus.CLOSED: frozenset({TenderStatus.MATCHING, TenderStatus.UNSUCCESSFUL, TenderStatus.CANCELLED}),
    TenderStatus.MATCHING: frozenset(
        {TenderStatus.PROPOSED, TenderStatus.UNSUCCESSFUL, TenderStatus.CLOSED, TenderStatus.CANCELLED}
    ),
    TenderStatus.PROPOSED: frozenset(
        {TenderStatus.MATCHING, TenderStatus.STANDSTILL, TenderStatus.UNSUCCESSFUL, TenderStatus.CANCELLED}
    ),
    TenderStatus.STANDSTILL: frozenset({TenderStatus.AWARDED, TenderStatus.UNDER_REVIEW, TenderStatus.CANCELLED}),
    TenderStatus.UNDER_REVIEW: frozenset({TenderStatus.STANDSTILL, TenderStatus.MATCHING, TenderStatus.CANCELLED}),
    TenderStatus.AWARDED: frozenset(),
    TenderStatus.WITHDRAWN: frozenset(),
    TenderStatus.UNSUCCESSFUL: frozenset(),
    TenderStatus.CANCELLED: frozenset(),
}

GIVEN_UP = frozenset({TenderStatus.DELETED, TenderStatus.WITHDRAWN, TenderStatus.UNSUCCESSFUL, TenderStatus.CANCELLED})
"""Tenders that ended without an award."""

LAPSES_TO: Mapping[TenderStatus, TenderStatus] = {
    TenderStatus.DRAFT: TenderStatus.DELETED,
    TenderStatus.CLOSED: TenderStatus.UNSUCCESSFUL,
    TenderStatus.MATCHING: TenderStatus.UNSUCCESSFUL,
    TenderStatus.PROPOSED: TenderStatus.UNSUCCESSFUL,
    TenderStatus.UNDER_REVIEW: TenderStatus.CANCELLED,
}
"""Where a tender ends if its time passes and whoever has to do something does nothing."""

LOT_MOVES: Mapping[LotResult, frozenset[LotResult]] = {
    LotResult.ACTIVE: frozenset({LotResult.UNSUCCESSFUL, LotResult.CANCELLED}),
    LotResult.UNSUCCESSFUL: frozenset(),
    LotResult.CANCELLED: frozenset(),
}

CONTRACT_MOVES: Mapping[ContractStatus, frozenset[ContractStatus]] = {
    ContractStatus.OFFERED: frozenset({ContractStatus.SIGNED, ContractStatus.ENDED}),
    ContractStatus.SIGNED: frozenset({ContractStatus.IN_DELIVERY, ContractStatus.ENDED}),
    ContractStatus.IN_DELIVERY: frozenset({ContractStatus.COMPLETED, ContractStatus.ENDED}),
    ContractStatus.COMPLETED: frozenset(),
    ContractStatus.ENDED: frozenset(),
}

IN_FORCE = (ContractStatus.SIGNED, ContractStatus.IN_DELIVERY)
"""Contracts that all have signed and that are not over."""

NOT_OVER = (ContractStatus.OFFERED, *IN_FORCE)
"""Contracts in force, and those that may still be signed."""

RESULT_PUBLISHED = frozenset(
    {
        TenderStatus.STANDSTILL,
        TenderStatus.UNDER_REVIEW,
        TenderStatus.AWARDED,
        TenderStatus.UNSUCCESSFUL,
        TenderStatus.CANCELLED,
    }
)
"""Where the hashes and roots of a tender's last round, if it had one, are public, whatever came of it."""

TENDER_WORDS: Mapping[TenderStatus, str] = {
    TenderStatus.DRAFT: "Being prepared",
    TenderStatus.DELETED: "Deleted",
    TenderStatus.OPEN: "Open for offers",
    TenderStatus.CLOSED: "Closed to offers",
    TenderStatus.MATCHING: "Being matched",
    TenderStatus.PROPOSED: "Waiting for patients' answers",
    TenderStatus.STANDSTILL: "Pause for objections",
    TenderStatus.UNDER_REVIEW: "Under review",
    TenderStatus.AWARDED: "Awarded",
    TenderStatus.WITHDRAWN: "Withdrawn",
    TenderStatus.UNSUCCESSFUL: "Unsuccessful",
    TenderStatus.CANCELLED: "Cancelled",
}


def check_move(moves: Mapping[S, frozenset[S]], old: S, new: S) -> None:
    """A status may only move along the table.

    Raises
    ------
    WrongState
        Naming both statuses.
    """
    if new not in moves[old]:
        before, after = (status.value.replace("_", " ") for status in (old, new))
        told = f"This is {before} already." if old == new else f"This is {before}, so it cannot become {after}."
        raise WrongState("move_not_allowed", told, old=old.value, new=new.value)


def is_final(moves: Mapping[S, frozenset[S]], status: S) -> bool:
    """Whether nothing follows this status."""
    return not moves[status]


def mermaid(moves: Mapping[S, frozenset[S]]) -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {next(iter(moves))}"]
    for old, targets in moves.items():
        lines += [f"    {old} --> {new}" for new in sorted(targets)]
        if not targets:
            lines.append(f"    {old} --> [*]")
    return "\n".join(lines)
