"""Where the published instances are: outside the repository, because their authors' files are not ours to copy."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def benchmarks() -> Path:
    """The folder of published instances, named by CAREPOOL_SHARED or beside the repository."""
    beside = Path(__file__).resolve().parents[3].parent / "shared"
    folder = Path(os.environ.get("CAREPOOL_SHARED", beside)) / "data" / "benchmarks"
    if not (folder / "OPTIMA.tsv").is_file():
        pytest.skip(f"the published instances are not here: no OPTIMA.tsv in {folder}; set CAREPOOL_SHARED")
    return folder
