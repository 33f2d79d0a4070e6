"""What a worker sees to between its workflows: that it is seen, that jobs get to work, that none is left behind.

`beat` says that this worker lives. `hand_over` enters new jobs in DBOS, under their own ids, so that entering one twice
enters it once. `take_over` puts back in their queues the workflows of workers that stopped or were not seen for a
while. `mend` looks after jobs whose workflow came to no good end. `tidy` removes old workflows.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dbos import DBOSClient, EnqueueOptions, WorkflowStatus
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from marketplace.records.database import writing
from marketplace.records.jobs import UNFINISHED, Job, JobKind, JobStatus, Worker

from . import WORK_VERSION, steps
from .kinds import KINDS
from .system import CLOCKWORK, JOB

UNDER_WAY = ("PENDING", "ENQUEUED", "DELAYED")
KEEP = timedelta(days=7)
AT_ONCE = 500


def begin(session: Session, at: datetime, worker_id: str) -> None:
    """Enter this worker in the list, or back in it."""
    with writing(session):
        session.merge(Worker(id=worker_id, version=WORK_VERSION, started_at=at, seen_at=at, stopped_at=None))


def beat(session: Session, at: datetime, worker_id: str, *, stopping: bool = False) -> None:
    """Say that this worker is still there, or that it is leaving; enter it anew should the list have been emptied."""
    with writing(session):
        row = session.get(Worker, worker_id) or Worker(id=worker_id, version=WORK_VERSION, started_at=at)
        row.seen_at, row.stopped_at = at, at if stopping else None
        session.add(row)


def hand_over(session: Session, at: datetime, client: DBOSClient) -> int:
    """Enter the jobs that nobody has entered yet; returns how many."""
    query = select(Job.id, Job.kind).where(Job.handed_at.is_(None), Job.status == JobStatus.QUEUED)
    jobs = session.execute(query.order_by(Job.asked_at).limit(AT_ONCE)).all()
    session.rollback()
    for job_id, kind in jobs:
        enter(client, job_id, kind)
        with writing(session):
            session.execute(update(Job).where(Job.id == job_id).values(handed_at=at))
    return len(jobs)


def enter(client: DBOSClient, job_id: str, kind: JobKind) -> None:
    """Enter one job in the queue of its kind; the workflow has the job's id, and one that is there is left as it is."""
    options: EnqueueOptions = {
        "workflow_name": JOB,
        "queue_name": KINDS[kind].queue,
        "workflow_id": job_id,
        "app_version": WORK_VERSION,
    }
    client.enqueue(options, job_id)


def take_over(session: Session, at: datetime, client: DBOSClient, own_id: str, lost_after: timedelta) -> list[str]:
    """Put the workflows of workers that are gone back in their queues; returns their ids.

    A worker that was only slow may go on with what is taken over here: every step bears being done twice.
    """
    gone = session.scalars(
        select(Worker.id).where(
            Worker.id != own_id, or_(Worker.stopped_at.is_not(None), Worker.seen_at < at - lost_after)
        )
    ).all()
    session.rollback()
    taken = []
    for worker_id in gone:
        left = client.list_workflows(
            status="PENDING", executor_id=worker_id, load_input=False, load_output=False, limit=AT_ONCE
        )
        for queue in {row.queue_name for row in left}:
            ids = [row.workflow_id for row in left if row.queue_name == queue]
            client.resume_workflows(ids, queue_name=queue or CLOCKWORK)
            taken += ids
    return taken


def mend(session: Session, client: DBOSClient) -> list[str]:
    """Look after jobs that were handed over and are not finished; returns the ids of those that needed it.

    No workflow, or one of an earlier version: entered anew. One that came to its end without the job's: given up.
    """
    query = select(Job.id, Job.kind).where(Job.handed_at.is_not(None), Job.status.in_(UNFINISHED))
    jobs = session.execute(query).all()
    session.rollback()
    if not jobs:
        return []
    found = client.list_workflows(workflow_ids=[job_id for job_id, _ in jobs], load_input=False, load_output=False)
    flows = {row.workflow_id: row for row in found}
    mended = []
    for job_id, kind in jobs:
        flow = flows.get(job_id)
        if flow is None or _outdated(flow):
            if flow is not None:
                client.delete_workflows([job_id])
            enter(client, job_id, kind)
        elif flow.status in UNDER_WAY or _finished_meanwhile(session, job_id):
            continue
        else:
            steps.give_up(job_id)
        mended.append(job_id)
    return mended


def tidy(session: Session, client: DBOSClient, at: datetime) -> int:
    """Remove workflows that ended a week ago, and workers not seen since; returns how many workflows.

    The jobs, which say what came of them, stay.
    """
    with writing(session):
        session.execute(delete(Worker).where(Worker.seen_at < at - KEEP))
    old = client.list_workflows(
        completed_before=(at - KEEP).isoformat(), load_input=False, load_output=False, limit=AT_ONCE
    )
    ids: Sequence[str] = [row.workflow_id for row in old]
    if ids:
        client.delete_workflows(list(ids))
    return len(ids)


def _outdated(flow: WorkflowStatus) -> bool:
    return flow.app_version not in (None, WORK_VERSION) and flow.status in UNDER_WAY


def _finished_meanwhile(session: Session, job_id: str) -> bool:
    """The workflow may have ended after its job was read here."""
    status = session.scalar(select(Job.status).where(Job.id == job_id))
    session.rollback()
    return status not in UNFINISHED
