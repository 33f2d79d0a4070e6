"""The command line: what it writes, where, and with which exit code."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from matching.__main__ import main
from tests.matching.markets import THREE, document, offer

MARKET = document(THREE, [offer("o1", (0, 4_000), max_units=20), offer("o2", (0, 7_000))])
SHARED = document(THREE, [offer("o1", (0, 4_000)), offer("o2")], bundles=[{"id": "b1", "max_share_permille": 667}])


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A market's file and where its outcome goes."""
    market = tmp_path / "market.json"
    market.write_text(json.dumps(MARKET))
    return str(market), str(tmp_path / "outcome.json")


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "matching", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def test_solve_then_verify(files: tuple[str, str]) -> None:
    market, outcome = files
    assert main(["solve", market, "-o", outcome]) == 0
    assert main(["verify", market, outcome]) == 0
    written = json.loads(Path(outcome).read_text())
    assert set(written["seconds"]) == {"read", "build", "solve", "verify"}


def test_the_document_alone_goes_to_standard_output(files: tuple[str, str]) -> None:
    made = run("solve", "-", stdin=json.dumps(MARKET))
    assert made.returncode == 0
    assert json.loads(made.stdout)["format"] == "outcome/1"
    assert "verified" in made.stderr


def test_a_spoilt_outcome_does_not_pass(files: tuple[str, str]) -> None:
    market, outcome = files
    main(["solve", market, "-o", outcome])
    spoilt: Any = json.loads(Path(outcome).read_text())
    spoilt["assignments"][0]["charge_pence"] -= 1
    Path(outcome).write_text(json.dumps(spoilt))
    assert main(["verify", market, outcome]) == 3


INTERRUPTED = """
import os, signal, sys
import matching.__main__ as command_line
show = command_line._Bar.show
def show_and_interrupt(bar, event):
    show(bar, event)
    os.kill(os.getpid(), signal.SIGINT)
command_line._Bar.show = show_and_interrupt
sys.exit(command_line.main(sys.argv[1:]))
"""
"""The command line, interrupted from the first progress event on."""

BAD = [
    ({**MARKET, "colour": 1}, "colour: is not a key"),
    ({**MARKET, "needs": [{**THREE[0], "bundle": "b9"}]}, "needs[0].bundle: names 'b9'"),
    ({**MARKET, "needs": [THREE[0], THREE[0]]}, "needs[1].id: 'n1' is taken"),
    ({**MARKET, "offers": [offer("o1", (0, -1))]}, "offers[0].lines[0].tiers[0].price_pence: must be between 0"),
    ({**MARKET, "offers": [offer("o1", (0, 1), (0, 2))]}, "offers[0].lines[0].tiers: bands must start at 0"),
]


@pytest.mark.parametrize(("bad", "told"), BAD)
def test_bad_input_names_file_and_place(
    bad: dict[str, Any], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(bad))
    assert main(["solve", str(path)]) == 2
    assert f"{path}: {told}" in capsys.readouterr().err


def test_a_missing_file_and_a_folder_that_is_none(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", "nowhere.json"]) == 2
    assert main(["solve", files[0], "-o", "nowhere/outcome.json"]) == 2
    assert "cannot write" in capsys.readouterr().err
    assert main(["solve", files[0], "--max-pairs", "1"]) == 2
    assert main(["solve", files[0], "--workers", "0"]) == 2


def test_an_unknown_command_exits_with_2() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["guess"])
    assert caught.value.code == 2


def test_explain_shows_the_alternatives(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    market, outcome = files
    main(["solve", market, "-o", outcome])
    left = json.loads(Path(outcome).read_text())["unmatched"][0]["need"]
    assert main(["explain", market, outcome, left]) == 0
    shown = capsys.readouterr().out
    assert "capacity: 30 against 20" in shown
    assert "own_budget: £700.00 against £600.00" in shown
    assert main(["explain", market, outcome, "o2"]) == 0
    assert "price lower by" in capsys.readouterr().out
    assert main(["explain", market, outcome, "n9"]) == 2


def test_scenario_shows_the_price_of_every_side_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    market, outcome, scenario = (tmp_path / f"{name}.json" for name in ("market", "outcome", "scenario"))
    market.write_text(json.dumps(SHARED))
    main(["solve", str(market), "-o", str(outcome)])
    assert main(["scenario", str(market), str(outcome)]) == 0
    assert "-£100.00" in capsys.readouterr().out
    scenario.write_text(json.dumps({"format": "scenario/1", "name": "alone", "without_offers": ["o2"]}))
    assert main(["scenario", str(market), str(outcome), str(scenario)]) == 0
    assert "alone" in capsys.readouterr().out


def test_rematch_writes_an_outcome_that_verifies(files: tuple[str, str], tmp_path: Path) -> None:
    market, outcome = files
    main(["solve", market, "-o", outcome])
    matched = json.loads(Path(outcome).read_text())["assignments"][0]["need"]
    after, revised = str(tmp_path / "after.json"), str(tmp_path / "revised.json")
    arguments = ["rematch", market, outcome, "--left", matched, "-o", after, "--market-output", revised]
    assert main(arguments) == 0
    assert main(["verify", revised, after]) == 0


def test_an_interrupt_hands_over_the_best_outcome_found(tmp_path: Path) -> None:
    """Optimality to the penny would take long; the interrupt comes with the first sign of life."""
    made, outcome = str(tmp_path / "made.json"), str(tmp_path / "outcome.json")
    main(["generate", "--needs-per-bundle", "500", "--seed", "6", "-o", made])
    command = [sys.executable, "-c", INTERRUPTED, "solve", made, "-o", outcome]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    assert json.loads(Path(outcome).read_text())["termination"] == "cancelled"
    assert main(["verify", made, outcome]) == 0


def test_generate_makes_a_market_that_solves(tmp_path: Path) -> None:
    made = str(tmp_path / "made.json")
    assert main(["generate", "--needs-per-bundle", "8", "--offers-per-bundle", "2", "-o", made]) == 0
    assert main(["solve", made, "-o", str(tmp_path / "outcome.json")]) == 0
    assert main(["generate", "--bundles", "0"]) == 2


def test_help_tells_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    for command in ("solve", "verify", "explain", "scenario", "rematch", "generate", "convert", "Exit codes"):
        assert command in shown
