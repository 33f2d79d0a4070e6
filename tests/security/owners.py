"""Who may see what, said a second time and from the records alone: the pages' own queries are not asked.

A route's argument names the kind of thing (``tender_id``); `KINDS` says for each kind where the things are and whose
they are. A thing that is not an account's is told to it exactly like one that does not exist.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from marketplace.records.auditors import Auditor
from marketplace.records.base import Base
from marketplace.records.budgets import Budget, Holder, ManagedAs
from marketplace.records.catalogue import Service
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus
from marketplace.records.offers import Offer
from marketplace.records.payments import PaymentRun
from marketplace.records.people import Authority, Broker, Interest, Patient, User
from marketplace.records.pools import Bundle, Need
from marketplace.records.programs import AccessToken
from marketplace.records.providers import Provider, Site
from marketplace.records.rounds import Match
from marketplace.records.studies import Study
from marketplace.records.tenders import Question, Representation, Tender
from marketplace.rules.permissions import Role

Seen = set[tuple[Role, str]]
"""Parties, by role and id; the id "*" stands for every party of the role."""

EVERY = "*"
ANYBODY: Seen = {(role, EVERY) for role in Role}
"""Also who is not signed in."""


@dataclass(frozen=True)
class Kind:
    """One kind of thing: its table, and who may see one of them."""

    table: type[Base]
    seen_by: Callable[[Any], Seen]


@dataclass(frozen=True)
class Account:
    """Somebody who visits: nobody is signed in where the e-mail is None. A representative may act for a patient.

    `halfway` is the address of an account whose password was typed, and whose second step was not taken: that is
    nobody too. `sets_up` is whether somebody has begun to set up a second step of their own.
    """

    email: str | None
    role: Role | None = None
    party_id: str = ""
    user_id: str = ""
    acts_for: str | None = None
    halfway: str | None = None
    sets_up: bool = False

    @property
    def roles(self) -> set[Role]:
        """Whose pages are open to them: while they act for a patient, the patient's too."""
        return {self.role, Role.PATIENT} if self.acts_for and self.role else {self.role} if self.role else set()

    @property
    def parties(self) -> Seen:
        """In whose place they look."""
        own: Seen = {(self.role, self.party_id), (self.role, self.user_id)} if self.role else set()
        return own | ({(Role.PATIENT, self.acts_for)} if self.acts_for else set())

    def may_see(self, seen_by: Seen) -> bool:
        """Whether one of their parties is among these."""
        return seen_by == ANYBODY or any({(role, party), (role, EVERY)} & seen_by for role, party in self.parties)


def _tender(row: Tender) -> Seen:
    own: Seen = {(Role.BROKER, row.broker_id)}
    return own if row.published_at is None else own | {
        (Role.PROVIDER, EVERY), (Role.COMMISSIONER, row.broker.commissioner_id)
    }  # fmt: skip


def _published(row: Tender) -> Seen:
    return ANYBODY if row.published_at is not None else set()


def _budget(row: Budget) -> Seen:
    held: Seen = {(Role.HOLDER, row.holder_id)} if row.holder_id else set()
    return held | {(Role.PATIENT, row.patient_id), (Role.COMMISSIONER, row.commissioner_id)}


def _contract(row: Contract) -> Seen:
    return {(Role.PROVIDER, row.provider_id)} | _budget(row.budget)


def _offer(row: Offer) -> Seen:
    own: Seen = {(Role.PROVIDER, row.provider_id)}
    return own | {(Role.BROKER, row.tender.broker_id)} if row.opened_at is not None else own


def _owed(row: Provider) -> Seen:
    """Who has to pay a provider something now."""
    found: Seen = set()
    session = Session.object_session(row)
    assert session is not None
    waiting = select(Delivery).where(Delivery.status == DeliveryStatus.CONFIRMED, Delivery.payment_line_id.is_(None))
    for delivery in session.scalars(waiting.join(Delivery.contract).where(Contract.provider_id == row.id)):
        budget = delivery.contract.budget
        found.add({
            ManagedAs.NOTIONAL: (Role.COMMISSIONER, budget.commissioner_id),
            ManagedAs.THIRD_PARTY: (Role.HOLDER, budget.holder_id or ""),
            ManagedAs.DIRECT_PAYMENT: (Role.PATIENT, budget.patient_id),
        }[budget.managed_as])  # fmt: skip
    return found


def _user(row: User) -> Seen:
    seen: Seen = {(Role.COMMISSIONER, row.commissioner_id or "")}
    if row.role is Role.PROVIDER:
        seen.add((Role.COMMISSIONER, EVERY))
    session = Session.object_session(row)
    assert session is not None
    acting = select(Authority).where(Authority.representative_id == row.id)
    return seen | {(Role.COMMISSIONER, authority.patient.commissioner_id) for authority in session.scalars(acting)}


def _by_tender(row: Any) -> Seen:
    session = Session.object_session(row)
    assert session is not None
    return {(Role.BROKER, session.get_one(Tender, row.tender_id).broker_id)}


def _patient(row: Patient) -> Seen:
    session = Session.object_session(row)
    assert session is not None
    acting = session.scalars(select(Authority).where(Authority.patient_id == row.id))
    helpers: Seen = {(Role.REPRESENTATIVE, authority.representative_id) for authority in acting}
    return helpers | {(Role.COMMISSIONER, row.commissioner_id), (Role.BROKER, row.broker_id or "")}


KINDS: dict[str, Kind] = {
    "tender_id": Kind(Tender, _tender),
    "bundle_id": Kind(Bundle, _by_tender),
    "question_id": Kind(Question, _by_tender),
    "study_id": Kind(Study, _by_tender),
    "need_id": Kind(Need, lambda row: {(Role.PATIENT, row.patient_id)}),
    "match_id": Kind(Match, lambda row: {(Role.PATIENT, row.need.patient_id)}),
    "contract_id": Kind(Contract, _contract),
    "delivery_id": Kind(
        Delivery, lambda row: _contract(row.contract) - {(Role.HOLDER, row.contract.budget.holder_id or "")}
    ),
    "budget_id": Kind(Budget, _budget),
    "offer_id": Kind(Offer, _offer),
    "interest_id": Kind(
        Interest, lambda row: {(Role.BROKER, row.holder_id), (Role.REPRESENTATIVE, row.holder_id)}
    ),
    "run_id": Kind(PaymentRun, lambda row: {(Role.COMMISSIONER, row.payer_id), (Role.HOLDER, row.payer_id)}),
    "representation_id": Kind(
        Representation, lambda row: {(Role.COMMISSIONER, row.tender.broker.commissioner_id)}
    ),
    "patient_id": Kind(Patient, _patient),
    "authority_id": Kind(
        Authority,
        lambda row: {(Role.PATIENT, row.patient_id), (Role.COMMISSIONER, row.patient.commissioner_id)},
    ),
    "user_id": Kind(User, _user),
    "broker_id": Kind(Broker, lambda row: {(Role.COMMISSIONER, row.commissioner_id)}),
    "party_id": Kind(Broker, lambda row: {(Role.COMMISSIONER, row.commissioner_id)}),
    "provider_id": Kind(Provider, lambda _: {(Role.COMMISSIONER, EVERY)}),
    "site_id": Kind(Site, lambda row: {(Role.PROVIDER, row.provider_id), (Role.COMMISSIONER, EVERY)}),
    "auditor_id": Kind(Auditor, lambda row: {(Role.COMMISSIONER, row.tender.broker.commissioner_id)}),
    "keeper_id": Kind(Holder, lambda row: {(Role.COMMISSIONER, row.commissioner_id)}),
    "token_id": Kind(AccessToken, lambda row: {(row.user.role, row.user_id)}),
    "service_id": Kind(Service, lambda _: {(Role.COMMISSIONER, EVERY)}),
}  # fmt: skip

PAYING = {"commissioner.pay", "holder.pay", "paying.pay"}
"""Where a provider's id says whom to pay: it is somebody's who owes that provider something."""

OTHER_ARGUMENTS = {"kind": "broker", "name": "Budget", "number": "1"}
"""Arguments that are no things: of organisations, brokers have an owner and providers are everybody's; a document."""

EVERYBODYS = {
    "static": "style files",
    "cataloguing.service": "the catalogue is all commissioners'",
    "admitting.provider": "providers are admitted to the whole market, so every commissioner sees them",
    "oversight.words": "of a provider of everybody's, each commissioner reads what its own patients wrote",
    "admitting.add_site": "any commissioner may admit a place of any provider",
    "admitting.change_rating": "a published rating is the same for every commissioner",
    "admitting.move_site": "where a place is, is the same for every commissioner",
    "admitting.close_site": "providers are admitted to the whole market, so every commissioner may close a place",
    "admitting.reopen_site": "and open it again",
    "public.notices_ocds": "open data",
    "programs.document": "how the API's documents look is said to anybody",
    "broker.clients_template": "an empty file",
    "provider.deliveries_template": "a file of one's own contracts, named by nobody",
    "allocating.template": "an empty file",
}
"""Routes with an argument for which there is no thing of somebody else's, and why."""


def kind_of(rule: Rule) -> tuple[str, Kind] | None:
    """The argument of a route that names a thing, and what kind of thing; None where no argument does."""
    names = [name for name in rule.arguments if name in KINDS]
    if not names:
        return None
    (name,) = names
    if rule.endpoint in PAYING:
        return name, Kind(Provider, _owed)
    if rule.endpoint.startswith("public."):
        return name, Kind(Tender, _published)
    return name, KINDS[name]
