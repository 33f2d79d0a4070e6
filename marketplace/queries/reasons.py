"""The engine's rules in sentences: `alternative` for the person they are about, `unmatched` for a broker.

Each sentence is made from one rule's public name and its two figures, as the round stored them: what stands and what
was asked. A rule without a sentence of its own is said by its name, so that a new rule is never silent.
"""

from collections.abc import Callable, Mapping
from typing import Any

from marketplace.rules import quality

from .words import distance, kilometres, pounds, words

ATTRIBUTES = {
    "home_visit": "home visits",
    "home_visits": "home visits",
    "step_free": "step-free access",
    "evening": "evening sessions",
    "weekend": "weekend sessions",
}

Sentence = Callable[[Any, Any], str]

TO_A_PATIENT: Mapping[str, Sentence] = {
    "distance": lambda value, limit: (
        f"It is {distance(value)} away. Your limit is {distance(limit)}."
        if value is not None
        else "We do not know how far away it is."
    ),
    "grade": lambda value, limit: f"Its quality is {grade(value)}. You asked for {grade(limit)} or better.",
    "attribute": lambda _, limit: f"It does not offer {attribute(limit)}, which you need.",
    "wait": lambda value, limit: (
        f"The first appointment is after {value} days. You can wait {limit} days."
        if value is not None
        else "It does not say when the first appointment would be."
    ),
    "excluded": lambda *_: "You said no to this provider, or asked us not to use it.",
    "refused_before": lambda *_: "You said no to this provider.",
    "pairs": lambda *_: "You said no to this provider, or it does not fit what you asked for.",
    "keep_provider": lambda *_: "You asked to stay with your own provider.",
    "own_budget": lambda value, limit: f"It would cost {pounds(value)}. Your share is {pounds(limit)}.",
    "shared_pool": lambda *_: "Your shares together would not have paid for it.",
    "fee_cover": lambda *_: "Its set-up fee did not fit into the shares of the people it could serve.",
    "capacity": lambda value, limit: f"It is full. With you it would need {value} units, and it has {limit}.",
    "line_capacity": lambda value, limit: f"It is full here. With you it would need {value} units, and it has {limit}.",
    "provider_capacity": lambda value, limit: f"It is full. With you it would need {value} units, and it has {limit}.",
    "minimum_volume": lambda value, limit: f"It starts from {limit} units. It would have had {value}.",
    "line_minimum": lambda value, limit: f"It starts from {limit} units here. It would have had {value}.",
    "tier_volume": lambda value, limit: f"Its price holds from {limit} units. It would have had {value}.",
    "provider_count": lambda *_: "Your group has as many providers as its rules allow.",
    "provider_share": lambda *_: "It has as large a part of your group as the rules allow.",
    "bundle_quality": lambda *_: "The quality of your whole group would have been too low.",
    "exclusive_offers": lambda *_: "The same provider is used with another of its offers.",
    "as_good": lambda *_: "It was just as good. The draw that was fixed before the offers came in decided.",
    "effective_cost": lambda value, _: (
        f"It was not as good for the whole group: {pounds(value)} worse with price, quality and distance."
        if value
        else "It was no better for the whole group."
    ),
}

UNMATCHED: Mapping[str, str] = {
    "no_eligible_offer": "No offer fits what this person needs",
    "unaffordable": "Every offer that fits costs more than this person's share",
    "rules_in_conflict": "The rules of the lot cannot be met together",
    "not_chosen": "A match for them would have taken it from somebody else",
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


def alternative(row: Mapping[str, Any]) -> str:
    """Why an offer was not this person's match."""
    rule = str(row["rule"])
    sentence = TO_A_PATIENT.get(rule)
    return sentence(row.get("value"), row.get("limit")) if sentence else f"{words(rule)}."


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


def attribute(code: str | None) -> str:
    """Something a site offers, in words."""
    return ATTRIBUTES.get(str(code), words(str(code)).lower())
