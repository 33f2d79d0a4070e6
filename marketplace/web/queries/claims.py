"""The six claims for pages: `current_claims` counts them once for every change of what they depend on.

Counting takes seconds where many people are stored; whether anything has changed is asked in one short query. Each
process keeps its last answer. `unmet_services` narrows one of the claims to a service and an area.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import current_app
from sqlalchemy.orm import Session

from marketplace.journey.claims import Claims, all_claims, state_of
from marketplace.journey.claims.unmet import UnmetClaim, UnmetService
from marketplace.rules.clock import Instant, london_date

_KEPT = "carepool_claims"


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer, and the state it was given for."""

    state: tuple[object, ...]
    claims: Claims


def current_claims(session: Session, now: Instant) -> Claims:
    """The claims as of now."""
    today = london_date(now)
    state = state_of(session, today)
    kept: _Kept | None = current_app.extensions.get(_KEPT)
    if kept is None or kept.state != state:
        kept = current_app.extensions[_KEPT] = _Kept(state, all_claims(session, today))
    return kept.claims


def unmet_services(claim: UnmetClaim, *, service: str, area: str) -> Sequence[UnmetService]:
    """The services of the claim that fit, each with the areas that fit."""
    wanted = area.strip().lower()
    narrowed = [
        replace(row, areas=tuple(place for place in row.areas if wanted in place.area.lower()))
        for row in claim.services
        if not service or row.service == service
    ]
    return [row for row in narrowed if row.areas]
