"""The power cut: a process that posts is killed with -9 again and again, and nothing acknowledged is lost or doubled.

    python -m tests.soak.kills --kills 100 --database sqlite --database postgresql

Each victim posts as the bank workload does (`tests.soak.bank`), single postings and pairs that belong to one
transaction. After each commit it writes down which keys were acknowledged, as a page would answer; at a random moment
it is killed. At the end every acknowledged posting must be in the ledger once, a pair must be there as a whole or not
at all, at most one transaction a victim may be there unacknowledged (the one in whose answer it died), and every
account must be the sum of its entries.
"""

import argparse
import itertools
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from multiprocessing import get_context
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.records.database import writing
from marketplace.records.ledger import Posting, Transfer, out_of_balance, post, sum_of_all
from marketplace.rules.errors import Conflict, InsufficientFunds
from tests.soak.bank import NOW, draw_postings, found_bank, ledger_apply, new_database, open_session

Answer = Callable[[list[str]], None]

MOST_ANSWERS = 15
"""After so many answers at the most a victim is killed, at a random moment of what it does next."""

LONGEST_LIFE_S = 0.25
LONGEST_POSTING_S = 60.0
"""A victim whose killer is gone stops by itself."""


@dataclass(frozen=True)
class Aftermath:
    """What the killing came to."""

    kills: int
    acknowledged: int
    lost: int
    half: int
    unacknowledged: int
    unbalanced: int

    @property
    def good(self) -> bool:
        """Nothing lost, nothing half done, the books right; an answer may be lost with whoever was to give it."""
        return not (self.lost or self.half or self.unbalanced) and self.unacknowledged <= self.kills


def run(url: str, kills: int, seed: int = 1, *, hasty: bool = False) -> Aftermath:
    """Set the accounts up, kill so many victims in the middle of their work, and look at what is there.

    `hasty` victims answer before they commit, as nobody should: this has to be found out.
    """
    found_bank(url)
    moment = random.Random(f"kill-{seed}")
    context = get_context("forkserver")  # a victim is at work at once
    context.set_forkserver_preload([__name__])
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "acknowledged"
        notes.touch()
        for number in range(kills):
            wanted = notes.read_bytes().count(b"\n") + moment.randint(3, MOST_ANSWERS)
            victim = context.Process(target=_post_until_killed, args=(url, number, seed, str(notes), hasty))
            victim.start()
            while notes.read_bytes().count(b"\n") < wanted and victim.is_alive():
                time.sleep(0.002)
            time.sleep(moment.uniform(0, LONGEST_LIFE_S))
            os.kill(victim.pid or 0, signal.SIGKILL)
            victim.join()
        acknowledged = [json.loads(line) for line in notes.read_text().splitlines()]
    return _look(url, kills, acknowledged)


def _post_until_killed(url: str, number: int, seed: int, notes: str, hasty: bool) -> None:
    draw, until = random.Random(f"victim-{seed}-{number}"), time.monotonic() + LONGEST_POSTING_S
    paper = os.open(notes, os.O_WRONLY | os.O_APPEND)

    def answer(keys: list[str]) -> None:
        if keys:
            os.write(paper, f"{json.dumps(keys)}\n".encode())

    with open_session(url) as session:
        for count in takewhile(lambda _: time.monotonic() < until, itertools.count()):
            postings = draw_postings(draw, f"v{number}-{count}")
            try:
                (_post_hastily if hasty else _post)(session, postings, answer)
            except (InsufficientFunds, Conflict):
                continue


def _post(session: Session, postings: Sequence[Posting], answer: Answer) -> None:
    answer([posting.key for posting, new in zip(postings, ledger_apply(session, postings), strict=True) if new])


def _post_hastily(session: Session, postings: Sequence[Posting], answer: Answer) -> None:
    with writing(session):
        answer([posting.key for posting in postings if post(session, NOW, "soak", posting)])
        time.sleep(0.005)


def _look(url: str, kills: int, acknowledged: list[list[str]]) -> Aftermath:
    promised = [key for keys in acknowledged for key in keys]
    with open_session(url) as session:
        there = list(session.scalars(select(Transfer.idempotency_key)))
        unbalanced = len(out_of_balance(session)) + (sum_of_all(session) != 0)
    kept = set(there)
    surprises = {key.removesuffix("-commit").removesuffix("-rest") for key in kept - set(promised)}
    surprises = {key for key in surprises if not key.startswith("start-")}
    pairs = {"-commit": "-rest", "-rest": "-commit"}
    halves = [
        key for key in kept for end, other in pairs.items() if key.endswith(end) and key.replace(end, other) not in kept
    ]
    return Aftermath(
        kills=kills,
        acknowledged=len(promised),
        lost=len(set(promised) - kept) + len(promised) - len(set(promised)) + len(there) - len(kept),
        half=len(halves),
        unacknowledged=len(surprises),
        unbalanced=unbalanced,
    )


def main() -> int:
    """Kill on each database asked for; 0 if all is as it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"])
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    wrong = 0
    for kind in told.database or ["sqlite", "postgresql"]:
        with new_database(kind) as url:
            found = run(url, told.kills, told.seed)
        wrong += not found.good
        sys.stdout.write(
            f"{kind}: {found.kills} killed, {found.acknowledged} postings acknowledged, {found.lost} lost or doubled, "
            f"{found.half} half done, {found.unacknowledged} done without an answer, {found.unbalanced} unbalanced\n"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
