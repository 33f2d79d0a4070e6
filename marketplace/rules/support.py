"""Who gets extra support by a commissioner's rule, on which grounds: `grounds_of`. And who may stand by them.

The rule has four grounds (`Ground`), each on or off; one that applies is enough. What it brings is decided with it:
a priority in coverage, more days to answer, easy-read pages, a supporter with a name, and, if funded, money.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from .budgets import FundingRules
from .errors import Invalid

CONDITIONS = (
    "arthritis_or_back_pain",
    "asthma",
    "copd",
    "dementia",
    "depression",
    "diabetes",
    "heart_failure",
    "osteoporosis",
    "palliative_care",
    "rheumatoid_arthritis",
    "severe_mental_illness",
    "stroke",
)
"""The long-term conditions that are kept of a person, by their short names: those of the disease registers."""


class Ground(StrEnum):
    """Why somebody gets extra support."""

    AGE = "age"
    DEPRIVATION = "deprivation"
    CAPACITY = "capacity"
    CONDITIONS = "conditions"


@dataclass(frozen=True, slots=True)
class SupportFacts:
    """What the rule asks about a person; `deprivation_decile` is 1 in the most deprived tenth, None if unknown."""

    birth_year: int
    deprivation_decile: int | None = None
    lacks_capacity: bool = False
    conditions: int = 0


def grounds_of(rules: FundingRules, facts: SupportFacts, on: date) -> tuple[Ground, ...]:
    """Every ground of the rule that this person meets, in the order of `Ground`; none: no extra support.

    Only the year of birth is known, so an age counts as reached in the year in which it is. A decile that is not known
    meets no rule.
    """
    decile, old = facts.deprivation_decile, rules.support_from_age
    up_to, many = rules.support_to_decile, rules.support_conditions
    met = {
        Ground.AGE: old is not None and on.year - facts.birth_year >= old,
        Ground.DEPRIVATION: up_to is not None and decile is not None and decile <= up_to,
        Ground.CAPACITY: rules.support_capacity and facts.lacks_capacity,
        Ground.CONDITIONS: many is not None and facts.conditions >= many,
    }
    return tuple(ground for ground in Ground if met[ground])


def check_facts(deprivation_decile: int | None, conditions: Collection[str]) -> None:
    """A decile is one of ten, and a condition one that is kept.

    Raises
    ------
    Invalid
        Naming the field.
    """
    if deprivation_decile is not None and not 1 <= deprivation_decile <= 10:
        raise Invalid("decile_out_of_range", "Enter a number from 1 to 10.", place="deprivation_decile")
    if not set(conditions) <= set(CONDITIONS):
        raise Invalid("condition_unknown", "Choose conditions from the list.", place="conditions")


def check_supporter(name: str, who: str, reach: str) -> tuple[str, str, str]:
    """A supporter has a name, is somebody to the person, and can be reached; returns all three without stray spaces.

    Raises
    ------
    Invalid
        Naming the field.
    """
    said = {"name": name.strip(), "who": who.strip(), "reach": reach.strip()}
    asked = {
        "name": "Enter the supporter's name.",
        "who": "Enter who they are, like care coordinator.",
        "reach": "Enter a telephone number or an e-mail address.",
    }
    for place, text in said.items():
        if not text:
            raise Invalid("supporter_incomplete", asked[place], place=place)
    return said["name"], said["who"], said["reach"]
