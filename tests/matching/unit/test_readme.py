"""The README's example runs as it stands, and says what the README says it says."""

import re
from pathlib import Path

import pytest

import matching

README = Path(matching.__file__).with_name("README.md")


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(code, str(README), "exec"), {})  # noqa: S102 - our own README
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("optimal Level(value=3, bound=3")
    assert "kind='budget'" in shown[2]
    assert len(shown) == 5


def test_every_constraint_of_the_formulation_is_in_the_readme() -> None:
    from matching.formulation import RULES

    text = README.read_text(encoding="utf-8")
    assert [rule.__name__ for rule in RULES if f"    {rule.__name__} " not in text] == []
