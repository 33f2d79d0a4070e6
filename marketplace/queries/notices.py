"""What anybody may know of tenders: `counts`, `services`, `notices`, `notice`, `buyers_of`.

Demand is shown as it was frozen at publication, with small counts suppressed there; names of winners come with the
standstill's notice. Nothing here follows who joins or leaves later.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session, joinedload

from marketplace.journey.scopes import one, tenders_for
from marketplace.records.catalogue import Service
from marketplace.records.contracts import Contract
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.people import Commissioner
from marketplace.records.pools import Bundle, Need
from marketplace.records.providers import Provider
from marketplace.records.rounds import Award, Match, MatchStatus, Round, RoundStatus
from marketplace.records.tenders import Amendment, AmendmentKind, Question, Tender
from marketplace.rules.awarding import Saving
from marketplace.rules.clock import Instant
from marketplace.rules.lifecycle import RESULT_PUBLISHED, TenderStatus
from marketplace.rules.privacy import K, hidden, shown_count

from .states import WORDS, state_of

_OfTender = TypeVar("_OfTender", Amendment, Question)

WINNERS_KNOWN = frozenset({TenderStatus.STANDSTILL, TenderStatus.UNDER_REVIEW, TenderStatus.AWARDED})
OFFERS_COUNTED = frozenset(TenderStatus) - {TenderStatus.DRAFT, TenderStatus.OPEN, TenderStatus.WITHDRAWN}
PUBLIC_WORDS = {**WORDS, TenderStatus.STANDSTILL.value: "Result out, objections open"}
"""A notice's state in words for those who do not know the trade's."""
STATES: Mapping[str, tuple[str, frozenset[TenderStatus]]] = {
    "open": ("Open for offers", frozenset({TenderStatus.OPEN})),
    "running": (
        "Offers are in, no result yet",
        frozenset({TenderStatus.CLOSED, TenderStatus.MATCHING, TenderStatus.PROPOSED}),
    ),
    "awards": ("Awards", WINNERS_KNOWN),
    "ended": (
        "Ended without an award",
        frozenset({TenderStatus.UNSUCCESSFUL, TenderStatus.WITHDRAWN, TenderStatus.CANCELLED}),
    ),
    "all": ("All", frozenset(TenderStatus)),
}
"""What the list of notices can be narrowed to: words, and the states behind them."""


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
    period_from: date
    period_to: date
    patients: str
    units: int | None


@dataclass(frozen=True, slots=True)
class Winner:
    """One provider's award; units and value of a few people would point at them, and are left out."""

    provider: str
    units: int | None
    value_pence: int | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A published tender in the list."""

    tender: Tender
    status_words: str
    lots: Sequence[Lot]
    winners: Sequence[Winner] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """A published tender with all that anybody may know of it; `round` has the hashes and roots of its result."""

    tender: Tender
    status_words: str
    lots: Sequence[Lot]
    offers: int | None
    winners: Sequence[Winner]
    saving: Saving | None
    round: Row[*tuple[Any, ...]] | None
    amendments: Sequence[Amendment]
    questions: Sequence[Question]
    successor: Tender | None


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


def published_in(session: Session, query: Select[Tender]) -> int:
    """How many published tenders a query finds."""
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def published(now: Instant, *, state: str = "open", service: str = "", area: str = "") -> Select[Tender]:
    """Published tenders in this state.

    A tender fits where one of its lots is of this service and its area has these letters.
    """
    query = tenders_for(None).where(Tender.status.in_(STATES[state][1]))
    if state == "open":
        query = query.where(Tender.offers_due_at > now)
    if service or area.strip():
        lots = select(Bundle.tender_id).join(Service, Service.id == Bundle.service_id)
        lots = lots.where(func.lower(Bundle.area).contains(area.strip().lower(), autoescape=True))
        query = query.where(Tender.id.in_(lots.where(Service.name == service) if service else lots))
    return query


def some(session: Session, query: Select[Tender], first: int, size: int) -> list[Listed]:
    """Some published tenders of a query, with their lots."""
    names = _names(session)
    part = query.order_by(Tender.id).options(joinedload(Tender.broker)).offset(first).limit(size)
    tenders = session.scalars(part).all()
    winners = _winners_of(session, [tender.id for tender in tenders if tender.status in WINNERS_KNOWN])
    return [
        Listed(tender, PUBLIC_WORDS[state_of(tender)], _lots(tender, names), winners.get(tender.id, ()))
        for tender in tenders
    ]


def notice(session: Session, tender_id: str) -> Notice:
    """One tender's notice, whatever has come of it."""
    return _notices(session, [one(session, tenders_for(None), tender_id, "tender")])[0]


def published_count(session: Session) -> int:
    """How many tenders were ever published."""
    return published_in(session, tenders_for(None))


def published_notices(session: Session, first: int, size: int) -> list[Notice]:
    """Some notices in the order of publication, which never changes."""
    query = tenders_for(None).order_by(Tender.published_at, Tender.id).options(joinedload(Tender.broker))
    return _notices(session, session.scalars(query.offset(first).limit(size)).all())


def _notices(session: Session, tenders: Sequence[Tender]) -> list[Notice]:
    """The notices of these tenders: each question is asked once for all of them."""
    ids = [tender.id for tender in tenders]
    names = _names(session)
    last = _last_rounds(session, [tender.id for tender in tenders if tender.status in RESULT_PUBLISHED])
    won = [tender.id for tender in tenders if tender.status in WINNERS_KNOWN and tender.id in last]
    winners, savings = _winners_of(session, won), _savings(session, [last[tender_id].id for tender_id in won])
    offers = _offers(session, [tender.id for tender in tenders if tender.status in OFFERS_COUNTED])
    amended = select(Amendment).where(Amendment.tender_id.in_(ids)).order_by(Amendment.made_at, Amendment.version)
    asked = select(Question).where(Question.tender_id.in_(ids)).order_by(Question.asked_at, Question.id)
    amendments, questions = _by_tender(session.scalars(amended)), _by_tender(session.scalars(asked))
    successors = {
        successor.predecessor_id: successor
        for successor in session.scalars(tenders_for(None).where(Tender.predecessor_id.in_(ids)))
    }
    return [
        Notice(
            tender=tender,
            status_words=PUBLIC_WORDS[state_of(tender)],
            lots=_lots(tender, names),
            offers=offers.get(tender.id, 0) if tender.status in OFFERS_COUNTED else None,
            winners=winners.get(tender.id, ()),
            saving=savings.get(last[tender.id].id) if tender.id in last else None,
            round=last.get(tender.id),
            amendments=amendments.get(tender.id, ()),
            questions=questions.get(tender.id, ()),
            successor=successors.get(tender.id),
        )
        for tender in tenders
    ]


def _by_tender(rows: Iterable[_OfTender]) -> dict[str, list[_OfTender]]:
    found: dict[str, list[_OfTender]] = {}
    for row in rows:
        found.setdefault(row.tender_id, []).append(row)
    return found


def buyers_of(session: Session, tenders: Iterable[Tender]) -> dict[str, str]:
    """Who funds the care that each of these tenders buys, by the tender's id."""
    funder_of = {tender.id: tender.broker.commissioner_id for tender in tenders}
    named = select(Commissioner.id, Commissioner.name).where(Commissioner.id.in_(set(funder_of.values())))
    names = dict(session.execute(named).all())
    return {tender_id: names[funder] for tender_id, funder in funder_of.items()}


def lots_of(session: Session, tender: Tender) -> list[Lot]:
    """The lots of a published tender as outsiders see them."""
    return _lots(tender, _names(session))


def was_changed(session: Session, tender: Tender) -> bool:
    """Whether the rules of a tender were changed since its publication, so that everybody was asked again."""
    changes = select(Amendment.id).where(Amendment.tender_id == tender.id, Amendment.kind == AmendmentKind.CHANGE)
    return session.scalar(changes.limit(1)) is not None


def _offers(session: Session, tender_ids: Sequence[str]) -> dict[str, int]:
    """How many offers were opened, by tender; while offers can be made, their number is nobody's to know."""
    opened = select(Offer.tender_id, func.count()).where(Offer.tender_id.in_(tender_ids), Offer.opened_at.is_not(None))
    counted = opened.where(Offer.status != OfferStatus.WITHDRAWN).group_by(Offer.tender_id)
    return dict(session.execute(counted).all())


def _winners_of(session: Session, tender_ids: Sequence[str]) -> dict[str, Sequence[Winner]]:
    """Who serves how much by the last round of each tender, of what was accepted, by the tender's id.

    A small award is hidden, and what would give it away beside a sum.
    """
    verified = Round.status == RoundStatus.VERIFIED
    last = select(Round.tender_id, func.max(Round.number).label("number")).where(verified)
    last = last.where(Round.tender_id.in_(tender_ids)).group_by(Round.tender_id)
    of_last = last.subquery()
    people = func.count(func.distinct(Need.patient_id))
    total = func.sum(Match.price_pence + Match.fee_share_pence)
    query = (
        select(Round.tender_id, Provider.name, people, func.sum(Need.units), total)
        .join(of_last, (of_last.c.tender_id == Round.tender_id) & (of_last.c.number == Round.number))
        .join(Award, Award.round_id == Round.id)
        .join(Offer, Offer.id == Award.offer_id)
        .join(Provider, Provider.id == Offer.provider_id)
        .join(Match, Match.award_id == Award.id)
        .join(Need, Need.id == Match.need_id)
        .where(Match.status == MatchStatus.ACCEPTED)
        .group_by(Round.tender_id, Provider.id, Provider.name)
        .order_by(Round.tender_id, Provider.name)
    )
    found: dict[str, Sequence[Winner]] = {}
    for tender_id, rows in groupby(session.execute(query).all(), key=lambda row: row[0]):
        awards = list(rows)
        small = hidden([row[2] for row in awards])
        found[tender_id] = [
            Winner(name, None, None) if place in small else Winner(name, int(units), int(pence))
            for place, (_, name, _, units, pence) in enumerate(awards)
        ]
    return found


def _savings(session: Session, round_ids: Sequence[str]) -> dict[str, Saving]:
    """What each of these results saves in all, by the round's id, where enough people stand behind it."""
    query = (
        select(
            Award.round_id,
            func.count(func.distinct(Need.patient_id)),
            func.sum(Match.price_pence + Match.fee_share_pence),
            func.sum(Need.units * Bundle.conventional_pence),
            func.sum(Need.units * Bundle.private_pence),
        )
        .select_from(Match)
        .join(Award, Award.id == Match.award_id)
        .join(Need, Need.id == Match.need_id)
        .join(Bundle, Bundle.id == Need.bundle_id)
        .where(Award.round_id.in_(round_ids), Match.status == MatchStatus.ACCEPTED)
        .group_by(Award.round_id)
    )
    return {round_id: Saving(*map(int, pence)) for round_id, people, *pence in session.execute(query) if people >= K}


def _lots(tender: Tender, names: Mapping[str, Service]) -> list[Lot]:
    demand: dict[str, Any] = tender.demand or {"lots": []}
    return [
        Lot(
            bundle_id=lot["bundle"],
            service=names[lot["service"]].name,
            unit=names[lot["service"]].unit,
            area=lot["area"],
            period_from=date.fromisoformat(lot["period_from"]),
            period_to=date.fromisoformat(lot["period_to"]),
            patients=lot["patients"],
            units=lot["units"],
        )
        for lot in demand["lots"]
    ]


def _names(session: Session) -> dict[str, Service]:
    return {service.id: service for service in session.scalars(select(Service))}


def _last_rounds(session: Session, tender_ids: Sequence[str]) -> dict[str, Row[*tuple[Any, ...]]]:
    """The last verified round of each of these tenders, without its documents: they are large."""
    hashes = (Round.market_sha256, Round.outcome_sha256, Round.market_root, Round.outcome_root)
    query = select(Round.id, Round.tender_id, Round.number, *hashes, Round.finished_at)
    query = query.where(Round.tender_id.in_(tender_ids), Round.status == RoundStatus.VERIFIED)
    return {row.tender_id: row for row in session.execute(query.order_by(Round.number))}
