"""What a worker sees to: that no job is left behind, whatever became of its workflow or of its worker."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from dbos import DBOSClient
from sqlalchemy import text
from sqlalchemy.engine import Engine, make_url

from marketplace.records.database import writing
from marketplace.records.jobs import Job, JobKind, JobStatus, Worker
from marketplace.rules.lifecycle import TenderStatus
from marketplace.work import WORK_VERSION, care, client, steps
from marketplace.work.equipment import Equipment
from marketplace.work.slots import executor_id
from marketplace.work.system import JOB, JOBS, client_on, open_system, system_url
from tests.worlds import SmallWorld

LOST_AFTER = timedelta(seconds=30)


@pytest.fixture
def system(tools: Equipment) -> Iterator[Engine]:
    """The tables of the durable work; no worker runs."""
    system = open_system(tools.engine.url)
    yield system
    system.dispose()


@pytest.fixture
def flows(system: Engine) -> Iterator[DBOSClient]:
    flows = client_on(system)
    yield flows
    flows.destroy()


@pytest.fixture
def job_id(world: SmallWorld, tools: Equipment) -> str:
    """A round that the broker has asked for."""
    world.draft().agree().publish().three_offers().later(days=15)
    with writing(world.session):
        return client.enqueue_round(world.session, world.now, world.broking, world.tender.id).id


def set_flow(system: Engine, **values: object) -> None:
    """Make the one workflow look as a worker, or an earlier version, would have left it."""
    table = "workflow_status" if system.dialect.name == "sqlite" else "dbos.workflow_status"
    told = ", ".join(f"{name} = :{name}" for name in values)
    with system.begin() as connection:
        connection.execute(text(f"UPDATE {table} SET {told}"), values)  # noqa: S608 - names written here


def test_handed_over_once(world: SmallWorld, flows: DBOSClient, job_id: str) -> None:
    """A job is entered under its own id, once; entering it again changes nothing."""
    assert care.hand_over(world.session, world.now, flows) == 1
    assert care.hand_over(world.session, world.now, flows) == 0
    care.enter(flows, job_id, JobKind.ROUND)
    (flow,) = flows.list_workflows()
    assert (flow.workflow_id, flow.name, flow.queue_name, flow.app_version) == (job_id, JOB, JOBS, WORK_VERSION)
    assert care.mend(world.session, flows) == []


def test_left_by_a_lost_worker(world: SmallWorld, system: Engine, flows: DBOSClient, job_id: str) -> None:
    """What a worker was doing that was not seen for a while goes back to its queue; a living one is left alone."""
    care.hand_over(world.session, world.now, flows)
    for name in ("here-0", "there-0"):
        care.begin(world.session, world.now, name)
    set_flow(system, status="PENDING", executor_id="there-0")
    later = world.now + timedelta(seconds=29)
    care.beat(world.session, later, "here-0")
    assert care.take_over(world.session, later, flows, "here-0", LOST_AFTER) == []
    later += timedelta(seconds=2)
    assert care.take_over(world.session, later, flows, "here-0", LOST_AFTER) == [job_id]
    (flow,) = flows.list_workflows()
    assert (flow.status, flow.queue_name) == ("ENQUEUED", JOBS)


def test_left_by_a_worker_that_said_goodbye(world: SmallWorld, system: Engine, flows: DBOSClient, job_id: str) -> None:
    """A worker that says it stops is not waited for; one that begins again is no longer gone."""
    care.hand_over(world.session, world.now, flows)
    care.begin(world.session, world.now, "there-0")
    set_flow(system, status="PENDING", executor_id="there-0")
    care.beat(world.session, world.now, "there-0", stopping=True)
    assert care.take_over(world.session, world.now, flows, "here-0", LOST_AFTER) == [job_id]
    for enter in (care.begin, care.beat):
        enter(world.session, world.now, "there-0")
        world.session.rollback()
        worker = world.session.get_one(Worker, "there-0")
        assert worker.stopped_at is None
        with writing(world.session):
            world.session.delete(worker)


def test_a_workflow_that_is_gone(world: SmallWorld, flows: DBOSClient, job_id: str) -> None:
    """A job whose workflow was lost with its tables is entered anew."""
    care.hand_over(world.session, world.now, flows)
    flows.delete_workflows([job_id])
    assert care.mend(world.session, flows) == [job_id]
    assert [flow.workflow_id for flow in flows.list_workflows()] == [job_id]


def test_a_workflow_of_an_earlier_version(world: SmallWorld, system: Engine, flows: DBOSClient, job_id: str) -> None:
    """A round crosses a change of the workflow's steps: it is begun anew, under the same id."""
    care.hand_over(world.session, world.now, flows)
    steps.freeze(job_id)
    set_flow(system, status="PENDING", application_version="0", executor_id="there-0")
    assert care.mend(world.session, flows) == [job_id]
    (flow,) = flows.list_workflows()
    assert (flow.workflow_id, flow.status, flow.app_version) == (job_id, "ENQUEUED", WORK_VERSION)
    assert care.mend(world.session, flows) == []


def test_a_workflow_that_came_to_a_bad_end(world: SmallWorld, system: Engine, flows: DBOSClient, job_id: str) -> None:
    """A job whose workflow gave up ends too, and its tender is closed again with the reason."""
    care.hand_over(world.session, world.now, flows)
    steps.freeze(job_id)
    set_flow(system, status="MAX_RECOVERY_ATTEMPTS_EXCEEDED")
    assert care.mend(world.session, flows) == [job_id]
    assert care.mend(world.session, flows) == []
    world.session.rollback()
    assert world.session.get_one(Job, job_id).status is JobStatus.FAILED
    assert (world.tender.status, world.tender.status_reason) == (TenderStatus.CLOSED, steps.GIVEN_UP)
    assert world.books_balance()


def test_tidied_after_a_week(world: SmallWorld, system: Engine, flows: DBOSClient, job_id: str) -> None:
    """Workflows that ended a week ago go, with workers that were not seen since; the job stays."""
    care.hand_over(world.session, world.now, flows)
    care.begin(world.session, world.now, "there-0")
    ended_ms = int(world.now.timestamp() * 1000)
    set_flow(system, status="SUCCESS", completed_at=ended_ms, updated_at=ended_ms)
    assert care.tidy(world.session, flows, world.now + timedelta(days=6)) == 0
    assert care.tidy(world.session, flows, world.now + timedelta(days=8)) == 1
    assert flows.list_workflows() == []
    world.session.rollback()
    assert world.session.get(Worker, "there-0") is None
    assert world.session.get(Job, job_id) is not None


def test_every_worker_has_its_own_name(tmp_path: Path) -> None:
    """Two at a time have two names; a name that is free again is taken again."""
    with executor_id(tmp_path) as first:
        with executor_id(tmp_path) as second:
            assert first != second
        with executor_id(tmp_path) as third:
            assert third == second
    with executor_id(tmp_path) as again:
        assert again == first


def test_beside_the_application() -> None:
    """On SQLite a file of its own beside the application's; elsewhere the same database."""
    found = system_url(make_url("sqlite:////srv/var/carepool.sqlite"))
    assert found.database == "/srv/var/carepool-work.sqlite"
    url = make_url("postgresql+psycopg://carepool@/carepool")
    assert system_url(url) == url
