"""`verify` passes what is right and names what is wrong: a table of ways to spoil a good outcome.

A row says which world, what is changed in its outcome, every code that must be found (no other), words of one message.
"""

import pytest

from matching.verify import verify
from tests.matching.verify.worlds import (
    WORLDS,
    Change,
    add,
    award,
    both,
    drop,
    good_outcome,
    itself,
    level,
    put,
    refuse,
    row,
    says,
    twice,
    unmatched,
)

COVERAGE, COST = level("coverage"), level("effective_cost")
NOT_CHOSEN = {"reason": "not_chosen", "refusals": []}

# world, change of the outcome, all codes that must be found, what one message says
SPOILT: dict[str, tuple[str, Change, set[str], str]] = {
    # is it about this market
    "another market": ("county", put(itself, market_sha256="0" * 64), {"market_hash"}, "of another market"),
    "another seed": ("county", put(itself, seed=8), {"seed"}, "seed is 7, not 8"),
    "a weight": (
        "county",
        put(lambda d: d["policy"], pence_per_km=29),
        {"policy"},
        "published policy says 30, not 29",
    ),
    "a rule of the policy left out": (
        "county",
        lambda d: d["policy"].pop("pooling"),
        {"policy"},
        "own_budget, not None",
    ),
    "a rule nobody published": ("county", put(lambda d: d["policy"], favour="o1"), {"policy"}, "says None, not o1"),
    "the policy's own seed": ("county", put(lambda d: d["policy"], seed=9), {"policy"}, "says 7, not 9"),
    "another pooling rule": (
        "club",
        put(lambda d: d["policy"], pooling="own_budget"),
        {"policy"},
        "shared_pool, not own_budget",
    ),
    # every penny of a pair
    "price": ("county", add(row("n1"), price_pence=1), {"price"}, "price is 49000 pence, not 49001"),
    "price at another tier": ("county", put(row("n3"), price_pence=26_000), {"price"}, "price is 24500 pence"),
    "quality": ("county", add(row("n1"), quality_pence=-1), {"cost_part"}, "quality is 100 pence, not 99"),
    "travel by the policy's weight": (
        "county",
        put(row("n1"), travel_pence=1_500),
        {"cost_part"},
        "travel is 2250 pence, not 1500",
    ),
    "change": ("county", put(row("n1"), change_pence=0), {"cost_part"}, "change is 500 pence, not 0"),
    "change of who stays": ("county", put(row("n3"), change_pence=500), {"cost_part"}, "change is 0 pence, not 500"),
    "wait": ("county", put(row("n2"), wait_pence=70), {"cost_part"}, "wait is 0 pence, not 70"),
    "extra": ("county", put(row("n2"), extra_pence=-5), {"cost_part"}, "extra is 0 pence, not -5"),
    "the pair's price": ("listed", put(row("n1"), price_pence=200), {"price"}, "price is 450 pence, not 200"),
    "the pair's extra": ("listed", put(row("n1"), extra_pence=0), {"cost_part"}, "extra is -30 pence, not 0"),
    # what everybody pays
    "a penny of the fee moved": (
        "county",
        both(add(row("n1"), fee_share_pence=-1, charge_pence=-1), add(row("n3"), fee_share_pence=1, charge_pence=1)),
        {"fee_share", "charge"},
        "fee_share_pence is 381, not 380",
    ),
    "a fee that takes all the room there is": (
        "county",
        add(row("n2"), fee_share_pence=-1),
        {"fee_share"},
        "fee_share_pence is 300, not 299",
    ),
    "the cap forgotten": (
        "county",
        both(add(row("n5"), fee_share_pence=100, charge_pence=100), add(row("n1"), fee_share_pence=-100)),
        {"fee_share", "charge", "above_budget", "charges_sum"},
        "charged 24200 pence, its budget is 24100",
    ),
    "a penny too much": (
        "county",
        add(row("n3"), charge_pence=1),
        {"charge", "charges_sum"},
        "charge_pence is 24690, not 24691",
    ),
    "a charge below nothing": (
        "county",
        put(row("n2"), charge_pence=-1),
        {"charge", "charges_sum"},
        "charged -1 pence, below nothing",
    ),
    "a pool where nobody agreed to one": (
        "county",
        both(add(row("n1"), pool_pence=50, charge_pence=50), add(row("n3"), pool_pence=-50, charge_pence=-50)),
        {"pool", "charge"},
        "pool_pence is 0, not 50",
    ),
    "a penny of the pool moved": (
        "club",
        both(add(row("n1"), pool_pence=-1, charge_pence=-1), add(row("n2"), pool_pence=1, charge_pence=1)),
        {"pool", "charge"},
        "pool_pence is 30, not 29",
    ),
    "a pool that keeps a penny": (
        "club",
        add(row("n2"), pool_pence=1, charge_pence=1),
        {"pool", "charge", "charges_sum"},
        "gifts and takings differ by 1",
    ),
    "the odd penny of a pooled fee moved": (
        "club",
        both(add(row("n1"), fee_share_pence=-1), add(row("n3"), fee_share_pence=1)),
        {"fee_share"},
        "fee_share_pence is 7, not 6",
    ),
    "above the budget in a pool": (
        "club",
        both(add(row("n3"), pool_pence=1, charge_pence=1), add(row("n1"), pool_pence=-1, charge_pence=-1)),
        {"pool", "charge", "above_budget"},
        "charged 61 pence, its budget is 60",
    ),
    # awards and who is served
    "units of an award": ("county", add(award("o1"), units=1), {"award"}, "units 27 by its assignments, not 28"),
    "needs of an award": ("county", add(award("o1"), needs=-1), {"award"}, "needs 4 by its assignments, not 3"),
    "fee of an award": ("county", put(award("o2"), fee_pence=0), {"award"}, "fee_pence 300"),
    "spend of an award": ("county", add(award("o1"), spend_pence=9), {"award", "charges_sum"}, "spend_pence 122400"),
    "tier of an award": (
        "county",
        put(award("o1"), tier=0),
        {"tier_volume", "used_offer"},
        "got 27 units, which is tier 1; tier 0 is from 0 to below 20",
    ),
    "the last tier, not reached": (
        "county",
        put(award("o1"), tier=2),
        {"tier_volume", "used_offer"},
        "got 27 units, which is tier 1; tier 2 is from 30 on",
    ),
    "a tier that is not there": (
        "county",
        put(award("o2"), tier=1),
        {"one_tier", "used_offer"},
        "offer o2 has no tier 1",
    ),
    "an assignment at a tier that is not there": (
        "county",
        put(row("n2"), tier=1),
        {"one_tier", "award", "minimum_volume", "fee_cover", "provider_count", "provider_share", "objective"},
        "offer o2 has no tier 1",
    ),
    "an assignment at another tier": (
        "county",
        put(row("n4"), tier=0, price_pence=24_600),
        {"used_offer", "award", "charge", "objective"},
        "is used at tier 1; need n4 has it at tier 0",
    ),
    "no award": (
        "county",
        drop("awards", "offer", "o2"),
        {"used_offer", "charges_sum"},
        "serves 1 needs and has no award",
    ),
    "an award twice": (
        "county",
        twice("awards", "offer", "o3", tier=0),
        {"one_tier", "charges_sum"},
        "o3 is awarded a second time",
    ),
    "an award that serves nobody": (
        "county",
        twice("awards", "offer", "o3", offer="o4", units=0, needs=0, fee_pence=1, spend_pence=1),
        {"minimum_volume", "charges_sum", "objective", "fee_cover"},
        "in use with 0 units; it asks for at least 1",
    ),
    "an award to nobody known": (
        "county",
        twice("awards", "offer", "o3", offer="o9", spend_pence=0),
        {"unknown"},
        "there is no offer o9",
    ),
    "a need served twice": (
        "county",
        twice("assignments", "need", "n4", offer="o3"),
        {"one_provider", "charges_sum"},
        "n4 has offer o1 already",
    ),
    "a need forgotten": (
        "county",
        drop("unmatched", "need", "n6"),
        {"every_need"},
        "n6 is neither assigned nor unmatched",
    ),
    "a need told twice": ("county", twice("unmatched", "need", "n6"), {"every_need"}, "n6 stands in unmatched already"),
    "a need served and unmatched": (
        "county",
        twice("unmatched", "need", "n6", need="n4"),
        {"every_need"},
        "n4 stands in assignments already",
    ),
    "an unmatched need nobody knows": (
        "county",
        twice("unmatched", "need", "n6", need="n0"),
        {"unknown"},
        "there is no need n0",
    ),
    "a served need nobody knows": (
        "county",
        twice("assignments", "need", "n8", need="n0", charge_pence=0),
        {"unknown"},
        "there is no need n0",
    ),
    "an offer nobody knows": (
        "county",
        put(row("n2"), offer="o9"),
        {"unknown", "award", "minimum_volume", "fee_cover", "provider_count", "provider_share", "objective"},
        "there is no offer o9",
    ),
    "an offer for another bundle": (
        "county",
        put(row("n2"), offer="o3"),
        {"eligible", "award", "minimum_volume", "fee_cover", "provider_count", "provider_share", "objective"},
        "offer o3 has no line for bundle physio",
    ),
    "a pair that is not listed": (
        "listed",
        both(drop("unmatched", "need", "n3"), twice("assignments", "need", "n2", need="n3")),
        {"eligible", "award", "objective", "charges_sum"},
        "n3 may not have offer o: pairs",
    ),
    # why the unmatched are unmatched
    "a refusal that is none": (
        "county",
        refuse(1, offer="o1", rule="grade", value=3, limit=4),
        {"refusal"},
        "o1 does not refuse need n7 by grade",
    ),
    "a refusal's figure": (
        "county",
        refuse(1, offer="o1", rule="distance", value=5_001, limit=4_000),
        {"refusal"},
        "distance (stands: 5001, asked: 4000)",
    ),
    "a refusal's limit": (
        "county",
        refuse(1, offer="o1", rule="distance", value=5_000, limit=4_999),
        {"refusal"},
        "asked: 4999",
    ),
    "a refusal of nobody": (
        "county",
        refuse(1, offer="o9", rule="distance", value=5_000, limit=4_000),
        {"unknown"},
        "there is no offer o9",
    ),
    "a price that does not refuse": (
        "county",
        refuse(0, offer="o4", rule="own_budget", value=10_000, limit=10_000),
        {"refusal"},
        "by own_budget",
    ),
    "refused by all, it is said": ("county", put(unmatched(0), reason="no_eligible_offer"), {"reason"}, "is eligible"),
    "refused by all, not said": ("county", put(unmatched(1), **NOT_CHOSEN), {"reason"}, "no offer is eligible"),
    "unaffordable in a pool": (
        "club",
        both(
            drop("assignments", "need", "n3"),
            lambda d: d["unmatched"].append({"need": "n3", "reason": "unaffordable"}),
        ),
        {"reason", "award", "fee_share", "charge", "pool", "charges_sum", "objective"},
        "under a shared pool a single budget refuses nothing",
    ),
    "unaffordable, with an offer in use at that price": (
        "reserve",
        put(unmatched(0), reason="unaffordable"),
        {"reason"},
        "offer o is in use at 100 pence, the budget is 100",
    ),
    "unaffordable, with an offer that it could have alone": (
        "county",
        put(unmatched(0), reason="unaffordable"),
        {"reason"},
        "offer o4 would serve it alone at 10000 pence, the budget is 10000",
    ),
    "unaffordable, at a tier that is not there": (
        "reserve",
        both(put(award("o"), tier=1), put(unmatched(0), reason="unaffordable")),
        {"reason", "one_tier", "used_offer"},
        "offer o would serve it alone at 100 pence",
    ),
    "a price of an offer for another bundle": (
        "county",
        refuse(0, offer="o2", rule="own_budget", value=20_000, limit=10_000),
        {"refusal"},
        "o2 does not refuse need n6 by own_budget",
    ),
    "a conflict without rules": (
        "county",
        put(unmatched(0), reason="rules_in_conflict"),
        {"reason"},
        "rules in conflict, and none is named",
    ),
    "a conflict of rules that are none": (
        "county",
        put(unmatched(0), reason="rules_in_conflict", rules=["capacity", "taste"]),
        {"reason"},
        "there is no rule taste",
    ),
    "a conflict where others are served": (
        "county",
        put(unmatched(0), reason="rules_in_conflict", rules=["provider_count"]),
        {"reason"},
        "need n4 of the same bundle is served",
    ),
    "a reserve under another policy": (
        "county",
        put(unmatched(0), reason="reserve_cheaper"),
        {"reason"},
        "no reserve is weighed",
    ),
    "a search that nothing stopped": (
        "county",
        put(unmatched(0), reason="search_stopped"),
        {"reason"},
        "nothing stopped the search: it ended as optimal",
    ),
    # the objective and how sure it is
    "coverage": ("county", add(COVERAGE, value=1, bound=1), {"objective"}, "coverage is 7, not 8"),
    "cost": ("county", add(COST, value=-1, bound=-1), {"objective"}, "effective_cost is "),
    "cost without the reserves": ("reserve", add(COST, value=-50, bound=-50), {"objective"}, "is 150, not 100"),
    "a coverage bound below": (
        "county",
        put(COVERAGE, bound=6, gap_permille=1000 / 7),
        {"bound", "termination"},
        "the value 7 is better than its bound 6",
    ),
    "a cost bound above": (
        "county",
        both(add(COST, bound=1), put(COST, gap_permille=1000 / 205_600)),
        {"bound", "termination"},
        "which therefore is none",
    ),
    "a gap smaller than it is": (
        "county",
        both(put(COVERAGE, bound=8, gap_permille=100.0), put(itself, termination="within_gap")),
        {"gap"},
        "gap between 7 and 8 is 142.857 per mille, not 100.0",
    ),
    "a gap rounded to nothing": (
        "county",
        both(add(COST, bound=-1), put(itself, termination="within_gap")),
        {"gap"},
        "per mille, not 0.0",
    ),
    "a bound without its gap": ("county", put(COVERAGE, gap_permille=None), {"gap"}, "is 0.000 per mille, not None"),
    "a gap without a bound": (
        "county",
        both(put(COST, bound=None), put(itself, termination="limit_reached")),
        {"gap"},
        "no gap without a bound",
    ),
    "a certified bound without certificate": (
        "county",
        put(COVERAGE, certified_bound=7),
        {"certified_bound"},
        "no certificate",
    ),
    "a coverage bound with reserves": (
        "reserve",
        put(COVERAGE, bound=1, gap_permille=0.0),
        {"bound"},
        "coverage is not an objective",
    ),
    # why it ended
    "optimal with an open gap": (
        "county",
        put(COVERAGE, bound=8, gap_permille=1000 / 7),
        {"termination"},
        "both gaps to be 0, but not so: coverage",
    ),
    "optimal without a bound": (
        "county",
        put(COST, bound=None, gap_permille=None),
        {"termination"},
        "not so: effective_cost",
    ),
    "optimal with reserves and an open gap": (
        "reserve",
        put(COST, bound=149, gap_permille=1000 / 150),
        {"termination"},
        "not so: effective_cost",
    ),
    "nothing matched, but somebody is": (
        "county",
        put(itself, termination="nothing_matched"),
        {"termination"},
        "nothing_matched, but 6 needs are served",
    ),
    "within a gap of nothing": ("county", put(itself, termination="within_gap"), {"termination"}, "called optimal"),
    "within a gap that nobody knows": (
        "county",
        both(put(COST, bound=None, gap_permille=None), put(itself, termination="within_gap")),
        {"termination"},
        "there is none of effective_cost",
    ),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_outcome_is_caught(name: str) -> None:
    world, change, codes, message = SPOILT[name]
    outcome = good_outcome(world)
    change(outcome)
    findings = verify(WORLDS[world][0](), outcome)
    assert {finding.code for finding in findings} == codes, findings
    assert says(findings, message), findings
