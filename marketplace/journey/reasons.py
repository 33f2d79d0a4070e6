"""Why a patient was matched as they were: every other offer on the lot, with the one thing that decided.

`reasons_of` asks the engine when the round is recorded; the patient's page and the broker's read what was stored, so
that what people were told stays what they were told.
"""

from typing import Any

import matching
from matching import Market, Outcome

AS_GOOD = "as_good"
"""The rule's name where a move would have broken nothing and cost nothing: the tie was the seed's."""


def reasons_of(market: Market, outcome: Outcome) -> dict[str, dict[str, Any]]:
    """For each need, its alternatives: offer, rule, figures. Offers appear by id; pages turn ids into names."""
    return {
        need: {"alternatives": [_row(other) for other in told.alternatives if other.offer != told.chosen]}
        for need, told in matching.explain_needs(market, outcome).items()
    }


def _row(other: matching.Alternative) -> dict[str, Any]:
    verdict = other.verdict
    row = {
        "offer": other.offer,
        "in_use": other.in_use,
        "rule": verdict.rule if verdict else AS_GOOD,
        "value": verdict.value if verdict else None,
        "limit": verdict.limit if verdict else None,
    }
    return {name: item for name, item in row.items() if item is not None}
