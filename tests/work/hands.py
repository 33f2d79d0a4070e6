"""Hands for jobs in the test's own process: the steps of a worker, done at once, without the engine of durable work."""

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.engine import Engine

from marketplace.adapters.sealing import Keyring
from marketplace.records.jobs import Job, JobStatus
from marketplace.work import steps
from marketplace.work.equipment import Equipment, lend_equipment
from tests.worlds import SmallWorld


def lend(world: SmallWorld) -> None:
    """Make this process a worker for the world: steps can be called one by one."""
    engine = world.session.get_bind()
    assert isinstance(engine, Engine)
    keyring = Keyring.from_hex("11" * 32, "22" * 32)
    lend_equipment(Equipment(engine=engine, keyring=keyring, clock=lambda: world.now, mail=None, var_dir=Path()))


def do_what_was_asked(world: SmallWorld) -> int:
    """Do every job that waits, as a worker would; returns how many. The world then sees what came of it."""
    lend(world)
    world.session.rollback()
    asked = world.session.scalars(select(Job.id).where(Job.status == JobStatus.QUEUED).order_by(Job.asked_at)).all()
    world.session.rollback()
    for job_id in asked:
        round_id = steps.freeze(job_id)
        if round_id is not None:
            steps.record(job_id, round_id, steps.solve(job_id, round_id))
    world.session.rollback()
    return len(asked)
