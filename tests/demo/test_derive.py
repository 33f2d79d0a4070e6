"""The shipped tables: they follow from the sources, add up, and name nobody."""

import csv
import os
from pathlib import Path

import pytest

from marketplace.demo import derive
from marketplace.demo.geography import ZONES, districts, registers, shipped

ROOT = Path(__file__).parents[2]


def source_folder() -> Path:
    shared = Path(os.environ.get("CAREPOOL_SHARED", ROOT.parent / "shared"))
    folder = shared / "data" / "real"
    if not folder.is_dir():
        pytest.skip(f"the source tables are not at hand ({folder}); set CAREPOOL_SHARED")
    return folder


def test_the_shipped_tables_are_what_the_sources_give(tmp_path: Path) -> None:
    derive.derive(source_folder(), tmp_path)
    for name in derive.FILES:
        assert (tmp_path / name).read_bytes() == (derive.DATA / name).read_bytes(), name


def test_no_pseudonym_is_a_real_name() -> None:
    with (source_folder() / "cqc_detailed_regions.csv").open(encoding="utf-8", newline="") as file:
        real = {row["name"].lower() for row in csv.DictReader(file)}
    assert not {row["name"].lower() for row in shipped("provider_sites.csv")} & real


def test_every_register_is_shared_out_to_the_last_person() -> None:
    for total in shipped("register_totals.csv"):
        people = sum(count for (_, condition), count in registers().items() if condition == total["condition"])
        assert people == int(total["people"]), total["condition"]


def test_every_district_lies_in_exactly_one_zone() -> None:
    assert len(districts()) == 29
    assert sorted(name for zone in ZONES.values() for name in zone) == sorted(districts())


@pytest.mark.parametrize(
    ("rating", "grade"),
    [("Outstanding", 4), ("Inadequate", 1), ("Not Rated", 0), ("Inspected but not rated", 0), ("", 0)],
)
def test_what_is_no_rating_has_grade_0(rating: str, grade: int) -> None:
    assert derive.grade_of(rating) == grade


def test_an_unknown_rating_is_an_error_not_a_grade() -> None:
    with pytest.raises(KeyError):
        derive.grade_of("Splendid")


def test_general_practice_and_dentists_are_not_ours() -> None:
    assert derive.kind_of({"category": "Dentists", "service_types": "Dental"}) is None
    assert derive.kind_of({"category": "GP Practices", "service_types": ""}) is None
    assert {row["kind"] for row in shipped("provider_sites.csv")} == {
        "care_home",
        "community_health",
        "home_care",
        "hospital_outpatients",
    }
