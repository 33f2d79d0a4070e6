"""Tries are counted by all who count, one after the other, and forgotten when they count no more."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.journey import deadlines, tries
from marketplace.records.database import writing
from marketplace.records.tries import Try
from marketplace.rules.errors import TooManyTries
from marketplace.rules.guessing import Limit

FIVE = (Limit(5, 60),)


def tried(session: Session, now: datetime, *names: str) -> bool:
    """Whether a try was counted, rather than refused."""
    try:
        with writing(session):
            tries.note_try(session, now, dict.fromkeys(names, FIVE))
    except TooManyTries:
        return False
    return True


def test_none_slips_through_at_the_same_time(new_session: Callable[[], Session], monday: datetime) -> None:
    """Of twenty tries at once five are let through, for one account from two places."""
    sessions = [new_session() for _ in range(20)]
    with ThreadPoolExecutor(max_workers=8) as threads:
        let = list(threads.map(lambda at: tried(sessions[at], monday, "account", f"place {at % 2}"), range(20)))
    assert sum(let) == 5
    assert len(sessions[0].scalars(select(Try)).all()) == 10, "what was refused counts for nobody"


def test_what_counts_no_more_is_forgotten(session: Session, monday: datetime) -> None:
    """Whoever waits may try again; the worker's round of deadlines deletes what is past, and nothing else."""
    assert [tried(session, monday, "account") for _ in range(6)] == [True] * 5 + [False]
    later = monday + timedelta(seconds=59)
    assert not tried(session, later, "account")
    assert tried(session, later, "another account")
    assert "account" not in str(session.scalars(select(Try.whose_mac)).all())
    deadlines.run_due(session, monday + timedelta(seconds=60))
    (left,) = session.scalars(select(Try)).all()
    assert left.at == later
    assert tried(session, monday + timedelta(seconds=60), "account")


def test_a_refused_try_is_counted_for_nobody(session: Session, monday: datetime) -> None:
    """A place that has had its share does not use up an account's."""
    for _ in range(5):
        assert tried(session, monday, "place")
    with pytest.raises(TooManyTries), writing(session):
        tries.note_try(session, monday, {"account": FIVE, "place": FIVE})
    assert len(session.scalars(select(Try)).all()) == 5
