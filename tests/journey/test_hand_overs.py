"""What a shared pool moved between keepers of money is owed, paid on once, and listed until it is."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.journey import hand_overs
from marketplace.journey.hand_overs import hand_over, standing_of, standings
from marketplace.records.budgets import ManagedAs
from marketplace.records.database import writing
from marketplace.records.ledger import AccountKind, Transfer, TransferKind, balance_pence
from marketplace.records.outbox import Message
from marketplace.rules.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound, WrongState
from tests.journey.test_shared_pool import BUDGETS, end, offered
from tests.worlds import SmallWorld


@pytest.fixture
def make(session: Session, monday: datetime) -> Callable[[ManagedAs], SmallWorld]:
    """Four patients whose budgets are kept by somebody, all contracts signed: 1 and 2 gave, 3 and 4 got."""

    def signed(managed_as: ManagedAs) -> SmallWorld:
        world = SmallWorld(session, monday, patient_count=4, budgets_pence=BUDGETS, managed_as=managed_as).found()
        return offered(world).sign(1, 2, 3, 4)

    return signed


def due(world: SmallWorld) -> dict[str, int]:
    return {row.name: row.due_pence for row in standings(world.session, world.funder)}


def pay(world: SmallWorld, number: int, pence: int, request: str, shown: int | None = None) -> None:
    """Note a payment: what the page showed is what is owed now, unless something else is said."""
    shown = due(world)[f"Patient {number:02d}"] if shown is None else shown
    with writing(world.session):
        keeper = world.patient(number).party_id
        hand_over(world.session, world.now, world.funder, keeper, pence, due_pence=shown, request_id=request)


def test_what_was_owed_when_the_page_was_opened_is_what_is_paid(make: Callable[..., SmallWorld]) -> None:
    """4 is owed £50 and a colleague notes it, the contract ends and 4 owes £50: the old form is no payment of that."""
    world = make(ManagedAs.DIRECT_PAYMENT)
    shown = due(world)["Patient 04"]
    pay(world, 4, 5_000, "a-colleagues")
    end(world, 4)
    assert due(world)["Patient 04"] == 5_000
    with pytest.raises(Conflict, match="changed since you opened"):
        pay(world, 4, 5_000, "the-old-form", shown)
    assert due(world)["Patient 04"] == 5_000
    pay(world, 4, 5_000, "a-colleagues", shown)  # the colleague's own form sent twice is still only a repetition
    assert due(world)["Patient 04"] == 5_000


def test_patients_who_keep_their_money_settle_by_way_of_the_commissioner(make: Callable[..., SmallWorld]) -> None:
    """Who gave owes it, who got is owed it; paid on, nothing is owed; the sum over all of it is nothing throughout."""
    world = make(ManagedAs.DIRECT_PAYMENT)
    assert due(world) == {"Patient 01": 12_000, "Patient 02": 8_000, "Patient 03": -15_000, "Patient 04": -5_000}
    pay(world, 1, 7_000, "first-part")
    pay(world, 1, 5_000, "second-part")
    pay(world, 3, 15_000, "to-the-third")
    assert due(world) == {"Patient 01": 0, "Patient 02": 8_000, "Patient 03": 0, "Patient 04": -5_000}
    assert balance_pence(world.session, AccountKind.CLEARING, world.patient(1).party_id) == -12_000
    assert balance_pence(world.session, AccountKind.CLEARING, world.patient(3).party_id) == 15_000
    assert world.books_balance()
    told = world.session.scalars(select(Message.party_id).where(Message.template == "pool_handed_over")).all()
    assert sorted(told) == sorted([world.patient(1).party_id] * 2 + [world.patient(3).party_id])


def test_what_comes_back_is_owed_the_other_way(make: Callable[..., SmallWorld]) -> None:
    """3 ends the contract before anything was done: the gifts go back, and so must the money that was paid on."""
    world = make(ManagedAs.DIRECT_PAYMENT)
    for number, pence in ((1, 12_000), (2, 8_000), (3, 15_000), (4, 5_000)):
        pay(world, number, pence, f"all-of-{number}-paid")
    assert set(due(world).values()) == {0}
    end(world, 3)
    assert due(world) == {"Patient 01": -9_000, "Patient 02": -6_000, "Patient 03": 15_000, "Patient 04": 0}
    assert sum(due(world).values()) == 0


def test_one_organisation_owes_itself_nothing(make: Callable[..., SmallWorld]) -> None:
    """Givers' and receivers' money lies in the same purse."""
    world = make(ManagedAs.THIRD_PARTY)
    assert world.holder is not None
    assert due(world) == {"Fen Trust": 0}
    standing = standing_of(world.session, world.holder.id)
    assert standing is not None
    assert standing.due_pence == 0
    with pytest.raises(WrongState, match="Nothing is owed"), writing(world.session):
        hand_over(world.session, world.now, world.funder, world.holder.id, 1, due_pence=0, request_id="something")


def test_the_commissioners_own_purse_needs_no_list(make: Callable[..., SmallWorld]) -> None:
    world = make(ManagedAs.NOTIONAL)
    assert due(world) == {}
    assert standing_of(world.session, world.patient(1).party_id) is None


def test_a_hand_over_counts_once(make: Callable[..., SmallWorld]) -> None:
    """The same request again moves nothing, also when all is settled by then; for another amount it is refused."""
    world = make(ManagedAs.DIRECT_PAYMENT)
    pay(world, 1, 12_000, "the-request")
    pay(world, 1, 12_000, "the-request")
    assert due(world)["Patient 01"] == 0
    with pytest.raises(Conflict):
        pay(world, 1, 11_000, "the-request")
    moved = select(Transfer.amount_pence).where(Transfer.kind == TransferKind.HAND_OVER)
    assert world.session.scalars(moved).all() == [12_000]


@pytest.mark.parametrize(
    ("number", "pence", "request_id", "error"),
    [
        (1, 12_001, "too-much-of-it", Invalid),
        (1, 0, "nothing-at-all", Invalid),
        (3, 15_001, "too-much-of-it", Invalid),
        (1, 1, "?", Invalid),
    ],
)
def test_no_more_than_is_owed(
    make: Callable[..., SmallWorld], number: int, pence: int, request_id: str, error: type[DomainError]
) -> None:
    world = make(ManagedAs.DIRECT_PAYMENT)
    before = due(world)
    with pytest.raises(error):
        pay(world, number, pence, request_id)
    assert due(world) == before


def test_only_the_commissioner_of_the_budgets_notes_it(make: Callable[..., SmallWorld]) -> None:
    world = make(ManagedAs.DIRECT_PAYMENT)
    keeper = world.patient(1).party_id
    for actor, error in ((world.patient(1), NotAllowed), (world.broking, NotAllowed)):
        with pytest.raises(error), writing(world.session):
            hand_over(world.session, world.now, actor, keeper, 1, due_pence=12_000, request_id="somebody-else")
    party = world.broking.party_id
    with pytest.raises(NotFound), writing(world.session):
        hand_over(world.session, world.now, world.funder, party, 1, due_pence=1, request_id="no-keeper-at-all")
    assert hand_overs.standing_of(world.session, world.broking.party_id) is None
