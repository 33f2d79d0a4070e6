"""What goes on beside a tender's straight way: `talk` (amendments, questions), offers, interests, objections."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from marketplace.journey.cancellations import AFTER_OPENING
from marketplace.journey.moved_places import too_far_for
from marketplace.journey.scopes import (
    may_name_providers,
    offers_for,
    overseen_tenders_for,
    questions_for,
    representations_for,
    tenders_for,
)
from marketplace.journey.sites import facts_said, has_moved
from marketplace.records.offers import Offer
from marketplace.records.people import Broker, Interest
from marketplace.records.pools import Bundle, Need
from marketplace.records.providers import Provider, Site
from marketplace.records.tenders import Amendment, Question, Representation, Tender
from marketplace.rules.clock import Instant
from marketplace.rules.lifecycle import LotResult, TenderStatus
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor, Role
from marketplace.rules.tendering import Policy

from .results import offer_labels
from .states import WORDS, in_state
from .words import decision

SINGLE_LOTS = frozenset({TenderStatus.CLOSED, TenderStatus.PROPOSED})
"""The states in which a single lot can be cancelled."""


@dataclass(frozen=True, slots=True)
class Talk:
    """What was said about a tender since it was published, the newest first."""

    amendments: Sequence[Amendment]
    questions: Sequence[Question]

    @property
    def waiting(self) -> list[Question]:
        """The questions that wait for the broker, the oldest first."""
        return [question for question in reversed(self.questions) if question.answered_at is None]


@dataclass(frozen=True, slots=True)
class OfferRow:
    """One opened offer as its broker may name it now."""

    offer: Offer
    label: str
    said_district: str = ""
    moved_to: Site | None = None
    """Where its place is now, once it may be named and if the place has moved since."""
    too_far_for: int = 0
    """For how many of those matched with it the place is too far, since it has moved."""


def talk(session: Session, tender_id: str) -> Talk:
    """The amendments and questions of a published tender: public, all of them."""
    amendments = select(Amendment).where(Amendment.tender_id == tender_id)
    questions = questions_for(None).where(Question.tender_id == tender_id)
    return Talk(
        session.scalars(amendments.order_by(Amendment.made_at.desc(), Amendment.version.desc(), Amendment.id)).all(),
        session.scalars(questions.order_by(Question.asked_at.desc(), Question.id)).all(),
    )


def unanswered(session: Session, actor: Actor) -> list[tuple[Question, Tender]]:
    """The questions that wait for a broker's answer, the oldest first, each with its tender."""
    query = (
        tenders_for(actor)
        .join(Question, Question.tender_id == Tender.id)
        .where(Tender.status == TenderStatus.OPEN, Question.answered_at.is_(None))
        .with_only_columns(Question, Tender)
        .order_by(Question.asked_at, Question.id)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def undecided(session: Session, actor: Actor) -> tuple[int, Instant | None]:
    """How many representations wait for a commissioner's decision, and by when the first is to be decided."""
    query = representations_for(actor).where(
        Representation.decision.is_(None), Tender.status == TenderStatus.UNDER_REVIEW
    )
    count, by = session.execute(query.with_only_columns(func.count(), func.min(Tender.review_by))).one()
    return count, by


TURN_TO_CANCEL = case((Tender.status.in_(AFTER_OPENING), 0), else_=1)
"""Those that can be cancelled come first."""


def overseen_count(session: Session, actor: Actor, search: str = "", state: str = "") -> int:
    """How many published tenders of a commissioner's brokers fit."""
    fitting = _overseen(actor, search, state).with_only_columns(Tender.id)
    return session.scalar(select(func.count()).select_from(fitting.subquery())) or 0


def overseen(
    session: Session,
    actor: Actor,
    first: int,
    size: int,
    *,
    search: str = "",
    state: str = "",
    order: ColumnElement[Any],
) -> Sequence[Tender]:
    """Some of them."""
    query = _overseen(actor, search, state).options(contains_eager(Tender.broker))
    query = query.order_by(order, Tender.published_at.desc(), Tender.id)
    return session.scalars(query.offset(first).limit(size)).all()


def _overseen(actor: Actor, search: str, state: str) -> Select[Tender]:
    query = overseen_tenders_for(actor)
    if search:
        query = query.where(
            Tender.title.icontains(search, autoescape=True) | Broker.name.icontains(search, autoescape=True)
        )
    return query.where(in_state(state)) if state in WORDS else query


def opened_offers(session: Session, actor: Actor, tender: Tender) -> list[OfferRow]:
    """The opened offers of one of the broker's tenders, by their aliases."""
    labels, named = offer_labels(session, tender), may_name_providers(tender)
    query = offers_for(actor).where(Offer.tender_id == tender.id).options(joinedload(Offer.site))
    found, offers = [], session.scalars(query).all()
    can_leave_out = tender.status is TenderStatus.PROPOSED
    far = too_far_for(session, tender.id, offers) if can_leave_out else Counter[str]()
    for offer in offers:
        moved = named and offer.content is not None and has_moved(offer)
        said = facts_said(offer).district if moved else ""
        found.append(OfferRow(offer, labels[offer.id], said, offer.site if moved else None, far[offer.id]))
    return sorted(found, key=lambda row: row.label)


def active_lots(tender: Tender) -> list[tuple[str, str]]:
    """The lots of which one alone could be cancelled now: id and words; none where only the whole can be."""
    lots = [bundle for bundle in tender.bundles if bundle.result is LotResult.ACTIVE]
    if tender.status not in SINGLE_LOTS or len(lots) < 2:
        return []
    return [(bundle.id, f"{bundle.service.name}, {bundle.area}") for bundle in lots]


def set_aside(session: Session, tender: Tender) -> tuple[int, Pence]:
    """For how many people money is set aside for a tender, and how much in all: what its end would set free."""
    query = (
        select(func.count(func.distinct(Need.patient_id)), func.coalesce(func.sum(Need.reserved_pence), 0))
        .join(Need.bundle)
        .where(Bundle.tender_id == tender.id, Need.reserved_pence > 0)
    )
    people, pence = session.execute(query).one()
    return people, int(pence)


def successor_of(session: Session, tender: Tender) -> Tender | None:
    """The tender that follows one that ended without an award, if it is drafted already."""
    return session.scalars(select(Tender).where(Tender.predecessor_id == tender.id).order_by(Tender.created_at)).first()


def predecessor_of(session: Session, tender: Tender) -> Tender | None:
    """The tender in whose place this one was drafted, if it was."""
    return session.get(Tender, tender.predecessor_id) if tender.predecessor_id else None


def policy_of(tender: Tender) -> Policy:
    """A tender's policy as a value: its weights and its times."""
    stated = {**tender.policy["matching"], **tender.policy["process"]}
    return Policy(**{name: stated[name] for name in Policy.__dataclass_fields__ if name in stated})


def interests_of(session: Session, actor: Actor) -> list[tuple[Interest, str]]:
    """A broker's, or a representative's own, declared interests that stand, each with the provider's name."""
    holder_id = actor.user_id if actor.role is Role.REPRESENTATIVE else actor.party_id
    query = (
        select(Interest, Provider.name)
        .join(Provider, Provider.id == Interest.provider_id)
        .where(Interest.holder_id == holder_id, Interest.ended_at.is_(None))
        .order_by(Provider.name)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def providers(session: Session) -> list[tuple[str, str]]:
    """Every provider by name, to choose from."""
    return [(row[0], row[1]) for row in session.execute(select(Provider.id, Provider.name).order_by(Provider.name))]


def representations(session: Session, actor: Actor, tender_id: str | None = None) -> Sequence[Representation]:
    """The representations that somebody may see, on one tender if it is named: those that wait first."""
    query = representations_for(actor)
    if tender_id is not None:
        query = query.where(Representation.tender_id == tender_id)
    query = query.options(joinedload(Representation.tender).joinedload(Tender.broker))
    return session.scalars(
        query.order_by(Representation.decided_at.is_not(None), Representation.made_at.desc(), Representation.id)
    ).all()


def state_of(row: Representation) -> str:
    """How a representation stands, in words."""
    if row.decision is not None:
        return decision(row.decision)
    waits = row.tender.status is TenderStatus.UNDER_REVIEW
    return "Waits for a decision" if waits else "Not decided in time"


def name_of_provider(session: Session, provider_id: str) -> str:
    """A provider's name."""
    return session.get_one(Provider, provider_id).name
