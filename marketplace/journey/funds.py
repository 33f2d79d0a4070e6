"""Money acts on a budget outside the ordinary course of a tender; each with its reason, each in the open.

`supplement` adds money, `reclaim` takes unspent money back (both the commissioner's, with written reasons); `refund`
brings back what was due or paid for a delivery that was wrong; `expire_budget` is what time does to money that is left
over. None of them touches what is reserved or committed: that was promised.

Acts that a person starts carry a `request_id`, made by whoever asks (a form, a script): the same request again moves
nothing, the same id for another amount is refused.
"""

import re

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.budgets import Budget
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus
from marketplace.records.ledger import Account, AccountKind, Posting, Transfer, TransferKind, balance_pence, post
from marketplace.records.outbox import tell
from marketplace.rules.budgets import check_reason
from marketplace.rules.clock import Instant, london_date
from marketplace.rules.errors import Invalid, WrongState
from marketplace.rules.lifecycle import ContractStatus
from marketplace.rules.money import Pence
from marketplace.rules.permissions import SYSTEM, Actor, Role, check_owner, check_role

from .funding import pay_in
from .reservations import due_account
from .scopes import locked
from .sharing import lock_pool, restore, settle

_REQUEST_ID = re.compile(r"[0-9A-Za-z-]{8,40}")


def supplement(
    session: Session, now: Instant, actor: Actor, budget_id: str, amount_pence: Pence, reason: str, *, request_id: str
) -> Budget:
    """The commissioner adds money: funder -> available. Patient and broker can read how much and why.

    Raises
    ------
    WrongState
        If the budget has ended, or its patient left it for the conventional package.
    Invalid, Conflict
        If the amount or the reason is none, or the request was used for another amount.
    """
    budget = _own_budget(session, actor, budget_id)
    written = check_reason(reason)
    if budget.is_over(london_date(now)):
        raise WrongState("budget_ended", "This budget has ended, so no money can be added to it.")
    key = f"supplement:{budget.id}:{checked_request(request_id)}"
    if pay_in(session, now, actor, budget, TransferKind.SUPPLEMENT, amount_pence, key=key, reason=written):
        audit.append(session, now, actor, "budget.supplemented", budget.id, amount_pence=amount_pence)
        tell(session, now, [budget.patient_id], "budget_supplemented", budget.id)
    return budget


def reclaim(
    session: Session, now: Instant, actor: Actor, budget_id: str, amount_pence: Pence, reason: str, *, request_id: str
) -> Budget:
    """The commissioner takes unspent money back: available -> funder, with written reasons.

    Raises
    ------
    InsufficientFunds
        If that much is not free: what is reserved or committed stays where it was promised.
    Invalid, Conflict
        If the amount or the reason is none, or the request was used for another amount.
    """
    budget = _own_budget(session, actor, budget_id)
    posting = _back_to_funder(
        budget, TransferKind.RECLAIM, checked_request(request_id), amount_pence, reason=check_reason(reason)
    )
    if post(session, now, actor.user_id, posting):
        audit.append(session, now, actor, "budget.reclaimed", budget.id, amount_pence=amount_pence)
        tell(session, now, [budget.patient_id], "budget_reclaimed", budget.id)
    return budget


def refund(session: Session, now: Instant, actor: Actor, delivery_id: str, reason: str) -> Delivery:
    """Status: confirmed or paid -> refunded. What a wrong delivery cost comes back.

    Not paid yet, it is taken off what is owed; paid, the provider gives it back. The provider says so itself, or the
    commissioner once the money is back. While the contract is in force the patient can still expect what was
    promised: the money is committed to it again, and the units can be delivered anew. Who does not want them ends the
    contract. Once it is over the money is the budget's to use; what a shared pool had carried of it goes back to those
    who gave it.

    Raises
    ------
    WrongState
        If nothing fell due for this delivery, or it was refunded before.
    """
    contract_id = session.scalar(select(Delivery.contract_id).where(Delivery.id == delivery_id)) or ""
    tender_id = lock_pool(session, contract_id)
    delivery = locked(session, Delivery, delivery_id, "delivery")
    contract = locked(session, Contract, delivery.contract_id, "contract")
    budget = locked(session, Budget, contract.budget_id, "budget")
    check_role(actor, Role.PROVIDER, Role.COMMISSIONER)
    owner_id = contract.provider_id if actor.role is Role.PROVIDER else budget.commissioner_id
    check_owner(actor, actor.role, owner_id, "delivery")
    if delivery.status not in (DeliveryStatus.CONFIRMED, DeliveryStatus.PAID):
        raise WrongState("nothing_to_refund", "Nothing is due or paid for this delivery.")
    if delivery.status is DeliveryStatus.CONFIRMED and delivery.payment_line_id is not None:
        raise WrongState("with_the_bank", "This payment is in a payment run. Refund it when the bank has answered.")
    written = check_reason(reason)
    paid = delivery.status is DeliveryStatus.PAID
    source = (AccountKind.PAID, contract.provider_id) if paid else due_account(budget, contract.provider_id)
    in_force = contract.status is ContractStatus.IN_DELIVERY
    if delivery.due_pence:
        posting = Posting(
            key=f"refund:{delivery.id}",
            kind=TransferKind.REFUND,
            source=source,
            target=(AccountKind.COMMITTED if in_force else AccountKind.AVAILABLE, budget.id),
            amount_pence=delivery.due_pence,
            about_id=delivery.id,
            reason=written,
        )
        post(session, now, actor.user_id, posting)
    contract.units_confirmed -= delivery.units
    if not in_force and tender_id is not None:
        restore(session, now, actor, tender_id, contract, delivery.due_pence or 0, delivery.id)
    refunded_pence, delivery.due_pence = delivery.due_pence or 0, 0
    delivery.status = DeliveryStatus.REFUNDED
    delivery.refunded_pence = refunded_pence
    delivery.refunded_at = now
    delivery.refund_reason = written
    audit.append(session, now, actor, "delivery.refunded", delivery.id, amount_pence=refunded_pence, was_paid=paid)
    tell(session, now, [contract.patient_id, contract.provider_id], "delivery_refunded", delivery.id)
    if tender_id is not None and not in_force:
        settle(session, now, actor, tender_id)
    return delivery


def expire_budget(session: Session, now: Instant, budget_id: str) -> Pence:
    """Available -> funder, when a budget's time is over or its patient has left it. Returns the amount.

    What is held for a tender or promised by a contract stays, and expires when it becomes free: the scheduler comes
    by again for as long as there is anything.

    Raises
    ------
    WrongState
        If the budget still runs.
    """
    budget = locked(session, Budget, budget_id, "budget")
    if not budget.is_over(london_date(now)):
        raise WrongState("budget_runs", "This budget has not ended.")
    free_pence = balance_pence(session, AccountKind.AVAILABLE, budget.id)
    if not free_pence:
        return 0
    kind = TransferKind.RETURN if budget.left_at is not None else TransferKind.EXPIRE
    reason = "You chose the conventional package" if budget.left_at is not None else "The budget's time is over"
    post(session, now, SYSTEM.user_id, _back_to_funder(budget, kind, _next(session, budget, kind), free_pence, reason))
    audit.append(session, now, SYSTEM, "budget.expired", budget.id, amount_pence=free_pence)
    tell(session, now, [budget.patient_id, budget.commissioner_id], "budget_expired", budget.id)
    return free_pence


def left_over(now: Instant) -> Select[str]:
    """Budgets that have ended, or were left, and in which money is free."""
    ended: ColumnElement[bool] = or_(Budget.valid_to < london_date(now), Budget.left_at.is_not(None))
    return (
        select(Budget.id)
        .join(Account, (Account.owner_id == Budget.id) & (Account.kind == AccountKind.AVAILABLE))
        .where(ended, Account.balance_pence > 0)
        .order_by(Budget.id)
    )


def give_back(session: Session, now: Instant, actor: Actor, budget: Budget, amount_pence: Pence, reason: str) -> None:
    """Available -> funder: what a patient no longer wants to use. `leaving` has locked the budget."""
    request_id = _next(session, budget, TransferKind.RETURN)
    posting = _back_to_funder(budget, TransferKind.RETURN, request_id, amount_pence, reason)
    post(session, now, actor.user_id, posting)


def _back_to_funder(budget: Budget, kind: TransferKind, request_id: str, amount_pence: Pence, reason: str) -> Posting:
    return Posting(
        key=f"{kind.value}:{budget.id}:{request_id}",
        kind=kind,
        source=(AccountKind.AVAILABLE, budget.id),
        target=(AccountKind.FUNDER, budget.commissioner_id),
        amount_pence=amount_pence,
        about_id=budget.id,
        reason=reason,
    )


def _next(session: Session, budget: Budget, kind: TransferKind) -> str:
    """The number of the next posting of this kind on a locked budget: its key is used by nothing else."""
    query = select(func.count()).where(Transfer.about_id == budget.id, Transfer.kind == kind)
    return str((session.scalar(query) or 0) + 1)


def _own_budget(session: Session, actor: Actor, budget_id: str) -> Budget:
    budget = locked(session, Budget, budget_id, "budget")
    check_owner(actor, Role.COMMISSIONER, budget.commissioner_id, "budget")
    return budget


def checked_request(request_id: str) -> str:
    """A request id as forms make them.

    Raises
    ------
    Invalid
        If it is something else.
    """
    if not _REQUEST_ID.fullmatch(request_id):
        raise Invalid("request_id_invalid", "Open the page again and send the form once more.", place="request_id")
    return request_id
