"""What follows an award: contracts signed, units delivered, confirmed (or disputed), paid by whoever should, rated."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.demo.schedule import DELIVERED_DAYS_AGO, PAID_DAYS_AGO, RATED_DAYS_AGO, days_ago
from marketplace.demo.stage import Scene, Stage
from marketplace.demo.tenders import Tender
from marketplace.demo.words import RATING_WORDS
from marketplace.journey.contracts import sign_contract, unsigned_by
from marketplace.journey.deliveries import confirm_delivery, dispute_delivery, record_delivery
from marketplace.journey.ratings import rate
from marketplace.journey.settlements import pay_provider, payments_due
from marketplace.records.budgets import Budget, ManagedAs
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus
from marketplace.records.database import writing
from marketplace.records.pools import Bundle, Need
from marketplace.rules.lifecycle import IN_FORCE, ContractStatus
from marketplace.rules.permissions import Actor

SIGNS_PERMILLE = 970
DELIVERED_PERMILLE = 240
"""The share of contracts for which a delivery is recorded each time."""

DISPUTED_PERMILLE = 20
DISPUTE_REASON = "I was there at ten, and the door was locked."
PATIENT_PAYS_PERMILLE = 700
RATES_PERMILLE = 950
"""Of those who were served; nearly all, because ratings are counted in whole groups of eight, place by place."""

STARS, STARS_WEIGHTS = (5, 4, 3, 2, 1), (46, 34, 12, 6, 2)
WORDS_TOLD_PERCENT = 60
"""Of those who wrote something, so many let their provider read it."""

WEEKS_OF_DELIVERY = 8
"""One record covers about this part of a contract's units."""


def sign(stage: Stage, tender: Tender, at: datetime) -> None:
    """Patients, providers and whoever keeps the budget sign what was offered; a few let the time pass."""
    with stage.sessions() as session, writing(session):
        for contract in _contracts(session, stage.tender_ids[tender.id], ContractStatus.OFFERED):
            if stage.draw.randrange(1000) < SIGNS_PERMILLE:
                for hours, party_id in enumerate(unsigned_by(contract)):
                    sign_contract(session, at + timedelta(hours=hours), stage.by_party(party_id), contract.id)


def delivery_scenes(stage: Stage, now: datetime) -> Iterator[Scene]:
    """Deliveries week by week, their confirmation some days later; payment of what is due by then; and ratings."""
    awarded = [tender for tender in stage.market.tenders if tender.left_as == "awarded"]
    for days in DELIVERED_DAYS_AGO:
        for hour, tender in enumerate(awarded):
            at = days_ago(now, days) + timedelta(hours=hour)
            yield Scene(at, f"{tender.title}: deliveries recorded", partial(_record, stage, tender, at))
    for days in DELIVERED_DAYS_AGO[:-1]:
        at = days_ago(now, days - 2)
        yield Scene(at, "Patients confirm what was delivered", partial(_confirm, stage, at))
    paid_at = days_ago(now, PAID_DAYS_AGO)
    yield Scene(paid_at, "Providers are paid", partial(_pay, stage, paid_at))
    rated_at = days_ago(now, RATED_DAYS_AGO)
    yield Scene(rated_at, "Patients rate who has served them", partial(_rate, stage, rated_at))


def _contracts(session: Session, tender_id: str, *statuses: ContractStatus) -> list[Contract]:
    query = select(Contract).join(Contract.need).join(Need.bundle)
    query = query.where(Bundle.tender_id == tender_id, Contract.status.in_(statuses))
    return list(session.scalars(query.order_by(Contract.id)))


def _record(stage: Stage, tender: Tender, at: datetime) -> None:
    with stage.sessions() as session, writing(session):
        for contract in _contracts(session, stage.tender_ids[tender.id], *IN_FORCE):
            if stage.draw.randrange(1000) < DELIVERED_PERMILLE:
                units = max(1, contract.units // WEEKS_OF_DELIVERY)
                record_delivery(session, at, stage.by_party(contract.provider_id), contract.id, units, at.date())


def _confirm(stage: Stage, at: datetime) -> None:
    """Everything that waits is confirmed, or now and then disputed."""
    waiting = select(Delivery).where(Delivery.status == DeliveryStatus.RECORDED).order_by(Delivery.id)
    with stage.sessions() as session, writing(session):
        for delivery in session.scalars(waiting).all():
            patient = stage.by_party(delivery.contract.patient_id)
            if stage.draw.randrange(1000) < DISPUTED_PERMILLE:
                dispute_delivery(session, at, patient, delivery.id, DISPUTE_REASON)
            else:
                confirm_delivery(session, at, patient, delivery.id)


def _pay(stage: Stage, at: datetime) -> None:
    """Whoever holds the money pays what has fallen due: the commissioner, the holder, and most patients who hold it."""
    with stage.sessions() as session, writing(session):
        for payer in (stage.town.commissioner, stage.town.holder, *_patients_who_pay(session, stage)):
            for due in payments_due(session, payer):
                pay_provider(session, at, payer, due.provider_id)


def _rate(stage: Stage, at: datetime) -> None:
    """Stars, and some words; each drawn by itself, so that they move nothing else of the demo."""
    served = select(Contract).where(Contract.units_confirmed > 0).order_by(Contract.id)
    with stage.sessions() as session, writing(session):
        for contract in session.scalars(served).all():
            draw = random.Random(f"rating {contract.id}")
            if draw.randrange(1000) >= RATES_PERMILLE:
                continue
            stars = draw.choices(STARS, STARS_WEIGHTS)[0]
            words, is_told = draw.choice(RATING_WORDS[stars]), draw.randrange(100) < WORDS_TOLD_PERCENT
            patient = stage.by_party(contract.patient_id)
            rate(session, at, patient, contract.id, stars, words, provider_may_read=is_told)


def _patients_who_pay(session: Session, stage: Stage) -> list[Actor]:
    query = (
        select(Contract.patient_id)
        .join(Contract.budget)
        .join(Contract.deliveries)
        .where(Budget.managed_as == ManagedAs.DIRECT_PAYMENT, Delivery.status == DeliveryStatus.CONFIRMED)
    )
    owing = sorted(set(session.scalars(query)))
    return [stage.by_party(party_id) for party_id in owing if stage.draw.randrange(1000) < PATIENT_PAYS_PERMILLE]
