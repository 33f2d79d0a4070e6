"""The ledger: accounts, transfers, entries; and `post`, the one way by which money moves.

Double entry in integer pence, append-only. A transfer takes an amount from one account and gives it to another; its
two entries say so account by account. `FLOWS` is the map of all ways that money may take; nothing else is posted::

    funder --allocate, supplement--> available --reserve--> reserved --commit--> committed
    committed --due--> payable or holder --pay--> paid
    available --expire, reclaim, return--> funder
    reserved, committed --release--> available
    payable, holder, paid --refund--> available
    reserved --pool_give--> pool --pool_receive--> committed
    available --pool_restore--> pool --pool_return--> available
    clearing --hand_over--> funder, or funder --hand_over--> clearing
    funder --broker_fee--> paid

Who has to pay what has fallen due depends on who manages the budget (`rules.budgets.parties_of` decides it once, for
contracts, payments and pages). A notional budget's charge goes from `committed` to the provider's `payable`, which
the commissioner pays. A third party's or a direct payment's goes from `committed` to the `holder` account of whoever
keeps that budget's money, because there it sits until they have paid it on; so no commissioner can pay it twice, and
what a holder has still to hand on can be read off one account.

A tender's `pool` holds what members gave for others where the policy is ``shared_pool``, between the signatures of
those who give and of those who receive; it is empty whenever nobody's signature is awaited (`journey.sharing`).
What a pool moves between budgets whose money lies with different keepers has to be carried from one to the other, by
way of the commissioner: a keeper's `clearing` account holds what it was handed, less what it handed over
(`journey.hand_overs`).

An account carries its balance so that a posting can be ONE conditional UPDATE (two brokers cannot reserve the same
pound), and counts its entries, so that they can be read in the order in which they happened and none can be taken
out unnoticed. That balance and count agree with the entries is proved by `out_of_balance` and by tests, account by
account. No account but a funder's and a clearing account may fall below zero: a CHECK in the database and a condition
in the posting both say so. Transfers and entries cannot be changed or deleted (`records.append_only`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import cast

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from marketplace.rules.canonical import sha256_of
from marketplace.rules.errors import Conflict, InsufficientFunds, Invalid
from marketplace.rules.money import MAX_PENCE, Pence, format_pounds

from .base import Base, PublicId, new_id, status_column


class AccountKind(StrEnum):
    """What an account is for.

    `owner_id` is a commissioner (funder), a budget (available, reserved, committed), whoever keeps a budget's money, be
    it an organisation or a patient (holder, clearing), a provider (payable, paid), a broker (paid: its own fees, which
    come from the funder and touch no budget), or a tender (pool).
    """

    FUNDER = "funder"
    AVAILABLE = "available"
    RESERVED = "reserved"
    COMMITTED = "committed"
    HOLDER = "holder"
    PAYABLE = "payable"
    PAID = "paid"
    POOL = "pool"
    CLEARING = "clearing"


MAY_BE_NEGATIVE = (AccountKind.FUNDER, AccountKind.CLEARING)
"""Where money comes from, and what keepers and commissioner owe each other: all others hold what they hold."""


class TransferKind(StrEnum):
    """Why money moved."""

    ALLOCATE = "allocate"
    SUPPLEMENT = "supplement"
    RESERVE = "reserve"
    RELEASE = "release"
    COMMIT = "commit"
    DUE = "due"
    PAY = "pay"
    REFUND = "refund"
    EXPIRE = "expire"
    RECLAIM = "reclaim"
    RETURN = "return"
    POOL_GIVE = "pool_give"
    POOL_RECEIVE = "pool_receive"
    POOL_RESTORE = "pool_restore"
    POOL_RETURN = "pool_return"
    HAND_OVER = "hand_over"
    BROKER_FEE = "broker_fee"


_A = AccountKind
FLOWS: Mapping[TransferKind, frozenset[tuple[AccountKind, AccountKind]]] = {
    TransferKind.ALLOCATE: frozenset({(_A.FUNDER, _A.AVAILABLE)}),
    TransferKind.SUPPLEMENT: frozenset({(_A.FUNDER, _A.AVAILABLE)}),
    TransferKind.RESERVE: frozenset({(_A.AVAILABLE, _A.RESERVED)}),
    TransferKind.RELEASE: frozenset({(_A.RESERVED, _A.AVAILABLE), (_A.COMMITTED, _A.AVAILABLE)}),
    TransferKind.COMMIT: frozenset({(_A.RESERVED, _A.COMMITTED)}),
    TransferKind.DUE: frozenset({(_A.COMMITTED, _A.PAYABLE), (_A.COMMITTED, _A.HOLDER)}),
    TransferKind.PAY: frozenset({(_A.PAYABLE, _A.PAID), (_A.HOLDER, _A.PAID)}),
    TransferKind.REFUND: frozenset(
        (paid_from, back_to)
        for paid_from in (_A.PAYABLE, _A.HOLDER, _A.PAID)
        for back_to in (_A.AVAILABLE, _A.COMMITTED)
    ),
    TransferKind.EXPIRE: frozenset({(_A.AVAILABLE, _A.FUNDER)}),
    TransferKind.RECLAIM: frozenset({(_A.AVAILABLE, _A.FUNDER)}),
    TransferKind.RETURN: frozenset({(_A.AVAILABLE, _A.FUNDER)}),
    TransferKind.POOL_GIVE: frozenset({(_A.RESERVED, _A.POOL)}),
    TransferKind.POOL_RECEIVE: frozenset({(_A.POOL, _A.COMMITTED)}),
    TransferKind.POOL_RESTORE: frozenset({(_A.AVAILABLE, _A.POOL)}),
    TransferKind.POOL_RETURN: frozenset({(_A.POOL, _A.AVAILABLE)}),
    TransferKind.HAND_OVER: frozenset({(_A.CLEARING, _A.FUNDER), (_A.FUNDER, _A.CLEARING)}),
    TransferKind.BROKER_FEE: frozenset({(_A.FUNDER, _A.PAID)}),
}
"""Every way that money may take, by the reason for which it does."""


class Account(Base):
    """Where money can be. ``balance_pence`` is kept equal to the sum of the account's entries, which are counted."""

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("kind", "owner_id"),
        CheckConstraint("balance_pence >= 0 OR kind IN ('funder', 'clearing')", name="never_negative"),
    )

    id: Mapped[PublicId]
    kind: Mapped[AccountKind] = mapped_column(status_column(AccountKind))
    owner_id: Mapped[str] = mapped_column(String(24), index=True)
    balance_pence: Mapped[int] = mapped_column(default=0)
    entry_count: Mapped[int] = mapped_column(default=0)


class Transfer(Base):
    """One movement of money; never changed, never deleted. The idempotency key is kept for ever."""

    __tablename__ = "transfers"
    __table_args__ = (
        CheckConstraint(f"amount_pence > 0 AND amount_pence <= {MAX_PENCE}", name="amount"),
        CheckConstraint("from_account_id <> to_account_id", name="two_accounts"),
    )

    id: Mapped[PublicId]
    idempotency_key: Mapped[str] = mapped_column(String(120), unique=True)
    body_sha256: Mapped[str] = mapped_column(String(64))
    kind: Mapped[TransferKind] = mapped_column(status_column(TransferKind))
    from_account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    to_account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    amount_pence: Mapped[int]
    about_id: Mapped[str] = mapped_column(String(24), index=True)
    actor_id: Mapped[str] = mapped_column(String(24))
    reason: Mapped[str] = mapped_column(Text)
    posted_at: Mapped[datetime] = mapped_column(index=True)


class Entry(Base):
    """One side of a transfer: what it added to (or took from) one account, as the how-manieth entry of it."""

    __tablename__ = "entries"
    __table_args__ = (
        CheckConstraint("amount_pence <> 0", name="not_nothing"),
        UniqueConstraint("account_id", "number"),
    )

    transfer_id: Mapped[str] = mapped_column(ForeignKey("transfers.id"), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    number: Mapped[int]
    amount_pence: Mapped[int]


@dataclass(frozen=True, slots=True)
class Posting:
    """What is to move: from one account to another, why, and about which need, contract or budget."""

    key: str
    kind: TransferKind
    source: tuple[AccountKind, str]
    target: tuple[AccountKind, str]
    amount_pence: Pence
    about_id: str
    reason: str


def open_account(session: Session, kind: AccountKind, owner_id: str) -> None:
    """Make sure that this account exists; an account that is there already stays as it is."""
    open_accounts(session, [(kind, owner_id)])


def open_accounts(session: Session, wanted: Iterable[tuple[AccountKind, str]]) -> None:
    """Make sure that these accounts exist; those that are there already stay as they are."""
    rows = [
        {"id": new_id(), "kind": kind, "owner_id": owner_id, "balance_pence": 0, "entry_count": 0}
        for kind, owner_id in wanted
    ]
    if rows:
        session.connection().execute(_insert_new(session.get_bind().dialect.name, _ACCOUNTS, "kind,owner_id"), rows)


def hold(session: Session, owner_ids: Iterable[str]) -> None:
    """Lock all accounts of these owners, in a fixed order, before posting several times in one transaction.

    Two transactions that post to the same accounts in different orders would wait for each other in a circle. The lock
    leaves the accounts' ids alone (NO KEY UPDATE): else it would wait for every transfer that names the accounts.
    """
    query = select(Account.id).where(Account.owner_id.in_(set(owner_ids))).order_by(Account.id)
    session.connection().execute(query.with_for_update(key_share=True)).all()


def balance_pence(session: Session, kind: AccountKind, owner_id: str) -> Pence:
    """What the account holds; an account that was never opened holds nothing."""
    found = session.scalar(select(Account.balance_pence).where(Account.kind == kind, Account.owner_id == owner_id))
    return found or 0


def post(session: Session, now: datetime, actor_id: str, posting: Posting) -> bool:
    """Move money once. Returns whether it moved now (False: the same transfer was posted before).

    Raises
    ------
    Conflict
        If the key was used for another transfer.
    InsufficientFunds
        If the source does not hold the amount (facts: account, needed_pence).
    Invalid
        If the amount is not a positive whole number of pence within bounds, or money does not go this way.
    """
    if (posting.source[0], posting.target[0]) not in FLOWS[posting.kind]:
        raise Invalid("no_such_flow", "Money does not go this way.", place="kind", kind=posting.kind.value)
    if type(posting.amount_pence) is not int or not 0 < posting.amount_pence <= MAX_PENCE:
        raise Invalid("amount_out_of_range", "An amount is a positive whole number of pence", place="amount_pence")
    source_id, target_id = _account_ids(session, posting.source, posting.target)
    body_sha256 = sha256_of([posting.kind, source_id, target_id, posting.amount_pence, posting.about_id])
    transfer_id = new_id()
    values = {
        "id": transfer_id,
        "idempotency_key": posting.key,
        "body_sha256": body_sha256,
        "kind": posting.kind,
        "from_account_id": source_id,
        "to_account_id": target_id,
        "amount_pence": posting.amount_pence,
        "about_id": posting.about_id,
        "actor_id": actor_id,
        "reason": posting.reason,
        "posted_at": now,
    }
    dialect = session.get_bind().dialect.name
    claim = _insert_new(dialect, _TRANSFERS, "idempotency_key").returning(_TRANSFERS.c.id)
    claimed = session.connection().execute(claim, values)
    if claimed.first() is None:
        _check_same(session, posting.key, body_sha256)
        return False
    # The lower id first, so that two transfers between the same accounts never wait for each other in a circle.
    steps = sorted([(source_id, -posting.amount_pence), (target_id, posting.amount_pence)])
    entries = [
        {
            "transfer_id": transfer_id,
            "account_id": account_id,
            "number": _move(session, account_id, amount_pence),
            "amount_pence": amount_pence,
        }
        for account_id, amount_pence in steps
    ]
    session.connection().execute(_WRITE_ENTRIES, entries)
    return True


def out_of_balance(session: Session) -> Sequence[tuple[str, Pence, Pence]]:
    """Accounts whose balance or count does not agree with their entries, as (account id, balance, sum of entries)."""
    total, count = func.coalesce(func.sum(Entry.amount_pence), 0), func.count(Entry.number)
    last = func.coalesce(func.max(Entry.number), 0)
    rows = session.execute(
        select(Account.id, Account.balance_pence, total)
        .outerjoin(Entry, Entry.account_id == Account.id)
        .group_by(Account.id, Account.balance_pence, Account.entry_count)
        .having(or_(Account.balance_pence != total, Account.entry_count != count, Account.entry_count != last))
    )
    return [(account_id, balance, int(entries)) for account_id, balance, entries in rows]


def sum_of_all(session: Session) -> Pence:
    """The sum over all accounts: zero at every instant, because money only moves."""
    return int(session.scalar(select(func.coalesce(func.sum(Account.balance_pence), 0))) or 0)


def _account_ids(session: Session, source: tuple[AccountKind, str], target: tuple[AccountKind, str]) -> tuple[str, str]:
    """The ids of two accounts; what was never opened is opened now."""
    found = _find_accounts(session, source, target)
    if len(found) < 2:
        open_accounts(session, [source, target])
        found = _find_accounts(session, source, target)
    return found[source], found[target]


def _find_accounts(
    session: Session, source: tuple[AccountKind, str], target: tuple[AccountKind, str]
) -> dict[tuple[AccountKind, str], str]:
    which = {"one_kind": source[0], "one_owner": source[1], "other_kind": target[0], "other_owner": target[1]}
    rows = session.connection().execute(_FIND_ACCOUNTS, which)
    return {(kind, owner_id): account_id for account_id, kind, owner_id in rows}


def _move(session: Session, account_id: str, amount_pence: Pence) -> int:
    """Add to (or take from) one account, if it holds enough; returns the number of the entry that says so."""
    moved = {"which_account": account_id, "change_pence": amount_pence}
    number = session.connection().scalar(_MOVE, moved)
    if number is None:
        raise InsufficientFunds(
            "insufficient_funds",
            f"There is not enough money for this: {format_pounds(-amount_pence)} is needed.",
            account=account_id,
            needed_pence=-amount_pence,
        )
    return int(number)


def _check_same(session: Session, key: str, body_sha256: str) -> None:
    stored = session.scalar(select(Transfer.body_sha256).where(Transfer.idempotency_key == key))
    if stored != body_sha256:
        raise Conflict("key_used_for_another", "This was already posted with other figures.", key=key)


@cache
def _insert_new(dialect: str, table: Table, unique: str) -> sqlite.Insert | postgresql.Insert:
    """An insert that does nothing where the unique columns (named with commas) are taken already."""
    insert_into = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert_into(table).on_conflict_do_nothing(index_elements=unique.split(","))


# Statements of the bare tables, written once: a posting is some seven of them, and building them anew each time, with
# the ORM's unit of work around them, took five times as long as the database did.
_ACCOUNTS, _TRANSFERS = cast("Table", Account.__table__), cast("Table", Transfer.__table__)
_FIND_ACCOUNTS = select(_ACCOUNTS.c.id, _ACCOUNTS.c.kind, _ACCOUNTS.c.owner_id).where(
    or_(
        (_ACCOUNTS.c.kind == bindparam("one_kind")) & (_ACCOUNTS.c.owner_id == bindparam("one_owner")),
        (_ACCOUNTS.c.kind == bindparam("other_kind")) & (_ACCOUNTS.c.owner_id == bindparam("other_owner")),
    )
)
_MOVE = (
    update(_ACCOUNTS)
    .where(
        _ACCOUNTS.c.id == bindparam("which_account"),
        or_(_ACCOUNTS.c.kind.in_(MAY_BE_NEGATIVE), _ACCOUNTS.c.balance_pence + bindparam("change_pence") >= 0),
    )
    .values(
        balance_pence=_ACCOUNTS.c.balance_pence + bindparam("change_pence"), entry_count=_ACCOUNTS.c.entry_count + 1
    )
    .returning(_ACCOUNTS.c.entry_count)
)
_WRITE_ENTRIES = insert(cast("Table", Entry.__table__))
