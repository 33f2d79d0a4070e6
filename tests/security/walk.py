"""Everybody opens every page there is, and tries every thing that is not theirs; `walk` notes what they were told.

First everybody's own pages are read, with the lists' files (public ones by one account of each role). Then, for every
route that names a thing, accounts to which a thing does not belong try to read it and to send something about it, empty
and as its own form would be filled in: of each role one or more of each side, each with one thing of every side and
state. Pages of another role are tried by one account of each role.
"""

import hashlib
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from marketplace.journey.accounts import sign_in, try_password
from marketplace.records import Base
from marketplace.records.database import writing
from marketplace.records.people import Authority
from marketplace.rules.permissions import Role
from marketplace.web.access import access_of
from tests.security.market import Market
from tests.security.owners import OTHER_ARGUMENTS, Account, Kind, Seen, kind_of
from tests.security.typing_in import filled_in
from tests.web.site import PASSWORD

NOBODYS_ID = "0" * 16
PATIENTS = ("awarded-1",)
"""The patients who try what is others', one a side."""
HALFWAY = ("broker@example.test", "funder@example.test")
"""Accounts of which somebody knows the password alone: one has a second step, the other must set one up."""
SETS_UP = "near@example.test"
_TOKENS = re.compile(r'name="(?:csrf_token|request_id|rows)" value="[^"]*"')
MAY_CHANGE = {"sign_ins"}
"""Tables that any visit may write to: when somebody was last seen."""


@dataclass(frozen=True)
class Told:
    """What an account was told about one thing: `alike` is the answer without what names the thing."""

    account: str
    endpoint: str
    method: str
    thing: str | None
    status: int
    alike: str
    changed: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.account} {self.method} {self.endpoint} {self.thing}: {self.status} {sorted(self.changed)}"


@dataclass(frozen=True)
class Attempt:
    """One try at a thing: the route, how, where, and what is sent."""

    endpoint: str
    method: str
    path: str
    thing: str | None = None
    data: dict[str, Any] | None = None


@dataclass
class Walk:
    """What everybody read (`own`), and what they were told of things that are not theirs (`foreign`)."""

    own: list[Told] = field(default_factory=list)
    foreign: list[tuple[Told, Told]] = field(default_factory=list)
    """Each with what the same account is told of an id that does not exist."""
    shut: list[Told] = field(default_factory=list)
    """Pages of another role."""
    texts: list[tuple[str, str, str]] = field(default_factory=list)
    """Every text that was read: the account, the address, the text (files too)."""


class Visitor:
    """One account's browser; each request starts from the cookie of the sign-in."""

    def __init__(self, market: Market, account: Account) -> None:
        self.account = account
        self.name = account.email or "nobody"
        self.client: FlaskClient = market.site.client(account.email)
        if account.acts_for:
            self.name += " acting"
            assert self.client.post(f"/representative/act-for/{account.acts_for}").status_code == 302
        if account.sets_up:
            answer = self.client.post("/account/second-step/begin", data={"password": PASSWORD})
            assert answer.location == "/account/second-step/app"
        if account.halfway:
            self.name = f"{account.halfway} halfway"
            with self.client.session_transaction() as cookie:
                cookie["half_way"] = halfway(market, account.halfway)
        kept = self.client.get_cookie("carepool")
        self._cookie = kept.value if kept else None

    def ask(self, method: str, path: str, data: dict[str, Any] | None = None) -> TestResponse:
        """One request, as if it were the first one after signing in."""
        if self._cookie is not None:
            self.client.set_cookie("carepool", self._cookie)
        else:
            self.client.delete_cookie("carepool")
        return self.client.open(path, method=method, data=data)


def halfway(market: Market, email: str) -> str:
    """Half a sign-in of an account whose role must have a second step: its password was typed."""
    market.session.rollback()
    tried = try_password(market.session, email, PASSWORD)
    with writing(market.session):
        signed_in = sign_in(market.session, market.site.world.now, tried, must_have=frozenset(Role))
    assert signed_in.waits_for is not None
    return signed_in.token


class Watch:
    """Looks from outside whether anything in the database (SQLite) was changed, and in which tables."""

    def __init__(self, market: Market) -> None:
        self._connection = sqlite3.connect(str(market.session.get_bind().url.database))  # type: ignore[union-attr]
        self._version, self._digests = -1, {}
        self.changes()

    def changes(self) -> frozenset[str]:
        """The tables that were changed since it was asked last."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return frozenset()
        before, self._version, self._digests = self._digests, version, digests(self._connection)
        return frozenset(table for table, digest in self._digests.items() if before.get(table) != digest)


def digests(connection: sqlite3.Connection, without: frozenset[str] = frozenset()) -> dict[str, str]:
    """A hash of each table's rows, leaving out columns named ``table.column``."""
    found = {}
    for table in Base.metadata.sorted_tables:
        if table.name not in MAY_CHANGE:
            columns = ", ".join(c.name for c in table.columns if f"{table.name}.{c.name}" not in without)
            rows = connection.execute(f"SELECT {columns} FROM {table.name} ORDER BY 1, 2").fetchall()  # noqa: S608
            found[table.name] = hashlib.sha256(repr(rows).encode()).hexdigest()
    return found


def accounts(market: Market) -> list[Account]:
    """Everybody, a representative also in a patient's place, and somebody who is not signed in."""
    everybody = [Account(None), *(Account(None, halfway=email) for email in HALFWAY)]
    for user in market.users():
        everybody.append(Account(user.email, user.role, user.party_id, user.id))
        authority = market.session.scalar(select(Authority).where(Authority.representative_id == user.id))
        if authority is not None:
            everybody.append(Account(user.email, user.role, user.party_id, user.id, authority.patient_id))
        if user.email == SETS_UP:
            everybody.append(Account(user.email, user.role, user.party_id, user.id, sets_up=True))
    return everybody


def rules(market: Market) -> list[Rule]:
    """Every route but the style files'."""
    return [rule for rule in market.site.app.url_map.iter_rules() if rule.endpoint != "static"]


def is_open_to(market: Market, rule: Rule, account: Account) -> bool:
    """Whether the route is for somebody of this role at all."""
    access = access_of(market.site.app.view_functions[rule.endpoint])
    assert access is not None
    return not access.roles or bool(access.roles & account.roles)


def path_of(market: Market, rule: Rule, thing: str | None = None, kind: str = "csv") -> str:
    """A route's address for one thing."""
    values = {name: thing if name.endswith("_id") else OTHER_ARGUMENTS[name] for name in rule.arguments}
    if "kind" in rule.arguments:
        values["kind"] = OTHER_ARGUMENTS["kind"] if "party_id" in rule.arguments else kind
    with market.site.app.test_request_context():
        adapter = market.site.app.url_map.bind("localhost")
        return adapter.build(rule.endpoint, values, force_external=False)


def walk(market: Market, visitors: list[Visitor]) -> Walk:
    """The whole walk."""
    market.session.rollback()
    things = {rule.endpoint: things_of(market, rule) for rule in rules(market)}
    found, forms = Walk(), dict[str, dict[str, list[str]]]()
    first_of_role = {frozenset(visitor.account.roles): visitor for visitor in reversed(visitors)}
    for visitor in visitors:
        is_first = first_of_role[frozenset(visitor.account.roles)] is visitor
        _read_own(market, visitor, things, found, forms, public=is_first)
    watch = Watch(market)
    for visitor, is_first in _tries(visitors):
        for rule in rules(market):
            name, methods = rule.endpoint, sorted((rule.methods or set()) & {"GET", "POST"})
            if not is_open_to(market, rule, visitor.account):
                path = path_of(market, rule, _first(things[name]))
                attempts = [Attempt(name, method, path) for method in methods] if is_first else []
                found.shut += [_try(visitor, watch, attempt) for attempt in attempts]
                continue
            strangers = _strangers(visitor.account, things[name])
            for method, data in _ways(methods, forms.get(name)) if strangers else ():
                unknown, *told = (
                    _try(visitor, watch, Attempt(name, method, path_of(market, rule, thing), thing, data))
                    for thing in (NOBODYS_ID, *strangers)
                )
                found.foreign += [(one, unknown) for one in told]
    return found


def things_of(market: Market, rule: Rule) -> list[tuple[str, Seen, str]]:
    named = kind_of(rule)
    if named is None:
        return []
    kind: Kind = named[1]
    rows = market.session.scalars(select(kind.table).order_by(kind.table.id))  # type: ignore[attr-defined]
    side_of = market.side_of()
    found = []
    for row in rows:
        seen = kind.seen_by(row)
        sides = {side_of.get(party, "") for _, party in seen}
        found.append((row.id, seen, f"{_state(row)} {sorted(sides)}"))  # type: ignore[attr-defined]
    return found


def _strangers(account: Account, things: list[tuple[str, Seen, str]]) -> list[str]:
    """Of the things that are not this account's, one of each side and state."""
    return list({state: thing for thing, seen, state in things if not account.may_see(seen)}.values())


def _tries(visitors: list[Visitor]) -> Iterator[tuple[Visitor, bool]]:
    """Who tries what is not theirs; and whether they are the first of their role, who tries other roles' pages too."""
    roles: set[frozenset[Role]] = set()
    for visitor in visitors:
        role = frozenset(visitor.account.roles)
        if role != {Role.PATIENT} or visitor.name.startswith(PATIENTS):
            yield visitor, role not in roles
            roles.add(role)


def _state(row: Base) -> str:
    """What a page may depend on: a thing's status; of an account whose it is."""
    return " ".join(str(getattr(row, name, "")) for name in ("status", "role", "plan_status"))


def _first(things: list[tuple[str, Seen, str]]) -> str:
    return things[0][0] if things else NOBODYS_ID


def _ways(methods: list[str], form: dict[str, list[str]] | None) -> Iterator[tuple[str, dict[str, Any] | None]]:
    for method in methods:
        yield method, None
    if "POST" in methods and form:
        yield "POST", form


def _read_own(
    market: Market,
    visitor: Visitor,
    things: dict[str, list[tuple[str, Seen, str]]],
    found: Walk,
    forms: dict[str, dict[str, list[str]]],
    *,
    public: bool,
) -> None:
    for rule in rules(market):
        if "GET" not in (rule.methods or set()) or not is_open_to(market, rule, visitor.account):
            continue
        if rule.endpoint.startswith("public.") and not public:
            continue
        own = [thing for thing, seen, _ in things[rule.endpoint] if visitor.account.may_see(seen)]
        for thing in own if kind_of(rule) else [None]:
            for kind in ("csv", "xlsx") if "kind" in rule.arguments and "party_id" not in rule.arguments else ("csv",):
                path = path_of(market, rule, thing, kind)
                answer = visitor.ask("GET", path)
                found.own.append(Told(visitor.name, rule.endpoint, "GET", thing, answer.status_code, ""))
                text = text_of(answer)
                found.texts.append((visitor.name, path, text))
                if answer.status_code == 200 and "POST" in (rule.methods or set()):
                    forms.setdefault(rule.endpoint, filled_in(text, path)[0])
                for file in re.findall(r'href="([^"]*export=(?:csv|xlsx)[^"]*)"', text):
                    address = file.replace("&amp;", "&")
                    found.texts.append((visitor.name, address, text_of(visitor.ask("GET", address))))


def _try(visitor: Visitor, watch: Watch, attempt: Attempt) -> Told:
    answer = visitor.ask(attempt.method, attempt.path, attempt.data)
    alike = f"{answer.location} {_TOKENS.sub('', text_of(answer))}".replace(attempt.thing or NOBODYS_ID, "this")
    digest = hashlib.sha256(alike.encode()).hexdigest()
    return Told(
        visitor.name, attempt.endpoint, attempt.method, attempt.thing, answer.status_code, digest, watch.changes()
    )


def text_of(answer: TestResponse) -> str:
    """What a person reads in an answer: of a workbook or a bundle of files, what is in it."""
    if answer.mimetype.endswith(("sheet", "zip")):
        with zipfile.ZipFile(BytesIO(answer.data)) as book:
            return "\n".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())
    return answer.get_data(as_text=True)
