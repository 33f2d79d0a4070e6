"""Step eight: all parties sign; the charge is committed, the rest of what was held is free again.

In a shared pool a contract to which others add something waits, signed by all, until they have signed theirs.

`sign_contract` by each party; `let_lapse` is what time does to a contract that was not signed; `end_early` by whoever
has a reason.
"""

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus, due_so_far
from marketplace.records.outbox import tell
from marketplace.records.pools import NeedStatus
from marketplace.rules.budgets import check_reason
from marketplace.rules.clock import Instant
from marketplace.rules.errors import NotFound, WrongState
from marketplace.rules.lifecycle import CONTRACT_MOVES, IN_FORCE, ContractStatus, check_move
from marketplace.rules.money import Pence
from marketplace.rules.permissions import SYSTEM, Actor, Role, Scope, check_role, check_scope

from .broker_fees import earn
from .reservations import commit, release, release_rest
from .scopes import locked
from .sharing import carries, lock_pool, restore, settle, waiting

POOL_SHORT = "Others in the group did not sign in time"
"""Why a contract ended that all its parties had signed. Its provider reads this too, and nothing of who pays what."""
NOT_SIGNED = "Not signed in time"


def sign_contract(session: Session, now: Instant, actor: Actor, contract_id: str) -> Contract:
    """Status: offered -> signed, once all have signed; then reserved -> committed: exactly the charge.

    Patient and provider sign; where an organisation keeps the budget, it is the contract's party and signs too. What
    the pool has to add must be there: if it is not, the contract stays offered and is signed as soon as it is.

    Raises
    ------
    WrongState
        If it was signed by this party already, or the time to sign is over.
    """
    check_role(actor, Role.PATIENT, Role.PROVIDER, Role.HOLDER)
    tender_id = lock_pool(session, contract_id)
    contract = locked(session, Contract, contract_id, "contract")
    if actor.party_id not in _signatories(contract):
        raise NotFound("not_found", "We cannot find that contract.")
    if contract.status is not ContractStatus.OFFERED or now >= contract.sign_by:
        raise WrongState("cannot_sign", "This contract is signed already, or the time to sign it is over.")
    if actor.role is Role.PATIENT:
        check_scope(actor, Scope.MATCHES)
        _check_unsigned(contract.patient_signed_at)
        contract.patient_signed_at = now
    elif actor.role is Role.PROVIDER:
        _check_unsigned(contract.provider_signed_at)
        contract.provider_signed_at = now
    else:
        _check_unsigned(contract.holder_signed_at)
        contract.holder_signed_at = now
    audit.append(session, now, actor, "contract.signed_by_party", contract.id)
    if unsigned_by(contract):
        return contract
    if carries(session, tender_id, contract):
        _conclude(session, now, actor, contract, tender_id)
        _go_on(session, now, actor, tender_id)
    else:
        audit.append(session, now, actor, "contract.waits", contract.id, receives_pence=contract.receives_pence)
        tell(session, now, [contract.patient_id], "contract_waits", contract.id)
    return contract


def waits_for_pool(contract: Contract) -> bool:
    """Whether everybody has signed and only others of the group, who carry a part of it, have not."""
    return contract.status is ContractStatus.OFFERED and not unsigned_by(contract)


def has_lapsed(contract: Contract) -> bool:
    """Whether it ended without ever having been in force."""
    return contract.status is ContractStatus.ENDED and contract.concluded_at is None


def unsigned_by(contract: Contract) -> list[str]:
    """The ids of the parties whose signature is still missing."""
    parties = contract.budget.parties
    signed_at = {contract.patient_id: contract.patient_signed_at, contract.provider_id: contract.provider_signed_at}
    if parties.must_countersign:
        signed_at[parties.contract_party.id] = contract.holder_signed_at
    return [party_id for party_id, at in signed_at.items() if at is None]


def let_lapse(session: Session, now: Instant, contract_id: str) -> Contract:
    """Status: offered -> ended, if not signed in time, or if the pool lacks its part; what was held is released."""
    tender_id = lock_pool(session, contract_id)
    contract = locked(session, Contract, contract_id, "contract")
    if now < contract.sign_by:
        raise WrongState("still_time", "There is still time to sign this contract.")
    pool_short = waits_for_pool(contract)
    check_move(CONTRACT_MOVES, contract.status, ContractStatus.ENDED)
    contract.status = ContractStatus.ENDED
    contract.ended_at = now
    contract.ended_reason = POOL_SHORT if pool_short else NOT_SIGNED
    contract.ended_by = SYSTEM.role
    reason = POOL_SHORT if pool_short else "The contract was not signed in time"
    released_pence = release(session, now, SYSTEM, contract.need, status=NeedStatus.RELEASED, reason=reason)
    why = "pool_short" if pool_short else "not_signed"
    audit.append(session, now, SYSTEM, "contract.lapsed", contract.id, why=why, released_pence=released_pence)
    if pool_short:
        tell(session, now, [contract.patient_id], "contract_pool_short", contract.id)
        tell(session, now, [contract.provider_id], "contract_lapsed", contract.id)
    else:
        tell(session, now, [contract.patient_id, contract.provider_id], "contract_lapsed", contract.id)
    _go_on(session, now, SYSTEM, tender_id)
    return contract


def end_early(session: Session, now: Instant, actor: Actor, contract_id: str, reason: str) -> Contract:
    """Status: signed or in_delivery -> ended, with a reason. What is not used up goes from committed back to available.

    Deliveries that wait for an answer must be answered first: what was delivered is owed. The need is free for a new
    pool, or for the conventional package. What a shared pool had added goes back there; what was given to it stays.

    Raises
    ------
    WrongState
        If the contract is not in force, or a delivery waits for the patient's answer.
    Invalid
        If the reason is missing.
    """
    check_role(actor, Role.PATIENT, Role.PROVIDER, Role.HOLDER, Role.COMMISSIONER)
    tender_id = lock_pool(session, contract_id)
    contract = locked(session, Contract, contract_id, "contract")
    if actor.party_id not in (*_signatories(contract), contract.budget.commissioner_id):
        raise NotFound("not_found", "We cannot find that contract.")
    if actor.role is Role.PATIENT:
        check_scope(actor, Scope.MATCHES)
    if contract.status not in IN_FORCE:
        raise WrongState("contract_not_in_force", "Only a contract that is in force can be ended early.")
    if any(delivery.status is DeliveryStatus.RECORDED for delivery in contract.deliveries):
        own = "First answer the visits that wait for you, then end the contract."
        others = "A delivery waits for the patient's answer. Once it is answered, the contract can be ended."
        raise WrongState("delivery_waits", own if actor.role is Role.PATIENT else others)
    written = check_reason(reason)
    rest_pence = _release_rest(session, now, actor, contract, tender_id, "The contract was ended early")
    check_move(CONTRACT_MOVES, contract.status, ContractStatus.ENDED)
    contract.status = ContractStatus.ENDED
    contract.ended_at = now
    contract.ended_reason = written
    contract.ended_by = Role.REPRESENTATIVE if actor.authority_id is not None else actor.role
    audit.append(session, now, actor, "contract.ended", contract.id, released_pence=rest_pence)
    tell(session, now, _signatories(contract), "contract_ended", contract.id)
    _go_on(session, now, actor, tender_id)
    return contract


def run_out(session: Session, now: Instant, contract_id: str) -> Contract:
    """Status: in_delivery -> completed, signed -> ended: the period is over. What was not delivered is free again."""
    tender_id = lock_pool(session, contract_id)
    contract = locked(session, Contract, contract_id, "contract")
    if now < contract.ends_at:
        raise WrongState("still_time", "The contract's period is not over.")
    delivered = contract.status is ContractStatus.IN_DELIVERY
    status = ContractStatus.COMPLETED if delivered else ContractStatus.ENDED
    check_move(CONTRACT_MOVES, contract.status, status)
    rest_pence = _release_rest(session, now, SYSTEM, contract, tender_id, "The period is over")
    contract.status = status
    contract.ended_at = now
    contract.ended_reason = "The period is over"
    contract.ended_by = SYSTEM.role
    event = "completed" if delivered else "ended"
    audit.append(session, now, SYSTEM, f"contract.{event}", contract.id, released_pence=rest_pence)
    tell(session, now, _signatories(contract), f"contract_{event}", contract.id)
    _go_on(session, now, SYSTEM, tender_id)
    return contract


def past_their_end(now: Instant) -> Select[str]:
    """Contracts in force whose period is over and for which no delivery waits for an answer."""
    waiting = exists().where(Delivery.contract_id == Contract.id, Delivery.status == DeliveryStatus.RECORDED)
    return select(Contract.id).where(Contract.status.in_(IN_FORCE), Contract.ends_at <= now, ~waiting)


def _conclude(session: Session, now: Instant, actor: Actor, contract: Contract, tender_id: str | None) -> None:
    check_move(CONTRACT_MOVES, contract.status, ContractStatus.SIGNED)
    contract.status = ContractStatus.SIGNED
    contract.concluded_at = now
    commit(session, now, actor, contract, tender_id)
    earn(session, now, contract)
    facts = {"charge_pence": contract.charge_pence}
    if contract.pool_pence:
        facts["pool_pence"] = contract.pool_pence
    audit.append(session, now, actor, "contract.signed", contract.id, **facts)
    tell(session, now, _signatories(contract), "contract_signed", contract.id)


def _release_rest(
    session: Session, now: Instant, actor: Actor, contract: Contract, tender_id: str | None, reason: str
) -> Pence:
    """Give back what will not be delivered: to the budget, and from there the pool's part to the pool."""
    rest_pence = contract.bill_pence - due_so_far(session, contract.id)
    release_rest(session, now, actor, contract.need, rest_pence, reason)
    if tender_id is not None:
        restore(session, now, actor, tender_id, contract, rest_pence, contract.id)
    return rest_pence


def _go_on(session: Session, now: Instant, actor: Actor, tender_id: str | None) -> None:
    """What a change of a shared pool brings about: who waited and can be paid for is signed, what is left goes back.

    Who waits longest comes first: the pool serves contracts in the order of their last signatures.
    """
    if tender_id is None:
        return
    session.flush()
    ready = [contract for contract in waiting(session, tender_id) if waits_for_pool(contract)]
    for contract in sorted(ready, key=_last_signature):
        if now < contract.sign_by and carries(session, tender_id, contract):
            _conclude(session, now, actor, contract, tender_id)
    settle(session, now, actor, tender_id)


def _last_signature(contract: Contract) -> tuple[Instant, str]:
    return contract.last_signed_at or contract.offered_at, contract.id


def _signatories(contract: Contract) -> list[str]:
    parties = contract.budget.parties
    more = [parties.contract_party.id] if parties.must_countersign else []
    return [contract.patient_id, contract.provider_id, *more]


def _check_unsigned(signed_at: Instant | None) -> None:
    if signed_at is not None:
        raise WrongState("cannot_sign", "You have signed this contract already.")
