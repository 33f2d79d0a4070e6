"""Step nine: the provider records what was delivered, the patient confirms it, and payment falls due.

`record_delivery` -> `confirm_delivery` | `dispute_delivery`; `confirm_by_silence` is what time does.
"""

from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus, due_so_far
from marketplace.records.ledger import AccountKind, Posting, TransferKind, post
from marketplace.records.outbox import tell
from marketplace.rules.clock import Instant, day_in_words, london_date, london_midnight_after
from marketplace.rules.errors import Invalid, WrongState
from marketplace.rules.lifecycle import CONTRACT_MOVES, IN_FORCE, ContractStatus, check_move
from marketplace.rules.money import Pence
from marketplace.rules.permissions import SYSTEM, Actor, Role, Scope, check_owner, check_scope
from marketplace.rules.settlement import check_left, due_for

from .reservations import due_account
from .scopes import locked

CONFIRM_WITHIN_DAYS = 14


def record_delivery(
    session: Session, now: Instant, actor: Actor, contract_id: str, units: int, delivered_on: date
) -> Delivery:
    """Status: signed -> in_delivery with the first one. Units that are waiting for an answer count as used up.

    Raises
    ------
    WrongState
        If the contract is not in force.
    Invalid
        If the day is none of `days_of_care`, or the contract has fewer units left.
    """
    contract = locked(session, Contract, contract_id, "contract")
    check_record(session, now, actor, contract, units, delivered_on)
    delivery = Delivery(
        contract_id=contract.id,
        status=DeliveryStatus.RECORDED,
        units=units,
        delivered_on=delivered_on,
        recorded_by=actor.user_id,
        recorded_at=now,
        confirm_by=london_midnight_after(london_date(now) + timedelta(days=CONFIRM_WITHIN_DAYS)),
    )
    session.add(delivery)
    if contract.status is ContractStatus.SIGNED:
        check_move(CONTRACT_MOVES, contract.status, ContractStatus.IN_DELIVERY)
        contract.status = ContractStatus.IN_DELIVERY
    session.flush()
    audit.append(session, now, actor, "delivery.recorded", delivery.id, contract=contract.id, units=units)
    tell(session, now, [contract.patient_id], "delivery_to_confirm", delivery.id)
    return delivery


def check_record(
    session: Session,
    now: Instant,
    actor: Actor,
    contract: Contract,
    units: int,
    delivered_on: date,
    *,
    beside: int = 0,
) -> None:
    """Whether this provider could record these units on this day, with so many more `beside` them not recorded yet.

    Raises
    ------
    NotFound, WrongState, Invalid
        As `record_delivery`.
    """
    check_owner(actor, Role.PROVIDER, contract.provider_id, "contract")
    if contract.status not in IN_FORCE:
        raise WrongState("contract_not_in_force", "Deliveries can be recorded while the contract is in force.")
    first, last = days_of_care(contract, london_date(now))
    if not first <= delivered_on <= last:
        until = "today" if last == london_date(now) else day_in_words(last)
        message = f"Enter a day from {day_in_words(first)}, when the contract came into force, to {until}"
        raise Invalid("day_out_of_range", message, place="delivered_on", first=first.isoformat(), last=last.isoformat())
    waiting = session.scalar(
        select(func.coalesce(func.sum(Delivery.units), 0)).where(
            Delivery.contract_id == contract.id, Delivery.status == DeliveryStatus.RECORDED
        )
    )
    check_left(contract.units, contract.units_confirmed + int(waiting or 0), units, beside)


def days_of_care(contract: Contract, today: date) -> tuple[date, date]:
    """The first and the last day of which care under a signed contract can be recorded.

    It may begin as soon as all have signed, before the period too: nobody waits for a date when all are ready, and a
    provider does not know for whom the contract is until then. It ends with the period, or for now with today.
    """
    first = london_date(contract.concluded_at or contract.offered_at)
    return first, min(today, contract.need.bundle.period_to)


def confirm_delivery(session: Session, now: Instant, actor: Actor, delivery_id: str) -> Delivery:
    """A patient confirms; committed -> payable or holder: this part of the bill. The last unit completes it all."""
    delivery, contract = _recorded(session, delivery_id)
    check_owner(actor, Role.PATIENT, contract.patient_id, "delivery")
    check_scope(actor, Scope.DELIVERIES)
    return _confirm(session, now, actor, delivery, contract)


def cost_pence(session: Session, delivery: Delivery) -> Pence:
    """What falls due when this recorded delivery is confirmed now."""
    contract = delivery.contract
    before = due_so_far(session, contract.id)
    return due_for(contract.bill_pence, contract.units, contract.units_confirmed, delivery.units, before)


def confirm_by_silence(session: Session, now: Instant, delivery_id: str) -> Delivery:
    """When the time to answer has passed, a delivery counts as confirmed.

    Raises
    ------
    WrongState
        If there is still time.
    """
    delivery, contract = _recorded(session, delivery_id)
    if now < delivery.confirm_by:
        raise WrongState("still_time", "The patient still has time to answer.")
    return _confirm(session, now, SYSTEM, delivery, contract)


def dispute_delivery(session: Session, now: Instant, actor: Actor, delivery_id: str, reason: str) -> Delivery:
    """A patient says that this was not delivered, and why: nothing falls due for it."""
    delivery, contract = _recorded(session, delivery_id)
    check_owner(actor, Role.PATIENT, contract.patient_id, "delivery")
    check_scope(actor, Scope.DELIVERIES)
    if not reason.strip():
        raise Invalid("reason_missing", "Say what is wrong with this record.", place="reason")
    delivery.status = DeliveryStatus.DISPUTED
    delivery.answered_at = now
    delivery.dispute_reason = reason.strip()
    audit.append(session, now, actor, "delivery.disputed", delivery.id, contract=contract.id)
    tell(session, now, [contract.provider_id], "delivery_disputed", delivery.id)
    return delivery


def _recorded(session: Session, delivery_id: str) -> tuple[Delivery, Contract]:
    delivery = locked(session, Delivery, delivery_id, "delivery")
    contract = locked(session, Contract, delivery.contract_id, "contract")
    if delivery.status is not DeliveryStatus.RECORDED:
        raise WrongState("delivery_answered", "This visit has been answered already. Nothing was changed.")
    return delivery, contract


def _confirm(session: Session, now: Instant, actor: Actor, delivery: Delivery, contract: Contract) -> Delivery:
    due_pence = cost_pence(session, delivery)
    contract.units_confirmed += delivery.units
    delivery.status = DeliveryStatus.CONFIRMED
    delivery.answered_at = now
    delivery.due_pence = due_pence
    if due_pence:
        posting = Posting(
            key=f"due:{delivery.id}",
            kind=TransferKind.DUE,
            source=(AccountKind.COMMITTED, contract.budget_id),
            target=due_account(contract.budget, contract.provider_id),
            amount_pence=due_pence,
            about_id=delivery.id,
            reason="Delivery confirmed",
        )
        post(session, now, actor.user_id, posting)
    if contract.units_confirmed == contract.units:
        check_move(CONTRACT_MOVES, contract.status, ContractStatus.COMPLETED)
        contract.status = ContractStatus.COMPLETED
        contract.ended_at = now
        audit.append(session, now, actor, "contract.completed", contract.id)
        tell(session, now, [contract.patient_id, contract.provider_id], "contract_completed", contract.id)
    audit.append(session, now, actor, "delivery.confirmed", delivery.id, contract=contract.id, due_pence=due_pence)
    tell(session, now, [contract.provider_id], "delivery_confirmed", delivery.id)
    return delivery
