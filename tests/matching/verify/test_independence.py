"""The worth of a second opinion is that it is one: the checker and the brute force share only the documents."""

import ast
from pathlib import Path

import matching

DOCUMENTS = {"matching.errors", "matching.reading", "matching.market", "matching.outcome"}
PACKAGE = Path(matching.__file__).parent


def imports_of(path: Path) -> set[str]:
    """The modules that a file imports, by their full name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "full names only"
            found.add(node.module or "")
    return found


def test_the_checker_imports_documents_and_itself() -> None:
    files = sorted(PACKAGE.glob("verify*.py"))
    assert len(files) >= 5
    itself = {f"matching.{path.stem}" for path in files}
    for path in files:
        ours = {name for name in imports_of(path) if name.startswith("matching")}
        assert ours <= DOCUMENTS | itself, path.name


def test_the_documents_import_nothing_but_documents() -> None:
    for name in DOCUMENTS:
        ours = {each for each in imports_of(PACKAGE / f"{name.split('.')[1]}.py") if each.startswith("matching")}
        assert ours <= DOCUMENTS, name


def test_the_brute_force_imports_documents_alone() -> None:
    ours = {name for name in imports_of(Path(__file__).parents[1] / "oracle.py") if name.startswith("matching")}
    assert ours <= DOCUMENTS


def test_the_reference_solver_imports_nothing_of_ours() -> None:
    found = imports_of(Path(__file__).parents[1] / "property" / "reference_highs.py")
    assert not any(name.startswith(("matching", "ortools")) for name in found)
