"""`verify` passes what is right, in every form; the pennies of a fee and of a pool by hand."""

import copy
import json
import re
from pathlib import Path

import pytest

from matching.errors import DocumentError
from matching.market import read_market
from matching.outcome import read_outcome
from matching.verify import verify
from tests.matching import oracle
from tests.matching.verify.worlds import CLUB_PLAN, WORLDS, bands, club, county, good_outcome, refuse, row_of, says


@pytest.mark.parametrize("world", WORLDS)
def test_a_good_outcome_has_no_findings(world: str) -> None:
    assert verify(WORLDS[world][0](), good_outcome(world)) == []


def test_every_form_of_market_and_outcome_is_read(tmp_path: Path) -> None:
    market, outcome = county(), good_outcome("county")
    outcome["assignments"][0]["charge_pence"] += 1
    texts = json.dumps(market), json.dumps(outcome)
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.json").write_text(text, encoding="utf-8")
    forms = [
        (read_market(market), read_outcome(outcome)),
        (market, outcome),
        texts,
        tuple(text.encode() for text in texts),
        (tmp_path / "0.json", tmp_path / "1.json"),
    ]
    found = [verify(*form) for form in forms]
    assert {finding.code for finding in found[0]} == {"charge", "charges_sum"}
    assert all(findings == found[0] for findings in found)


def test_a_document_that_cannot_be_read_is_refused_with_its_place() -> None:
    outcome = good_outcome("county")
    outcome["awards"][0]["colour"] = "blue"
    with pytest.raises(DocumentError) as refused:
        verify(county(), outcome)
    assert refused.value.place == "awards[0].colour"


def test_the_fee_by_hand() -> None:
    """900 pence over 27 units; n5 has 100 pence left for its 200, the 100 go round again by units.

    800 pence over 21 units: 380.95, 190.48, 228.57; the two pennies that the floors leave go to .95 and .57.
    """
    shares = {
        row["need"]: row["fee_share_pence"] for row in good_outcome("county")["assignments"] if row["offer"] == "o1"
    }
    assert shares == {"n1": 381, "n3": 190, "n4": 229, "n5": 100}


def test_the_pool_by_hand() -> None:
    """Bills of 107, 107, 106: n3 pays its 60, the 46 it lacks are carried 63 to 33 by the room that is left.

    46 x 63 / 96 = 30.19 and 46 x 33 / 96 = 15.81: 30 and 16.
    """
    rows = {row["need"]: row for row in good_outcome("club")["assignments"]}
    assert {need: row["fee_share_pence"] for need, row in rows.items()} == {"n1": 7, "n2": 7, "n3": 6}
    assert {need: row["pool_pence"] for need, row in rows.items()} == {"n1": 30, "n2": 16, "n3": -46}
    assert {need: row["charge_pence"] for need, row in rows.items()} == {"n1": 137, "n2": 123, "n3": 60}


def test_an_outcome_that_says_nobody_is_served() -> None:
    """Proven, it is nothing_matched; called optimal or left open, it is found."""
    outcome = oracle.outcome_document(read_market(club()), dict.fromkeys(CLUB_PLAN))
    assert outcome["termination"] == "nothing_matched"
    assert verify(club(), outcome) == []
    assert says(verify(club(), outcome | {"termination": "optimal"}), "this is called nothing_matched")
    still_open = copy.deepcopy(outcome)
    still_open["objective"]["coverage"] |= {"bound": 3, "gap_permille": 3000.0}
    assert says(verify(club(), still_open), "open is: coverage")


@pytest.mark.parametrize("stated", [142.857142857142847, 142.857, 142.8574])
def test_a_gap_may_be_rounded_for_the_reader(stated: float) -> None:
    outcome = good_outcome("county") | {"termination": "within_gap"}
    outcome["objective"]["coverage"] |= {"bound": 8, "gap_permille": stated}
    assert verify(county(), outcome) == []


def test_findings_carry_their_figures() -> None:
    outcome = good_outcome("county")
    row_of(outcome, "n2")["charge_pence"] += 1
    finding = next(each for each in verify(county(), outcome) if each.code == "charge")
    assert finding.place == "assignments[1].charge_pence"
    assert finding.facts == {"need": "n2", "offer": "o2", "stated": 50_301, "recomputed": 50_300}
    assert re.fullmatch(r"charge at assignments\[1\]\.charge_pence: .*50300, not 50301", str(finding))


@pytest.mark.parametrize("price", [16_400, 16_000, 15_600])
def test_a_true_price_refuses_truly(price: int) -> None:
    """At any tier of the offer; the budget is the limit."""
    outcome = good_outcome("county")
    refuse(0, offer="o1", rule="own_budget", value=price, limit=10_000)(outcome)
    assert verify(county(), outcome) == []
    refuse(0, offer="o1", rule="own_budget", value=price, limit=9_999)(outcome)
    assert [finding.code for finding in verify(county(), outcome)] == ["refusal"]


def test_a_pool_may_take_all_the_room_there_is() -> None:
    """Bills of 320 pence against budgets of 320: everybody pays all they have, and a moved penny is still seen."""
    market = club()
    market["needs"][0]["budget_pence"] = 120
    outcome = oracle.outcome_document(read_market(market), CLUB_PLAN)
    assert [row["charge_pence"] for row in outcome["assignments"]] == [120, 140, 60]
    assert verify(market, outcome) == []
    row_of(outcome, "n1")["charge_pence"] -= 1
    assert {finding.code for finding in verify(market, outcome)} == {"charge", "charges_sum"}


ALONE = {
    "all limits just met": ({}, {}, 4, True),
    "too few for the offer": ({"min_units": 5}, {}, 4, False),
    "too many for the offer": ({"max_units": 3}, {}, 4, False),
    "too many for the line": ({}, {"max_units": 3}, 4, False),
    "the other line wants some too": ({}, {"min_units": 1}, 4, False),
    "the cheap band begins later": ({}, {}, 5, False),
}


@pytest.mark.parametrize("name", ALONE)
def test_unaffordable_is_untrue_only_where_the_need_could_be_served_alone(name: str) -> None:
    """Four units at 100 from `start` units on, 300 before; a budget of 400."""
    of_offer, of_line, start, is_untrue = ALONE[name]
    tiers = bands((0, 300), (start, 100))
    own = {"bundle": "b", "min_units": 4, "max_units": 4, "tiers": tiers}
    other = {"bundle": "c", "tiers": tiers}
    if "max_units" in of_line:
        own |= of_line
    else:
        other |= of_line
    market = {
        "format": "market/1",
        "bundles": [{"id": "b"}, {"id": "c"}],
        "needs": [{"id": "n", "bundle": "b", "units": 4, "budget_pence": 400}],
        "providers": [{"id": "p"}],
        "offers": [{"id": "o", "provider": "p", "min_units": 4, "max_units": 4, **of_offer, "lines": [other, own]}],
    }
    outcome = oracle.outcome_document(read_market(market), {"n": None})
    outcome["unmatched"][0]["reason"] = "unaffordable"
    assert [finding.code for finding in verify(market, outcome)] == ["reason"] * is_untrue
