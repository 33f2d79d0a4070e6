"""Many deliveries at once, as a provider keeps them in a spreadsheet: checked together, recorded all or none.

A file knows one delivery for each contract and day. What is recorded for that day already is refused: so a file that
is sent twice counts once. More on the same day is recorded on the contract's page.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from marketplace.records import audit
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus
from marketplace.records.pools import Need
from marketplace.rules.clock import Instant
from marketplace.rules.errors import DomainError, Invalid
from marketplace.rules.permissions import Actor, Role, check_role

from .deliveries import check_record, record_delivery
from .scopes import contracts_for, locked

NO_DELIVERY = (DeliveryStatus.DISPUTED, DeliveryStatus.REFUNDED)
"""What came to nothing may be recorded again."""


@dataclass(frozen=True, slots=True)
class DeliveryDetails:
    """Units of one contract on one day."""

    contract_id: str
    units: int
    delivered_on: date


def faults_of(
    session: Session, now: Instant, actor: Actor, rows: Sequence[DeliveryDetails]
) -> list[tuple[int, Invalid]]:
    """What stands in the way of each row, by its position; nothing is changed."""
    check_role(actor, Role.PROVIDER)
    contracts = _contracts(session, actor, rows)
    recorded = _recorded(session, rows)
    used: Counter[str] = Counter()
    seen: set[tuple[str, date]] = set()
    found: list[tuple[int, Invalid]] = []
    for position, row in enumerate(rows):
        key, contract = (row.contract_id, row.delivered_on), contracts.get(row.contract_id)
        try:
            if contract is None:
                message = "You have no contract of this number. Use the numbers of the template."
                raise Invalid("contract_unknown", message, place="contract_id")
            if key in seen:
                raise Invalid(
                    "twice_in_file",
                    "This contract has this day twice. Put the units on one line.",
                    place="delivered_on",
                )
            seen.add(key)
            if key in recorded:
                message = "A delivery of this day is recorded already. Record more of that day on the contract's page."
                raise Invalid("day_recorded", message, place="delivered_on")
            check_record(session, now, actor, contract, row.units, row.delivered_on, beside=used[row.contract_id])
            used[row.contract_id] += row.units
        except Invalid as error:
            found.append((position, error))
        except DomainError as error:
            found.append((position, Invalid(error.code, error.message, place="contract_id")))
    return found


def record_all(session: Session, now: Instant, actor: Actor, rows: Sequence[DeliveryDetails]) -> int:
    """Record all of these deliveries, or, if anything stands in the way of one, none; returns how many.

    Raises
    ------
    Invalid
        The first of `faults_of`; contracts are locked before they are asked, in the order of their ids.
    """
    check_role(actor, Role.PROVIDER)
    for contract_id in sorted(_contracts(session, actor, rows)):
        locked(session, Contract, contract_id, "contract")
    for _, error in faults_of(session, now, actor, rows):
        raise error
    for row in rows:
        record_delivery(session, now, actor, row.contract_id, row.units, row.delivered_on)
    audit.append(session, now, actor, "deliveries.imported", actor.party_id, deliveries=len(rows))
    return len(rows)


def _contracts(session: Session, actor: Actor, rows: Sequence[DeliveryDetails]) -> dict[str, Contract]:
    own = contracts_for(actor).where(Contract.id.in_({row.contract_id for row in rows}))
    own = own.options(joinedload(Contract.need).joinedload(Need.bundle))
    return {contract.id: contract for contract in session.scalars(own)}


def _recorded(session: Session, rows: Sequence[DeliveryDetails]) -> set[tuple[str, date]]:
    query = select(Delivery.contract_id, Delivery.delivered_on).where(
        Delivery.contract_id.in_({row.contract_id for row in rows}), Delivery.status.not_in(NO_DELIVERY)
    )
    return {(contract_id, day) for contract_id, day in session.execute(query)}
