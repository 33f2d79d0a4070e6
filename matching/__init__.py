"""The matching engine: one tender's market in, an outcome with bounds and reasons out.

Values in, values out: no clock, no database, no web. README.md beside this file shows it in twenty lines.
"""

from matching.errors import DocumentError, MarketTooLarge, MatchingError, QuestionError
from matching.levels import Progress
from matching.market import Bundle, Line, Market, Need, Offer, Pair, Policy, Provider, Tier, read_market
from matching.outcome import Assignment, Award, Level, Outcome, Reason, Refusal, Termination, Unmatched, read_outcome
from matching.solve import DEFAULT_MAX_PAIRS, solve
from matching.verify import Finding, verify

__all__ = [
    "DEFAULT_MAX_PAIRS", "Assignment", "Award", "Bundle", "DocumentError", "Finding", "Level", "Line", "Market",
    "MarketTooLarge", "MatchingError", "Need", "Offer", "Outcome", "Pair", "Policy", "Progress", "Provider",
    "QuestionError", "Reason", "Refusal", "Termination", "Tier", "Unmatched", "read_market", "read_outcome", "solve",
    "verify",
]  # fmt: skip
