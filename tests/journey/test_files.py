"""What comes by file, and what lists ask, on both databases: clients, deliveries, the audit trail, every order."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.journey import clients, delivery_files, people, waiting
from marketplace.journey.clients import ClientDetails
from marketplace.journey.delivery_files import DeliveryDetails
from marketplace.queries import clients as found_clients
from marketplace.queries import funding, payments, trail
from marketplace.records import audit
from marketplace.records.contracts import Delivery
from marketplace.records.database import writing
from marketplace.records.people import BrokerMove, Patient
from marketplace.rules.errors import Conflict, DomainError, Invalid, WrongState
from marketplace.rules.permissions import Actor, Role
from marketplace.web.broker.clients import COLUMNS as CLIENT_COLUMNS
from marketplace.web.commissioner import COLUMNS as BUDGET_COLUMNS
from marketplace.web.payments import COLUMNS as RUN_COLUMNS
from marketplace.web.provider.claims import COLUMNS as CLAIM_COLUMNS
from marketplace.web.trail import COLUMNS as ACT_COLUMNS
from tests.worlds import SmallWorld, synthetic_nhs_number

ROSE = ClientDetails("Rose Appleby", synthetic_nhs_number(501), 1951, "LN1", date(2026, 2, 27), "rose@example.test")
JIM = ClientDetails("Jim Fenn", synthetic_nhs_number(502), 1948, "LN1", date(2026, 2, 28))


def known(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(Patient)) or 0


def test_all_of_a_file_or_nobody(world: SmallWorld) -> None:
    """One who is known already stops them all; without that one, all are taken on."""
    session, before = world.session, known(world.session)
    taken = replace(JIM, nhs_number=synthetic_nhs_number(3))
    with pytest.raises(Conflict) as refused, writing(session):
        clients.take_on_all(session, world.now, world.broking, [ROSE, taken])
    assert refused.value.code == "client_already"
    assert known(session) == before
    with writing(session):
        assert clients.take_on_all(session, world.now, world.broking, [ROSE, JIM]) == 2
    assert known(session) == before + 2
    rose = session.scalars(select(Patient).where(Patient.name == "Rose Appleby")).one()
    assert abs(rose.easting_m - world.patients[0].easting_m) < 12_000
    move = session.scalars(select(BrokerMove).where(BrokerMove.patient_id == rose.id)).one()
    assert (move.from_broker_id, move.to_broker_id) == (None, world.broker.id)
    assert audit.check_chain(session) is None


def test_two_brokers_take_on_the_same_person(world: SmallWorld, new_session: Callable[[], Session]) -> None:
    """At the same moment: one does, the other is told."""
    with writing(world.session):
        other = people.approve_broker(world.session, world.now, world.funder, "Wold Brokers")
        brokers = [world.broking, Actor("user-other", Role.BROKER, other.id)]
    sessions, start = [new_session(), new_session()], threading.Barrier(2)
    ends: list[str] = []

    def take(session: Session, broker: Actor) -> None:
        start.wait()
        try:
            with writing(session):
                clients.take_on(session, world.now, broker, ROSE)
        except DomainError as error:
            ends.append(error.code)
        else:
            ends.append("taken")

    runners = [threading.Thread(target=take, args=pair) for pair in zip(sessions, brokers, strict=True)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    assert max(ends) == "taken"
    assert min(ends) in {"patient_exists", "registered_meanwhile"}
    assert known(world.session) == world.patient_count + 1


def test_what_waits_is_its_owners(world: SmallWorld) -> None:
    """Nobody else opens it, for nothing else, and not after half an hour."""
    session, rows = world.session, [{"name": "Rose", "units": 2}]
    token = waiting.hand_out(session, world.now, world.broking, "clients", rows)
    assert "Rose" not in token
    assert waiting.take_back(session, world.now + timedelta(minutes=30), world.broking, "clients", token) == rows
    for now, actor, purpose in (
        (world.now + timedelta(minutes=31), world.broking, "clients"),
        (world.now, replace(world.broking, user_id="user-else"), "clients"),
        (world.now, world.broking, "deliveries"),
    ):
        with pytest.raises(WrongState, match="Send it again"):
            waiting.take_back(session, now, actor, purpose, token)


def test_deliveries_and_lists(world: SmallWorld) -> None:
    """All or none, once; then every list in every order that its page offers, on this database."""
    session = world.awarded().session
    contract = world.contract(1)
    provider, today = world.by_provider(contract), world.now.date()
    rows = [DeliveryDetails(contract.id, 2, today)]
    with pytest.raises(Invalid, match="has no more left"), writing(session):
        delivery_files.record_all(
            session, world.now, provider, [*rows, DeliveryDetails(world.contract(2).id, 99, today)]
        )
    assert session.scalar(select(func.count()).select_from(Delivery)) == 0
    with writing(session):
        assert delivery_files.record_all(session, world.now, provider, rows) == 1
    with pytest.raises(Invalid, match="recorded already"), writing(session):
        delivery_files.record_all(session, world.now, provider, rows)
    world.deliver(2)

    asked = trail.Asked(event="contract: signed", about=contract.id, who="", period="all")
    lists: list[tuple[list[object], Callable[..., list[object]]]] = [
        (
            CLIENT_COLUMNS,
            lambda order: found_clients.clients(session, world.broking, "patient", 0, 50, now=world.now, order=order),
        ),
        (BUDGET_COLUMNS, lambda order: funding.budget_rows(session, world.funder, 0, 50, search="pat", order=(order,))),
        (RUN_COLUMNS, lambda order: payments.run_rows(session, world.funder, 0, 50, order=order)),
        (CLAIM_COLUMNS, lambda order: payments.claim_rows(session, provider, 0, 50, state="Due", order=order)),
        (ACT_COLUMNS, lambda order: trail.acts(session, world.funder, world.now, asked, first=0, size=50, order=order)),
    ]  # type: ignore[assignment]
    sizes = []
    for columns, fetch in lists:
        orders = [by for column in columns if (by := column.by) is not None]  # type: ignore[attr-defined]
        found = [fetch(way.nulls_last()) for by in orders for way in (by.asc(), by.desc())]
        assert len({len(rows) for rows in found}) == 1
        sizes.append(len(found[0]))
    assert sizes == [12, 12, 0, 1, 3]
