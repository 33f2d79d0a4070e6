"""A cookie opens nothing once its sign-in has ended, whoever kept it; a browser gives it to nobody else (row 17)."""

from pathlib import Path

import pytest

from marketplace.journey import users
from marketplace.records.database import writing
from marketplace.rules.permissions import Actor, Role
from tests.security.market import Market, build_market
from tests.web.site import PASSWORD, build_site

HOMES = {
    Role.PATIENT: "/patient/",
    Role.REPRESENTATIVE: "/representative/",
    Role.BROKER: "/broker/",
    Role.PROVIDER: "/provider/",
    Role.COMMISSIONER: "/commissioner/",
    Role.HOLDER: "/holder/",
}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Market:
    """A market of this module's own: accounts are closed in it."""
    return build_market(tmp_path_factory.mktemp("cookies"), WTF_CSRF_ENABLED=False)


@pytest.mark.parametrize("role", HOMES)
def test_a_kept_cookie_opens_nothing_after_the_sign_out(own: Market, role: Role) -> None:
    """Signed out in one browser, the sign-in is over in the database: the copy is nobody's, and sends nothing."""
    email = next(user.email for user in own.users() if user.role is role)
    client, home = own.site.client(email), HOMES[role]
    kept = client.get_cookie("carepool")
    assert kept is not None
    assert client.get(home).status_code == 200
    assert client.post("/sign-out").status_code == 302
    _opens_nothing(own, kept.value, home)


@pytest.mark.parametrize("role", HOMES)
def test_a_kept_cookie_opens_nothing_once_the_account_is_closed(own: Market, role: Role) -> None:
    """Nor after the account is open again: whoever it belongs to signs in anew."""
    user = next(user for user in own.users() if user.role is role)
    closing = next(
        other for other in own.users() if other.role is Role.COMMISSIONER and other.party_id == user.commissioner_id
    ) if user.commissioner_id else next(other for other in own.users() if other.role is Role.COMMISSIONER)  # fmt: skip
    actor = Actor("a-colleague", Role.COMMISSIONER, closing.party_id)
    client, home, user_id = own.site.client(user.email), HOMES[role], user.id
    kept = client.get_cookie("carepool")
    assert kept is not None
    assert client.get(home).status_code == 200
    own.session.rollback()
    with writing(own.session):
        users.close(own.session, own.site.world.now, actor, user_id)
    _opens_nothing(own, kept.value, home)
    with writing(own.session):
        users.reopen(own.session, own.site.world.now, actor, user_id)
    _opens_nothing(own, kept.value, home)


def _opens_nothing(own: Market, cookie: str, home: str) -> None:
    thief = own.site.app.test_client()
    for method in ("GET", "POST"):
        thief.set_cookie("carepool", cookie)
        answer = thief.open(home if method == "GET" else "/patient/easy-read", method=method)
        assert (answer.status_code, answer.location.partition("?")[0]) == (302, "/sign-in")


def test_in_production_the_cookie_is_for_this_host_and_for_pages_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`__Host-` holds a browser to TLS and to this host alone; no script reads it and no other site sends it."""
    monkeypatch.setenv("CAREPOOL_ENV", "production")
    monkeypatch.setenv("CAREPOOL_TRUSTED_HOSTS", '["localhost"]')
    site = build_site(tmp_path, patients=3, WTF_CSRF_ENABLED=False)
    answer = site.client().post(
        "/sign-in", data={"email": "p1@example.test", "password": PASSWORD}, base_url="https://localhost"
    )
    assert (answer.status_code, answer.location) == (302, "/home")
    (cookie,) = answer.headers.getlist("Set-Cookie")
    name, *rest = (part.strip() for part in cookie.split(";"))
    assert name.startswith("__Host-carepool=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(rest)
    assert not any(part.lower().startswith("domain") for part in rest)
    assert answer.headers["Strict-Transport-Security"]
