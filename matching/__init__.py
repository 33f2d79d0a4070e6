"""The matching engine: one tender's market in, an outcome with bounds and reasons out.

Values in, values out: no clock, no database, no web. README.md beside this file shows it in twenty lines.
"""

from matching.changes import Change
from matching.eligibility import refusals_of
from matching.errors import DocumentError, MarketTooLarge, MatchingError, QuestionError
from matching.explain import (
    Alternative,
    NeedExplanation,
    OfferExplanation,
    explain,
    explain_need,
    explain_needs,
    explain_offer,
)
from matching.levels import Progress
from matching.market import Bundle, Line, Market, Need, Offer, Pair, Policy, Provider, Tier, read_market
from matching.outcome import Assignment, Award, Level, Outcome, Reason, Refusal, Termination, Unmatched, read_outcome
from matching.rematch import Rematch, rematch
from matching.scenario import Comparison, Scenario, compare, price_of_rules, read_scenario, stated_rules
from matching.solve import DEFAULT_MAX_PAIRS, solve
from matching.verify import Finding, verify

__all__ = [
    "DEFAULT_MAX_PAIRS", "Alternative", "Assignment", "Award", "Bundle", "Change", "Comparison", "DocumentError",
    "Finding", "Level", "Line", "Market", "MarketTooLarge", "MatchingError", "Need", "NeedExplanation", "Offer",
    "OfferExplanation", "Outcome", "Pair", "Policy", "Progress", "Provider", "QuestionError", "Reason", "Refusal",
    "Rematch", "Scenario", "Termination", "Tier", "Unmatched", "compare", "explain", "explain_need", "explain_needs",
    "explain_offer", "price_of_rules", "read_market", "read_outcome", "read_scenario", "refusals_of", "rematch",
    "solve", "stated_rules", "verify",
]  # fmt: skip
