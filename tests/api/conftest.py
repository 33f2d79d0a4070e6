"""The site whose API is asked: on SQLite, or (`both`) on SQLite and PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.site import Site, build_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A small world on SQLite."""
    made = build_site(tmp_path)
    yield made
    close(made)


@pytest.fixture
def both(tmp_path: Path, database_url: str) -> Iterator[Site]:
    """The same, on either database."""
    made = build_site(tmp_path, DATABASE_URL=database_url)
    yield made
    close(made)


def close(site: Site) -> None:
    """Let go of the database."""
    site.world.session.close()
    with site.app.app_context():
        site.app.extensions["sqlalchemy"].engine.dispose()
