"""What anybody may know of tenders: `counts`, `services`, `open_notices`, `notice`.

Demand is shown as it was frozen at publication, with small counts suppressed there; names of winners come with the
standstill's notice. Nothing here follows who joins or leaves later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from marketplace.journey.scopes import one, tenders_for
from marketplace.records.catalogue import Service
from marketplace.records.contracts import Contract
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.rounds import Round, RoundStatus
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant
from marketplace.rules.lifecycle import TENDER_WORDS, TenderStatus
from marketplace.rules.privacy import shown_count, shown_units

WINNERS_KNOWN = frozenset({TenderStatus.STANDSTILL, TenderStatus.UNDER_REVIEW, TenderStatus.AWARDED})
OFFERS_COUNTED = frozenset(TenderStatus) - {TenderStatus.DRAFT, TenderStatus.OPEN, TenderStatus.WITHDRAWN}


@dataclass(frozen=True, slots=True)
class Counts:
    """The start page's figures."""

    open: int
    awarded: int
    people: str


@dataclass(frozen=True, slots=True)
class Lot:
    """One lot as published."""

    bundle_id: str
    service: str
    unit: str
    area: str
    patients: str
    units: int | None


@dataclass(frozen=True, slots=True)
class Winner:
    """One award as the notice tells it; units and value of a few people would point at them, and are left out."""

    provider: str
    units: int | None
    value_pence: int | None


@dataclass(frozen=True, slots=True)
class Notice:
    """A published tender."""

    tender: Tender
    status_words: str
    lots: Sequence[Lot]
    offers: int | None
    winners: Sequence[Winner]
    round: Round | None


def counts(session: Session) -> Counts:
    """How many tenders are open and awarded, and how many people have a contract."""
    by_status = dict(session.execute(select(Tender.status, func.count()).group_by(Tender.status)).all())
    people = session.scalar(select(func.count(func.distinct(Contract.patient_id)))) or 0
    return Counts(
        open=by_status.get(TenderStatus.OPEN, 0),
        awarded=by_status.get(TenderStatus.AWARDED, 0),
        people=shown_count(people),
    )


def services(session: Session) -> Sequence[Service]:
    """The catalogue, by name."""
    return session.scalars(select(Service).order_by(Service.name)).all()


def open_notices(session: Session, now: Instant, *, service: str = "", area: str = "") -> list[Notice]:
    """Tenders that take offers now, the nearest deadline first."""
    query = (
        tenders_for(None)
        .where(Tender.status == TenderStatus.OPEN, Tender.offers_due_at > now)
        .options(selectinload(Tender.broker))
        .order_by(Tender.offers_due_at, Tender.id)
    )
    names = _names(session)
    notices = [_notice(tender, names) for tender in session.scalars(query)]
    return [notice for notice in notices if _fits(notice, service, area.strip().lower())]


def notice(session: Session, tender_id: str) -> Notice:
    """One tender's notice, whatever has come of it."""
    tender = one(session, tenders_for(None), tender_id, "tender")
    offers = None
    if tender.status in OFFERS_COUNTED:
        standing = select(func.count()).where(Offer.tender_id == tender.id, Offer.opened_at.is_not(None))
        offers = session.scalar(standing.where(Offer.status != OfferStatus.WITHDRAWN))
    last = _last_round(session, tender.id) if tender.status in WINNERS_KNOWN else None
    return _notice(tender, _names(session), offers=offers, last=last)


def lots_of(session: Session, tender: Tender) -> list[Lot]:
    """The lots of a published tender as outsiders see them."""
    return _lots(tender, _names(session))


def _notice(
    tender: Tender, names: dict[str, Service], *, offers: int | None = None, last: Round | None = None
) -> Notice:
    winners = [
        Winner(
            provider=award.offer.provider.name,
            units=shown_units(award.units, len(award.matches)),
            value_pence=shown_units(award.spend_pence, len(award.matches)),
        )
        for award in (last.awards if last else [])
    ]
    return Notice(
        tender=tender,
        status_words=TENDER_WORDS[tender.status],
        lots=_lots(tender, names),
        offers=offers,
        winners=sorted(winners, key=lambda winner: winner.provider),
        round=last,
    )


def _lots(tender: Tender, names: dict[str, Service]) -> list[Lot]:
    demand: dict[str, Any] = tender.demand or {"lots": []}
    return [
        Lot(
            bundle_id=lot["bundle"],
            service=names[lot["service"]].name,
            unit=names[lot["service"]].unit,
            area=lot["area"],
            patients=lot["patients"],
            units=lot["units"],
        )
        for lot in demand["lots"]
    ]


def _names(session: Session) -> dict[str, Service]:
    return {service.id: service for service in session.scalars(select(Service))}


def _last_round(session: Session, tender_id: str) -> Round | None:
    query = select(Round).where(Round.tender_id == tender_id, Round.status == RoundStatus.VERIFIED)
    return session.scalars(query.order_by(Round.number.desc())).first()


def _fits(notice: Notice, service: str, area: str) -> bool:
    lots = [lot for lot in notice.lots if not service or lot.service == service]
    return any(not area or area in lot.area.lower() for lot in lots)
