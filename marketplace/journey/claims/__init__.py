"""What we claim, counted: six questions that anybody may ask, answered from stored data only.

===========  ====================================================================================================
`saving`     What do groups pay, against the conventional package and against buying alone?
`unmet`      Who found no provider, and at which price or distance would they have?
`access`     How far and how soon, beside what the conventional service would have been?
`fairness`   Who is served, at what share of their budget, how near, how well; and who serves them?
`quality`    Which offers are used: the good ones, the cheap ones?
`choice`     Who chooses which broker, who moves, who accepts, who declines and why?
===========  ====================================================================================================

All figures are for everybody to see. They count tenders whose result is public (from standstill on) and in which at
least k people were served: what a result adds to a sum of people served is never fewer than that, so that two such
sums subtracted name nobody. Within a table `marketplace.rules.privacy` hides what is small and what would give it
away. What is not stored is not claimed: it is None.

`all_claims` asks all six; `state_of` says cheaply whether any answer may have changed.
"""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.records.tenders import Tender
from marketplace.rules.lifecycle import TenderStatus

from .access import AccessClaim, access
from .choice import ChoiceClaim, choice
from .cohort import PUBLISHED, counted_tenders
from .fairness import FairnessClaim, fairness
from .quality import QualityClaim, quality
from .saving import SavingClaim, savings
from .unmet import UnmetClaim, unmet

__all__ = [
    "Claims",
    "access",
    "all_claims",
    "choice",
    "counted_tenders",
    "fairness",
    "quality",
    "savings",
    "state_of",
    "unmet",
]


@dataclass(frozen=True, slots=True)
class Claims:
    """The six answers."""

    saving: SavingClaim
    unmet: UnmetClaim
    access: AccessClaim
    fairness: FairnessClaim
    quality: QualityClaim
    choice: ChoiceClaim


def all_claims(session: Session, today: date) -> Claims:
    """Count everything: seconds, with a hundred thousand people; keep the answer while `state_of` stays."""
    counted = counted_tenders(session)
    return Claims(
        saving=savings(session, counted),
        unmet=unmet(session),
        access=access(session, counted),
        fairness=fairness(session, counted, today),
        quality=quality(session, counted),
        choice=choice(session, counted, today),
    )


def state_of(session: Session, today: date) -> tuple[object, ...]:
    """What the claims depend on, in one short query: the results that are public, and the month.

    Nothing else is looked at on purpose: a figure that followed single people between two results would show them.
    """
    query = (
        select(Tender.id, Tender.status)
        .where(Tender.status.in_((*PUBLISHED, TenderStatus.UNSUCCESSFUL)))
        .order_by(Tender.id)
    )
    return (today.replace(day=1), *((tender_id, status) for tender_id, status in session.execute(query)))
