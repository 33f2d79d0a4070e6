"""A worker may die at any moment: its round is finished all the same, once."""

import random
import time
from datetime import timedelta

from sqlalchemy import select

from marketplace.records.database import writing
from marketplace.records.jobs import JobStatus
from marketplace.records.rounds import Match
from marketplace.rules.lifecycle import TenderStatus
from marketplace.work.client import cancel_job
from marketplace.work.system import client_on, open_system
from tests.faults.workers import Crew, ask, assert_proposed_once, frozen_rounds, happened, look, name_of, wait_until
from tests.worlds import BUDGET_PENCE, SmallWorld


def test_killed_again_and_again(busy: SmallWorld, crew: Crew) -> None:
    """Killed with -9 in the middle of a round, three times, at no special moment: the next start finishes it, once."""
    job_id = ask(busy)
    moment = random.Random()
    struck = 0
    for _ in range(3):
        worker = crew.start()
        wait_until(lambda: frozen_rounds(busy) == 1 or look(busy).finished)
        time.sleep(moment.uniform(0, 0.5) if struck else 0)  # the first one as soon as it is in the middle
        crew.kill(worker)
        struck += frozen_rounds(busy)
    assert struck >= 1, "no blow fell in the middle of the round"
    crew.start()
    wait_until(lambda: look(busy).finished)
    assert_proposed_once(busy, job_id)


def test_another_takes_over(busy: SmallWorld, crew: Crew) -> None:
    """Of two workers one takes the round; when it dies and never comes back, the other finishes it, once."""
    workers = [crew.start(), crew.start()]
    assert len({name_of(worker) for worker in workers}) == 2
    job_id = ask(busy)
    assert ask(busy) == job_id
    wait_until(lambda: frozen_rounds(busy) == 1)
    system = open_system(busy.session.get_bind().engine.url)
    flows = client_on(system)
    at_it = flows.list_workflows(workflow_ids=[job_id])[0].executor_id
    crew.kill(next(worker for worker in workers if name_of(worker) == at_it))
    assert frozen_rounds(busy) == 1
    wait_until(lambda: look(busy).finished)
    finished_by = flows.list_workflows(workflow_ids=[job_id])[0].executor_id
    flows.destroy()
    system.dispose()
    assert {at_it, finished_by} == {name_of(worker) for worker in workers}
    assert_proposed_once(busy, job_id)


def test_two_workers_run_a_round_once(busy: SmallWorld, crew: Crew) -> None:
    """Left alone, two workers run one round one time: it is begun once, and asked of the engine once."""
    crew.start()
    crew.start()
    job_id = ask(busy)
    wait_until(lambda: look(busy).finished)
    system = open_system(busy.session.get_bind().engine.url)
    flows = client_on(system)
    wait_until(lambda: flows.list_workflows(workflow_ids=[job_id])[0].status == "SUCCESS")
    assert flows.list_workflows(workflow_ids=[job_id])[0].recovery_attempts == 1
    assert [step["function_name"] for step in flows.list_workflow_steps(job_id)] == ["freeze", "solve", "record"]
    flows.destroy()
    system.dispose()
    assert_proposed_once(busy, job_id)


def test_called_off(busy: SmallWorld, crew: Crew) -> None:
    """A round that is called off stops at once; the tender is closed again, says why, and can be matched anew."""
    crew.start()
    job_id = ask(busy)
    wait_until(lambda: frozen_rounds(busy) == 1)
    before = time.monotonic()
    with writing(busy.session):
        cancel_job(busy.session, busy.now, busy.broking, job_id)
    wait_until(lambda: look(busy).finished)
    assert time.monotonic() - before < 10
    progress = look(busy)
    busy.session.rollback()
    assert progress.status is JobStatus.CANCELLED
    assert busy.tender.status is TenderStatus.CLOSED
    assert busy.tender.status_reason == progress.message
    assert busy.session.scalars(select(Match)).all() == []
    assert busy.money(1) == {"available": 10_000, "reserved": BUDGET_PENCE, "committed": 0}
    assert happened(busy, "round.verified") == 0
    busy.now += timedelta(minutes=1)
    ask(busy)
    wait_until(lambda: look(busy).finished)
    busy.session.rollback()
    assert busy.tender.status is TenderStatus.PROPOSED
    assert busy.books_balance()
