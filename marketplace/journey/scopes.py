"""What an actor may see: one query per kind of thing, narrowed to what is theirs. Pages start from these.

`one` fetches a single thing through such a query: what belongs to somebody else is not found, exactly as if it did
not exist. Steps that change things lock by `locked` and check the owner themselves.
"""

from typing import TypeVar

from sqlalchemy import Select, exists, false, or_, select, true
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from marketplace.records.auditors import Auditor
from marketplace.records.base import Base
from marketplace.records.budgets import Budget, PlanLine
from marketplace.records.contracts import Contract, Delivery
from marketplace.records.offers import Offer
from marketplace.records.people import Authority, Broker, Patient, User
from marketplace.records.pools import Bundle, Need
from marketplace.records.providers import Site
from marketplace.records.rounds import Award, Match, Round
from marketplace.records.studies import Study
from marketplace.records.tenders import Question, Representation, Tender
from marketplace.rules.errors import NotFound
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Actor, Role

Thing = TypeVar("Thing", bound=Base)
Part = TypeVar("Part", Offer, Question, Representation, Round)

BEFORE_OPENING = (TenderStatus.DRAFT, TenderStatus.OPEN)
BEFORE_PROPOSAL = (*BEFORE_OPENING, TenderStatus.CLOSED, TenderStatus.MATCHING)


def one(session: Session, query: Select[Thing], thing_id: str, thing: str) -> Thing:
    """The one thing of this id within what the query may see.

    Raises
    ------
    NotFound
        If there is none, or none for this actor.
    """
    kind = query.column_descriptions[0]["entity"]
    found = session.scalar(query.where(kind.id == thing_id))
    if found is None:
        raise NotFound("not_found", f"We cannot find that {thing}.")
    return found


def locked(session: Session, kind: type[Thing], thing_id: str, thing: str) -> Thing:
    """Load one thing for changing it: its row is locked until the transaction ends, and read afresh.

    On SQLite the whole transaction is the lock (it began IMMEDIATE), and what the session holds was read within it:
    whatever it knew before was expired when `writing` began.

    Raises
    ------
    NotFound
        If there is none.
    """
    if session.get_bind().dialect.name == "sqlite":
        found = session.get(kind, thing_id)
    else:
        found = session.get(kind, thing_id, with_for_update={"key_share": True}, populate_existing=True)
    if found is None:
        raise NotFound("not_found", f"We cannot find that {thing}.")
    return found


def locked_of_tender(session: Session, kind: type[Part], thing_id: str, thing: str) -> tuple[Part, Tender]:
    """Load one thing of a tender for changing it, and the tender: the tender's row is locked first.

    Every step that holds both takes them in this order, so that no two wait for one another.

    Raises
    ------
    NotFound
        If there is none.
    """
    tender_id = session.scalar(select(kind.tender_id).where(kind.id == thing_id))
    tender = locked(session, Tender, tender_id or "", thing)
    return locked(session, kind, thing_id, thing), tender


def patients_for(actor: Actor) -> Select[Patient]:
    """A patient sees themselves, a broker its clients, a commissioner those it funds."""
    return select(Patient).where(
        _by_role(
            actor,
            {
                Role.PATIENT: Patient.id == actor.party_id,
                Role.BROKER: Patient.broker_id == actor.party_id,
                Role.COMMISSIONER: Patient.commissioner_id == actor.party_id,
            },
        )
    )


def budgets_for(actor: Actor) -> Select[Budget]:
    """A patient's own budgets; those a commissioner funds or an organisation holds. Brokers meet plan lines only."""
    return select(Budget).where(
        _by_role(
            actor,
            {
                Role.PATIENT: Budget.patient_id == actor.party_id,
                Role.COMMISSIONER: Budget.commissioner_id == actor.party_id,
                Role.HOLDER: Budget.holder_id == actor.party_id,
            },
        )
    )


def plan_lines_for(actor: Actor) -> Select[PlanLine]:
    """The lines of the care plans of a patient, or of a broker's clients."""
    query = select(PlanLine).join(PlanLine.budget).join(Budget.patient)
    return query.where(
        _by_role(
            actor,
            {
                Role.PATIENT: Patient.id == actor.party_id,
                Role.BROKER: Patient.broker_id == actor.party_id,
                Role.COMMISSIONER: Budget.commissioner_id == actor.party_id,
            },
        )
    )


def tenders_for(actor: Actor | None) -> Select[Tender]:
    """A broker's own tenders, deleted drafts apart; everybody else's view begins with publication."""
    if actor is not None and actor.role is Role.BROKER:
        return select(Tender).where(Tender.broker_id == actor.party_id, Tender.status != TenderStatus.DELETED)
    return select(Tender).where(Tender.published_at.is_not(None))


def overseen_tenders_for(actor: Actor) -> Select[Tender]:
    """The published tenders of the brokers whom a commissioner has approved."""
    query = select(Tender).join(Tender.broker)
    own = Broker.commissioner_id == actor.party_id
    return query.where(Tender.published_at.is_not(None), _by_role(actor, {Role.COMMISSIONER: own}))


def auditors_for(actor: Actor) -> Select[Auditor]:
    """The auditors of the published tenders of the brokers whom a commissioner has approved."""
    tenders = overseen_tenders_for(actor).with_only_columns(Tender.id)
    return select(Auditor).where(Auditor.tender_id.in_(tenders))


def needs_for(actor: Actor) -> Select[Need]:
    """A patient's own needs; a broker's, those in its bundles."""
    query = select(Need).join(Need.bundle).join(Bundle.tender)
    return query.where(
        _by_role(
            actor, {Role.PATIENT: Need.patient_id == actor.party_id, Role.BROKER: Tender.broker_id == actor.party_id}
        )
    )


def offers_for(actor: Actor) -> Select[Offer]:
    """A provider's own offers; a broker's view of the offers on its tenders begins with their opening."""
    query = select(Offer).join(Offer.tender)
    return query.where(
        _by_role(
            actor,
            {
                Role.PROVIDER: Offer.provider_id == actor.party_id,
                Role.BROKER: (Tender.broker_id == actor.party_id)
                & Tender.status.not_in(BEFORE_OPENING)
                & Offer.opened_at.is_not(None),
            },
        )
    )


def rounds_for(actor: Actor) -> Select[Round]:
    """The rounds of a broker's own tenders."""
    query = select(Round).join(Round.tender)
    return query.where(_by_role(actor, {Role.BROKER: Tender.broker_id == actor.party_id}))


def studies_for(actor: Actor) -> Select[Study]:
    """The scenarios that a broker had compared on its own tenders."""
    query = select(Study).join(Study.tender)
    return query.where(_by_role(actor, {Role.BROKER: Tender.broker_id == actor.party_id}))


def matches_for(actor: Actor) -> Select[Match]:
    """A patient's own matches; a broker's, those of its tenders' rounds."""
    query = select(Match).join(Match.need).join(Match.award).join(Award.round).join(Round.tender)
    return query.where(
        _by_role(
            actor, {Role.PATIENT: Need.patient_id == actor.party_id, Role.BROKER: Tender.broker_id == actor.party_id}
        )
    )


def contracts_for(actor: Actor) -> Select[Contract]:
    """The contracts a patient or a provider is party to, from a broker's tenders, or paid from a budget one keeps."""
    query = select(Contract).join(Contract.need).join(Need.bundle).join(Bundle.tender)
    return query.where(
        _by_role(
            actor,
            {
                Role.PATIENT: Contract.patient_id == actor.party_id,
                Role.PROVIDER: Contract.provider_id == actor.party_id,
                Role.BROKER: Tender.broker_id == actor.party_id,
                Role.HOLDER: Contract.budget.has(Budget.holder_id == actor.party_id),
                Role.COMMISSIONER: Contract.budget.has(Budget.commissioner_id == actor.party_id),
            },
        )
    )


def deliveries_for(actor: Actor) -> Select[Delivery]:
    """The deliveries under the contracts a patient or a provider is party to, or a commissioner funds."""
    query = select(Delivery).join(Delivery.contract)
    return query.where(
        _by_role(
            actor,
            {
                Role.PATIENT: Contract.patient_id == actor.party_id,
                Role.PROVIDER: Contract.provider_id == actor.party_id,
                Role.COMMISSIONER: Contract.budget.has(Budget.commissioner_id == actor.party_id),
            },
        )
    )


def sites_for(actor: Actor) -> Select[Site]:
    """A provider's own sites; a commissioner oversees all of them, as it does all providers."""
    return select(Site).where(
        _by_role(actor, {Role.PROVIDER: Site.provider_id == actor.party_id, Role.COMMISSIONER: true()})
    )


def questions_for(actor: Actor | None) -> Select[Question]:
    """The questions on the tenders that somebody may see: who asked is nobody's to read."""
    return select(Question).where(Question.tender_id.in_(tenders_for(actor).with_only_columns(Tender.id)))


def representations_for(actor: Actor) -> Select[Representation]:
    """A provider's own; those on a broker's own tenders; those that a commissioner has to decide."""
    query = select(Representation).join(Representation.tender).join(Tender.broker)
    return query.where(
        _by_role(
            actor,
            {
                Role.PROVIDER: Representation.provider_id == actor.party_id,
                Role.BROKER: Tender.broker_id == actor.party_id,
                Role.COMMISSIONER: Broker.commissioner_id == actor.party_id,
            },
        )
    )


def objectors_offers_for(actor: Actor) -> Select[Offer]:
    """The opened offers of whoever has objected, for the commissioner who has to decide on it; nobody else's."""
    objected = exists().where(
        Representation.tender_id == Offer.tender_id, Representation.provider_id == Offer.provider_id
    )
    query = select(Offer).join(Offer.tender).join(Tender.broker).where(Offer.opened_at.is_not(None), objected)
    return query.where(_by_role(actor, {Role.COMMISSIONER: Broker.commissioner_id == actor.party_id}))


def authorities_for(actor: Actor) -> Select[Authority]:
    """The authorities over a patient, and those over the patients whom a commissioner funds."""
    query = select(Authority).join(Authority.patient)
    return query.where(
        _by_role(
            actor,
            {
                Role.PATIENT: Authority.patient_id == actor.party_id,
                Role.COMMISSIONER: Patient.commissioner_id == actor.party_id,
            },
        )
    )


def users_for(actor: Actor, *, patients_only: bool = False) -> Select[User]:
    """A commissioner sees the accounts of its people and organisations, of providers, and of those who represent."""
    if patients_only:
        mine = (User.commissioner_id == actor.party_id) & (User.role == Role.PATIENT)
        return select(User).where(_by_role(actor, {Role.COMMISSIONER: mine}))
    own = actor.party_id
    # asked account by account: gathered first, it would walk all of a county's patients
    acting = select(Authority.id).join(Authority.patient).where(Authority.representative_id == User.id)
    seen = or_(
        User.commissioner_id == own,
        User.role == Role.PROVIDER,
        acting.where(Patient.commissioner_id == own).exists(),
    )
    return select(User).where(_by_role(actor, {Role.COMMISSIONER: seen}))


def may_name_providers(tender: Tender) -> bool:
    """Whether a broker may see who made which offer: only aliases until an award is proposed."""
    return tender.proposed_at is not None and tender.status not in BEFORE_PROPOSAL


def _by_role(actor: Actor, conditions: dict[Role, ColumnElement[bool]]) -> ColumnElement[bool]:
    if actor.role is Role.SYSTEM:
        return true()
    return conditions.get(actor.role, false())
