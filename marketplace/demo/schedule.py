"""When the demo's things happen, counted back from the moment it is run.

A tender left early in its life began lately; one in delivery began months ago. Everything follows from `now` and the
state in which the tender is to be left, so that every deadline on the pages makes sense to the visitor.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

SETTLED_DAYS_AGO = 89
"""When people, brokers and providers were admitted and budgets opened."""

YEARLY_LEFT_DAYS = 275
EPISODIC_LEFT_DAYS = 200
"""What is left of a budget's validity: long enough for the period of a pool that begins now."""

PUBLISHED_DAYS_AGO = {
    "draft": -6,
    "open": 5,
    "closed": 15,
    "proposed": 17,
    "standstill": 30,
    "awarded": 69,
    "withdrawn": 20,
    "unsuccessful": 30,
}
"""By the state a tender is left in; a draft is to be published in a few days."""

FIRST_PUBLISHED_DAYS_AGO = max(PUBLISHED_DAYS_AGO.values())
DELIVERED_DAYS_AGO = (19, 12, 5)
"""When deliveries under the awarded tenders are recorded; the last ones wait for an answer."""

PAID_DAYS_AGO = 14
"""What was confirmed after that is due: the commissioner, and patients who keep their money, have something to pay."""

RATED_DAYS_AGO = 8

MORE_ANSWER_DAYS = 3
"""How many days more whoever has extra support gets to answer: an award is confirmed when theirs are over too."""


@dataclass(frozen=True)
class Timeline:
    """The moments of one tender's life; those after the state it is left in do not come to pass."""

    drafted_at: datetime
    agreed_at: datetime
    published_at: datetime
    offered_at: datetime
    withdrawn_at: datetime
    offers_due_at: datetime
    matched_at: datetime
    answered_at: datetime
    confirmed_at: datetime
    signed_at: datetime
    period_from: date

    def period_to(self, weeks: int) -> date:
        """The last day of a lot's period."""
        return self.period_from + timedelta(weeks=weeks)


def timeline(now: datetime, left_as: str, position: int) -> Timeline:
    """One tender's moments; `position` among all tenders keeps two from happening in the same minute."""
    day = now.astimezone(UTC).date() - timedelta(days=PUBLISHED_DAYS_AGO[left_as])
    published_at = datetime.combine(day, time(10, 2 * position), tzinfo=UTC)
    offers_due_at = published_at + timedelta(days=14)
    matched_at = offers_due_at + timedelta(hours=4)
    return Timeline(
        drafted_at=published_at - timedelta(days=8),
        agreed_at=published_at - timedelta(days=7),
        published_at=published_at,
        offered_at=published_at + timedelta(days=4),
        withdrawn_at=published_at + timedelta(days=9),
        offers_due_at=offers_due_at,
        matched_at=matched_at,
        answered_at=matched_at + timedelta(days=1),
        confirmed_at=matched_at + timedelta(days=8 + MORE_ANSWER_DAYS),
        signed_at=matched_at + timedelta(days=28 + MORE_ANSWER_DAYS),
        period_from=day + timedelta(days=44),
    )


def midnights(now: datetime) -> Iterator[datetime]:
    """Shortly after each midnight from the first publication on: when the scheduler looks what has fallen due."""
    today = now.astimezone(UTC).date()
    for days_ago in range(FIRST_PUBLISHED_DAYS_AGO, -1, -1):
        moment = datetime.combine(today - timedelta(days=days_ago), time(0, 5), tzinfo=UTC)
        if moment < now:
            yield moment


def days_ago(now: datetime, days: int) -> datetime:
    """Noon of a day before `now`."""
    return datetime.combine(now.astimezone(UTC).date() - timedelta(days=days), time(12), tzinfo=UTC)
