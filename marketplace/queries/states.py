"""In which state a tender is shown, by a name of its own where its status says too little: `state_of`, `in_state`.

A tender whose match counts no longer waits for nobody's answer: it is shown as `RUN_AGAIN`, whatever its status.
`lapse_words` says what becomes of a tender if nobody does anything.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import ColumnElement, false

from marketplace.journey.rounds import TO_RUN_AGAIN, must_run_again
from marketplace.records.tenders import Tender
from marketplace.rules.lifecycle import LAPSES_TO, TENDER_WORDS, TenderStatus

RUN_AGAIN = "run_again"
WORDS: Mapping[str, str] = {
    **{status.value: words for status, words in TENDER_WORDS.items()},
    RUN_AGAIN: "To be matched again",
}
"""Each state in words."""
COLOURS: Mapping[str, str] = {
    TenderStatus.DRAFT.value: "grey",
    TenderStatus.DELETED.value: "white",
    TenderStatus.OPEN.value: "green",
    TenderStatus.CLOSED.value: "yellow",
    TenderStatus.MATCHING.value: "yellow",
    RUN_AGAIN: "yellow",
    TenderStatus.PROPOSED.value: "blue",
    TenderStatus.STANDSTILL.value: "purple",
    TenderStatus.UNDER_REVIEW.value: "orange",
    TenderStatus.AWARDED.value: "aqua-green",
    TenderStatus.WITHDRAWN.value: "white",
    TenderStatus.UNSUCCESSFUL.value: "red",
    TenderStatus.CANCELLED.value: "white",
}
"""The colour of each state's tag, in the order of a tender's life."""

_LAPSES = {
    TenderStatus.DELETED: "the draft is deleted",
    TenderStatus.UNSUCCESSFUL: "the tender ends without an award",
    TenderStatus.CANCELLED: "the tender is cancelled",
}


def lapse_words(status: TenderStatus) -> str:
    """What becomes of a tender in this status if its time passes and nothing is done."""
    return _LAPSES[LAPSES_TO[status]]


def state_of(tender: Tender) -> str:
    """The state that a tender is shown in."""
    return RUN_AGAIN if must_run_again(tender) else tender.status.value


def in_state(state: str) -> ColumnElement[bool]:
    """Those that `state_of` shows in this state."""
    if state == RUN_AGAIN:
        return TO_RUN_AGAIN
    return (Tender.status == TenderStatus(state)) & ~TO_RUN_AGAIN if state in WORDS else false()


def choices(
    *left_out: TenderStatus, in_order: Iterable[str] = COLOURS, words: Mapping[str, str] = WORDS
) -> list[tuple[str, str]]:
    """What a list can be narrowed to: all states in the order of a tender's life, but for these."""
    return [("", "All states"), *((state, words[state]) for state in in_order if state not in left_out)]
