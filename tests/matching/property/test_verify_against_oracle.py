"""The checker and the brute force, written apart, agree on what a right outcome is."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from matching.market import read_market
from matching.verify import verify
from tests.matching import oracle
from tests.matching.property.tiny import tiny_documents


@settings(max_examples=200)
@given(tiny_documents(), st.data())
def test_verify_passes_every_plan_that_keeps_the_rules(document: dict[str, Any], data: st.DataObject) -> None:
    """Any feasible plan, written out to the penny, is without findings."""
    market = read_market(document)
    plans = list(oracle.plans(market))
    plan = data.draw(st.sampled_from(plans))
    assert verify(market, oracle.outcome_document(market, plan)) == []


@settings(max_examples=200)
@given(tiny_documents(), st.data())
def test_verify_refuses_every_plan_that_breaks_a_rule(document: dict[str, Any], data: st.DataObject) -> None:
    """Any other plan of covered pairs, however well written out, has a finding."""
    market = read_market(document)
    plan: dict[str, str | None] = {}
    for need in market.needs:
        covering = [offer.id for offer in market.offers if need.bundle in [line.bundle for line in offer.lines]]
        plan[need.id] = data.draw(st.sampled_from([None, *covering]))
    allowed = all(
        name is None or oracle.pair_is_allowed(market, market.need_by_id[need], market.offer_by_id[name])
        for need, name in plan.items()
    )
    keeps = allowed and oracle.keeps_the_rules(market, plan)
    findings = verify(market, written_out_anyway(market, plan))
    assert keeps == (findings == []), findings


def written_out_anyway(market: Any, plan: dict[str, str | None]) -> dict[str, Any]:
    """The plan as a document; where no fee share is right, one that adds up."""
    try:
        return oracle.outcome_document(market, plan)
    except ZeroDivisionError:
        # Nobody has room for what must be shared: state no plan at all, which is no right outcome either.
        return oracle.outcome_document(market, dict.fromkeys(plan)) | {"market_sha256": "nobody can pay"}
