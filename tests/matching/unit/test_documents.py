"""Documents: what is written is read back the same, and what is wrong is refused with its place and its remedy."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from matching import DocumentError, read_market, read_outcome
from tests.matching.markets import document, line, need, offer, solved

GOOD = document(
    [
        need(
            "n1", easting_m=497_000, northing_m=371_000, max_distance_m=10_000, requires=["step_free"], excludes=["p9"],
            current_provider="p2", max_wait_days=42, weights={"pence_per_km": 45}, reserve_pence=79_060,
        ),
        need("n2"),
    ],
    [offer("o1", (0, 5_200), (300, 4_900), fee_pence=400, grade=3, exclusive="x1", attributes=["step_free"])],
    bundles=[{"id": "b1", "service": "physiotherapy", "max_share_permille": 1000}],
    limits={"p-o1": 4_000},
    pence_per_km=30, seed=7, weight_bounds_permille=[500, 2_000],
)  # fmt: skip


def test_a_market_round_trips() -> None:
    market = read_market(GOOD)
    assert read_market(market.document()) == market
    assert read_market(json.dumps(market.document())) == market
    assert read_market(json.dumps(market.document()).encode()) == market


def test_an_outcome_round_trips() -> None:
    outcome = solved(read_market(GOOD))
    assert read_outcome(outcome.document()) == outcome
    assert read_outcome(json.dumps(outcome.document())) == outcome


def test_the_hash_ignores_order_defaults_and_seed_and_nothing_else() -> None:
    one = read_market(GOOD)
    shuffled = copy.deepcopy(GOOD)
    shuffled["needs"].reverse()
    shuffled["policy"]["seed"] = 8
    shuffled["needs"][0]["priority"] = 1
    assert read_market(shuffled).sha256 == one.sha256
    shuffled["needs"][0]["priority"] = 2
    assert read_market(shuffled).sha256 != one.sha256


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good document with one value set, at a path like needs.0.units."""
    made = copy.deepcopy(GOOD)
    target: Any = made
    *steps, last = path.split(".")
    for step in steps:
        target = target[int(step)] if isinstance(target, list) else target[step]
    target[int(last) if isinstance(target, list) else last] = value
    return made


NO_BANDS: list[dict[str, int]] = []
WRONG = [
    ("formatt", 1, "formatt", "unknown_key"),
    ("format", "market/2", "format", "unknown_choice"),
    ("needs.0.colour", "red", "needs[0].colour", "unknown_key"),
    ("policy.pooling", "everybody", "policy.pooling", "unknown_choice"),
    ("policy.seed", -1, "policy.seed", "too_small"),
    ("policy.weight_bounds_permille", [2_000, 500], "policy.weight_bounds_permille", "bad_bounds"),
    ("bundles.0.id", "b2", "needs[0].bundle", "unknown_reference"),
    ("needs.1.id", "n1", "needs[1].id", "duplicate_id"),
    ("needs.0.bundle", "b9", "needs[0].bundle", "unknown_reference"),
    ("needs.0.bundle", None, "needs[0].bundle", "missing"),
    ("needs.0.units", 0, "needs[0].units", "too_small"),
    ("needs.0.units", 1.0, "needs[0].units", "not_whole"),
    ("needs.0.units", True, "needs[0].units", "not_whole"),
    ("needs.0.units", "10", "needs[0].units", "not_whole"),
    ("needs.0.units", float("nan"), "needs[0].units", "not_whole"),
    ("needs.0.budget_pence", -1, "needs[0].budget_pence", "too_small"),
    ("needs.0.budget_pence", 10**30, "needs[0].budget_pence", "too_large"),
    ("needs.0.northing_m", None, "needs[0].northing_m", "half_a_place"),
    ("needs.0.requires", ["a", "a"], "needs[0].requires", "duplicate"),
    ("needs.0.requires", "step_free", "needs[0].requires", "wrong_type"),
    ("needs.0.keep_provider", 1, "needs[0].keep_provider", "wrong_type"),
    ("needs.1.keep_provider", True, "needs[1].keep_provider", "nobody_to_keep"),
    ("needs.0.weights", {"pence_per_km": 61}, "needs[0].weights.pence_per_km", "weight_out_of_bounds"),
    ("needs.0.id", "", "needs[0].id", "empty_text"),
    ("needs.0.id", "n\n1", "needs[0].id", "bad_text"),
    ("needs.0", [], "needs[0]", "wrong_type"),
    ("needs", {}, "needs", "wrong_type"),
    ("offers.0.provider", "p7", "offers[0].provider", "unknown_reference"),
    ("offers.0.fee_pence", -5, "offers[0].fee_pence", "too_small"),
    ("offers.0.lines", [], "offers[0].lines", "empty_list"),
    ("offers.0.lines.0.bundle", "b9", "offers[0].lines[0].bundle", "unknown_reference"),
    ("offers.0.lines.0.tiers", NO_BANDS, "offers[0].lines[0].tiers", "bad_bands"),
    ("offers.0.lines.0.tiers.1.from_units", 0, "offers[0].lines[0].tiers", "bad_bands"),
    ("offers.0.lines.0.tiers.0.from_units", 5, "offers[0].lines[0].tiers", "bad_bands"),
    ("offers.0.lines.0.tiers.0.price_pence", -1, "offers[0].lines[0].tiers[0].price_pence", "too_small"),
    ("policy.unmatched", "reserve", "needs[1].reserve_pence", "missing"),
    ("pairs", [{"need": "n9", "offer": "o1"}], "pairs[0].need", "unknown_reference"),
    ("pairs", [{"need": "n1", "offer": "o9"}], "pairs[0].offer", "unknown_reference"),
    ("pairs", [{"need": "n1", "offer": "o1"}] * 2, "pairs[1]", "duplicate"),
]


@pytest.mark.parametrize(("path", "value", "place", "code"), WRONG)
def test_a_wrong_document_is_refused_with_its_place(path: str, value: Any, place: str, code: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_market(changed(path, value))
    assert (caught.value.place, caught.value.code) == (place, code)
    assert caught.value.message


def test_all_lines_of_an_offer_have_the_same_bands() -> None:
    lines = [line("b1", (0, 5), (9, 4)), line("b2", (0, 5), (8, 4))]
    made = document([need("n1")], [offer("o1", lines=lines)], bundles=[{"id": "b1"}, {"id": "b2"}])
    with pytest.raises(DocumentError, match="bands are of the offer's total"):
        read_market(made)


def test_an_exclusive_group_belongs_to_one_provider() -> None:
    with pytest.raises(DocumentError) as caught:
        read_market(document([need("n1")], [offer("o1", exclusive="x"), offer("o2", exclusive="x")]))
    assert caught.value.place == "offers[1].exclusive"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"{", "not_json"),
        (b"[]", "wrong_type"),
        (b"\xff\xfe", "not_utf8"),
        (b'{"format": NaN}', "not_a_number"),
        (b'{"format": 1, "format": 2}', "duplicate_key"),
        (b'{"format": ' + b"9" * 5_000 + b"}", "not_json"),
        (b"[" * 100_000, "not_json"),
    ],
)
def test_what_is_no_document_is_refused(text: bytes, code: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_market(text)
    assert caught.value.code == code


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        read_market(tmp_path / "nowhere.json")
    assert caught.value.code == "unreadable_file"


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("termination", "fine", "termination"),
        ("objective.coverage.value", 1.5, "objective.coverage.value"),
        ("objective.coverage.gap_permille", -1, "objective.coverage.gap_permille"),
        ("assignments.0.charge_pence", "x", "assignments[0].charge_pence"),
        ("assignments.0.extra", 1, "assignments[0].extra"),
    ],
)
def test_a_wrong_outcome_is_refused_with_its_place(path: str, value: Any, place: str) -> None:
    made: Any = solved(read_market(GOOD)).document()
    target = made
    *steps, last = path.split(".")
    for step in steps:
        target = target[int(step)] if isinstance(target, list) else target[step]
    target[last] = value
    with pytest.raises(DocumentError) as caught:
        read_outcome(made)
    assert caught.value.place == place
