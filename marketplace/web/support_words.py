"""Extra support in plain words: `ground_words` (why somebody gets it), `rule_words` (who gets it), `condition_words`.

`RULE_DECIDES` says to offices when the rule is asked; no page says it in other words.

`init_app` gives them to the templates.
"""

from collections.abc import Mapping

from flask import Flask

from marketplace.journey.support import PersonFacts
from marketplace.rules.budgets import FundingRules
from marketplace.rules.support import Ground
from marketplace.schemas.support import CONDITION_WORDS

RULE_DECIDES = (
    "The rule is applied to a person when their care plan is approved or reviewed, and when something it asks about is "
    "recorded. "
    "Until then, what was decided stays, even if the rule changes."
)
_TO_PATIENT: Mapping[Ground, str] = {
    Ground.AGE: "Your age: you were born in {born}",
    Ground.DEPRIVATION: "Many people in your area have little money",
    Ground.CAPACITY: "You need help to make choices about your care",
    Ground.CONDITIONS: "You live with {conditions} long-term health problems",
}
_TO_OTHERS: Mapping[Ground, str] = {
    Ground.AGE: "Age: born in {born}",
    Ground.DEPRIVATION: "Deprivation: the home area is in tenth {decile} of 10 (1\u00a0is the most deprived)",
    Ground.CAPACITY: "Capacity: lacks capacity to decide on their care",
    Ground.CONDITIONS: "Long-term conditions: {conditions}",
}


def ground_words(ground: Ground, facts: PersonFacts, birth_year: int, *, to_patient: bool) -> str:
    """One ground, with the person's own facts, for themselves or for who looks after them; no full stop."""
    words = (_TO_PATIENT if to_patient else _TO_OTHERS)[ground]
    return words.format(born=birth_year, decile=facts.deprivation_decile, conditions=len(facts.conditions))


def rule_words(rules: FundingRules, *, to_patient: bool = True) -> list[str]:
    """Who gets extra support by the rule as it is now, ground by ground; nothing: nobody does.

    Offices read it in the words in which they set it and in which grounds are told to them.
    """
    if not to_patient:
        return _rule_to_others(rules)
    found = []
    if rules.support_from_age is not None:
        found.append(f"People who turn {rules.support_from_age} this year, or are older")
    if rules.support_to_decile is not None:
        part = "the poorest tenth" if rules.support_to_decile == 1 else f"the poorest {rules.support_to_decile} tenths"
        found.append(f"People in {part} of areas in England")
    if rules.support_capacity:
        found.append("People who need help to make choices about their care")
    if rules.support_conditions is not None:
        problems = "problem" if rules.support_conditions == 1 else "problems"
        found.append(f"People with {rules.support_conditions} or more long-term health {problems}")
    return found


def _rule_to_others(rules: FundingRules) -> list[str]:
    found = []
    if rules.support_from_age is not None:
        found.append(f"Age: whoever turns {rules.support_from_age} this year, or is older")
    if rules.support_to_decile is not None:
        part = "tenth" if rules.support_to_decile == 1 else f"{rules.support_to_decile}\u00a0tenths"
        found.append(f"Deprivation: whoever lives in the most deprived {part} of areas in England")
    if rules.support_capacity:
        found.append("Capacity: whoever lacks capacity to decide on their care")
    if rules.support_conditions is not None:
        found.append(f"Long-term conditions: whoever has {rules.support_conditions} or more")
    return found


def condition_words(name: str) -> str:
    """A condition's name."""
    return CONDITION_WORDS.get(name) or name.replace("_", " ").capitalize()


def within(words: str) -> str:
    """The same words within a sentence: without their capital, unless they begin with letters that stand for words."""
    return words if words[1:2].isupper() else words[:1].lower() + words[1:]


def init_app(app: Flask) -> None:
    """Give the templates the words."""
    app.jinja_env.globals.update(
        ground_words=ground_words, rule_words=rule_words, condition_words=condition_words, rule_decides=RULE_DECIDES
    )
    app.jinja_env.filters["within"] = within
