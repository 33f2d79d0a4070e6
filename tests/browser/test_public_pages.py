"""What a passer-by meets: start, how it works, open tenders, signing in, and a page that is not there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from marketplace import create_app
from marketplace.records import Base

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(serve: Callable[[Flask], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A site on which nothing has happened yet."""
    folder = tmp_path_factory.mktemp("site")
    app = create_app({"VAR_DIR": str(folder), "DATABASE_URL": f"sqlite:///{folder}/carepool.sqlite"})
    with app.app_context():
        Base.metadata.create_all(app.extensions["sqlalchemy"].engine)
    return serve(app)


def test_the_first_pages(visit: Callable[[str], Any], address: str, pictures: Path) -> None:
    window = visit(address)
    window.go("/").look("start")
    window.go("/how-it-works").look("how-it-works")
    window.go("/tenders").look("tenders-none")
    window.go("/sign-in").look("sign-in")
    window.go("/no-such-page").look("not-found", status=404)


def test_a_wrong_password_is_told_and_the_address_kept(visit: Callable[[str], Any], address: str) -> None:
    window = visit(address)
    window.go("/sign-in").press("Sign in").look("sign-in-empty", status=422)
    assert "Enter your e-mail address" in window.text
    window.sign_in("nobody@example.test", "not the password")
    window.look("sign-in-wrong", status=422)
    assert window.page.get_by_label("E-mail address").input_value() == "nobody@example.test"
