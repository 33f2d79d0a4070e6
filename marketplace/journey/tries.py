"""Guessing is slowed down: `note_try` counts a try at a password or a code before it is looked at, `forget` tidies up.

It is counted by the account that is meant, from wherever, and by the place that it comes from, for whichever account.
The pages call `note_try` in a short transaction of its own (`web.security`): a try counts whatever comes of it, and
however many processes answer, they count together. `deadlines.run_due` calls `forget`.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from marketplace.records.database import one_at_a_time, writing
from marketplace.records.tries import Try
from marketplace.rules.clock import Instant
from marketplace.rules.guessing import Limit, check_may_try, longest_window

from .keys import keyring_of


def note_try(session: Session, now: Instant, whose: Mapping[str, Sequence[Limit]]) -> None:
    """Count one more try against each of those whom it is counted by, with their limits; of them only a hash is kept.

    Of several at the same time one goes first, so that none slips through between counting and writing.

    Raises
    ------
    TooManyTries
        If one of them has had its share; then this one is not counted.
    """
    keyring = keyring_of(session)
    limits_by_mac = {keyring.sign("tries", name.encode()): limits for name, limits in whose.items()}
    one_at_a_time(session, *limits_by_mac)
    for mac, limits in limits_by_mac.items():
        longest = longest_window(limits)
        check_may_try(now, _tried(session, mac, now - longest), limits)
        session.add(Try(whose_mac=mac, at=now, counts_until=now + longest))
    session.flush()


def forget(session: Session, now: Instant) -> int:
    """Delete what does not count any more, in a transaction of its own; returns how many tries that were."""
    past = Try.counts_until <= now
    waiting = session.scalar(select(exists().where(past)))
    session.rollback()
    if not waiting:
        return 0
    with writing(session):
        return len(session.execute(delete(Try).where(past).returning(Try.id)).all())


def _tried(session: Session, mac: str, since: Instant) -> Sequence[Instant]:
    return session.scalars(select(Try.at).where(Try.whose_mac == mac, Try.at > since)).all()
