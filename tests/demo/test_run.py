"""The demo, run small: tenders left where they were meant to be, something behind every door, books in balance."""

import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import create_engine, func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from marketplace import create_app
from marketplace.adapters.passwords import verify_password
from marketplace.adapters.sealing import Keyring
from marketplace.demo import report
from marketplace.demo.accounts import DEMO_PASSWORD, DemoAccount, hang_up
from marketplace.demo.run import is_demo_database, run_demo
from marketplace.demo.schedule import midnights, timeline
from marketplace.demo.tenders import tenders
from marketplace.journey.keys import lend
from marketplace.journey.settlements import payments_due
from marketplace.records import Base
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus, Rating
from marketplace.records.database import configure_engine
from marketplace.records.people import Commissioner, User
from marketplace.records.providers import Site
from marketplace.records.tenders import Tender
from marketplace.rules.permissions import Actor, Role
from marketplace.web.demo_doors import doors_file
from tests.ground import lay_sqlite

PEOPLE = 160
NOW = datetime(2026, 11, 21, 21, 0, tzinfo=UTC)


class Played:
    """One small demo: its database, what it printed, and the accounts it opened."""

    def __init__(self, engine: Engine, sessions: Callable[[], Session], text: str, accounts: list[DemoAccount]) -> None:
        self.engine, self.sessions, self.text, self.accounts = engine, sessions, text, accounts


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, keyring: Keyring) -> Iterator[Played]:
    path = tmp_path_factory.mktemp("demo") / "demo.sqlite"
    engine = configure_engine(create_engine(f"sqlite:///{path}"))
    Base.metadata.create_all(engine)

    def sessions() -> Session:
        return Session(engine, info=lend(keyring))

    paper = io.StringIO()
    accounts = run_demo(sessions, NOW, Console(file=paper, width=160), seed=5, patients=PEOPLE)
    yield Played(engine, sessions, paper.getvalue(), accounts)
    engine.dispose()


def test_every_tender_is_left_in_the_state_it_was_meant_for(played: Played) -> None:
    meant = {tender.title: tender.left_as for tender in tenders()}
    with played.sessions() as session:
        assert {tender.title: tender.status.value for tender in session.scalars(select(Tender))} == meant


def test_practices_without_a_rating_show_something_else(played: Played) -> None:
    """In their own words, as their own step; no rated place does, and none has a grade for it."""
    with played.sessions() as session:
        showing = session.scalars(select(Site).where(Site.own_evidence.is_not(None))).all()
        assert len(showing) > 10
        assert {(site.grade, site.rating, site.stated_at is None) for site in showing} == {(0, None, False)}
        assert any("could walk further" in (site.own_evidence or "") for site in showing)


def test_the_checks_at_the_end_hold(played: Played) -> None:
    with played.sessions() as session:
        checks = report.check_all(session)
    assert checks.faults == ()
    assert checks.outcomes == 9
    assert checks.accounts > 3 * PEOPLE


def test_the_report_has_the_table_the_story_and_the_doors(played: Played) -> None:
    assert "Saved: against the conventional package" in played.text
    assert "The story of" in played.text
    assert " 10. " in played.text
    assert "make serve" in played.text
    assert DEMO_PASSWORD in played.text
    assert not re.search(r"\b999\d{7}\b", played.text), "no NHS number, not even a made-up one"


def test_there_is_a_door_for_every_role_and_something_behind_each(played: Played) -> None:
    roles = {"commissioner", "broker", "provider", "patient", "representative"}
    assert {account.role for account in played.accounts} == roles
    assert len({account.email for account in played.accounts}) == len(played.accounts)
    waits = " ".join(account.waiting for account in played.accounts)
    for what in (
        "payments that have fallen due",
        "an offer to make",
        "an invitation",
        "a match to answer",
        "a delivery to confirm",
    ):
        assert what in waits
    with played.sessions() as session:
        user = session.scalars(select(User).where(User.email == played.accounts[0].email)).one()
        assert verify_password(user.password_hash, DEMO_PASSWORD)
        locked_out = select(func.count()).select_from(User).where(User.password_hash.is_(None))
        assert (session.scalar(locked_out) or 0) > PEOPLE


def test_the_doors_hang_on_the_sign_in_page_of_a_demo_and_of_nothing_else(played: Played, tmp_path: Path) -> None:
    """Each opens at one press; where the setting is off, or the list is of another database, there are none."""
    settings = {"VAR_DIR": str(tmp_path), "DATABASE_URL": str(played.engine.url), "WTF_CSRF_ENABLED": False}
    hang_up(played.accounts, doors_file(settings))
    demo = create_app({**settings, "DEMO_ACCOUNTS": True, "CLOCK": lambda: NOW}).test_client()
    page = demo.get("/sign-in").text
    assert all(account.email in page for account in played.accounts)
    typed = {"email": played.accounts[0].email, "password": DEMO_PASSWORD, "next": ""}
    assert demo.post("/sign-in", data=typed).location == "/home"
    assert DEMO_PASSWORD not in create_app({**settings, "DEMO_ACCOUNTS": False}).test_client().get("/sign-in").text
    other = create_app({**settings, "DATABASE_URL": lay_sqlite(tmp_path / "other.sqlite"), "DEMO_ACCOUNTS": True})
    assert DEMO_PASSWORD not in other.test_client().get("/sign-in").text


def test_deliveries_are_paid_and_others_wait(played: Played) -> None:
    with played.sessions() as session:
        statuses = set(session.scalars(select(Delivery.status)))
        payer = session.scalars(select(User).where(User.role == Role.COMMISSIONER)).one()
        due = payments_due(session, Actor(payer.id, Role.COMMISSIONER, payer.party_id))
    assert {DeliveryStatus.PAID, DeliveryStatus.RECORDED} <= statuses
    assert due, "the list of accounts says that payments wait for the commissioner"


def test_patients_rate_who_has_served_them(played: Played) -> None:
    """Only after something was confirmed; with words and without, and some of them for the provider too."""
    with played.sessions() as session:
        rated = session.execute(select(Rating, Contract).join(Contract, Contract.id == Rating.contract_id)).all()
        served = session.scalar(select(func.count()).where(Contract.units_confirmed > 0)) or 0
        assert served >= len(rated) > served // 2 > 3
        assert all(contract.units_confirmed > 0 for _, contract in rated)
        assert len({rating.stars for rating, _ in rated}) > 1
        assert {rating.words is None for rating, _ in rated} == {True, False}
        assert {rating.provider_may_read for rating, _ in rated if rating.words} == {True, False}


def test_nothing_happens_after_now(played: Played) -> None:
    with played.sessions() as session:
        for tender in session.scalars(select(Tender)):
            moments = (tender.created_at, tender.published_at, tender.closed_at, tender.proposed_at, tender.awarded_at)
            assert all(moment < NOW for moment in moments if moment)


def test_only_the_demos_own_database_may_be_removed(played: Played) -> None:
    assert is_demo_database(played.engine)
    other = create_engine("sqlite://")
    Base.metadata.create_all(other)
    assert is_demo_database(other), "empty tables are nobody's loss"
    with Session(other) as session:
        session.add(Commissioner(name="A real commissioner"))
        session.commit()
    assert not is_demo_database(other)
    other.dispose()


@pytest.mark.parametrize("hour", [0, 9, 23])
def test_the_calendar_fits_whatever_the_hour(hour: int) -> None:
    """A closed tender is past its deadline, an open one before it, at any time of day."""
    now = datetime(2026, 12, 28, hour, 3, tzinfo=UTC)
    closed, opened = timeline(now, "closed", 14), timeline(now, "open", 0)
    proposed, standstill = timeline(now, "proposed", 14), timeline(now, "standstill", 14)
    assert closed.offers_due_at < now < opened.offers_due_at
    assert opened.offered_at < now
    assert proposed.answered_at < now < proposed.confirmed_at
    assert standstill.confirmed_at < now
    assert timeline(now, "draft", 0).agreed_at < now < timeline(now, "draft", 0).published_at
    assert all(midnight < now for midnight in midnights(now))
