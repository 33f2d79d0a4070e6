"""Claim 1, saving: what groups pay against the conventional package and against buying alone; `savings`.

What brokers get stands beside it: their fees are the commissioner's to pay, and a saving that left them out would be
too good. Buying alone is each person's sessions at the private price of a single session, as the catalogue has it with
its source. The published evidence for and against pooling stands beside it, whichever way it points.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import func
from sqlalchemy.orm import Session

from marketplace.records.catalogue import Service
from marketplace.records.pools import Bundle, Need
from marketplace.records.rounds import Match
from marketplace.records.tenders import Tender
from marketplace.rules.awarding import Saving
from marketplace.rules.money import Pence
from marketplace.rules.privacy import hidden

from .cohort import Counted, served

EVIDENCE = Path(__file__).parent / "data" / "pooling_evidence.csv"


@dataclass(frozen=True, slots=True)
class SavingRow:
    """What one tender or one service saves; `saving` is None where the people behind it are too few to be shown."""

    key: str
    name: str
    people: int | None
    saving: Saving | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One published finding: does buying for many lower the price? `value_permille` is by how much, where it says."""

    side: str
    finding: str
    value_permille: int | None
    period: str
    source: str


@dataclass(frozen=True, slots=True)
class SavingClaim:
    """The saving per tender, per service and in all. `total` is None while there is no result to show.

    ``broker_fees_pence`` is what brokers get for the same people once all have signed, by the fees they declared; it is
    in none of the other figures.
    """

    tenders: tuple[SavingRow, ...]
    services: tuple[SavingRow, ...]
    total: Saving | None
    broker_fees_pence: Pence
    evidence: tuple[Evidence, ...]


def savings(session: Session, counted: Sequence[Counted]) -> SavingClaim:
    """Add up what the providers get, whoever of a group pays it, and what the same units cost in the two other ways."""
    spent = (
        func.sum(Match.price_pence + Match.fee_share_pence),
        func.sum(Need.units * Bundle.conventional_pence),
        func.sum(Need.units * Bundle.private_pence),
    )
    by_tender = served(counted, Bundle.tender_id, func.sum(Tender.broker_fee_pence), *spent)
    rows = session.execute(by_tender.join(Tender, Tender.id == Bundle.tender_id).group_by(Bundle.tender_id)).all()
    sums = {tender_id: Saving(*map(int, pence)) for tender_id, _, *pence in rows}
    tenders = tuple(SavingRow(row.tender_id, row.title, row.people, sums[row.tender_id]) for row in counted)
    people = func.count(func.distinct(Need.patient_id))
    by_service = served(counted, Service.id, Service.name, people, *spent).group_by(Service.id, Service.name)
    services = session.execute(by_service.order_by(Service.name)).all()
    not_shown = hidden([row[2] for row in services])
    return SavingClaim(
        tenders=tenders,
        services=tuple(
            SavingRow(key, name, None, None)
            if place in not_shown
            else SavingRow(key, name, count, Saving(*map(int, pence)))
            for place, (key, name, count, *pence) in enumerate(services)
        ),
        total=_sum(tuple(sums.values())) if sums else None,
        broker_fees_pence=sum(int(fees) for _, fees, *_ in rows),
        evidence=published_evidence(),
    )


@cache
def published_evidence() -> tuple[Evidence, ...]:
    """What is published for and against a lower price for many."""
    with EVIDENCE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Evidence(
                side=row["side"],
                finding=row["finding"],
                value_permille=int(row["value_permille"]) if row["value_permille"] else None,
                period=row["period"],
                source=row["source"],
            )
            for row in csv.DictReader(file)
        )


def _sum(rows: Sequence[Saving]) -> Saving:
    return Saving(
        charges_pence=sum(row.charges_pence for row in rows),
        conventional_pence=sum(row.conventional_pence for row in rows),
        alone_pence=sum(row.alone_pence for row in rows),
    )
