"""All operations of the ledger in any order, with a book kept by hand beside it.

Hypothesis draws transfers along every flow, repeats of earlier ones, keys used for something else, ways that money may
not go, and transactions that break off in the middle. After every step the ledger must agree with the hand-kept book.
"""

from collections import Counter
from datetime import datetime

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.records.base import new_id
from marketplace.records.database import writing
from marketplace.records.ledger import (
    FLOWS,
    MAY_BE_NEGATIVE,
    Account,
    AccountKind,
    Entry,
    Posting,
    Transfer,
    TransferKind,
    out_of_balance,
    post,
    sum_of_all,
)
from marketplace.rules.errors import Conflict, InsufficientFunds, Invalid
from marketplace.rules.money import MAX_PENCE

WAYS = [(kind, source, target) for kind in TransferKind for source, target in sorted(FLOWS[kind])]
AMOUNTS = st.one_of(st.sampled_from([1, 2, 99, 100, 10_000, MAX_PENCE]), st.integers(1, 20_000))
OWNERS = st.integers(0, 1)


class Ledger(RuleBasedStateMachine):
    """Two of every kind of account; `book` is what they should hold, `done` what was posted under which key."""

    session: Session
    now: datetime

    def __init__(self) -> None:
        super().__init__()
        self.case = new_id()[:8]
        self.book: Counter[tuple[AccountKind, str]] = Counter()
        self.done: dict[str, Posting] = {}

    def _posting(self, way: tuple, amount: int, giver: int, taker: int, at: int = 0) -> Posting:
        kind, of, to = way
        return Posting(
            key=f"{self.case}-{len(self.done) + at}",
            kind=kind,
            source=(of, f"{self.case}-{giver}"),
            target=(to, f"{self.case}-{taker}"),
            amount_pence=amount,
            about_id=self.case,
            reason="test",
        )

    def _enough(self, posting: Posting) -> bool:
        return posting.source[0] in MAY_BE_NEGATIVE or self.book[posting.source] >= posting.amount_pence

    def _note(self, posting: Posting) -> None:
        self.done[posting.key] = posting
        self.book[posting.source] -= posting.amount_pence
        self.book[posting.target] += posting.amount_pence

    @rule(amount=st.integers(1, 50_000), owner=OWNERS)
    def allocate(self, amount: int, owner: int) -> None:
        """Money comes from the funder."""
        posting = self._posting((TransferKind.ALLOCATE, AccountKind.FUNDER, AccountKind.AVAILABLE), amount, 0, owner)
        with writing(self.session):
            assert post(self.session, self.now, "user", posting)
        self._note(posting)

    @rule(way=st.sampled_from(WAYS), amount=AMOUNTS, giver=OWNERS, taker=OWNERS)
    def move(self, way: tuple, amount: int, giver: int, taker: int) -> None:
        """Any flow, any amount."""
        self._move(way, amount, giver, taker)

    def _move(self, way: tuple, amount: int, giver: int, taker: int) -> None:
        """It moves if there is enough, and is refused whole if not."""
        posting = self._posting(way, amount, giver, taker)
        if self._enough(posting):
            with writing(self.session):
                assert post(self.session, self.now, "user", posting)
            self._note(posting)
        else:
            with pytest.raises(InsufficientFunds), writing(self.session):
                post(self.session, self.now, "user", posting)

    @rule(way=st.sampled_from(WAYS), share=st.integers(1, 100), giver=OWNERS, taker=OWNERS)
    def move_part(self, way: tuple, share: int, giver: int, taker: int) -> None:
        """A part of what is there, or all of it, so that deep accounts are reached too."""
        held = self.book[(way[1], f"{self.case}-{giver}")]
        if held > 0:
            self._move(way, max(1, held * share // 100), giver, taker)

    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """The same transfer again has no effect; the same key for something else is an error."""
        if not self.done:
            return
        posting = self.done[data.draw(st.sampled_from(sorted(self.done)))]
        with writing(self.session):
            assert not post(self.session, self.now, "user", posting)
        other = Posting(
            posting.key, posting.kind, posting.source, posting.target, posting.amount_pence % 7 + 1, "other", "test"
        )
        with pytest.raises(Conflict), writing(self.session):
            post(self.session, self.now, "user", other)

    @rule(kind=st.sampled_from(TransferKind), of=st.sampled_from(AccountKind), to=st.sampled_from(AccountKind))
    def stray(self, kind: TransferKind, of: AccountKind, to: AccountKind) -> None:
        """Money goes no way that the map does not name."""
        if (of, to) in FLOWS[kind]:
            return
        with pytest.raises(Invalid), writing(self.session):
            post(self.session, self.now, "user", self._posting((kind, of, to), 1, 0, 1))

    @rule(ways=st.lists(st.sampled_from(WAYS), min_size=2, max_size=4), amount=st.integers(1, 5_000))
    def break_off(self, ways: list, amount: int) -> None:
        """A transaction that breaks off in the middle leaves nothing behind."""
        with pytest.raises((InsufficientFunds, ZeroDivisionError)), writing(self.session):
            self._post_and_fail(ways, amount)

    def _post_and_fail(self, ways: list, amount: int) -> None:
        for at, way in enumerate(ways):
            post(self.session, self.now, "user", self._posting(way, amount, 0, 1, at))
        raise ZeroDivisionError

    @invariant()
    def agrees_with_the_book(self) -> None:
        """Conservation; balance = sum of entries = the hand-kept book, account by account; nothing below zero."""
        assert sum_of_all(self.session) == 0
        assert out_of_balance(self.session) == []
        rows = self.session.execute(
            select(Account.kind, Account.owner_id, Account.balance_pence).where(Account.owner_id.startswith(self.case))
        )
        held = {(kind, owner): pence for kind, owner, pence in rows if pence}
        assert held == {name: amount for name, amount in self.book.items() if amount}
        assert all(amount >= 0 for (kind, _), amount in held.items() if kind not in MAY_BE_NEGATIVE)
        transfers = self.session.scalar(select(func.count()).where(Transfer.about_id == self.case))
        assert transfers == len(self.done)
        self.session.rollback()

    def teardown(self) -> None:
        """Two entries to every transfer, and no account that nobody asked for below zero."""
        entries, transfers = (self.session.scalar(select(func.count()).select_from(kind)) for kind in (Entry, Transfer))
        assert entries == 2 * transfers
        below = select(func.count()).where(Account.balance_pence < 0, Account.kind.not_in(MAY_BE_NEGATIVE))
        assert self.session.scalar(below) == 0
        self.session.rollback()


def test_any_operations_in_any_order_keep_the_books(session: Session, monday: datetime) -> None:
    """Twenty walks of up to forty steps over every flow of the ledger."""

    class Here(Ledger):
        pass

    Here.session, Here.now = session, monday
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=20,
            stateful_step_count=40,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_every_reason_has_a_way(session: Session) -> None:
    """There is no kind of transfer without a flow, and every account but the funder's can be filled and emptied."""
    assert all(FLOWS[kind] for kind in TransferKind)
    filled = {target for flows in FLOWS.values() for _, target in flows}
    emptied = {source for flows in FLOWS.values() for source, _ in flows}
    assert filled == emptied == set(AccountKind)
