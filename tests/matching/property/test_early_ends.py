"""A search that ends early says so, keeps the rules, and its bounds are true."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from matching.market import read_market
from matching.solve import solve
from matching.verify import verify
from tests.matching import oracle
from tests.matching.property.tiny import tiny_documents

Document = dict[str, Any]


@settings(max_examples=60)
@given(tiny_documents(), st.booleans())
def test_an_early_end_is_honest(document: Document, is_cancelled: bool) -> None:
    """A wide gap or a cancel at once: the rules hold all the same, and the optimum lies between value and bound."""
    market = read_market(document)
    best = oracle.best(market)
    if is_cancelled:
        outcome = solve(market, cancelled=lambda: True)
    else:
        outcome = solve(market, gap_permille=300.0, coverage_gap_permille=300.0)
    assert verify(market, outcome) == []
    coverage, cost = outcome.coverage, outcome.effective_cost
    if market.policy.unmatched == "coverage_first":
        assert coverage.value <= best.coverage
        assert coverage.bound is None or best.coverage <= coverage.bound
    if market.policy.unmatched == "reserve" or coverage.value == best.coverage:
        assert cost.value >= best.effective_cost
        assert cost.bound is None or cost.bound <= best.effective_cost
