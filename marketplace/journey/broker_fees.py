"""A broker's own fee: agreed with its commissioner, declared with each tender, and never out of a patient's budget.

`agree_fee` says what it is for tenders that are published from then on; `declare` writes it on a tender at its
publication, where anybody can read it. `earn` is called when a contract is signed by all: then its fee is due,
once, whatever becomes of the contract. `fees`, `own_fee` and `tender_fees` tell what was earned and paid;
`pay_fee` notes what the commissioner paid, on the ledger: funder -> the broker's own `paid` account.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from marketplace.records import audit
from marketplace.records.contracts import BrokerFee, Contract
from marketplace.records.ledger import Account, AccountKind, Posting, Transfer, TransferKind, hold, open_account, post
from marketplace.records.outbox import tell
from marketplace.records.people import Broker
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant
from marketplace.rules.errors import Conflict, Invalid, NotFound, WrongState
from marketplace.rules.money import Pence, format_pounds
from marketplace.rules.permissions import Actor, Role, check_role

from .funds import checked_request
from .scopes import locked

MOST_PENCE = 100_000
"""A fee for one contract beyond this (£1,000) is a slip of the pen: a year of most people's care costs less."""


@dataclass(frozen=True, slots=True)
class FeeStanding:
    """What one broker has earned and was paid. ``fee_pence`` is what tenders declare that it publishes from now on."""

    broker_id: str
    name: str
    fee_pence: Pence
    contracts: int
    earned_pence: Pence
    paid_pence: Pence

    @property
    def owed_pence(self) -> Pence:
        """What the commissioner has still to pay."""
        return self.earned_pence - self.paid_pence


@dataclass(frozen=True, slots=True)
class TenderFee:
    """What a broker has earned by one tender: the fee it declared, and for how many contracts it fell due."""

    tender_id: str
    title: str
    fee_pence: Pence
    contracts: int
    earned_pence: Pence


def agree_fee(session: Session, now: Instant, actor: Actor, broker_id: str, fee_pence: Pence) -> Broker:
    """The commissioner says what it pays a broker for each contract; nothing is a fee too.

    Tenders that are published already keep what they declared.

    Raises
    ------
    NotFound
        If it is no broker of this commissioner's.
    Invalid
        If the fee is negative, or more than `MOST_PENCE` (place: fee_pence).
    """
    check_role(actor, Role.COMMISSIONER)
    broker = locked(session, Broker, broker_id, "broker")
    if broker.commissioner_id != actor.party_id:
        raise NotFound("not_found", "We cannot find that broker.")
    if not 0 <= fee_pence <= MOST_PENCE:
        raise Invalid("fee_out_of_range", f"Enter a fee up to {format_pounds(MOST_PENCE)}.", place="fee_pence")
    if fee_pence != broker.fee_pence:
        audit.append(
            session, now, actor, "broker.fee_agreed", broker.id, fee_pence=fee_pence, before_pence=broker.fee_pence
        )
        broker.fee_pence = fee_pence
        tell(session, now, [broker.id], "broker_fee_agreed", broker.id)
    return broker


def declare(tender: Tender) -> None:
    """Write the broker's fee on a tender that is being published."""
    tender.broker_fee_pence = tender.broker.fee_pence


def earn(session: Session, now: Instant, contract: Contract) -> None:
    """All have signed: the broker has earned its fee for it."""
    tender = contract.need.bundle.tender
    if tender.broker_fee_pence:
        session.add(
            BrokerFee(
                contract_id=contract.id,
                broker_id=tender.broker_id,
                tender_id=tender.id,
                amount_pence=tender.broker_fee_pence,
                due_at=now,
            )
        )


def fees(session: Session, actor: Actor) -> Sequence[FeeStanding]:
    """The standing of every broker of this commissioner, by name."""
    check_role(actor, Role.COMMISSIONER)
    return _standings(session, Broker.commissioner_id == actor.party_id)


def fee_of(session: Session, actor: Actor, broker_id: str) -> FeeStanding:
    """The standing of one broker of this commissioner.

    Raises
    ------
    NotFound
        If it is no broker of this commissioner's.
    """
    check_role(actor, Role.COMMISSIONER)
    found = _standings(session, (Broker.commissioner_id == actor.party_id) & (Broker.id == broker_id))
    if not found:
        raise NotFound("not_found", "We cannot find that broker.")
    return found[0]


def own_fee(session: Session, actor: Actor) -> FeeStanding:
    """The broker's own standing."""
    check_role(actor, Role.BROKER)
    return _standings(session, Broker.id == actor.party_id)[0]


def tender_fees(session: Session, actor: Actor) -> list[TenderFee]:
    """What the broker has earned, tender by tender: the latest first."""
    check_role(actor, Role.BROKER)
    earned = (
        select(BrokerFee.tender_id, func.count().label("contracts"), func.sum(BrokerFee.amount_pence).label("pence"))
        .where(BrokerFee.broker_id == actor.party_id)
        .group_by(BrokerFee.tender_id)
        .subquery()
    )
    query = (
        select(Tender.id, Tender.title, Tender.broker_fee_pence, earned.c.contracts, earned.c.pence)
        .join(earned, earned.c.tender_id == Tender.id)
        .order_by(Tender.published_at.desc(), Tender.id)
    )
    return [
        TenderFee(tender_id, title, fee_pence, contracts, int(pence))
        for tender_id, title, fee_pence, contracts, pence in session.execute(query)
    ]


def pay_fee(
    session: Session,
    now: Instant,
    actor: Actor,
    broker_id: str,
    amount_pence: Pence,
    *,
    owed_pence: Pence,
    request_id: str,
) -> None:
    """The commissioner notes that fees were paid: funder -> paid. The same request again moves nothing.

    ``owed_pence`` is what the commissioner was shown as owed.

    Raises
    ------
    NotFound
        If it is no broker of this commissioner's.
    WrongState
        If nothing is owed.
    Invalid, Conflict
        If the amount is more than what is owed (place: amount_pence); if less is owed now than was shown, because a
        colleague noted a payment meanwhile, or the request was used for another amount.
    """
    check_role(actor, Role.COMMISSIONER)
    key = f"broker-fee:{broker_id}:{checked_request(request_id)}"
    open_account(session, AccountKind.PAID, broker_id)
    hold(session, [broker_id, actor.party_id])
    standing = fee_of(session, actor, broker_id)
    if (earlier := session.scalar(select(Transfer).where(Transfer.idempotency_key == key))) is not None:
        if earlier.amount_pence != amount_pence:
            raise Conflict("key_used_for_another", "This was already posted with other figures.", key=key)
        return
    if standing.owed_pence < owed_pence:
        message = "What is owed has changed since you opened the page. Look at it again, then note what was paid."
        raise Conflict("owed_changed", message, shown_pence=owed_pence, owed_pence=standing.owed_pence)
    if standing.owed_pence == 0:
        raise WrongState("nothing_owed", "No fee is owed to this broker now.")
    if not 0 < amount_pence <= standing.owed_pence:
        most = format_pounds(standing.owed_pence)
        raise Invalid("more_than_owed", f"Enter an amount up to {most}.", place="amount_pence")
    posting = Posting(
        key=key,
        kind=TransferKind.BROKER_FEE,
        source=(AccountKind.FUNDER, actor.party_id),
        target=(AccountKind.PAID, broker_id),
        amount_pence=amount_pence,
        about_id=broker_id,
        reason="Broker's fees",
    )
    post(session, now, actor.user_id, posting)
    audit.append(session, now, actor, "broker.fee_paid", broker_id, amount_pence=amount_pence)
    tell(session, now, [broker_id], "broker_fee_paid", broker_id)


def _standings(session: Session, whose: ColumnElement[bool]) -> list[FeeStanding]:
    earned = (
        select(BrokerFee.broker_id, func.count().label("contracts"), func.sum(BrokerFee.amount_pence).label("pence"))
        .group_by(BrokerFee.broker_id)
        .subquery()
    )
    paid = aliased(Account)
    query = (
        select(Broker.id, Broker.name, Broker.fee_pence, earned.c.contracts, earned.c.pence, paid.balance_pence)
        .outerjoin(earned, earned.c.broker_id == Broker.id)
        .outerjoin(paid, (paid.owner_id == Broker.id) & (paid.kind == AccountKind.PAID))
        .where(whose)
        .order_by(Broker.name)
    )
    return [
        FeeStanding(broker_id, name, fee, int(contracts or 0), int(earned_pence or 0), int(paid_pence or 0))
        for broker_id, name, fee, contracts, earned_pence, paid_pence in session.execute(query)
    ]
