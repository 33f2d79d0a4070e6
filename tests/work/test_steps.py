"""The steps of a job: each may be done twice, and has its effect once; no end of it leaves money astray."""

from collections.abc import Mapping

import pytest
from sqlalchemy import func, select

from marketplace.journey import rounds
from marketplace.records import audit
from marketplace.records.audit import AuditEvent
from marketplace.records.database import writing
from marketplace.records.jobs import Job, JobStatus
from marketplace.records.outbox import Message
from marketplace.records.rounds import Match, Round, RoundKind, RoundStatus
from marketplace.rules.errors import NotFound, WrongState
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Actor, Role
from marketplace.work import client, steps
from marketplace.work.equipment import Equipment
from tests.worlds import BUDGET_PENCE, SmallWorld

HELD = {"available": 10_000, "reserved": BUDGET_PENCE, "committed": 0}


@pytest.fixture
def closed(world: SmallWorld, tools: Equipment) -> SmallWorld:
    """Twelve patients pooled, three offers opened: a round can begin."""
    return world.draft().agree().publish().three_offers().later(days=15)


def ask(world: SmallWorld) -> str:
    with writing(world.session):
        return client.enqueue_round(world.session, world.now, world.broking, world.tender.id).id


def call_off(world: SmallWorld, job_id: str) -> None:
    with writing(world.session):
        client.cancel_job(world.session, world.now, world.broking, job_id)


def do(job_id: str, times: int = 1) -> None:
    """The whole job, each step so many times, as a worker does it that dies after every step."""
    round_id: str | None = None
    answer: Mapping[str, object] = {}
    for _ in range(times):
        round_id = steps.freeze(job_id)
    if round_id is not None:
        answer = steps.solve(job_id, round_id)
        for _ in range(times):
            steps.record(job_id, round_id, answer)


def job_of(world: SmallWorld, job_id: str) -> Job:
    world.session.rollback()
    return world.session.get_one(Job, job_id)


def test_every_step_twice(closed: SmallWorld) -> None:
    """A job whose steps are all done twice has frozen one round and made one proposal, and told everybody once."""
    job_id = ask(closed)
    do(job_id, times=2)
    job = job_of(closed, job_id)
    assert (job.status, job.message) == (JobStatus.DONE, None)
    assert closed.tender.status is TenderStatus.PROPOSED
    assert closed.session.scalars(select(Round.status)).all() == [RoundStatus.VERIFIED]
    assert closed.session.scalar(select(func.count()).where(Message.template == "match_proposed")) == 12
    assert closed.books_balance()
    assert audit.check_chain(closed.session) is None


def test_asked_twice(closed: SmallWorld) -> None:
    """A second click is answered with the job of the first; once that is done there is nothing to ask for."""
    job_id = ask(closed)
    assert ask(closed) == job_id
    do(job_id)
    closed.session.rollback()
    do(job_id)
    progress = client.progress_of(closed.session, closed.now, closed.broking, closed.tender.id)
    assert progress is not None
    assert progress.finished
    assert progress.part_count >= 1


def test_only_its_broker(closed: SmallWorld) -> None:
    """To another broker the tender, its job and its progress do not exist."""
    job_id = ask(closed)
    stranger = Actor("user-x", Role.BROKER, "another")
    with pytest.raises(NotFound), writing(closed.session):
        client.enqueue_round(closed.session, closed.now, stranger, closed.tender.id)
    with pytest.raises(NotFound), writing(closed.session):
        client.cancel_job(closed.session, closed.now, stranger, job_id)
    with pytest.raises(NotFound):
        client.progress_of(closed.session, closed.now, stranger, closed.tender.id)


def test_too_early(world: SmallWorld) -> None:
    """A tender that is still open cannot be matched, and no job is left behind."""
    world.draft().agree().publish()
    with pytest.raises(WrongState), writing(world.session):
        client.enqueue_round(world.session, world.now, world.broking, world.tender.id)
    assert client.progress_of(world.session, world.now, world.broking, world.tender.id) is None


def test_the_tender_went_its_own_way(closed: SmallWorld) -> None:
    """If the tender has moved on before a worker begins, the job fails with the reason and changes nothing."""
    job_id = ask(closed)
    closed.run_round()
    do(job_id)
    job = job_of(closed, job_id)
    assert job.status is JobStatus.FAILED
    assert job.message
    assert closed.tender.status is TenderStatus.PROPOSED
    assert closed.session.scalar(select(func.count()).select_from(Round)) == 1


def test_called_off_before_it_began(closed: SmallWorld) -> None:
    """A job that no worker has begun ends at once, and a worker that finds it later does nothing."""
    job_id = ask(closed)
    call_off(closed, job_id)
    assert job_of(closed, job_id).status is JobStatus.CANCELLED
    do(job_id)
    assert closed.tender.status is TenderStatus.CLOSED
    assert closed.session.scalars(select(Round)).all() == []
    with pytest.raises(WrongState):
        call_off(closed, job_id)


def test_called_off_in_the_middle(closed: SmallWorld) -> None:
    """Called off while the engine is at it: the tender is closed again and says why, the pounds are where they were."""
    job_id = ask(closed)
    round_id = steps.freeze(job_id)
    assert round_id is not None
    answer = steps.solve(job_id, round_id)
    call_off(closed, job_id)
    steps.record(job_id, round_id, answer)
    assert job_of(closed, job_id).status is JobStatus.CANCELLED
    assert (closed.tender.status, closed.tender.status_reason) == (TenderStatus.CLOSED, client.CALLED_OFF)
    assert closed.session.get_one(Round, round_id).status is RoundStatus.FAILED
    assert closed.session.scalars(select(Match)).all() == []
    assert closed.money(1) == HELD
    assert closed.books_balance()
    do(ask(closed))
    closed.session.rollback()
    assert closed.tender.status is TenderStatus.PROPOSED


def test_the_engine_fails(closed: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stops the engine is written on the tender by its name only; the tender is closed again."""

    def burst(*_: object, **__: object) -> None:
        raise MemoryError("with a secret")

    monkeypatch.setattr(rounds, "solve", burst)
    job_id = ask(closed)
    do(job_id)
    job = job_of(closed, job_id)
    assert (job.status, job.message) == (JobStatus.FAILED, rounds.stopped_by(MemoryError()))
    assert closed.tender.status is TenderStatus.CLOSED
    assert closed.money(1) == HELD


def test_the_check_fails(closed: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer with a finding against it is not recorded."""
    monkeypatch.setattr(rounds, "solve", lambda *_, **__: rounds.Solved({}, ("over_budget: need n",)))
    job_id = ask(closed)
    do(job_id)
    assert job_of(closed, job_id).status is JobStatus.FAILED
    assert closed.tender.status is TenderStatus.CLOSED
    assert "over_budget" in (closed.tender.status_reason or "")


def test_given_up(closed: SmallWorld) -> None:
    """A job that no worker could finish ends, and its tender is closed again, once."""
    job_id = ask(closed)
    steps.freeze(job_id)
    steps.give_up(job_id)
    steps.give_up(job_id)
    assert job_of(closed, job_id).status is JobStatus.FAILED
    assert (closed.tender.status, closed.tender.status_reason) == (TenderStatus.CLOSED, steps.GIVEN_UP)
    assert closed.session.scalar(select(func.count()).where(AuditEvent.event == "round.failed")) == 1
    assert closed.money(1) == HELD


def test_a_rematch_goes_the_same_way(closed: SmallWorld) -> None:
    """After a refusal a rematch is a job like a round: frozen, solved and recorded, each step done twice."""
    do(ask(closed))
    closed.accept(*range(1, 7)).decline(7)
    with writing(closed.session):
        job_id = client.enqueue_rematch(closed.session, closed.now, closed.broking, closed.tender.id).id
    do(job_id, times=2)
    assert job_of(closed, job_id).status is JobStatus.DONE
    row = rounds.latest_round(closed.session, closed.tender.id)
    assert row is not None
    assert (row.kind, rounds.recheck(closed.session, row)) == (RoundKind.REMATCH, [])
    assert 7 in closed.providers_by_patient()
    assert closed.books_balance()


def test_a_rematch_called_off(closed: SmallWorld) -> None:
    """A rematch that is called off leaves the proposal as it was."""
    do(ask(closed))
    closed.accept(*range(1, 7)).decline(7)
    with writing(closed.session):
        job_id = client.enqueue_rematch(closed.session, closed.now, closed.broking, closed.tender.id).id
    steps.freeze(job_id)
    call_off(closed, job_id)
    do(job_id)
    assert job_of(closed, job_id).status is JobStatus.CANCELLED
    assert closed.tender.status is TenderStatus.PROPOSED
    assert closed.money(7)["reserved"] == 0
    assert closed.books_balance()
