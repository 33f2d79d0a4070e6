"""Codes, passwords and tokens: nobody voids what was handed over, and of two at the same time one is first."""

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.adapters import passwords as hashing
from marketplace.journey import accounts, conduct, passwords, programs, users
from marketplace.records.database import writing
from marketplace.records.people import AccountCode, Broker, User
from marketplace.rules.errors import DomainError, NotAllowed
from marketplace.rules.permissions import Actor, Role
from tests.races import while_open
from tests.worlds import SmallWorld

EMAIL, PASSWORD = "daughter@example.test", "three or four words"


def opened(world: SmallWorld) -> tuple[User, str]:
    """An account without a password, and the code that the commissioner handed over."""
    with writing(world.session):
        details = users.AccountDetails(Role.REPRESENTATIVE, "A Daughter", EMAIL)
        return users.open_for(world.session, world.now, world.funder, details)


def choose(world: SmallWorld, code: str, session: Session | None = None) -> User:
    """Both halves of choosing a password, as the page does them."""
    session = session or world.session
    hashed = passwords.choosable(session, world.now, EMAIL, code, PASSWORD)
    with writing(session):
        return passwords.choose_password(session, world.now, EMAIL, code, hashed)


def by_letter(world: SmallWorld, user: User) -> str:
    with writing(world.session):
        return passwords.code_for_letter(world.session, world.now, user.id)


def test_a_stranger_who_asks_for_a_letter_voids_no_code_that_was_handed_over(world: SmallWorld) -> None:
    """A letter's code voids the letter's before; both kinds open the account, and then neither does again."""
    user, handed = opened(world)
    first, second = by_letter(world, user), by_letter(world, user)
    with pytest.raises(NotAllowed):
        choose(world, first)
    choose(world, handed)
    for code in (handed, second):
        with pytest.raises(NotAllowed):
            choose(world, code)
    assert world.session.scalars(select(AccountCode)).all() == []


def test_a_code_is_taken_once(world: SmallWorld, new_session: Callable[[], Session]) -> None:
    """Two people with one code at the same moment: the second is refused, whatever both had seen before."""
    _, code = opened(world)
    here, there = new_session(), new_session()
    hashed = hashing.hash_password(PASSWORD)

    def take(session: Session) -> None:
        passwords.choose_password(session, world.now, EMAIL, code, hashed)

    assert isinstance(while_open(here, take, there, take), NotAllowed)


def test_no_hash_is_made_inside_a_transaction(world: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite whoever hashes there keeps every writer waiting, at each guess."""
    user, code = opened(world)
    inside: list[bool] = []

    def watched(real: Callable[..., object]) -> Callable[..., object]:
        def call(*given: object) -> object:
            inside.append("carepool.kept" in world.session.info)
            return real(*given)

        return call

    monkeypatch.setattr(passwords, "hash_password", watched(hashing.hash_password))
    monkeypatch.setattr(accounts, "verify_password", watched(hashing.verify_password))
    choose(world, code)
    tried = accounts.try_password(world.session, EMAIL, PASSWORD)
    with writing(world.session):
        token = accounts.sign_in(world.session, world.now, tried).token
    actor = Actor(user.id, user.role, user.party_id)
    change = passwords.changeable(world.session, actor, PASSWORD, "another four words")
    with writing(world.session):
        passwords.change_password(world.session, world.now, actor, token, change)
    assert inside == [False] * 4
    with pytest.raises(NotAllowed), writing(world.session):
        accounts.sign_in(world.session, world.now, tried)  # tried before the password was changed


def member(world: SmallWorld) -> Actor:
    """Somebody at the broker, with an account."""
    with writing(world.session):
        user = accounts.open_account(
            world.session,
            world.now,
            email="broker@example.test",
            name="Fen",
            role=Role.BROKER,
            party_id=world.broker.id,
            password=None,
        )
        return Actor(user.id, Role.BROKER, world.broker.id)


def test_no_program_is_connected_while_its_organisation_is_being_suspended(
    world: SmallWorld, new_session: Callable[[], Session]
) -> None:
    actor = member(world)
    here, there = new_session(), new_session()
    details = programs.ProgramDetails("Sums", may_write=False, last_day=world.now.date())

    def suspend(session: Session) -> None:
        conduct.suspend(session, world.now, world.funder, Broker, world.broker.id, "It asked for it.")

    def connect(session: Session) -> None:
        programs.connect(session, world.now, actor, details)

    refused = while_open(here, suspend, there, connect)
    assert isinstance(refused, DomainError)
    assert refused.code == "party_suspended"


def test_no_program_is_connected_to_an_account_that_is_being_closed(
    world: SmallWorld, new_session: Callable[[], Session]
) -> None:
    actor = member(world)
    here, there = new_session(), new_session()
    details = programs.ProgramDetails("Sums", may_write=False, last_day=world.now.date())
    refused = while_open(
        here,
        lambda session: users.close(session, world.now, world.funder, actor.user_id),
        there,
        lambda session: programs.connect(session, world.now, actor, details),
    )
    assert isinstance(refused, DomainError)
    assert refused.code == "account_closed"
