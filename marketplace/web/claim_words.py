"""The claims' codes in plain words, for the pages of figures: `init_app` gives `claim_words` to the templates."""

from collections.abc import Mapping

from flask import Flask

from marketplace.queries.words import words

CLAIM_WORDS: Mapping[str, str] = {
    # what stood in the way of a match
    "price": "The price was too high",
    "distance": "The provider was too far away",
    "wait": "The wait was too long",
    "quality": "The quality rating was too low",
    "needs": "No offer had something the person needs",
    "room": "There was no room left, or others fitted better",
    "no_offer": "No provider made an offer",
    # what a refusal speaks of
    "travel": "The journey",
    "time": "Times or waiting",
    "present_provider": "Staying with somebody they know",
    "provider": "The provider",
    "other": "Something else",
    "none_given": "No reason given",
    # fifths of areas by deprivation
    "fifth-1": "Most deprived fifth of areas",
    "fifth-2": "Second fifth",
    "fifth-3": "Middle fifth",
    "fifth-4": "Fourth fifth",
    "fifth-5": "Least deprived fifth of areas",
    "fifth-unknown": "Not known",
    # extra support, concentration, thirds by price
    "support-yes": "With extra support",
    "support-no": "Without extra support",
    "spread-few": "In few hands",
    "spread-some": "In several hands",
    "spread-many": "In many hands",
    "third-lowest": "Lowest third by price",
    "third-middle": "Middle third by price",
    "third-highest": "Highest third by price",
    # what published findings say of buying for many
    "for": "Cheaper",
    "unclear": "Unclear",
    "against": "Dearer",
    "copd": "COPD (lung disease)",
}
SIDE_COLOURS = {"for": "green", "unclear": "grey", "against": "orange"}


def claim_words(code: str) -> str:
    """A claim's code in words."""
    return CLAIM_WORDS.get(code) or words(code)


def init_app(app: Flask) -> None:
    """Give the templates the words."""
    app.jinja_env.filters["claim_words"] = claim_words
    app.jinja_env.globals["claim_words"] = claim_words
    app.jinja_env.globals["side_colours"] = SIDE_COLOURS
