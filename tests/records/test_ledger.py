"""The ledger: one way to move money; never negative, never twice, never lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.records.database import writing
from marketplace.records.ledger import (
    FLOWS,
    Account,
    AccountKind,
    Entry,
    Posting,
    TransferKind,
    balance_pence,
    open_account,
    out_of_balance,
    post,
    sum_of_all,
)
from marketplace.rules.errors import Conflict, InsufficientFunds, Invalid
from tests.thief import take_guards_off

A, B = (AccountKind.AVAILABLE, "budget-1"), (AccountKind.RESERVED, "budget-1")
FUNDER = (AccountKind.FUNDER, "funder-1")


KINDS = {(FUNDER, A): TransferKind.ALLOCATE, (A, B): TransferKind.RESERVE, (B, A): TransferKind.RELEASE}


def moving(key: str, source: tuple, target: tuple, amount: int) -> Posting:
    return Posting(key, KINDS[source, target], source, target, amount, "need-1", "test")


@pytest.fixture
def funded(session: Session, monday: datetime) -> Session:
    """A budget with £100.00."""
    with writing(session):
        for account in (FUNDER, A, B):
            open_account(session, *account)
        post(session, monday, "user-1", moving("allocate", FUNDER, A, 10_000))
    return session


def test_money_moves(funded: Session, monday: datetime) -> None:
    with writing(funded):
        assert post(funded, monday, "user-1", moving("k", A, B, 4_000))
    assert (balance_pence(funded, *A), balance_pence(funded, *B)) == (6_000, 4_000)
    assert balance_pence(funded, *FUNDER) == -10_000
    assert sum_of_all(funded) == 0
    assert out_of_balance(funded) == []


def test_not_more_than_there_is(funded: Session, monday: datetime) -> None:
    """A posting above the balance is refused whole."""
    with pytest.raises(InsufficientFunds), writing(funded):
        post(funded, monday, "user-1", moving("k", A, B, 10_001))
    assert (balance_pence(funded, *A), balance_pence(funded, *B)) == (10_000, 0)


def test_the_same_key_moves_once(funded: Session, monday: datetime) -> None:
    """A repeat has no effect; the same key for another amount is an error."""
    for moved in (True, False):
        with writing(funded):
            assert post(funded, monday, "user-1", moving("k", A, B, 4_000)) is moved
    with pytest.raises(Conflict), writing(funded):
        post(funded, monday, "user-1", moving("k", A, B, 4_001))
    assert balance_pence(funded, *B) == 4_000


@pytest.mark.parametrize("amount", [0, -1, 10**12 + 1, True, 1.0, "1"])
def test_amounts_are_positive_whole_pence(funded: Session, monday: datetime, amount: object) -> None:
    with pytest.raises(Invalid), writing(funded):
        post(funded, monday, "user-1", moving("k", A, B, amount))  # type: ignore[arg-type]


def test_the_database_refuses_a_negative_balance(funded: Session) -> None:
    """The CHECK stands behind the condition."""
    with pytest.raises(IntegrityError), writing(funded):
        funded.execute(update(Account).where(Account.owner_id == "budget-1").values(balance_pence=-1))


@pytest.mark.parametrize("kind", list(TransferKind))
def test_money_goes_no_other_way(funded: Session, monday: datetime, kind: TransferKind) -> None:
    """Whatever the reason, money goes only between the accounts that the map of flows names for it."""
    for source in AccountKind:
        for target in AccountKind:
            if (source, target) not in FLOWS[kind]:
                with pytest.raises(Invalid, match="does not go this way"):
                    post(funded, monday, "u", Posting("k", kind, (source, "x"), (target, "y"), 1, "z", "test"))


def test_entries_are_numbered(funded: Session, monday: datetime) -> None:
    """Each account counts its entries without a gap; an entry taken out is found even if the balance is adjusted."""
    for number in range(3):
        with writing(funded):
            post(funded, monday, "user-1", moving(f"k{number}", A, B, 100))
    numbers = select(Entry.number).join(Account, Account.id == Entry.account_id).order_by(Entry.number)
    assert funded.scalars(numbers.where(Account.kind == "available")).all() == [1, 2, 3, 4]
    with writing(funded):
        take_guards_off(funded, "entries")
        funded.execute(text("DELETE FROM entries WHERE number = 3"))
        funded.execute(text("UPDATE accounts SET balance_pence = balance_pence + 100 WHERE kind = 'available'"))
        funded.execute(text("UPDATE accounts SET balance_pence = balance_pence - 100 WHERE kind = 'reserved'"))
    assert sum_of_all(funded) == 0
    assert len(out_of_balance(funded)) == 2


def test_a_wrong_balance_is_found(funded: Session) -> None:
    """The comparison of balances with entries is able to fail."""
    with writing(funded):
        funded.execute(text("UPDATE accounts SET balance_pence = balance_pence + 1 WHERE kind = 'available'"))
    assert len(out_of_balance(funded)) == 1


def test_two_brokers_cannot_reserve_the_same_pound(
    funded: Session, new_session: Callable[[], Session], monday: datetime
) -> None:
    """Sixteen threads reach for the same budget; exactly as many succeed as there is money for."""

    def reach(number: int) -> bool:
        session = new_session()
        try:
            with writing(session):
                post(session, monday, "user-1", moving(f"k{number}", A, B, 1_500))
        except InsufficientFunds:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        succeeded = sum(threads.map(reach, range(16)))
    assert succeeded == 6
    funded.expire_all()
    assert (balance_pence(funded, *A), balance_pence(funded, *B)) == (1_000, 9_000)
    assert out_of_balance(funded) == []


@given(st.lists(st.tuples(st.sampled_from(["ab", "ba"]), st.integers(1, 12_000), st.integers(0, 5)), max_size=12))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sequence_keeps_the_books(funded: Session, monday: datetime, moves: list) -> None:
    """Whatever is tried, in whatever order and however often: balances are sums of entries, and nothing is negative."""
    for direction, amount, key in moves:
        source, target = (A, B) if direction == "ab" else (B, A)
        try:
            with writing(funded):
                post(funded, monday, "user-1", moving(f"{direction}{key}{amount}", source, target, amount))
        except InsufficientFunds:
            pass
    assert sum_of_all(funded) == 0
    assert out_of_balance(funded) == []
    assert balance_pence(funded, *A) + balance_pence(funded, *B) == 10_000
