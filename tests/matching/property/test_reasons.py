"""Why a need is unmatched, held against every plan that there is: nobody is told a reason that is not theirs."""

from typing import Any

from hypothesis import given, settings

from matching.market import read_market
from matching.outcome import Reason
from matching.solve import solve
from tests.matching import oracle
from tests.matching.property.tiny import tiny_documents

CHOICES = {Reason.NOT_CHOSEN, Reason.RESERVE_CHEAPER}


@settings(max_examples=120)
@given(tiny_documents())
def test_a_reason_is_true_of_all_plans(document: dict[str, Any]) -> None:
    """Unaffordable, no eligible offer: no plan serves the need. Rules in conflict: none serves anybody of its bundle.

    And where no plan serves anybody of a bundle, nobody of it is told that others were chosen.
    """
    market = read_market(document)
    plans = list(oracle.plans(market))
    can_be_served = {need.id for need in market.needs if any(plan[need.id] for plan in plans)}
    alive = {market.need_by_id[name].bundle for name in can_be_served}
    for entry in solve(market).unmatched:
        bundle = market.need_by_id[entry.need].bundle
        if entry.reason in CHOICES:
            assert bundle in alive, entry
        else:
            assert entry.need not in can_be_served, entry
        if entry.reason is Reason.RULES_IN_CONFLICT:
            assert bundle not in alive, entry
            assert entry.rules
