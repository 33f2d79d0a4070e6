"""The kinds of jobs, as the journey knows them: how each is started, asked, finished, failed.

All have the one shape of a round: a short transaction that freezes the question, a solve that touches no database, and
a short transaction that records the answer or puts everything back. What a job is about is a round, or, for scenarios,
a study: it is known by its id. A further kind is one more entry of `KINDS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from marketplace.journey import rematch, rounds, studies
from marketplace.records.jobs import Job, JobKind
from marketplace.records.rounds import Round
from marketplace.rules.clock import Instant
from marketplace.rules.permissions import Actor

from .scenarios import solve_scenarios
from .system import JOBS, UNHURRIED
from .watch import Watch

Question = dict[str, Any]
Answer = dict[str, Any]
"""What is kept between two steps: ``findings``, and whatever else `Kind.finish` needs."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job.

    Attributes
    ----------
    start
        The step of the journey that freezes what the job is about, in its caller's transaction; it is kept on the job.
    question
        What the engine will be asked, read from what was frozen, by its id.
    solve
        Asks it, telling the watch how far it is, stopping when it is called off; touches no database.
    finish, fail
        The steps that record the answer, or put everything back for a stated reason.
    queue
        Where it waits: a match among the jobs, what nobody's tender waits for among the unhurried.
    """

    start: Callable[[Session, Instant, Actor, Job], object]
    question: Callable[[Session, str], Question]
    solve: Callable[[Question, Watch], Answer]
    finish: Callable[[Session, Instant, Actor, str, Mapping[str, Any]], object]
    fail: Callable[[Session, Instant, Actor, str, str], object]
    queue: str = JOBS


def about(job: Job) -> str | None:
    """The id of the round or study that a job is about; None before its round is frozen."""
    return job.round_id or job.study_id


def _start_round(session: Session, now: Instant, actor: Actor, job: Job) -> None:
    job.round_id = rounds.start_round(session, now, actor, job.tender_id).id


def _question_of_round(session: Session, round_id: str) -> Question:
    return {"market": session.get_one(Round, round_id).market}


def _solve_round(question: Question, watch: Watch) -> Answer:
    solved = rounds.solve(question["market"], on_progress=watch.tell, cancelled=watch.called_off)
    return {"outcome": solved.outcome, "findings": list(solved.findings)}


def _finish_round(session: Session, now: Instant, actor: Actor, round_id: str, answer: Mapping[str, Any]) -> object:
    return rounds.finish_round(session, now, actor, round_id, answer["outcome"])


def _start_rematch(session: Session, now: Instant, actor: Actor, job: Job) -> None:
    job.round_id = rematch.start_rematch(session, now, actor, job.tender_id).id


def _question_of_rematch(session: Session, round_id: str) -> Question:
    row = session.get_one(Round, round_id)
    request = row.request or {}
    return {"market": row.market, "outcome": session.get_one(Round, request["round"]).outcome, "request": request}


def _solve_rematch(question: Question, watch: Watch) -> Answer:
    market, solved = rematch.solve_rematch(**question, on_progress=watch.tell, cancelled=watch.called_off)
    return {"market": market, "outcome": solved.outcome, "findings": list(solved.findings)}


def _finish_rematch(session: Session, now: Instant, actor: Actor, round_id: str, answer: Mapping[str, Any]) -> object:
    return rematch.finish_rematch(session, now, actor, round_id, answer["market"], answer["outcome"])


def _start_study(session: Session, now: Instant, actor: Actor, job: Job) -> None:
    studies.freeze_study(session, now, actor, job.study_id or "")


KINDS: Mapping[JobKind, Kind] = {
    JobKind.ROUND: Kind(_start_round, _question_of_round, _solve_round, _finish_round, rounds.fail_round),
    JobKind.REMATCH: Kind(_start_rematch, _question_of_rematch, _solve_rematch, _finish_rematch, rounds.fail_round),
    JobKind.SCENARIOS: Kind(
        _start_study, studies.question_of, solve_scenarios, studies.finish_study, studies.fail_study, UNHURRIED
    ),
}
