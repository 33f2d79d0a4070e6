"""Whoever knows a password alone reaches nothing where there is a second step (row 29).

Generated over all routes: somebody halfway in is told exactly what is told to somebody who is not signed in at all,
on every page but the three that ask for the code. That a code is taken once, and by its own account alone, is tried
here on pages and in `tests/journey/test_second_steps.py` on both databases, by several at once.
"""

import re
from collections.abc import Callable, Iterator

import pytest

from tests.security.market import WITH_SECOND_STEP, Market
from tests.security.owners import Account
from tests.security.walk import HALFWAY, NOBODYS_ID, Visitor, Watch, path_of, rules, text_of, things_of

THE_WAY_IN = {"second_steps.give_code", "second_steps.give_recovery_code", "second_steps.set_up_first"}
ENDS_IT = {"account.sign_out"}
TOKENS = re.compile(r'name="(?:csrf_token|request_id)" value="[^"]*"')


@pytest.fixture(autouse=True)
def as_it_was(put_back: Callable[[], None]) -> Iterator[None]:
    """Another half of a sign-in sends the other visitors' halves back: the market is left as it was found."""
    yield
    put_back()


@pytest.mark.parametrize("email", HALFWAY)
def test_somebody_halfway_in_reaches_nothing(market: Market, email: str) -> None:
    """The account's own things, by reading and by sending: told as to nobody, and no row is changed."""
    market.session.rollback()
    nobody, halfway = Visitor(market, Account(None)), Visitor(market, Account(None, halfway=email))
    user = next(user for user in market.users() if user.email == email)
    owner = Account(user.email, user.role, user.party_id, user.id)
    watch, asked, let_in = Watch(market), 0, set()
    for rule in rules(market):
        own = [thing for thing, seen, _ in things_of(market, rule) if owner.may_see(seen)]
        path = path_of(market, rule, own[0] if own else NOBODYS_ID)
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            if rule.endpoint in ENDS_IT:
                continue
            told, theirs = nobody.ask(method, path), halfway.ask(method, path)
            if (told.status_code, told.location) != (theirs.status_code, theirs.location):
                let_in.add(rule.endpoint)
                continue
            assert TOKENS.sub("", text_of(told)) == TOKENS.sub("", text_of(theirs)), (method, path)
            asked += theirs.status_code == 302 and theirs.location.startswith("/sign-in")
            assert not watch.changes(), (method, path)
    assert let_in == THE_WAY_IN
    assert asked > 200


@pytest.mark.parametrize("email", HALFWAY)
def test_half_a_sign_in_is_not_taken_for_a_whole_one(market: Market, email: str) -> None:
    """Its token in the place of a sign-in's, and a sign-in's in its place, open nothing."""
    halfway = Visitor(market, Account(None, halfway=email))
    with halfway.client.session_transaction() as cookie:
        token = cookie.pop("half_way")
        cookie["sign_in"] = token
    assert halfway.client.get("/account").status_code == 302
    with halfway.client.session_transaction() as cookie:
        cookie["half_way"] = market.site.token(email)
    assert halfway.client.get("/sign-in/code").location == "/sign-in"
    program = market.site.app.test_client().get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert program.status_code == 401


def test_the_same_code_twice_is_refused(market: Market) -> None:
    """Seen over somebody's shoulder, or read on the way, a code is worth nothing once it was taken."""
    email = WITH_SECOND_STEP[0]
    for page, code in (
        ("code", market.apps[email].code(market.site.world.now)),
        ("recovery-code", market.apps[email].recovery_codes[0]),
    ):
        owner, thief = (Visitor(market, Account(None, halfway=email)) for _ in range(2))
        assert owner.ask("POST", f"/sign-in/{page}", {"code": code}).location == "/home"
        assert thief.ask("POST", f"/sign-in/{page}", {"code": code}).status_code == 422
        assert thief.client.get("/account").status_code == 302


def test_a_code_of_another_account_is_refused(market: Market) -> None:
    """Whoever has an app of their own and somebody else's password gets nowhere with the two."""
    victim, attacker = WITH_SECOND_STEP
    app = market.apps[attacker]
    halfway = Visitor(market, Account(None, halfway=victim))
    for page, code in (("code", app.code(market.site.world.now)), ("recovery-code", app.recovery_codes[0])):
        assert halfway.ask("POST", f"/sign-in/{page}", {"code": code}).status_code == 422
        assert halfway.client.get("/account").status_code == 302
