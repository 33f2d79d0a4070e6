"""Every rule by its public name: an outcome that was right until the market's rule was tightened.

A row says which world, what is changed in its market, every code that must be found (no other), words of one message.
The outcome stays as it was but for the market's hash, so that only the rule speaks.
"""

import pytest

from matching.market import read_market
from matching.verify import verify
from tests.matching.verify.worlds import WORLDS, Change, bands, both, good_outcome, line, member, put, says

N1, O1, PHYSIO = member("needs", "n1"), member("offers", "o1"), member("bundles", "physio")

# world, change of the market, all codes that must be found, what one message says
TIGHTENED: dict[str, tuple[str, Change, set[str], str]] = {
    "capacity": ("county", put(O1, max_units=26), {"capacity"}, "got 27 units; it has at most 26"),
    "line_capacity": ("county", put(line("o1", 0), max_units=14), {"line_capacity"}, "15 units in bundle physio"),
    "provider_capacity": (
        "county",
        put(member("providers", "pr2"), max_units=15),
        {"provider_capacity"},
        "pr2 got 16 units over all its offers; it has at most 15",
    ),
    "minimum_volume": (
        "county",
        put(member("offers", "o2"), min_units=11),
        {"minimum_volume"},
        "in use with 10 units; it asks for at least 11",
    ),
    "line_minimum": ("county", put(line("o1", 1), min_units=13), {"line_minimum"}, "12 units in bundle hydro"),
    "line_minimum of a line that got nothing": (
        "county",
        lambda d: member("offers", "o3")(d)["lines"].append(
            {"bundle": "physio", "min_units": 1, "tiers": bands((0, 4_000))}
        ),
        {"line_minimum"},
        "got 0 units in bundle physio; it asks for 1",
    ),
    "tier_volume, the band begins later": (
        "county",
        lambda d: [each["tiers"][1].update(from_units=28) for each in O1(d)["lines"]],
        {"tier_volume"},
        "which is tier 0; tier 1 is from 28 to below 30",
    ),
    "tier_volume, the next band begins sooner": (
        "county",
        lambda d: [each["tiers"][2].update(from_units=27) for each in O1(d)["lines"]],
        {"tier_volume"},
        "which is tier 2; tier 1 is from 20 to below 27",
    ),
    "provider_count, more": ("county", put(PHYSIO, min_providers=3), {"provider_count"}, "asks for at least 3"),
    "provider_count, fewer": ("county", put(PHYSIO, max_providers=1), {"provider_count"}, "allows at most 1"),
    "provider_share": ("county", put(PHYSIO, max_share_permille=599), {"provider_share"}, "15 of 25 units"),
    "bundle_quality": ("county", put(PHYSIO, target_grade_permille=2601), {"bundle_quality"}, "grade of 2600"),
    "exclusive_offers": (
        "county",
        both(put(member("offers", "o2"), exclusive="x"), put(member("offers", "o3"), exclusive="x")),
        {"exclusive_offers"},
        "of group x at most one offer may be used, not o2, o3",
    ),
    "own_budget": (
        "county",
        put(member("needs", "n5"), budget_pence=23_999),
        {"own_budget", "above_budget", "fee_share", "charge"},
        "n5 costs 24000 pence with offer o1, its budget is 23999",
    ),
    "fee_cover": (
        "county",
        put(member("needs", "n2"), budget_pence=50_299),
        {"fee_cover", "above_budget"},
        "o2 has a fee of 300 pence, those it serves have 299 left",
    ),
    "shared_pool": (
        "club",
        put(member("needs", "n1"), budget_pence=119),
        {"shared_pool", "above_budget"},
        "prices and fees of 320 pence are above the budgets of those served, 319",
    ),
    "own_budget with listed pairs": (
        "listed",
        put(member("needs", "n1"), budget_pence=449),
        {"own_budget", "above_budget"},
        "n1 costs 450 pence",
    ),
    "distance": ("county", put(N1, max_distance_m=4_999), {"eligible"}, "distance (stands: 5000, asked: 4999)"),
    "the offer's own distance": ("county", put(O1, max_distance_m=4_998), {"eligible"}, "asked: 4998"),
    "no distance": (
        "county",
        lambda d: [O1(d).pop(name) for name in ("easting_m", "northing_m")],
        {"eligible", "cost_part", "objective", "refusal"},
        "distance (stands: None, asked: 5000)",
    ),
    "the need's grade": ("county", put(N1, min_grade=4), {"eligible"}, "grade (stands: 3, asked: 4)"),
    "the bundle's grade": ("county", put(PHYSIO, min_grade=3), {"eligible"}, "grade (stands: 2, asked: 3)"),
    "an attribute": ("county", put(N1, requires=["step_free", "tai_chi"]), {"eligible"}, "tai_chi"),
    "excluded": ("county", put(N1, excludes=["pr1"]), {"eligible"}, "n1 may not have offer o1: excluded"),
    "wait": ("county", put(N1, max_wait_days=13), {"eligible"}, "wait (stands: 14, asked: 13)"),
    "no first appointment": (
        "county",
        put(member("needs", "n2"), max_wait_days=90),
        {"eligible"},
        "wait (stands: None, asked: 90)",
    ),
    "keep_provider": (
        "county",
        put(N1, keep_provider=True),
        {"keep_provider"},
        "keep_provider (stands: pr1, asked: pr2)",
    ),
    "priority": ("county", put(N1, priority=3), {"objective"}, "coverage is 8, not 7"),
}


@pytest.mark.parametrize("name", TIGHTENED)
def test_a_rule_that_no_longer_holds_is_caught(name: str) -> None:
    world, change, codes, message = TIGHTENED[name]
    market = WORLDS[world][0]()
    change(market)
    outcome = good_outcome(world) | {"market_sha256": read_market(market).sha256}
    findings = verify(market, outcome)
    assert {finding.code for finding in findings} == codes, findings
    assert says(findings, message), findings
