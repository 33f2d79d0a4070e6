"""A broker's fee is declared with the tender, earned by each signed contract, paid once, and out of no budget."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.journey.broker_fees import MOST_PENCE, agree_fee, fee_of, fees, own_fee, pay_fee, tender_fees
from marketplace.journey.contracts import sign_contract
from marketplace.records.contracts import BrokerFee
from marketplace.records.database import writing
from marketplace.records.ledger import AccountKind, Transfer, TransferKind, balance_pence
from marketplace.records.outbox import Message
from marketplace.rules.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound, WrongState
from marketplace.rules.permissions import Actor, Role
from tests.worlds import SmallWorld

FEE = 1_500


def agreed(world: SmallWorld, pence: int = FEE) -> SmallWorld:
    with writing(world.session):
        agree_fee(world.session, world.now, world.funder, world.broker.id, pence)
    return world


def to_sign(world: SmallWorld) -> SmallWorld:
    """As far as contracts that wait for their signatures."""
    return world.proposed().accept().confirm().later(days=20)


def pay(world: SmallWorld, pence: int, request: str, shown: int | None = None, actor: Actor | None = None) -> None:
    owed = fee_of(world.session, world.funder, world.broker.id).owed_pence if shown is None else shown
    with writing(world.session):
        who = actor or world.funder
        pay_fee(world.session, world.now, who, world.broker.id, pence, owed_pence=owed, request_id=request)


def figures(world: SmallWorld) -> tuple[int, int, int, int]:
    found = own_fee(world.session, world.broking)
    return found.contracts, found.earned_pence, found.paid_pence, found.owed_pence


@pytest.fixture
def offered(session: Session, monday: datetime) -> Callable[[], SmallWorld]:
    """Twelve contracts offered, under a tender that declared the fee."""
    return lambda: to_sign(agreed(SmallWorld(session, monday).found()))


def test_each_signed_contract_earns_the_declared_fee_once(offered: Callable[[], SmallWorld]) -> None:
    """One signature is not enough; another fee later counts for later tenders only."""
    world = offered()
    assert world.tender.broker_fee_pence == FEE
    assert figures(world) == (0, 0, 0, 0)
    agreed(world, 9_900)
    contract = world.contract(3)
    with writing(world.session):
        sign_contract(world.session, world.now, world.patient(3), contract.id)
    assert figures(world) == (0, 0, 0, 0)
    world.sign(1, 2)
    assert figures(world) == (2, 2 * FEE, 0, 2 * FEE)
    assert fees(world.session, world.funder) == [own_fee(world.session, world.broking)]
    [row] = tender_fees(world.session, world.broking)
    assert (row.tender_id, row.fee_pence, row.contracts, row.earned_pence) == (world.tender.id, FEE, 2, 2 * FEE)


def test_no_budget_pays_it(offered: Callable[[], SmallWorld]) -> None:
    """What is held and committed for patients stays as it is when a fee is paid; the money comes from the funder."""
    world = offered().sign(1, 2)
    before = [world.money(number) for number in (1, 2, 3)]
    assert before[0]["committed"] > 0
    at_funder = balance_pence(world.session, AccountKind.FUNDER, world.commissioner.id)
    pay(world, 2 * FEE, "the-whole-of-it")
    assert [world.money(number) for number in (1, 2, 3)] == before
    assert balance_pence(world.session, AccountKind.FUNDER, world.commissioner.id) == at_funder - 2 * FEE
    assert balance_pence(world.session, AccountKind.PAID, world.broker.id) == 2 * FEE
    assert figures(world) == (2, 2 * FEE, 2 * FEE, 0)
    assert world.books_balance()
    told = world.session.scalars(select(Message.template).where(Message.party_id == world.broker.id)).all()
    assert "broker_fee_agreed" in told
    assert "broker_fee_paid" in told


def test_a_tender_without_a_fee_earns_none(session: Session, monday: datetime) -> None:
    world = agreed(to_sign(SmallWorld(session, monday).found()))
    world.sign(1)
    assert figures(world) == (0, 0, 0, 0)
    assert session.scalars(select(BrokerFee)).all() == []


def test_a_payment_counts_once(offered: Callable[[], SmallWorld]) -> None:
    world = offered().sign(1, 2)
    for _ in range(2):
        pay(world, FEE, "the-same-form")
    assert figures(world) == (2, 2 * FEE, FEE, FEE)
    with pytest.raises(Conflict):
        pay(world, FEE - 1, "the-same-form")
    moved = select(Transfer.amount_pence).where(Transfer.kind == TransferKind.BROKER_FEE)
    assert world.session.scalars(moved).all() == [FEE]


def test_two_colleagues_do_not_pay_the_same_fees(offered: Callable[[], SmallWorld]) -> None:
    """Both saw £30 owed and paid £15 of it: the second form is stopped, because £15 is owed by then."""
    world = offered().sign(1, 2)
    pay(world, FEE, "one-colleague", shown=2 * FEE)
    with pytest.raises(Conflict, match="changed since you opened"):
        pay(world, FEE, "the-other-one", shown=2 * FEE)
    assert figures(world) == (2, 2 * FEE, FEE, FEE)


@pytest.mark.parametrize(
    ("pence", "request_id", "error"),
    [(FEE + 1, "too-much-of-it", Invalid), (0, "nothing-at-all", Invalid), (1, "?", Invalid)],
)
def test_no_more_than_is_owed(
    offered: Callable[[], SmallWorld], pence: int, request_id: str, error: type[DomainError]
) -> None:
    world = offered().sign(1)
    with pytest.raises(error):
        pay(world, pence, request_id)
    assert figures(world) == (1, FEE, 0, FEE)


def test_where_nothing_is_owed_nothing_is_paid(offered: Callable[[], SmallWorld]) -> None:
    with pytest.raises(WrongState, match="No fee is owed"):
        pay(offered(), 1, "something-else")


@pytest.mark.parametrize("pence", [-1, MOST_PENCE + 1])
def test_a_fee_is_within_bounds(session: Session, monday: datetime, pence: int) -> None:
    world = SmallWorld(session, monday).found()
    with pytest.raises(Invalid) as caught:
        agreed(world, pence)
    assert caught.value.place == "fee_pence"
    assert world.broker.fee_pence == 0


def test_only_its_own_commissioner_agrees_and_pays(offered: Callable[[], SmallWorld]) -> None:
    world = offered().sign(1)
    elsewhere = Actor("user-elsewhere", Role.COMMISSIONER, "another-funder")
    for actor, error in ((world.broking, NotAllowed), (world.patient(1), NotAllowed), (elsewhere, NotFound)):
        with pytest.raises(error), writing(world.session):
            agree_fee(world.session, world.now, actor, world.broker.id, 1)
        with pytest.raises(error):
            pay(world, 1, "somebody-else", actor=actor)
    assert figures(world) == (1, FEE, 0, FEE)
