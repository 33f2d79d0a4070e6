"""A shared pool's money: what members give, what it carries for others, what goes back. README.md has the whole of it.

The steps that sign, lapse, end and refund contracts come here where their tender's policy is ``shared_pool``. Each
locks the tender first and then every account its pool can move (`lock_pool`), so that pools are settled one at a time.
"""

from collections.abc import Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.contracts import Contract, due_so_far
from marketplace.records.ledger import (
    Account,
    AccountKind,
    Posting,
    Transfer,
    TransferKind,
    balance_pence,
    hold,
    open_account,
    post,
)
from marketplace.records.outbox import tell
from marketplace.records.pools import Bundle, Need
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant
from marketplace.rules.lifecycle import ContractStatus
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor
from marketplace.rules.sharing import is_shared, own_part, shares_back

from .scopes import locked

OVER = (ContractStatus.COMPLETED, ContractStatus.ENDED)


def lock_pool(session: Session, contract_id: str) -> str | None:
    """The tender of a contract, locked, where its members share their pool; None where nobody pays for anybody else.

    To be called before the contract itself is locked: the tender comes first in every step that holds both.
    """
    found = session.execute(
        select(Tender.id, Tender.policy)
        .join(Bundle, Bundle.tender_id == Tender.id)
        .join(Need, Need.bundle_id == Bundle.id)
        .join(Contract, Contract.need_id == Need.id)
        .where(Contract.id == contract_id)
    ).first()
    if found is None or not is_shared(found.policy):
        return None
    tender_id = str(found.id)
    locked(session, Tender, tender_id, "tender")
    open_account(session, AccountKind.POOL, tender_id)
    hold(session, [tender_id, *session.scalars(_contracts(tender_id).with_only_columns(Contract.budget_id))])
    return tender_id


def carries(session: Session, tender_id: str | None, contract: Contract) -> bool:
    """Whether the pool holds its part of this contract's bill by now (it always does where it has none)."""
    if tender_id is None or not contract.receives_pence:
        return True
    return balance_pence(session, AccountKind.POOL, tender_id) >= contract.receives_pence


def waiting(session: Session, tender_id: str | None) -> Sequence[Contract]:
    """The tender's contracts that are offered and to which the pool has to add something, locked, by their ids."""
    if tender_id is None:
        return ()
    offered = _contracts(tender_id).where(Contract.status == ContractStatus.OFFERED, Contract.pool_pence < 0)
    locking = offered.order_by(Contract.id).with_for_update(of=Contract)
    return session.scalars(locking.execution_options(populate_existing=True)).all()


def share(session: Session, now: Instant, actor: Actor, tender_id: str, contract: Contract) -> None:
    """At signature: reserved -> pool, what this contract gives; or pool -> committed, what it receives."""
    budget_id = contract.budget_id
    if contract.gives_pence:
        posting = Posting(
            key=f"pool-give:{contract.id}",
            kind=TransferKind.POOL_GIVE,
            source=(AccountKind.RESERVED, budget_id),
            target=(AccountKind.POOL, tender_id),
            amount_pence=contract.gives_pence,
            about_id=contract.need_id,
            reason="Your part for others in the group",
        )
        post(session, now, actor.user_id, posting)
    if contract.receives_pence:
        posting = Posting(
            key=f"pool-receive:{contract.id}",
            kind=TransferKind.POOL_RECEIVE,
            source=(AccountKind.POOL, tender_id),
            target=(AccountKind.COMMITTED, budget_id),
            amount_pence=contract.receives_pence,
            about_id=contract.need_id,
            reason="Others in the group carry this part",
        )
        post(session, now, actor.user_id, posting)


def came_back(session: Session, contract: Contract) -> Pence:
    """What of a contract's bill has come back already: all that did not fall due, or was refunded, once it is over.

    Until then a refund stays with the contract, for the units that are to be delivered in place of the wrong ones.
    """
    return contract.bill_pence - due_so_far(session, contract.id) if contract.status in OVER else 0


def own_rest(session: Session, contract: Contract) -> Pence:
    """What the budget would have back if a contract in force ended now: its own part of what has not fallen due."""
    rest_pence = contract.bill_pence - due_so_far(session, contract.id)
    return own_part(rest_pence, 0, contract.charge_pence, contract.bill_pence)


def restore(  # noqa: PLR0917 - a posting's session, moment and actor, and what it is about
    session: Session, now: Instant, actor: Actor, tender_id: str, contract: Contract, back_pence: Pence, key: str
) -> Pence:
    """Available -> pool: the pool's part of what has just come back to the budget under a contract it helped to pay.

    To be called before the contract or the delivery notes what came back. Returns the amount.
    """
    own_pence = own_part(back_pence, came_back(session, contract), contract.charge_pence, contract.bill_pence)
    pools_pence = back_pence - own_pence
    if pools_pence:
        posting = Posting(
            key=f"pool-restore:{key}",
            kind=TransferKind.POOL_RESTORE,
            source=(AccountKind.AVAILABLE, contract.budget_id),
            target=(AccountKind.POOL, tender_id),
            amount_pence=pools_pence,
            about_id=contract.need_id,
            reason="The part that others in the group had carried",
        )
        post(session, now, actor.user_id, posting)
    return pools_pence


def settle(session: Session, now: Instant, actor: Actor, tender_id: str) -> Pence:
    """Pool -> available: what nobody can claim any more goes back to those who gave, in proportion to their gifts.

    As long as a contract of the tender waits for signatures, somebody may still give or claim: nothing happens. From
    then on the pool is emptied by every step that puts something into it. Returns the amount.
    """
    session.flush()
    left_pence = balance_pence(session, AccountKind.POOL, tender_id)
    offered = _contracts(tender_id).where(Contract.status == ContractStatus.OFFERED)
    if not left_pence or session.scalar(offered.with_only_columns(Contract.id).limit(1)):
        return 0
    given, returned = (_sums(session, tender_id, kind) for kind in (TransferKind.POOL_GIVE, TransferKind.POOL_RETURN))
    givers = session.scalars(select(Need).where(Need.id.in_(given)).order_by(Need.id)).all()
    parts = shares_back(left_pence, [given[one.id][0] for one in givers], [_first(returned, one.id) for one in givers])
    for giver, amount_pence in zip(givers, parts, strict=True):
        if amount_pence:
            times = returned[giver.id][1] if giver.id in returned else 0
            posting = Posting(
                key=f"pool-return:{giver.id}:{times + 1}",
                kind=TransferKind.POOL_RETURN,
                source=(AccountKind.POOL, tender_id),
                target=(AccountKind.AVAILABLE, giver.budget_id),
                amount_pence=amount_pence,
                about_id=giver.id,
                reason="The group did not need all that you gave",
            )
            post(session, now, actor.user_id, posting)
    audit.append(
        session, now, actor, "pool.returned", tender_id, amount_pence=left_pence, members=sum(map(bool, parts))
    )
    told = [giver.patient_id for giver, amount_pence in zip(givers, parts, strict=True) if amount_pence]
    tell(session, now, told, "pool_returned", tender_id)
    return left_pence


def unsettled(session: Session) -> Sequence[str]:
    """Tenders whose pool holds money although none of their contracts waits for a signature: there should be none."""
    offered = (
        select(Contract.id)
        .join(Contract.need)
        .join(Need.bundle)
        .where(Bundle.tender_id == Account.owner_id, Contract.status == ContractStatus.OFFERED)
    )
    holding = select(Account.owner_id).where(Account.kind == AccountKind.POOL, Account.balance_pence != 0)
    return session.scalars(holding.where(~offered.exists()).order_by(Account.owner_id)).all()


def _contracts(tender_id: str) -> Select[Contract]:
    return select(Contract).join(Contract.need).join(Need.bundle).where(Bundle.tender_id == tender_id)


def _sums(session: Session, tender_id: str, kind: TransferKind) -> dict[str, tuple[Pence, int]]:
    """Of one kind of posting on a tender's pool: the amount and the number of postings, by need."""
    ends = (Transfer.to_account_id, Transfer.from_account_id)
    end = ends[kind is TransferKind.POOL_RETURN]
    query = (
        select(Transfer.about_id, func.sum(Transfer.amount_pence), func.count())
        .join(Account, Account.id == end)
        .where(Account.kind == AccountKind.POOL, Account.owner_id == tender_id, Transfer.kind == kind)
        .group_by(Transfer.about_id)
    )
    return {need_id: (int(pence), count) for need_id, pence, count in session.execute(query)}


def _first(sums: dict[str, tuple[Pence, int]], need_id: str) -> Pence:
    return sums[need_id][0] if need_id in sums else 0
