"""Who is counted: `counted_tenders`, and `served`, their accepted matches with all that the claims ask of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from marketplace.records.budgets import PlanLine
from marketplace.records.catalogue import Service
from marketplace.records.offers import Offer
from marketplace.records.people import Patient
from marketplace.records.pools import Bundle, Need
from marketplace.records.rounds import Award, Match, MatchStatus, Round, RoundStatus
from marketplace.records.tenders import Tender
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.privacy import K

PUBLISHED = (TenderStatus.STANDSTILL, TenderStatus.UNDER_REVIEW, TenderStatus.AWARDED)
"""The states of a tender in which its result is public."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A tender whose result is public and whose people are enough to be counted together."""

    tender_id: str
    title: str
    round_id: str
    people: int
    published_at: datetime
    decided_at: datetime


def latest_rounds() -> Select[str, int]:
    """The number of each tender's last verified round."""
    verified = select(Round.tender_id, func.max(Round.number).label("number"))
    return verified.where(Round.status == RoundStatus.VERIFIED).group_by(Round.tender_id)


def counted_tenders(session: Session) -> tuple[Counted, ...]:
    """The tenders that the claims count, the latest decision first."""
    latest = latest_rounds().subquery()
    people = func.count(func.distinct(Need.patient_id))
    query = (
        select(Tender.id, Tender.title, Round.id, people, Tender.published_at, Tender.standstill_from)
        .join(latest, latest.c.tender_id == Tender.id)
        .join(Round, (Round.tender_id == Tender.id) & (Round.number == latest.c.number))
        .join(Award, Award.round_id == Round.id)
        .join(Match, Match.award_id == Award.id)
        .join(Need, Need.id == Match.need_id)
        .where(Tender.status.in_(PUBLISHED), Match.status == MatchStatus.ACCEPTED)
        .group_by(Tender.id, Tender.title, Round.id, Tender.published_at, Tender.standstill_from)
        .having(people >= K)
        .order_by(Tender.standstill_from.desc(), Tender.id)
    )
    return tuple(
        Counted(tender_id, title, round_id, count, published_at, decided_at)
        for tender_id, title, round_id, count, published_at, decided_at in session.execute(query)
        if published_at is not None and decided_at is not None
    )


def served(counted: Sequence[Counted], *columns: Any, places: bool = False) -> Select[*tuple[Any, ...]]:
    """These columns of the accepted matches of these tenders.

    Joined are the match and its award, the need with its bundle and service; with `places` also the plan line, the
    patient and the offer (with its site's place, grade and days to a first appointment as sealed).
    """
    query = (
        select(*columns)
        .select_from(Match)
        .join(Award, Award.id == Match.award_id)
        .join(Need, Need.id == Match.need_id)
        .join(Bundle, Bundle.id == Need.bundle_id)
        .join(Service, Service.id == Bundle.service_id)
        .where(Award.round_id.in_([tender.round_id for tender in counted]), Match.status == MatchStatus.ACCEPTED)
    )
    if not places:
        return query
    return (
        query.join(PlanLine, PlanLine.id == Need.plan_line_id)
        .join(Patient, Patient.id == Need.patient_id)
        .join(Offer, Offer.id == Award.offer_id)
    )


def distance_squared() -> ColumnElement[int]:
    """The squared straight distance, in square metres, from a patient's home to the site (no database need root it).

    The site is where the offer says: a figure that moved with it would tell of the few people who go there.
    """
    east, north = Patient.easting_m - Offer.easting_m, Patient.northing_m - Offer.northing_m
    return east * east + north * north


def lower_median(values: Sequence[int]) -> int:
    """The middle value, or the lower one of two: at least half of the values are no lower."""
    return sorted(values)[(len(values) - 1) // 2]
