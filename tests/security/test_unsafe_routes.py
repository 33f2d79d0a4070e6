"""Every route that takes something refuses it from elsewhere, and takes no more than it asks for (rows 16, 18).

Each is tried by somebody whose own thing it is, with the form as its page would send it: only what is tested here
stands in the way.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import pytest
from werkzeug.routing import Rule

from marketplace.records import Base
from marketplace.records.base import seeded_ids
from tests.security.conftest import database_of
from tests.security.market import Market
from tests.security.owners import kind_of
from tests.security.typing_in import filled_in
from tests.security.walk import Visitor, Watch, digests, is_open_to, path_of, rules, text_of, things_of

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
COLUMNS = sorted({column.name for table in Base.metadata.sorted_tables for column in table.columns})
OTHER_SITES = ("cross-site", "same-site")
MOST_TRIED = 8
UNLIKE = frozenset(
    f"{table.name}.{column.name}"
    for table in Base.metadata.sorted_tables
    for column in table.columns
    if column.type.python_type is bytes or column.name in {"password_hash", "code_sha256"}
)
"""Columns that are another each time: ciphertexts with their nonces, hashes of random codes."""


@dataclass(frozen=True)
class Post:
    """Somebody who may send something to a route: who, where, the form filled in, and the names that are asked for."""

    endpoint: str
    visitor: Visitor
    path: str
    form: dict[str, list[str]]
    names: frozenset[str]


@pytest.fixture(scope="module")
def posts(market: Market, visitors: list[Visitor], put_back: Callable[[], None]) -> list[Post]:
    """For every route that takes a POST: somebody's own thing for which it does something now, if there is one."""
    watch, chosen = Watch(market), []
    for rule in rules(market):
        if "POST" in (rule.methods or set()):
            first: Post | None = None
            for post in islice(_candidates(market, visitors, rule), MOST_TRIED):
                first = first or post
                post.visitor.ask("POST", post.path, post.form)
                if watch.changes() - {"record_views"}:
                    put_back()
                    watch.changes()
                    first = post
                    break
            assert first is not None, f"nobody can send anything to {rule.endpoint}"
            chosen.append(first)
    return chosen


def _candidates(market: Market, visitors: list[Visitor], rule: Rule) -> Iterator[Post]:
    """Whoever may come, with whatever is theirs; of pages those that open, with their form filled in."""
    things = things_of(market, rule)
    for visitor in visitors:
        if not is_open_to(market, rule, visitor.account):
            continue
        own = [thing for thing, seen, _ in things if visitor.account.may_see(seen)]
        for thing in own if kind_of(rule) else [None]:
            path = path_of(market, rule, thing)
            if "GET" not in (rule.methods or set()):
                yield Post(rule.endpoint, visitor, path, {}, frozenset())
                continue
            page = visitor.ask("GET", path)
            if page.status_code == 200:
                form, names = filled_in(page.text, path)
                yield Post(rule.endpoint, visitor, path, form, frozenset(names))


@pytest.fixture
def checks_on(market: Market) -> Iterator[None]:
    """The tokens of forms are asked for, as they are when it runs."""
    market.site.app.config["WTF_CSRF_ENABLED"] = True
    yield
    market.site.app.config["WTF_CSRF_ENABLED"] = False


def test_what_comes_from_elsewhere_is_refused_everywhere(
    market: Market, posts: list[Post], checks_on: None, put_back: Callable[[], None]
) -> None:
    """Without the form's token 400; with it, but from another origin or another site, 403; and nothing is changed."""
    watch, taken = Watch(market), 0
    for post in posts:
        assert post.visitor.ask("POST", post.path, post.form).status_code == 400, post.endpoint
        sent, client = {**post.form, "csrf_token": _token(post.visitor)}, post.visitor.client
        for headers in ({"Origin": "https://elsewhere.example"}, *({"Sec-Fetch-Site": site} for site in OTHER_SITES)):
            assert client.post(post.path, data=sent, headers=headers).status_code == 403, (post.endpoint, headers)
        assert not watch.changes(), post.endpoint
        answer = client.post(post.path, data=sent, headers={"Origin": "http://localhost"})
        assert answer.status_code not in (400, 403, 500), (post.endpoint, answer.status_code)
        if watch.changes():
            taken += 1
            put_back()
            watch.changes()
    assert taken >= 45


def _token(visitor: Visitor) -> str:
    """A token for this visitor's forms, from a page that everybody may open."""
    pages = (visitor.ask("GET", path).text for path in ("/how-it-works", "/sign-in"))
    return next(found[1] for page in pages if (found := TOKEN.search(page)))


def test_no_column_is_written_that_a_form_does_not_ask_for(
    market: Market, posts: list[Post], put_back: Callable[[], None]
) -> None:
    """Every column of every table as one more field: refused by name, or without any effect of its own.

    A button's request has no fields; with them it does exactly what it does without. Ids are dealt from one seed, so
    that the two can be compared row by row.
    """
    live, refused = sqlite3.connect(database_of(market)), set()
    untouched = _without_looks(live)
    for post in posts:
        asked = post.names | {name.rpartition("-")[0] for name in post.names}  # a day is asked for in three parts
        unasked = [name for name in COLUMNS if name not in asked]
        plain, _ = _pressed(live, post, {}, put_back)
        changed, page = _pressed(live, post, dict.fromkeys(unasked, "1"), put_back)
        assert changed in (untouched, plain), (post.endpoint, _differing(changed, plain))
        if post.names and changed == untouched and plain != untouched:
            unnamed = [name for name in unasked if f'href="#{name}"' not in page]
            assert not unnamed, (post.endpoint, unnamed)
            refused.add(post.endpoint)
    live.close()
    assert len(refused) >= 25


def _pressed(
    live: sqlite3.Connection, post: Post, more: dict[str, str], put_back: Callable[[], None]
) -> tuple[dict[str, str], str]:
    with seeded_ids(5):
        answer = post.visitor.ask("POST", post.path, {**post.form, **more})
    assert answer.status_code < 500, post.endpoint
    after = _without_looks(live)
    put_back()
    return after, text_of(answer)


def _without_looks(live: sqlite3.Connection) -> dict[str, str]:
    """Every table but the list of who looked at a record: a form that is shown again is one look more."""
    found = digests(live, UNLIKE)
    del found["record_views"]
    return found


def _differing(one: dict[str, str], other: dict[str, str]) -> list[str]:
    return [table for table in one if one[table] != other[table]]
