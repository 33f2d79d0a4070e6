"""Money held for a need: reserve it, give it back, commit it, give back what of it is not used up.

Steps that change a need's fate call these. What is reserved for a need is written on the need, so that every exit can
give back exactly that, once. `due_account` says where money stands that has fallen due and is not paid yet.
"""

from sqlalchemy.orm import Session

from marketplace.records.budgets import Budget
from marketplace.records.contracts import Contract
from marketplace.records.ledger import AccountKind, Posting, TransferKind, hold, post
from marketplace.records.pools import Need, NeedStatus
from marketplace.rules.clock import Instant
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor, Role

from .sharing import share


def reserve(session: Session, now: Instant, actor: Actor, need: Need) -> None:
    """Available -> reserved: the most this need may cost."""
    if need.budget_pence == 0:
        return
    need.holds += 1
    key = f"reserve:{need.id}:{need.holds}"
    _move(session, now, actor, need, TransferKind.RESERVE, need.budget_pence, key=key, reason="The group was formed")
    need.reserved_pence = need.budget_pence


def release(session: Session, now: Instant, actor: Actor, need: Need, *, status: NeedStatus, reason: str) -> Pence:
    """Reserved -> available: all that is still held for this need, which takes its new status. Returns the amount."""
    held_pence = need.reserved_pence
    if held_pence:
        key = f"release:{need.id}:{need.holds}"
        _move(session, now, actor, need, TransferKind.RELEASE, held_pence, key=key, reason=reason)
        need.reserved_pence = 0
    need.status = status
    return held_pence


def commit(session: Session, now: Instant, actor: Actor, contract: Contract, tender_id: str | None) -> None:
    """Reserved -> committed: the charge; what was held beyond it goes back to the budget at once.

    In a shared pool (`tender_id`, locked by `sharing.lock_pool`) what is given to others goes there instead, and what
    others give comes from there, so that the bill is committed in any case.
    """
    need, own_pence = contract.need, contract.charge_pence - contract.gives_pence
    hold(session, [need.budget_id])
    if own_pence:
        key = f"commit:{need.id}"
        _move(session, now, actor, need, TransferKind.COMMIT, own_pence, key=key, reason="Contract signed")
    if tender_id is not None:
        share(session, now, actor, tender_id, contract)
    need.reserved_pence -= contract.charge_pence
    release(session, now, actor, need, status=NeedStatus.CONTRACTED, reason="The charge is lower than what was held")


def release_rest(session: Session, now: Instant, actor: Actor, need: Need, rest_pence: Pence, reason: str) -> None:
    """Committed -> available: the part of a charge for which nothing will be delivered any more. The need is free."""
    if rest_pence:
        committed = (AccountKind.COMMITTED, AccountKind.AVAILABLE)
        key = f"release-rest:{need.id}"
        _move(session, now, actor, need, TransferKind.RELEASE, rest_pence, key=key, reason=reason, way=committed)
    need.status = NeedStatus.RELEASED


def due_account(budget: Budget, provider_id: str) -> tuple[AccountKind, str]:
    """Where money waits that has fallen due: payable by the commissioner, or with whoever holds the budget."""
    payer = budget.parties.payer
    if payer.role is Role.COMMISSIONER:
        return AccountKind.PAYABLE, provider_id
    return AccountKind.HOLDER, payer.id


_USUAL_WAY = {
    TransferKind.RESERVE: (AccountKind.AVAILABLE, AccountKind.RESERVED),
    TransferKind.RELEASE: (AccountKind.RESERVED, AccountKind.AVAILABLE),
    TransferKind.COMMIT: (AccountKind.RESERVED, AccountKind.COMMITTED),
}


def _move(
    session: Session,
    now: Instant,
    actor: Actor,
    need: Need,
    kind: TransferKind,
    amount_pence: Pence,
    *,
    key: str,
    reason: str,
    way: tuple[AccountKind, AccountKind] | None = None,
) -> None:
    """Move money between two accounts of the need's own budget."""
    source, target = way or _USUAL_WAY[kind]
    posting = Posting(
        key=key,
        kind=kind,
        source=(source, need.budget_id),
        target=(target, need.budget_id),
        amount_pence=amount_pence,
        about_id=need.id,
        reason=reason,
    )
    post(session, now, actor.user_id, posting)
