"""The house keeps its rules: who imports whom, what stands at the top level, how large a room may be."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOP_LEVEL = {
    "marketplace", "matching", "tests", "config", "wsgi.py", "pyproject.toml", "README.md", "Makefile", "LICENSE",
}  # fmt: skip


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listed.splitlines()]


def test_the_house_is_walked_downwards() -> None:
    """The import contracts of pyproject.toml hold."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_else_at_the_top() -> None:
    """Four folders, the files the user named, a Makefile, a licence, and dot-files."""
    top = {path.parts[0] for path in tracked_files()}
    assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL


@pytest.mark.parametrize("folder", ["marketplace", "matching"])
def test_no_room_is_a_hall(folder: str) -> None:
    """No module grows beyond 500 lines."""
    long = {
        str(path): lines
        for path in tracked_files()
        if path.parts[0] == folder and path.suffix == ".py" and "migrations" not in path.parts
        for lines in [len((ROOT / path).read_text().splitlines())]
        if lines > 500
    }
    assert not long


def test_the_map_leads_to_real_steps() -> None:
    """Every step on the journey's map is a function that is there."""
    import importlib

    from marketplace.journey import STEPS

    for step in STEPS:
        module, function = step.function.split(".")
        assert callable(getattr(importlib.import_module(f"marketplace.journey.{module}"), function)), step.function


def test_steps_do_not_commit() -> None:
    """Only `writing` ends a transaction; a hidden commit in a helper would cut a step in two."""
    for path in (ROOT / "marketplace").rglob("*.py"):
        if path.name != "database.py":
            assert ".commit()" not in path.read_text(), path
