"""Why a patient was matched as they were: every other offer on the lot, with the one thing that decided.

`reasons_of` asks the engine when the round is recorded; the patient's page and the broker's read what was stored, so
that what people were told stays what they were told. In a rematch the market states its pairs one by one, and so says
only that an offer was not among them: why is asked of the rules that held before, and else it was the person's own no.
"""

from dataclasses import asdict, replace
from typing import Any

import matching
from matching import Market, Outcome

AS_GOOD = "as_good"
"""The rule's name where a move would have broken nothing and cost nothing: the tie was the seed's."""
SEARCH_ENDED = "search_ended"
"""The rule's name where the engine names none: the search ended within its gap before this was weighed."""
COST = "effective_cost"
"""The engine's name where a move would have broken nothing, and made the whole outcome dearer."""
NOT_STATED = "pairs"
"""The engine's name where a market that states its pairs does not state this one."""
REFUSED_BEFORE = "refused_before"
"""The rule's name where somebody has said no to this provider."""


def reasons_of(market: Market, outcome: Outcome) -> dict[str, dict[str, Any]]:
    """For each need, its alternatives: offer, rule, figures. Offers appear by id; pages turn ids into names."""
    explained = matching.explain_needs(market, outcome)
    plain = replace(market, pairs=None) if market.pairs is not None else None
    found = {}
    for need in market.needs:
        told = explained[need.id]
        refusals = {row.offer: row for row in matching.refusals_of(plain, need)} if plain is not None else {}
        others = [other for other in told.alternatives if other.offer != told.chosen]
        found[need.id] = {"alternatives": [_row(other, refusals.get(other.offer)) for other in others]}
    return found


def _row(other: matching.Alternative, refusal: matching.Refusal | None) -> dict[str, Any]:
    verdict = other.verdict
    if verdict is not None and verdict.rule == NOT_STATED:
        figures = {"value": refusal.value, "limit": refusal.limit} if refusal is not None else {}
        rule = refusal.rule if refusal is not None else REFUSED_BEFORE
        told = {"offer": other.offer, "in_use": other.in_use, "rule": rule, **figures}
        return {name: item for name, item in told.items() if item is not None}
    row = {"offer": other.offer, "in_use": other.in_use, "rule": SEARCH_ENDED}
    if verdict is not None:
        tied = verdict.rule == COST and not verdict.value
        row |= {"rule": AS_GOOD if tied else verdict.rule, "value": verdict.value, "limit": verdict.limit}
        row["largest"] = None if verdict.largest is None else asdict(verdict.largest)
    return {name: item for name, item in row.items() if item is not None}
