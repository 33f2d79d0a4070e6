"""Published formats become the markets they describe, exactly; a file of another kind is refused with its line."""

from pathlib import Path

import pytest

from matching.convert import Converted, convert
from matching.errors import DocumentError

SSCFLP = """2 3
10 400
8.0 500.5
4 3
2
1 2 3
4.25 5 6
"""


def converted(tmp_path: Path, kind: str, text: str) -> Converted:
    """A text as a file, converted."""
    path = tmp_path / "instance.txt"
    path.write_text(text, encoding="utf-8")
    return convert(kind, path)


def prices(result: Converted) -> dict[tuple[str, str], int | None]:
    """The listed prices by offer and need."""
    return {(pair.offer, pair.need): pair.price_pence for pair in result.market.pairs or ()}


def test_facilities_are_offers_and_customers_needs(tmp_path: Path) -> None:
    result = converted(tmp_path, "sscflp", SSCFLP)
    assert result.scale == 4
    assert [need.units for need in result.market.needs] == [4, 3, 2]
    assert [(offer.max_units, offer.fee_pence) for offer in result.market.offers] == [(10, 1_600), (8, 2_002)]
    assert prices(result) == {
        ("f1", "c1"): 4,
        ("f1", "c2"): 8,
        ("f1", "c3"): 12,
        ("f2", "c1"): 17,
        ("f2", "c2"): 20,
        ("f2", "c3"): 24,
    }


def test_no_budget_and_no_fee_cover_ever_binds(tmp_path: Path) -> None:
    """Each need alone could pay its dearest offer together with the highest fee."""
    result = converted(tmp_path, "sscflp", SSCFLP)
    highest_fee = max(offer.fee_pence for offer in result.market.offers)
    for (_, name), price_pence in prices(result).items():
        assert price_pence is not None
        assert result.market.need_by_id[name].budget_pence >= price_pence + highest_fee


def test_every_facility_is_a_provider_of_its_own(tmp_path: Path) -> None:
    result = converted(tmp_path, "sscflp", SSCFLP)
    assert len({offer.provider for offer in result.market.offers}) == 2


def test_an_uncapacitated_file_lists_costs_by_customer_and_ignores_capacity(tmp_path: Path) -> None:
    result = converted(tmp_path, "ufl", " 2 3\n capacity 7500.\n capacity 0.\n 5\n 1 2.5\n 6 3 4\n 7 5 6\n")
    assert result.scale == 2
    assert [need.units for need in result.market.needs] == [5, 6, 7]
    assert [(offer.max_units, offer.fee_pence) for offer in result.market.offers] == [(None, 15_000), (None, 0)]
    assert [prices(result)["f2", customer] for customer in ("c1", "c2", "c3")] == [5, 8, 12]


def test_a_median_is_as_far_as_the_shortest_path_and_the_last_edge_wins(tmp_path: Path) -> None:
    """1-2 is 9 and then 4, 2-3 costs nothing, 1-3 is a detour; 4 cannot be reached."""
    result = converted(tmp_path, "pmedian", "4 4 2\n1 2 9\n2 1 4\n2 3 0\n1 3 7\n")
    found = prices(result)
    assert found["f1", "c3"] == found["f3", "c1"] == 4
    assert found["f2", "c3"] == 0
    assert found["f4", "c4"] == 0
    assert ("f4", "c1") not in found
    assert result.market.bundles[0].max_providers == 2
    assert all(offer.fee_pence == 0 for offer in result.market.offers)


def test_a_capacitated_median_is_as_far_as_the_crow_flies_rounded_down(tmp_path: Path) -> None:
    result = converted(tmp_path, "pmedcap", "1 713\n3 2 120\n1 0 0 3\n2 3 4 14\n3 1 1 1\n")
    found = prices(result)
    assert (found["f1", "c2"], found["f1", "c3"], found["f2", "c2"]) == (5, 1, 0)
    assert [offer.max_units for offer in result.market.offers] == [120, 120, 120]
    assert [need.units for need in result.market.needs] == [3, 14, 1]


def test_a_set_cover_is_packages_for_a_fee(tmp_path: Path) -> None:
    """Rows 1 and 2; column 1 covers both, column 2 the second, column 3 nothing."""
    result = converted(tmp_path, "setcover", "2 3\n5 2 9\n1\n1\n2\n1 2\n")
    assert [(offer.fee_pence, [line.bundle for line in offer.lines]) for offer in result.market.offers] == [
        (5, ["row1", "row2"]),
        (2, ["row2"]),
    ]
    assert result.market.pairs is None
    assert len(result.market.needs) == len(result.market.bundles) == 2


@pytest.mark.parametrize(("cost", "scale"), [("7.", 1), ("7.00", 1), ("0.125", 8), ("70.10", 10), ("0.0375", 80)])
def test_the_scale_is_the_least_that_makes_all_whole(tmp_path: Path, cost: str, scale: int) -> None:
    assert converted(tmp_path, "sscflp", f"1 1\n5 {cost}\n5\n3\n").scale == scale


REFUSED = {
    "it ends too soon": ("sscflp", "1 2\n5 5\n5 5\n3\n", "too_short", 4, "ends where a cost"),
    "an empty file": ("sscflp", "", "too_short", 1, "the number of facilities"),
    "it goes on": ("sscflp", SSCFLP + "\n9\n", "too_long", 9, "'9' comes after"),
    "a word": ("sscflp", "1 1\n5 x\n5\n3\n", "not_a_number", 2, "a fixed cost should be a number"),
    "below nothing": ("sscflp", "1 1\n5 -4\n5\n3\n", "not_a_number", 2, "not '-4'"),
    "half a demand": ("sscflp", "1 1\n5 4\n5.5\n3\n", "not_whole", 3, "a demand should be a whole number"),
    "no demand": ("ufl", "1 1\n5 4\n0\n3\n", "out_of_range", 3, "at least 1"),
    "a vertex that is not there": ("pmedian", "2 1 1\n1 3 5\n", "out_of_range", 2, "between 1 and 2"),
    "more medians than vertices": ("pmedian", "2 0 3\n", "out_of_range", 1, "the number of medians"),
    "a column that is not there": ("setcover", "1 2\n1 1\n1\n3\n", "out_of_range", 4, "a column"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_of_another_kind_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    kind, text, code, number, message = REFUSED[name]
    with pytest.raises(DocumentError, match=message) as refused:
        converted(tmp_path, kind, text)
    assert refused.value.code == code
    assert refused.value.place == f"instance.txt line {number}"
    assert refused.value.facts["line"] == number


def test_a_kind_that_nobody_knows_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="sscflp, ufl, pmedian, pmedcap, setcover"):
        convert("knapsack", tmp_path / "none")
    with pytest.raises(DocumentError, match="cannot be read"):
        convert("ufl", tmp_path / "none")
    (tmp_path / "picture").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DocumentError, match="not a text file"):
        convert("ufl", tmp_path / "picture")
