"""The `carepool` command, as somebody at a terminal uses it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from marketplace.cli import main
from marketplace.records import append_only, audit
from marketplace.records.database import configure_engine, writing
from marketplace.rules.permissions import SYSTEM
from tests.thief import take_guards_off


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, monday) -> CliRunner:
    """A terminal with a database of its own, in which three things have happened."""
    monkeypatch.setenv("CAREPOOL_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("CAREPOOL_DATABASE_URL", f"sqlite:///{tmp_path / 'carepool.sqlite'}")
    runner = CliRunner()
    assert runner.invoke(main, ["database", "upgrade"]).exit_code == 0
    with database(tmp_path) as session, writing(session):
        for number in range(3):
            audit.append(session, monday, SYSTEM, "test.happened", f"thing-{number}")
    return runner


def database(folder: Path) -> Session:
    """A session on the terminal's database."""
    return Session(configure_engine(create_engine(f"sqlite:///{folder / 'carepool.sqlite'}")))


def test_a_head_that_was_kept_shows_a_cut_tail(terminal: CliRunner, tmp_path: Path) -> None:
    """`audit head` prints it, `audit verify --head` compares: the chain alone holds, the kept head does not."""
    kept = tmp_path / "head.json"
    printed = terminal.invoke(main, ["audit", "head"]).output
    assert json.loads(printed)["number"] == 3
    kept.write_text(printed)
    held = terminal.invoke(main, ["audit", "verify", "--head", str(kept)])
    assert (held.exit_code, held.output) == (0, "The chain holds.\n")
    with database(tmp_path) as session, writing(session):
        take_guards_off(session, "audit_events")
        session.connection().exec_driver_sql("DELETE FROM audit_events WHERE number = 3")
    assert terminal.invoke(main, ["audit", "verify"]).exit_code == 0
    cut = terminal.invoke(main, ["audit", "verify", "--head", str(kept)])
    assert (cut.exit_code, cut.output) == (3, "Event 3: cut_off\n")


@pytest.mark.parametrize("content", ["not json", "[1]", "{}"])
def test_a_file_that_is_no_head_is_refused(terminal: CliRunner, tmp_path: Path, content: str) -> None:
    """Whatever the file holds, it is never taken for a head of ours."""
    file = tmp_path / "head.json"
    file.write_text(content)
    told = terminal.invoke(main, ["audit", "verify", "--head", str(file)])
    assert told.exit_code in (1, 3)
    assert not told.exception or isinstance(told.exception, SystemExit)


def test_check_names_a_table_without_its_guards(terminal: CliRunner, tmp_path: Path) -> None:
    """`carepool check` finds it, `carepool database upgrade` mends it."""
    assert terminal.invoke(main, ["check"]).exit_code == 0
    with database(tmp_path) as session, writing(session):
        take_guards_off(session, "transfers")
    told = terminal.invoke(main, ["check"])
    assert told.exit_code == 3
    assert "The table transfers accepts changes" in told.output
    terminal.invoke(main, ["database", "upgrade"])
    assert terminal.invoke(main, ["check"]).exit_code == 0
    with database(tmp_path) as session:
        assert append_only.unguarded(session.connection()) == []
