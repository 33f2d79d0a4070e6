"""A provider's contracts: `own_contracts`, `to_sign`, `disputed`, `money_of`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session, joinedload

from marketplace.journey.scopes import contracts_for, deliveries_for
from marketplace.journey.settlements import owed_to
from marketplace.records.budgets import PlanLine
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus
from marketplace.records.ledger import AccountKind, balance_pence
from marketplace.records.pools import Need
from marketplace.rules.clock import Instant
from marketplace.rules.lifecycle import ContractStatus
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor

CONTRACT_WORDS = {
    ContractStatus.OFFERED: ("To be signed", "yellow"),
    ContractStatus.SIGNED: ("Signed", "green"),
    ContractStatus.IN_DELIVERY: ("Under way", "blue"),
    ContractStatus.COMPLETED: ("Completed", "aqua-green"),
    ContractStatus.ENDED: ("Ended", "grey"),
}
DELIVERY_WORDS = {
    DeliveryStatus.RECORDED: "Waits for the patient",
    DeliveryStatus.CONFIRMED: "Confirmed, payment is due",
    DeliveryStatus.DISPUTED: "Disputed",
    DeliveryStatus.PAID: "Paid",
    DeliveryStatus.REFUNDED: "Refunded",
}


@dataclass(frozen=True, slots=True)
class ProviderMoney:
    """What a provider is owed and what it has been paid."""

    payable_pence: Pence
    paid_pence: Pence


def names_patient(contract: Contract) -> bool:
    """Whether a provider may know whom the contract is for: from both signatures on, until it was ended early."""
    return contract.status in {ContractStatus.SIGNED, ContractStatus.IN_DELIVERY, ContractStatus.COMPLETED}


def own_contracts(session: Session, actor: Actor) -> Sequence[Contract]:
    """The provider's contracts, those to be signed first, then by their age."""
    query = contracts_for(actor).options(
        joinedload(Contract.need).options(
            joinedload(Need.patient), joinedload(Need.plan_line).joinedload(PlanLine.service)
        ),
        joinedload(Contract.site),
    )
    rows = session.scalars(query.order_by(Contract.offered_at, Contract.id)).all()
    return sorted(rows, key=lambda row: (row.status is not ContractStatus.OFFERED, row.offered_at, row.id))


def to_sign(session: Session, actor: Actor, now: Instant) -> int:
    """How many contracts wait for the provider's signature."""
    query = contracts_for(actor).where(
        Contract.status == ContractStatus.OFFERED, Contract.provider_signed_at.is_(None), Contract.sign_by > now
    )
    return len(session.scalars(query.with_only_columns(Contract.id)).all())


def disputed(session: Session, actor: Actor) -> Sequence[Delivery]:
    """Deliveries to which a patient said no."""
    query = deliveries_for(actor).where(Delivery.status == DeliveryStatus.DISPUTED)
    return session.scalars(query.options(joinedload(Delivery.contract)).order_by(Delivery.recorded_at)).all()


def money_of(session: Session, actor: Actor) -> ProviderMoney:
    """What the provider is owed, by whoever has to pay it, and what it was paid."""
    return ProviderMoney(
        payable_pence=owed_to(session, actor.party_id),
        paid_pence=balance_pence(session, AccountKind.PAID, actor.party_id),
    )
