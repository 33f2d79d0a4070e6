"""Workers as processes of their own, to be watched, killed and started again; and a market that takes seconds."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from marketplace.journey import rounds
from marketplace.records import audit
from marketplace.records.audit import AuditEvent
from marketplace.records.database import writing
from marketplace.records.jobs import Job
from marketplace.records.outbox import Message
from marketplace.records.rounds import Match, Round, RoundStatus
from marketplace.rules.lifecycle import TenderStatus
from marketplace.work import client
from tests.worlds import SmallWorld

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 90.0


@dataclass
class Crew:
    """The worker processes of one test, all on one database, at one fixed moment."""

    engine: Engine
    folder: Path
    moment: str
    processes: list["subprocess.Popen[str]"] = field(default_factory=list)

    def start(self) -> "subprocess.Popen[str]":
        """Start a worker and wait until it says that it is at work; its name is then in `name_of`."""
        url = self.engine.url.render_as_string(hide_password=False)
        command = [sys.executable, "-m", "tests.faults.worker", url, str(self.folder), self.moment]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("Worker "), said
        process.name = said.split()[1]  # type: ignore[attr-defined]
        return process

    def kill(self, process: "subprocess.Popen[str]") -> None:
        """As the power cut does it."""
        process.send_signal(signal.SIGKILL)
        process.wait()

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                self.kill(process)
            if process.stdout is not None:
                process.stdout.close()


def name_of(process: "subprocess.Popen[str]") -> str:
    """The name under which a worker works."""
    return str(process.name)  # type: ignore[attr-defined]


def busy_world(session: Session, world: SmallWorld) -> SmallWorld:
    """Sixty patients and 27 providers with fees, minimums and bands: seconds of work for the engine."""
    world.patient_count = 60
    world.found()
    draw = random.Random(1)
    with writing(session):
        for number in range(24):
            world.providers[f"p{number}"] = world._provider(f"p{number}", draw.randint(0, 12), draw.randint(1, 4))
    world.draft().agree().publish()
    for name in world.providers:
        base = draw.randint(4_900, 5_900)
        bands = ((0, base), (48, base - draw.randint(50, 300)), (96, base - draw.randint(300, 700)))
        fee, least, most = draw.randint(5_000, 90_000), draw.randint(20, 72), draw.randint(72, 144)
        world.offer(name, *bands, fee=fee, least=least, most=most)
    return world.later(days=15)


def ask(world: SmallWorld) -> str:
    """The broker asks for the round; returns the job's id."""
    with writing(world.session):
        return client.enqueue_round(world.session, world.now, world.broking, world.tender.id).id


def look(world: SmallWorld) -> client.Progress:
    """What the broker's page would say now."""
    world.session.rollback()
    found = client.progress_of(world.session, world.now, world.broking, world.tender.id)
    assert found is not None
    return found


def wait_until(true: Callable[[], bool], every_s: float = 0.02) -> None:
    """Wait for something to come true; some minutes at most."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < PATIENCE_S, "it never came true"
        time.sleep(every_s)


def frozen_rounds(world: SmallWorld) -> int:
    """How many rounds are in the middle: frozen, and not yet recorded."""
    world.session.rollback()
    return world.session.scalar(select(func.count()).where(Round.status == RoundStatus.FROZEN)) or 0


def happened(world: SmallWorld, event: str) -> int:
    """How often the audit trail says that something happened."""
    return world.session.scalar(select(func.count()).where(AuditEvent.event == event)) or 0


def assert_proposed_once(world: SmallWorld, job_id: str) -> None:
    """One verified round, one proposal, one message to each of the matched; the books balance, the chain holds."""
    session = world.session
    session.rollback()
    assert session.get_one(Job, job_id).status.value == "done"
    assert world.tender.status is TenderStatus.PROPOSED
    row = session.scalars(select(Round)).one()
    assert row.status is RoundStatus.VERIFIED
    assert rounds.recheck(session, row) == []
    assert [happened(world, event) for event in ("round.started", "round.verified", "tender.proposed")] == [1, 1, 1]
    matches = session.scalars(select(Match)).all()
    told = session.scalars(select(Message.party_id).where(Message.template == "match_proposed")).all()
    assert sorted(told) == sorted(match.need.patient_id for match in matches)
    assert len(set(told)) == len(told) > 0
    assert world.books_balance()
    assert audit.check_chain(session) is None
