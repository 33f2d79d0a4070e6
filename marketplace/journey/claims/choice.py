"""Claim 6, choice: who chooses which broker, who moves, who accepts and who declines, and why; `choice`.

Clients and moves are counted up to the end of the last full month: a figure that followed each single move would
show who moved. Reasons for declining are people's own words and are never shown; `theme_of` sorts them by what they
speak of.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.records.people import Broker, BrokerMove
from marketplace.records.rounds import Award, Match, MatchStatus, Round
from marketplace.rules.clock import LONDON, Instant
from marketplace.rules.privacy import K, share_permille, shown

from .cohort import Counted

MOVES_WITHIN_DAYS = 365
THEMES = (
    ("travel", r"\b(far|distance|travel|bus|drive|car|journey|get there|miles?|km|winter)\b"),
    ("time", r"\b(wait|evening|morning|weekend|day|time|date|soon|late|appointment)s?\b"),
    ("present_provider", r"\b(present|current|my own|usual|therapist|carer|nurse|know)\b"),
    ("price", r"\b(dear|expensive|cost|price|money|charge|pay)s?\b"),
    ("provider", r"\b(provider|rating|rated|review|quality|clinic|staff|trust)s?\b"),
)
"""What a reason speaks of, by its words; the first theme that fits is taken, `other` if none does."""


@dataclass(frozen=True, slots=True)
class BrokerClients:
    """One broker: its clients, who came to it from another and who left it for another, in a year."""

    broker: str
    clients: int | None
    came: int | None
    went: int | None


@dataclass(frozen=True, slots=True)
class Reason:
    """How many people declined for reasons of one sort."""

    theme: str
    people: int | None


@dataclass(frozen=True, slots=True)
class ChoiceClaim:
    """Clients per broker and moves between them as of `until`; answers to matches and why people declined.

    Attributes
    ----------
    answers
        How many proposed matches were answered, in the counted tenders; None while they are too few.
    accepted_permille
        How many of a thousand were accepted.
    """

    until: date
    brokers: tuple[BrokerClients, ...]
    answers: int | None
    accepted_permille: int | None
    reasons: tuple[Reason, ...]


def choice(session: Session, counted: Sequence[Counted], today: date) -> ChoiceClaim:
    """Count choices of brokers, and answers to proposals."""
    until = today.replace(day=1)
    accepted, reasons = _answers(session, counted)
    answers = accepted + reasons.total()
    ordered = sorted(reasons, key=lambda theme: (-reasons[theme], theme))
    enough = reasons.total() >= K
    counts = shown([reasons[theme] for theme in ordered]) if enough else [None] * len(ordered)
    return ChoiceClaim(
        until=until - timedelta(days=1),
        brokers=_brokers(session, datetime.combine(until, time.min, tzinfo=LONDON)),
        answers=answers if answers >= K and (enough or not reasons) else None,
        accepted_permille=share_permille(accepted, answers),
        reasons=tuple(Reason(theme, people) for theme, people in zip(ordered, counts, strict=True)),
    )


def theme_of(reason: str | None) -> str:
    """What a reason speaks of: a theme, `other`, or `none_given`."""
    if not reason or not reason.strip():
        return "none_given"
    return next((theme for theme, words in THEMES if re.search(words, reason.lower())), "other")


def _brokers(session: Session, until: Instant) -> tuple[BrokerClients, ...]:
    ever = BrokerMove.moved_at < until
    lately = ever & (BrokerMove.moved_at >= until - timedelta(days=MOVES_WITHIN_DAYS))
    changed = lately & BrokerMove.from_broker_id.is_not(None)
    names = session.execute(select(Broker.id, Broker.name).order_by(Broker.name)).all()
    to, from_ = BrokerMove.to_broker_id, BrokerMove.from_broker_id
    arrived, left = _count(session, to, ever), _count(session, from_, ever)
    came, went = _count(session, to, changed), _count(session, from_, changed)
    clients = [arrived[key] - left[key] for key, _ in names]
    rows = zip(
        names,
        _unless_few(clients),
        _unless_few([came[key] for key, _ in names]),
        _unless_few([went[key] for key, _ in names]),
        strict=True,
    )
    return tuple(BrokerClients(name, count, arrivals, leavers) for (_, name), count, arrivals, leavers in rows)


def _unless_few(counts: Sequence[int]) -> Sequence[int | None]:
    """A column as it may be shown; one of a few people in all is not (who comes to one broker has left another)."""
    return [None] * len(counts) if 0 < sum(counts) < K else shown(counts)


def _count(session: Session, broker: Any, condition: Any) -> Counter[str]:
    query = select(broker, func.count()).where(condition).group_by(broker)
    return Counter({key: count for key, count in session.execute(query) if key is not None})


def _answers(session: Session, counted: Sequence[Counted]) -> tuple[int, Counter[str]]:
    """Accepted matches of the last rounds, and the declined ones of all rounds by the theme of their reason."""
    rounds = [tender.round_id for tender in counted]
    took = select(func.count(Match.id)).join(Award, Award.id == Match.award_id)
    accepted = session.scalar(took.where(Award.round_id.in_(rounds), Match.status == MatchStatus.ACCEPTED)) or 0
    declined = (
        select(Match.decline_reason)
        .join(Award, Award.id == Match.award_id)
        .join(Round, Round.id == Award.round_id)
        .where(Round.tender_id.in_([tender.tender_id for tender in counted]), Match.status == MatchStatus.DECLINED)
    )
    return accepted, Counter(theme_of(reason) for reason in session.scalars(declined))
