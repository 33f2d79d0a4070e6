"""The matching engine: one tender's market in, an outcome with bounds and reasons out.

Values in, values out: no clock, no database, no web. README.md beside this file shows it in twenty lines.
"""

from matching.errors import DocumentError, MarketTooLarge, MatchingError, QuestionError
from matching.market import Bundle, Line, Market, Need, Offer, Pair, Policy, Provider, Tier, read_market
from matching.outcome import (
    Assignment,
    Award,
    Level,
    Outcome,
    Reason,
    Refusal,
    Termination,
    Unmatched,
    read_outcome,
)

__all__ = [
    "Assignment", "Award", "Bundle", "DocumentError", "Level", "Line", "Market", "MarketTooLarge", "MatchingError",
    "Need", "Offer", "Outcome", "Pair", "Policy", "Provider", "QuestionError", "Reason", "Refusal", "Termination",
    "Tier", "Unmatched", "read_market", "read_outcome",
]
