"""The site that web tests visit without a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.site import Site, build_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A small world with accounts; forms need no token here (tests/web/test_security.py tests the tokens)."""
    made = build_site(tmp_path, WTF_CSRF_ENABLED=False)
    yield made
    made.world.session.close()
    with made.app.app_context():
        made.app.extensions["sqlalchemy"].engine.dispose()
