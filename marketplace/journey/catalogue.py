"""What a budget may buy, at which prices, and what it may not: the commissioner keeps the catalogue.

A price that changes is noted with what it was before. It holds for what is published from then on: a lot keeps the
prices of the day it was published (`Bundle.take_prices`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.audit import AuditEvent
from marketplace.records.catalogue import Exclusion, Service
from marketplace.rules.clock import Instant
from marketplace.rules.errors import Conflict, Invalid
from marketplace.rules.money import MAX_PENCE, Pence
from marketplace.rules.permissions import Actor, Role, check_role

from .scopes import locked

ID_LENGTH = 24
PRICES = ("reference_pence", "conventional_pence", "private_pence")


@dataclass(frozen=True, slots=True)
class Prices:
    """What one unit costs, in pence: the guide, inside the conventional package, bought alone; and who says so."""

    reference_pence: Pence
    conventional_pence: Pence
    private_pence: Pence
    source: str


@dataclass(frozen=True, slots=True)
class PriceChange:
    """The prices of a service from one moment on."""

    at: Instant
    reference_pence: Pence
    conventional_pence: Pence
    private_pence: Pence


def add_service(session: Session, now: Instant, actor: Actor, name: str, unit: str, prices: Prices) -> Service:
    """Put a service into the catalogue.

    Raises
    ------
    Conflict
        If it is there, or excluded.
    Invalid
        If a price means nothing.
    """
    check_role(actor, Role.COMMISSIONER)
    _check_prices(prices)
    service = Service(id=_new_id(session, name), name=name.strip(), unit=unit.strip().lower())
    _price(service, prices)
    session.add(service)
    session.flush()
    audit.append(session, now, actor, "service.added", service.id, **_pence(service))
    return service


def change_prices(session: Session, now: Instant, actor: Actor, service_id: str, prices: Prices) -> Service:
    """Change what a unit of a service costs, for whatever is published from now on.

    Raises
    ------
    NotFound, Invalid
        If there is no such service, or a price means nothing.
    """
    check_role(actor, Role.COMMISSIONER)
    service = locked(session, Service, service_id, "service")
    _check_prices(prices)
    before = {f"{name}_before": pence for name, pence in _pence(service).items()}
    _price(service, prices)
    audit.append(session, now, actor, "service.priced", service.id, **_pence(service), **before)
    return service


def exclude(session: Session, now: Instant, actor: Actor, name: str, reason: str) -> Exclusion:
    """Say that no budget may pay for something, and why; whoever plans it reads the reason.

    Raises
    ------
    Conflict
        If it is in the catalogue, or excluded already.
    Invalid
        If no reason is given.
    """
    check_role(actor, Role.COMMISSIONER)
    if len(reason.strip()) < 10:
        raise Invalid("reason_missing", "Write the reason in a sentence: it is shown.", place="reason")
    exclusion = Exclusion(id=_new_id(session, name), name=name.strip(), reason=reason.strip())
    session.add(exclusion)
    session.flush()
    audit.append(session, now, actor, "service.excluded", exclusion.id)
    return exclusion


def price_changes(session: Session, service_id: str) -> Sequence[PriceChange]:
    """Since when a service has cost what, the latest first, as the audit trail has it."""
    query = select(AuditEvent).where(
        AuditEvent.about_id == service_id, AuditEvent.event.in_(("service.added", "service.priced"))
    )
    rows = session.scalars(query.order_by(AuditEvent.number.desc()))
    return [PriceChange(row.at, *(int(row.facts[name]) for name in PRICES)) for row in rows]


def _new_id(session: Session, name: str) -> str:
    """A readable id that neither a service nor an exclusion has; nor may either have the name."""
    name = name.strip()
    code = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:ID_LENGTH]
    if not code:
        raise Invalid("name_missing", "Enter a name with letters in it.", place="name")
    for kind, told in ((Service, "is in the catalogue already"), (Exclusion, "is excluded")):
        if session.scalar(select(kind.id).where((kind.id == code) | (func.lower(kind.name) == name.lower()))):
            raise Conflict("name_taken", f"Something of this name {told}.", place="name")
    return code


def _check_prices(prices: Prices) -> None:
    for name in PRICES:
        value = getattr(prices, name)
        if type(value) is not int or not 0 < value <= MAX_PENCE:
            raise Invalid("amount_out_of_range", "Enter an amount above £0.", place=name)
    if not prices.source.strip():
        raise Invalid("source_missing", "Write where these prices come from.", place="source")


def _price(service: Service, prices: Prices) -> None:
    for name in PRICES:
        setattr(service, name, getattr(prices, name))
    service.source = prices.source.strip()


def _pence(service: Service) -> dict[str, int]:
    return {name: getattr(service, name) for name in PRICES}
