"""Claim 3, access: how far and how soon people are served, beside what the conventional service would have been.

`access` counts in bands, so that no single person's figure stands anywhere. The conventional service's distance and
wait are the plan line's own, where somebody wrote them down; both sides of a comparison count the same people.
Distances are straight lines to the provider's site, also where the provider comes to the home.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal
from sqlalchemy.orm import Session

from marketplace.records.budgets import PlanLine
from marketplace.records.offers import Offer
from marketplace.records.pools import Need
from marketplace.rules.privacy import K, share_permille, shown

from .cohort import Counted, distance_squared, lower_median, served

DISTANCE_BANDS_M = (5_000, 10_000, 20_000, 40_000)
WAIT_BANDS_DAYS = (7, 14, 28, 56)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many people fall into each band, now and before; the last band is all beyond the last bound.

    Attributes
    ----------
    bounds
        The bands' upper bounds, in metres or days.
    now
        Needs in each band; None for what is not shown.
    before
        The same for the conventional service; empty where no plan says it.
    better_permille
        How many of a thousand are nearer (or sooner) than the conventional service would be.
    compared
        How many needs `before` and `better_permille` are about; if there are any, `now` is about the same ones.
    """

    bounds: tuple[int, ...]
    now: tuple[int | None, ...]
    before: tuple[int | None, ...]
    better_permille: int | None
    compared: int


@dataclass(frozen=True, slots=True)
class AccessClaim:
    """Distance, days to the first appointment, and days from a tender's publication to its result (the middle one)."""

    distance: Comparison
    wait: Comparison
    days_to_result: int | None


def access(session: Session, counted: Sequence[Counted]) -> AccessClaim:
    """Count distances and waits of everybody who was served."""
    days = [(tender.decided_at.date() - tender.published_at.date()).days for tender in counted]
    far, usual = distance_squared(), PlanLine.usual_distance_m
    return AccessClaim(
        distance=_compare(
            session,
            counted,
            _band(far, [bound * bound for bound in DISTANCE_BANDS_M]),
            _band(usual, DISTANCE_BANDS_M),
            far < usual * usual,
            DISTANCE_BANDS_M,
        ),
        wait=_compare(
            session,
            counted,
            _band(Offer.first_appointment_days, WAIT_BANDS_DAYS),
            _band(PlanLine.usual_wait_days, WAIT_BANDS_DAYS),
            Offer.first_appointment_days < PlanLine.usual_wait_days,
            WAIT_BANDS_DAYS,
        ),
        days_to_result=lower_median(days) if days else None,
    )


def _band(value: Any, bounds: Sequence[int]) -> ColumnElement[Any]:
    """Which band a value falls into; -1 where it is not known."""
    within = [(value <= bound, literal(place)) for place, bound in enumerate(bounds)]
    return case((value.is_(None), literal(-1)), *within, else_=literal(len(bounds)))


def _compare(
    session: Session,
    counted: Sequence[Counted],
    now: ColumnElement[Any],
    before: ColumnElement[Any],
    better: ColumnElement[bool],
    bounds: tuple[int, ...],
) -> Comparison:
    won = func.sum(case((better, 1), else_=0))
    columns = (now.label("now"), before.label("before"), func.count(Need.id), won)
    query = served(counted, *columns, places=True).group_by("now", "before")
    rows = [(at, was, count, int(nearer)) for at, was, count, nearer in session.execute(query) if at >= 0]
    pairs = [row for row in rows if row[1] >= 0]
    compared = sum(row[2] for row in pairs)
    comparable = compared >= K
    used = pairs if comparable else rows
    return Comparison(
        bounds=bounds,
        now=_spread([(at, count) for at, _, count, _ in used], len(bounds)),
        before=_spread([(was, count) for _, was, count, _ in pairs], len(bounds)) if comparable else (),
        better_permille=share_permille(sum(row[3] for row in pairs), compared),
        compared=compared if comparable else 0,
    )


def _spread(counts: Sequence[tuple[int, int]], last: int) -> tuple[int | None, ...]:
    bands = [0] * (last + 1)
    for band, count in counts:
        bands[band] += count
    return shown(bands)
