"""The engine's rules in sentences: `alternative` for the person they are about, `unmatched` for a broker.

Each sentence is made from one rule's public name and its two figures, as the round stored them: what stands and what
was asked. A rule without a sentence of its own is said by its name, so that a new rule is never silent.
"""

from collections.abc import Callable, Mapping
from typing import Any

from marketplace.rules import quality

from .words import distance, kilometres, plural, pounds, units, words

ATTRIBUTES = {
    "home_visit": "home visits",
    "home_visits": "home visits",
    "step_free": "step-free access",
    "evening": "evening sessions",
    "weekend": "weekend sessions",
}

LAST = 10**9
"""Where a distance that nobody knows stands in an order."""
Sentence = Callable[[Any, Any, str], str]
"""What a rule says of a value, the limit it came against, and (of volumes) the unit that both count."""

TO_A_PATIENT: Mapping[str, Sentence] = {
    "distance": lambda value, limit, _: (
        f"It is {distance(value)} away. Your limit is {distance(limit)}."
        if value is not None
        else "We do not know how far away it is."
    ),
    "grade": lambda value, limit, _: (
        f"{f'It is rated {grade(value)}' if value else 'It is not rated'}. You asked for {grade(limit)} or better."
    ),
    "attribute": lambda _, limit, __: f"It does not offer {attribute(limit)}, which you need.",
    "wait": lambda value, limit, _: (
        f"Its first visit is within {plural(value, 'day')}. You can wait {plural(limit, 'day')}."
        if value is not None
        else "It does not say when the first visit would be."
    ),
    "excluded": lambda *_: "You said no to this provider, or asked us not to use it.",
    "refused_before": lambda *_: "You said no to this provider.",
    "pairs": lambda *_: "You said no to this provider, or it does not fit what you asked for.",
    "keep_provider": lambda *_: "You asked to stay with your own provider.",
    "own_budget": lambda value, limit, _: f"It would cost {pounds(value)}. Your share is {pounds(limit)}.",
    "shared_pool": lambda *_: "Your shares together would not have paid for it.",
    "fee_cover": lambda *_: "Its set-up fee did not fit into the shares of the people it could serve.",
    "capacity": lambda value, limit, unit: (
        f"It is full. With you it would need {units(value, unit)}, and it has {limit:,}."
    ),
    "line_capacity": lambda value, limit, unit: (
        f"It is full here. With you it would need {units(value, unit)}, and it has {limit:,}."
    ),
    "provider_capacity": lambda value, limit, unit: (
        f"It is full. With you it would need {units(value, unit)}, and it has {limit:,}."
    ),
    "minimum_volume": lambda value, limit, unit: f"It starts from {units(limit, unit)}. It would have had {value:,}.",
    "line_minimum": lambda value, limit, unit: (
        f"It starts from {units(limit, unit)} here. It would have had {value:,}."
    ),
    "tier_volume": lambda value, limit, unit: (
        f"Its price holds from {units(limit, unit)}. It would have had {value:,}."
    ),
    "provider_count": lambda *_: "Your group has as many providers as its rules allow.",
    "provider_share": lambda *_: "It has as large a part of your group as the rules allow.",
    "bundle_quality": lambda *_: "The quality of your whole group would have been too low.",
    "exclusive_offers": lambda *_: "The same provider is used with another of its offers.",
    "as_good": lambda *_: "It was just as good. The draw that was fixed before the offers came in decided.",
    "search_ended": lambda *_: "It was about as good. The search may stop when almost nothing is left to gain.",
    "effective_cost": lambda *_: "All in all, your match came out ahead.",
}

TO_A_PATIENT_OF_A_PART: Mapping[str, Callable[[int, Any, Any], str]] = {
    "price": lambda pence, *_: f"It would cost your group {pounds(pence)} more.",
    "quality": lambda _, there, here: f"It is {rated(there)}. Your match is {rated(here)}.",
    "travel": lambda _, there, here: (
        f"It is {distance(there)} from you. Your match is {distance(here)} from you."
        if distance(there) != distance(here)
        else "It is a little farther from you."
    ),
    "wait": lambda _, there, here: (
        f"Its first visit is within {plural(there, 'day')}. With your match it is within {plural(here, 'day')}."
        if here is not None
        else f"Its first visit is within {plural(there, 'day')}. With your match no day is named."
    ),
    "change": lambda *_: "You would leave the provider that you have now.",
}
"""Where all was weighed together: the part that counted most against an offer, in its own unit."""

OVER: Mapping[str, str] = {"It would cost": "It would have cost", "You would leave": "You would have left"}
"""What would be, said of a match of which nothing comes any more."""

UNMATCHED: Mapping[str, str] = {
    "no_eligible_offer": "No offer fits what this person needs",
    "unaffordable": "Every offer that fits costs more than this person's share",
    "rules_in_conflict": "The rules of the lot cannot be met together",
    "not_chosen": "Matching this person would have left somebody else without a match",
    "reserve_cheaper": "The conventional package is better value",
    "search_stopped": "The search was stopped before this person's turn",
}


TO_THE_UNMATCHED: Mapping[str, str] = {
    "no_eligible_offer": "No provider fits all that you asked for.",
    "unaffordable": "The providers that fit cost more than your share.",
    "rules_in_conflict": "The rules of your group could not all be met.",
    "not_chosen": "There was no place left for you. A place for you would have left others without one.",
    "reserve_cheaper": "The usual NHS package is better value for you.",
    "search_stopped": "The search was stopped before your turn. Your broker can run it again.",
}


def to_the_unmatched(reason: str) -> str:
    """Why somebody has no match, told to themselves."""
    return TO_THE_UNMATCHED.get(reason, f"{words(reason)}.")


def alternative(row: Mapping[str, Any], unit: str = "unit", *, over: bool = False) -> str:
    """Why an offer was not this person's match; ``over``: nothing comes of that match any more."""
    rule = str(row["rule"])
    sentence = TO_A_PATIENT.get(rule)
    said = sentence(row.get("value"), row.get("limit"), unit) if sentence else f"{words(rule)}."
    largest = row.get("largest") or {}
    part = TO_A_PATIENT_OF_A_PART.get(largest.get("part", ""))
    told = f"{part(largest['pence'], largest['value'], largest['limit'])} {said}" if part else said
    for now, then in OVER.items() if over else ():
        told = told.replace(now, then)
    return told


def how_far_behind(row: Mapping[str, Any]) -> tuple[int, int, str]:
    """By what offers are put in order for the person: the nearest to being their match first, the too far ones last."""
    rule, value = str(row["rule"]), row.get("value")
    if rule in ("as_good", "search_ended"):
        rank, figure = 0, 0
    elif rule == "effective_cost":
        rank, figure = 1, int(value or 0)
    elif rule == "distance":
        rank, figure = 3, LAST if value is None else int(value)
    else:
        rank, figure = 2, 0
    return rank, figure, str(row["offer"])


def unmatched(reason: str) -> str:
    """Why somebody has no match."""
    return UNMATCHED.get(reason, words(reason))


def refusal(row: Mapping[str, Any]) -> str:
    """One offer's refusal, short, for a broker's table: the rule and its figures."""
    value, limit, rule = row.get("value"), row.get("limit"), str(row["rule"])
    figures = {
        "distance": lambda: f"{kilometres(value)}, limit {kilometres(limit)}",
        "grade": lambda: f"{grade(value)}, asked for {grade(limit)}",
        "attribute": lambda: f"lacks {attribute(limit)}",
        "wait": lambda: f"{value} days, limit {limit} days",
        "own_budget": lambda: f"{pounds(value)}, budget {pounds(limit)}",
        "capacity": lambda: f"{value} of {limit} units taken",
    }.get(rule)
    return figures() if figures and limit is not None else words(rule)


def grade(value: int | None) -> str:
    """A quality grade in the regulator's words."""
    return quality.WORDS.get(value or quality.UNRATED, str(value))


def rated(value: int | None) -> str:
    """A quality grade as a part of a sentence."""
    return f"rated {grade(value)}" if value else "not rated"


def attribute(code: str | None) -> str:
    """Something a site offers, in words."""
    return ATTRIBUTES.get(str(code), words(str(code)).lower())
