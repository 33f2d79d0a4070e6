"""The market that the security tests visit: built once a run; a test that changes it puts it back."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.security.market import Market, build_market
from tests.security.walk import Visitor, accounts


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Two of everything, on SQLite. Forms need no token unless a test says so; tests leave it as they found it."""
    built = build_market(tmp_path_factory.mktemp("market"), WTF_CSRF_ENABLED=False)
    yield built
    built.session.close()
    with built.site.app.app_context():
        built.site.app.extensions["sqlalchemy"].engine.dispose()


@pytest.fixture(scope="session")
def visitors(market: Market) -> list[Visitor]:
    """Everybody's browser, signed in."""
    return [Visitor(market, account) for account in accounts(market)]


@pytest.fixture(scope="session")
def put_back(market: Market, visitors: list[Visitor]) -> Iterator[Callable[[], None]]:
    """Takes the market back to where it was when everybody had signed in."""
    market.session.rollback()
    live = sqlite3.connect(database_of(market))
    kept = sqlite3.connect(":memory:")
    live.backup(kept)

    def back() -> None:
        market.session.rollback()
        kept.backup(live)
        market.session.expire_all()

    yield back
    live.close()
    kept.close()


def database_of(market: Market) -> Path:
    """The file that the market is kept in."""
    return Path(str(market.session.get_bind().engine.url.database))
