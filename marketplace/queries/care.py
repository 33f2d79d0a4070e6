"""A patient's care: `care_lines` (each line of the plan and where it stands), `waiting` (what needs an answer).

`rating_of` is what the patient said of a contract's provider, `first_visit_by` until when its first visit is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session, defer, joinedload, selectinload

from marketplace.journey.scopes import contracts_for, deliveries_for, matches_for, needs_for, plan_lines_for
from marketplace.records.budgets import PlanLine
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus, Rating
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.pools import Bundle, Need, NeedStatus
from marketplace.records.rounds import Award, Match, MatchStatus, Round
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant, london_date
from marketplace.rules.lifecycle import IN_FORCE, ContractStatus, TenderStatus
from marketplace.rules.permissions import Actor
from marketplace.rules.sites import SiteFacts

from .stages import can_be_answered, is_made_again, is_searched_again
from .way import BEING_MATCHED, MATCHED_AGAIN, Way, answered_for, way_of

NEED_WORDS = {
    NeedStatus.INVITED: "You are asked to join a group",
    NeedStatus.DECLINED: "You are not in a group",
    NeedStatus.AGREED: "You said yes. The group is being formed",
    NeedStatus.LEFT: "You left the group",
    NeedStatus.POOLED: "In a group. Providers are making offers",
    NeedStatus.MATCHED: "You have a match",
    NeedStatus.UNMATCHED: "No provider was found this time",
    NeedStatus.REFUSED: "You turned your match down",
    NeedStatus.DISPLACED: "Your provider could not go ahead",
    NeedStatus.CONTRACTED: "You have a contract",
    NeedStatus.RELEASED: "Closed. Your money is free again",
}
SILENT_NO = "You did not answer, so the match was turned down"
CONTRACT_WORDS = {
    ContractStatus.OFFERED: "Your contract is ready to sign",
    ContractStatus.SIGNED: "Your care can start",
    ContractStatus.IN_DELIVERY: "Your care is under way",
    ContractStatus.COMPLETED: "All done",
    ContractStatus.ENDED: "The contract has ended",
}


class WaitingFor(StrEnum):
    """What a patient can be asked for."""

    INVITATION = "invitation"
    MATCH = "match"
    SIGNATURE = "signature"
    DELIVERY = "delivery"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits for an answer: what, about which service, and by when.

    ``may_start_sooner``: a draft is published when its broker wants to, and whoever has not answered is not in it.
    """

    kind: WaitingFor
    about_id: str
    service: str
    answer_by: Instant | None
    day: date | None = None
    may_start_sooner: bool = False


@dataclass(frozen=True, slots=True)
class CareLine:
    """One line of the care plan, and the latest that has become of it."""

    line: PlanLine
    need: Need | None
    match: Match | None
    contract: Contract | None

    @property
    def is_stale(self) -> bool:
        """Whether the match no longer counts, because it is made again."""
        return self.match is not None and is_made_again(self.match)

    @property
    def offer_left_out(self) -> bool:
        """Whether it is made again because its own offer was left out: it can no longer be the match."""
        left_out = self.match is not None and self.match.award.offer.status is OfferStatus.EXCLUDED
        return self.is_stale and left_out

    @property
    def words(self) -> str:
        """Where it stands."""
        if self.contract is not None:
            return "Your contract is over" if self._ran_out else CONTRACT_WORDS[self.contract.status]
        if self.need is None:
            return "Not in a group yet"
        if is_searched_again(self.need):
            return MATCHED_AGAIN
        status = self.need.bundle.tender.status
        if self.need.status is NeedStatus.POOLED and status is not TenderStatus.OPEN:
            return f"In a group. {BEING_MATCHED}"
        if self.match is not None and self.need.status is NeedStatus.MATCHED:
            return self._match_words(self.match)
        silent = self.need.status is NeedStatus.REFUSED and self.match is not None and answered_for(self.match)
        return SILENT_NO if silent else NEED_WORDS[self.need.status]

    @property
    def _ran_out(self) -> bool:
        """Whether time completed the contract, and not all of its care was done."""
        contract = self.contract
        is_completed = contract is not None and contract.status is ContractStatus.COMPLETED
        return contract is not None and is_completed and contract.units_confirmed < contract.units

    def _match_words(self, match: Match) -> str:
        if self.is_stale:
            return MATCHED_AGAIN
        if match.status is MatchStatus.ACCEPTED:
            yes = "We said yes for you, as you chose" if answered_for(match) else "You said yes"
            return f"{yes}. The result is not final yet"
        return "You have a match to answer"

    @property
    def way(self) -> Way:
        """Its steps from the group to the last visit."""
        return way_of(self.need, self.match, self.contract)

    @property
    def is_good(self) -> bool:
        """Whether there is something to be glad of, for the colour of the tag."""
        if self.contract is not None:
            return self.contract.status is not ContractStatus.ENDED and not self._ran_out
        return self.need is not None and self.need.status is NeedStatus.MATCHED and not self.is_stale


def care_lines(session: Session, actor: Actor) -> list[CareLine]:
    """The lines of the patient's care plans, by service."""
    lines = session.scalars(
        plan_lines_for(actor).options(joinedload(PlanLine.service), joinedload(PlanLine.budget)).order_by(PlanLine.id)
    ).all()
    needs = session.scalars(
        needs_for(actor)
        .options(joinedload(Need.bundle).joinedload(Bundle.tender), selectinload(Need.consents))
        .order_by(Need.invited_at, Need.id)
    )
    need_of = {need.plan_line_id: need for need in needs}
    match_of = {match.need_id: match for match in _matches(session, actor)}
    contract_of = {
        contract.need_id: contract
        for contract in session.scalars(contracts_for(actor).options(joinedload(Contract.budget)))
    }
    rows = []
    for line in lines:
        need = need_of.get(line.id)
        match, contract = (match_of.get(need.id), contract_of.get(need.id)) if need else (None, None)
        rows.append(CareLine(line, need, match, contract))
    return sorted(rows, key=lambda row: (row.line.service.name, row.line.id))


def waiting(session: Session, actor: Actor, now: Instant) -> list[Waiting]:
    """What waits for the patient, the nearest deadline first."""
    found: list[Waiting] = []
    for row in care_lines(session, actor):
        service = row.line.service.name
        if row.need is not None and _can_be_joined(row.need):
            tender = row.need.bundle.tender
            sooner = tender.status is TenderStatus.DRAFT
            found.append(
                Waiting(WaitingFor.INVITATION, row.need.id, service, answer_by(tender), may_start_sooner=sooner)
            )
        if row.match is not None and can_be_answered(row.match, now):
            found.append(Waiting(WaitingFor.MATCH, row.match.id, service, row.match.answer_by))
        if row.contract is not None and can_be_signed(row.contract, now):
            found.append(Waiting(WaitingFor.SIGNATURE, row.contract.id, service, row.contract.sign_by))
    recorded = deliveries_for(actor).where(Delivery.status == DeliveryStatus.RECORDED)
    for delivery in session.scalars(recorded.options(joinedload(Delivery.contract).joinedload(Contract.need))):
        service = delivery.contract.need.plan_line.service.name
        found.append(Waiting(WaitingFor.DELIVERY, delivery.id, service, delivery.confirm_by, day=delivery.delivered_on))
    return sorted(found, key=lambda item: (item.answer_by is not None, item.answer_by or now, item.about_id))


def answer_by(tender: Tender) -> Instant | None:
    """Until when an invitation can be answered: while offers come in, or at the latest till the draft runs out."""
    return tender.publish_by if tender.status is TenderStatus.DRAFT else tender.offers_due_at


def first_visit_by(contract: Contract, site: SiteFacts) -> date | None:
    """The last day for the first visit: its days count from when all have signed; None before, or if none was named."""
    days, concluded_at = site.first_appointment_days, contract.concluded_at
    if contract.status not in IN_FORCE or days is None or concluded_at is None:
        return None
    return london_date(concluded_at) + timedelta(days=days)


def _can_be_joined(need: Need) -> bool:
    """In a draft, and again when the rules of an open tender were changed."""
    joinable = (TenderStatus.DRAFT, TenderStatus.OPEN)
    return need.status is NeedStatus.INVITED and need.bundle.tender.status in joinable


def rating_of(session: Session, contract: Contract) -> Rating | None:
    """How the patient rated the provider of this contract; None if they have not."""
    return session.scalar(select(Rating).where(Rating.contract_id == contract.id))


def can_be_signed(contract: Contract, now: Instant) -> bool:
    """Whether the patient's signature is still wanted."""
    unsigned = contract.status is ContractStatus.OFFERED and contract.patient_signed_at is None
    return unsigned and now < contract.sign_by


def _matches(session: Session, actor: Actor) -> Sequence[Match]:
    """The patient's matches, the latest round last."""
    query = matches_for(actor).options(
        joinedload(Match.award).joinedload(Award.round).options(defer(Round.market), defer(Round.outcome)),
        joinedload(Match.award).joinedload(Award.offer).load_only(Offer.status),
        joinedload(Match.need).joinedload(Need.plan_line),
    )
    return sorted(session.scalars(query), key=lambda match: match.award.round.number)
