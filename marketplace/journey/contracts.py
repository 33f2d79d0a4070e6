"""Step eight: patient and provider sign; the charge is committed, the rest of what was held is free again.

`sign_contract` by each party; `let_lapse` is what time does to a contract that was not signed.
"""

from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.contracts import Contract
from marketplace.records.outbox import tell
from marketplace.records.pools import NeedStatus
from marketplace.rules.clock import Instant
from marketplace.rules.errors import NotFound, WrongState
from marketplace.rules.lifecycle import CONTRACT_MOVES, ContractStatus, check_move
from marketplace.rules.permissions import SYSTEM, Actor, Role, Scope, check_role, check_scope

from .reservations import commit, release
from .scopes import locked


def sign_contract(session: Session, now: Instant, actor: Actor, contract_id: str) -> Contract:
    """Status: offered -> signed, once both have signed; then reserved -> committed: exactly the charge.

    Raises
    ------
    WrongState
        If it was signed by this party already, or the time to sign is over.
    """
    check_role(actor, Role.PATIENT, Role.PROVIDER)
    contract = locked(session, Contract, contract_id, "contract")
    if actor.party_id not in (contract.patient_id, contract.provider_id):
        raise NotFound("not_found", "We cannot find that contract.")
    if contract.status is not ContractStatus.OFFERED or now >= contract.sign_by:
        raise WrongState("cannot_sign", "This contract is signed already, or the time to sign it is over.")
    if actor.role is Role.PATIENT:
        check_scope(actor, Scope.MATCHES)
        _check_unsigned(contract.patient_signed_at)
        contract.patient_signed_at = now
    else:
        _check_unsigned(contract.provider_signed_at)
        contract.provider_signed_at = now
    audit.append(session, now, actor, "contract.signed_by_party", contract.id)
    if contract.patient_signed_at and contract.provider_signed_at:
        check_move(CONTRACT_MOVES, contract.status, ContractStatus.SIGNED)
        contract.status = ContractStatus.SIGNED
        commit(session, now, actor, contract.need, contract.charge_pence)
        audit.append(session, now, actor, "contract.signed", contract.id, charge_pence=contract.charge_pence)
        tell(session, now, [contract.patient_id, contract.provider_id], "contract_signed", contract.id)
    return contract


def let_lapse(session: Session, now: Instant, contract_id: str) -> Contract:
    """Status: offered -> ended, when it was not signed in time; what was held is released."""
    contract = locked(session, Contract, contract_id, "contract")
    if now < contract.sign_by:
        raise WrongState("still_time", "There is still time to sign this contract.")
    check_move(CONTRACT_MOVES, contract.status, ContractStatus.ENDED)
    contract.status = ContractStatus.ENDED
    contract.ended_at = now
    contract.ended_reason = "Not signed in time"
    reason = "The contract was not signed in time"
    released_pence = release(session, now, SYSTEM, contract.need, status=NeedStatus.RELEASED, reason=reason)
    audit.append(session, now, SYSTEM, "contract.lapsed", contract.id, released_pence=released_pence)
    tell(session, now, [contract.patient_id, contract.provider_id], "contract_lapsed", contract.id)
    return contract


def _check_unsigned(signed_at: Instant | None) -> None:
    if signed_at is not None:
        raise WrongState("cannot_sign", "You have signed this contract already.")
