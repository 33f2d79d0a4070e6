"""The engine finds the optima that the literature has published, proves them, and the checker agrees.

Single-source capacitated facility location (Holmberg, Ronnqvist, Yuan 1999; OR-Library), uncapacitated facility
location (OR-Library cap), p-median (OR-Library pmed) and capacitated p-median: `convert` says how each is a market.
"""

from fractions import Fraction
from pathlib import Path

import pytest

from matching.convert import convert
from matching.outcome import Termination
from matching.solve import solve
from matching.verify import verify

INSTANCES = {
    "sscflp": ["p1", "p5", "p9", "p13", "p17", "orlib_p1", "orlib_p5", "orlib_p9", "orlib_p13"],
    "ufl": ["cap71", "cap72", "cap73", "cap74", "cap101", "cap102", "cap103", "cap104"],
    "pmedian": ["pmed1", "pmed2", "pmedcap01"],
}


@pytest.fixture(scope="session")
def optima(benchmarks: Path) -> dict[tuple[str, str], str]:
    """The published optimum of each instance, as printed."""
    rows = [line.split("\t") for line in (benchmarks / "OPTIMA.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    return {(folder, name): optimum for folder, name, optimum in rows}


def test_every_published_instance_is_tested(optima: dict[tuple[str, str], str]) -> None:
    assert set(optima) == {(folder, name) for folder, names in INSTANCES.items() for name in names}


@pytest.mark.parametrize(("folder", "name"), [(folder, name) for folder, names in INSTANCES.items() for name in names])
def test_the_published_optimum_is_found_and_proven(
    benchmarks: Path, optima: dict[tuple[str, str], str], folder: str, name: str
) -> None:
    path = benchmarks / folder / name
    kind = "pmedcap" if name.startswith("pmedcap") else folder
    converted = convert(kind, path if path.exists() else path.with_suffix(".txt"))
    market = converted.market
    outcome = solve(market)
    assert verify(market, outcome) == []
    assert outcome.termination is Termination.OPTIMAL
    assert outcome.coverage.value == len(market.needs)
    found = Fraction(outcome.effective_cost.value, converted.scale)
    assert abs(found - Fraction(optima[folder, name])) <= half_of_the_last_place(optima[folder, name])


def half_of_the_last_place(printed: str) -> Fraction:
    """How far a printed optimum may be off: 796648.44 stands for 796648.4375; a whole number stands for itself."""
    _, _, decimals = printed.partition(".")
    return Fraction(1, 2 * 10 ** len(decimals)) if decimals else Fraction(0)
