"""The kinds of jobs, as the journey knows them: how each is started, asked, finished, failed.

All have the one shape of a round: a short transaction that freezes the question, a solve that touches no database, and
a short transaction that records the answer or puts everything back. A further kind is one more entry of `KINDS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

import matching
from marketplace.journey import rematch, rounds
from marketplace.records.jobs import JobKind
from marketplace.records.rounds import Round
from marketplace.rules.clock import Instant
from marketplace.rules.permissions import Actor

Question = dict[str, Any]
Answer = dict[str, Any]
"""What is kept between two steps: ``outcome`` and ``findings``, and whatever else `Kind.finish` needs."""
Tell = Callable[[matching.Progress], None]
CalledOff = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job.

    Attributes
    ----------
    start
        The step of the journey that freezes the round, in its caller's transaction.
    question
        What the engine will be asked, read from the frozen round.
    solve
        Asks it, telling progress, stopping when called off; touches no database.
    finish, fail
        The steps that record the answer, or put everything back for a stated reason.
    """

    start: Callable[[Session, Instant, Actor, str], Round]
    question: Callable[[Session, Round], Question]
    solve: Callable[[Question, Tell, CalledOff], Answer]
    finish: Callable[[Session, Instant, Actor, str, Mapping[str, Any]], object]
    fail: Callable[[Session, Instant, Actor, str, str], object]


def _question_of_round(_session: Session, row: Round) -> Question:
    return {"market": row.market}


def _solve_round(question: Question, tell: Tell, called_off: CalledOff) -> Answer:
    solved = rounds.solve(question["market"], on_progress=tell, cancelled=called_off)
    return {"outcome": solved.outcome, "findings": list(solved.findings)}


def _finish_round(session: Session, now: Instant, actor: Actor, round_id: str, answer: Mapping[str, Any]) -> object:
    return rounds.finish_round(session, now, actor, round_id, answer["outcome"])


def _question_of_rematch(session: Session, row: Round) -> Question:
    request = row.request or {}
    return {"market": row.market, "outcome": session.get_one(Round, request["round"]).outcome, "request": request}


def _solve_rematch(question: Question, tell: Tell, called_off: CalledOff) -> Answer:
    market, solved = rematch.solve_rematch(**question, on_progress=tell, cancelled=called_off)
    return {"market": market, "outcome": solved.outcome, "findings": list(solved.findings)}


def _finish_rematch(session: Session, now: Instant, actor: Actor, round_id: str, answer: Mapping[str, Any]) -> object:
    return rematch.finish_rematch(session, now, actor, round_id, answer["market"], answer["outcome"])


KINDS: Mapping[JobKind, Kind] = {
    JobKind.ROUND: Kind(rounds.start_round, _question_of_round, _solve_round, _finish_round, rounds.fail_round),
    JobKind.REMATCH: Kind(
        rematch.start_rematch, _question_of_rematch, _solve_rematch, _finish_rematch, rematch.fail_rematch
    ),
}
