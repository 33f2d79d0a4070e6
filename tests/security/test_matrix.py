"""Every route, role and owner: what is somebody else's is not read, changed or even known of (rows 1, 14, 15).

The matrix is generated: routes from the application, things and accounts from the database, and whose a thing is from
the records alone (`owners`). A new route joins by itself, or fails here by its name.
"""

import logging
import re
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from marketplace.records.audit import AuditEvent
from marketplace.records.people import User
from marketplace.rules.permissions import Role
from tests.security.market import CANARY_PENCE, Market
from tests.security.owners import EVERYBODYS, KINDS, PAYING
from tests.security.walk import NOBODYS_ID, Told, Visitor, Walk, rules, walk
from tests.worlds import synthetic_nhs_number

PENCE, POUNDS = str(CANARY_PENCE), f"{CANARY_PENCE / 100:,.2f}"
SUMS = [count * CANARY_PENCE for count in (1, 2, 10, 11, 20)]
"""The price, with the fee, for all ten sessions, with the fee."""
CANARY = re.compile(
    "|".join(
        rf"(?<![0-9a-z]){re.escape(form)}(?![0-9])"
        for pence in SUMS
        for form in (str(pence), f"{pence / 100:,.2f}", f"{pence / 100:.2f}", f"{pence:,}")
    )
)
ONLY_REDIRECTS = {"account.home"}


@pytest.fixture(scope="session")
def log() -> Iterator[list[str]]:
    """What the application logs while the walk lasts, at its most talkative."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    root, handler = logging.getLogger(), Keep(logging.DEBUG)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="session")
def walked(market: Market, visitors: list[Visitor], log: list[str]) -> Walk:
    """The walk, done once for all the questions below."""
    return walk(market, visitors)


def test_there_are_two_of_everything(market: Market) -> None:
    """Each kind of thing has at least two owners, each role two accounts: else a stranger would have nothing to try."""
    lone = {"provider_id", "service_id"}  # everybody's
    for name, kind in KINDS.items():
        owners = {frozenset(kind.seen_by(row)) for row in market.session.scalars(select(kind.table))}
        assert len(owners) >= 2 or name in lone, name
    roles = [user.role for user in market.users()]
    assert all(roles.count(role) >= 2 for role in Role if role is not Role.SYSTEM)


def test_every_route_about_a_thing_is_tried(market: Market, walked: Walk) -> None:
    """With somebody else's thing, read and sent as the route allows; what has no owner is argued in `EVERYBODYS`."""
    tried = {(told.endpoint, told.method) for told, _ in walked.foreign}
    left_out = [
        f"{method} {rule.endpoint}"
        for rule in rules(market)
        for method in (rule.methods or set()) & {"GET", "POST"}
        if rule.arguments and rule.endpoint not in EVERYBODYS and (rule.endpoint, method) not in tried
    ]
    assert left_out == []


def test_every_page_opens_for_somebody(market: Market, walked: Walk) -> None:
    """The walk reads every page there is: what nobody can open would hide what it shows from these tests."""
    opened = {told.endpoint for told in walked.own if told.status == 200}
    pages = {rule.endpoint for rule in rules(market) if "GET" in (rule.methods or set())}
    assert pages - opened == ONLY_REDIRECTS
    assert [str(told) for told in walked.own if told.status >= 500] == []


def test_what_is_somebody_elses_is_not_found(walked: Walk) -> None:
    """Reading: 404. Sending: 404. Paying a provider to whom nothing is owed is no error: it pays nothing."""
    for told, _ in walked.foreign:
        expected = {302} if told.endpoint in PAYING else {404}
        if told.endpoint == "people.end_representative" and "acting" in told.account:
            expected.add(403)  # a representative ends no authority, be it theirs or not
        assert told.status in expected, told


def test_it_is_told_like_what_does_not_exist(walked: Walk) -> None:
    """Status, page and address are the same, letter by letter."""
    for told, unknown in walked.foreign:
        assert unknown.thing == NOBODYS_ID
        assert (told.status, told.alike) == (unknown.status, unknown.alike), told


def test_trying_changes_nothing(market: Market, walked: Walk) -> None:
    """No row of any table, but that a look by a representative and a try to open offers early are on record."""
    market.session.rollback()  # to see what the walk has written
    for told in [*(told for told, _ in walked.foreign), *walked.shut]:
        assert told.changed <= _on_record(told), told
    tries = market.session.scalars(select(AuditEvent).where(AuditEvent.event == "tender.opening_refused")).all()
    brokers = set(market.session.scalars(select(User.id).where(User.role == Role.BROKER)))
    assert {event.actor_id for event in tries} == brokers


def _on_record(told: Told) -> set[str]:
    if "acting" in told.account:
        return {"record_views"}
    return {"audit_events"} if (told.endpoint, told.method) == ("broker.close", "POST") else set()


def test_pages_of_another_role_are_shut(walked: Walk) -> None:
    """403 for whoever is signed in; whoever is not is asked to."""
    assert {told.status for told in walked.shut if told.account != "nobody"} == {403}
    assert {told.status for told in walked.shut if told.account == "nobody"} == {302}


def test_a_sealed_price_is_read_by_its_provider_alone(market: Market, walked: Walk, log: list[str]) -> None:
    """Before the opening: on no page, in no list's file, open data, log line, audit event or message; in no table."""
    readers = {(account, path.split("/")[2]) for account, path, text in walked.texts if CANARY.search(text)}
    assert readers == {("bulk@example.test", "offers"), ("bulk@example.test", "tenders")}
    assert any("ocds.json" in path and '"tender"' in text for _, path, text in walked.texts)
    assert sum("export=" in path for _, path, _ in walked.texts) > 50
    assert not [line for line in log if CANARY.search(line)]


def test_no_page_shows_an_nhs_number(market: Market, walked: Walk) -> None:
    """Of nobody, to nobody: not on a page, not in a file, not to the person themselves."""
    numbers = {synthetic_nhs_number(town.first + at) for town in market.towns for at in range(town.patient_count)}
    found = re.compile(r"(?<![0-9])[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}(?![0-9])")
    for account, path, text in walked.texts:
        shown = {re.sub("[ -]", "", match) for match in found.findall(text)}
        assert not shown & numbers, (account, path)
