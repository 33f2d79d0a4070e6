"""A shared pool: who gives, who receives, who waits; and every gift that is not needed goes back to the penny."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.journey import contracts, deliveries, funds, leaving, pools, sharing, statements, tenders
from marketplace.journey.sites import facts_said
from marketplace.queries.care import first_visit_by
from marketplace.queries.contracts import care_time
from marketplace.queries.words import day
from marketplace.records import audit, ledger
from marketplace.records.budgets import ManagedAs
from marketplace.records.database import writing
from marketplace.records.ledger import AccountKind, Transfer, TransferKind
from marketplace.records.outbox import Message
from marketplace.records.pools import DefaultAnswer, NeedStatus
from marketplace.rules.clock import london_date
from marketplace.rules.errors import Invalid, NotAllowed, WrongState
from marketplace.rules.lifecycle import ContractStatus
from marketplace.rules.permissions import Scope
from marketplace.rules.sharing import Pooling
from marketplace.rules.tendering import Policy
from tests.journey.test_consent import daughter_of
from tests.worlds import SmallWorld

SHARED = Policy(pence_per_km=30, pooling=Pooling.SHARED_POOL)
BILL = 55_000
BUDGETS = {1: 70_000, 2: 65_000, 3: 40_000, 4: 50_000}
"""At £550 each: 1 and 2 have £150 and £100 to spare and give £120 and £80; 3 and 4 lack £150 and £50."""

Found = Callable[..., SmallWorld]


@pytest.fixture
def found(session: Session, monday: datetime) -> Found:
    """A world of four patients with these budgets."""

    def make(**more: object) -> SmallWorld:
        return SmallWorld(session, monday, patient_count=4, budgets_pence=BUDGETS, **more).found()  # type: ignore[arg-type]

    return make


def matched(world: SmallWorld) -> SmallWorld:
    """As far as a proposal."""
    world.draft(SHARED).agree().publish()
    world.offer("near", (0, BILL // 10))
    world.offer("bulk", (0, BILL // 10 + 1))
    return world.later(days=15).run_round()


def offered(world: SmallWorld) -> SmallWorld:
    """As far as contracts to sign."""
    return matched(world).accept().confirm().later(days=20)


def pool(world: SmallWorld) -> int:
    return ledger.balance_pence(world.session, AccountKind.POOL, world.tender.id)


def end(world: SmallWorld, number: int) -> None:
    with writing(world.session):
        contracts.end_early(
            world.session, world.now, world.patient(number), world.contract(number).id, "I am moving away"
        )


def test_those_with_room_carry_what_others_lack(found: Found) -> None:
    """Gifts go from what is reserved to the pool, and from there to whoever lacks it: each bill is committed whole."""
    world = offered(found())
    assert [world.contract(n).pool_pence for n in BUDGETS] == [12_000, 8_000, -15_000, -5_000]
    assert all(world.contract(n).charge_pence <= world.need(n).budget_pence for n in BUDGETS)
    world.sign(1, 2)
    assert world.money(1) == {"available": 80_000 - BILL - 12_000, "reserved": 0, "committed": BILL}
    assert pool(world) == 20_000
    world.sign(3, 4)
    assert pool(world) == 0
    assert world.money(3) == {"available": 10_000, "reserved": 0, "committed": BILL}
    for number in BUDGETS:
        assert world.deliver(number, 10).due_pence == BILL
        assert world.contract(number).status is ContractStatus.COMPLETED
    figures = statements.figures_of(world.session, [world.budget(3).id])
    assert (figures.total_pence, figures.spent_pence, figures.received_pence) == (50_000, BILL, 15_000)
    rows = statements.statement(world.session, world.patient(1), world.budget(1).id)
    assert rows[-1].after == statements.figures_of(world.session, [world.budget(1).id])
    assert rows[-1].after.given_pence == 12_000
    assert "Given to others in the group for physiotherapy" in [row.words for row in rows]
    assert world.books_balance()
    assert audit.check_chain(world.session) is None


def test_a_contract_waits_for_the_pool(found: Found) -> None:
    """Signed by all, it is not in force before those who give have signed; then it is, without anybody's doing."""
    world = offered(found()).sign(3, 4)
    assert [world.contract(n).status for n in (3, 4)] == [ContractStatus.OFFERED] * 2
    assert contracts.waits_for_pool(world.contract(3))
    assert world.money(3)["reserved"] == 40_000
    world.sign(2)  # 80.00: not enough for 3, who waits longer, and enough for 4
    assert [world.contract(n).status for n in (3, 4)] == [ContractStatus.OFFERED, ContractStatus.SIGNED]
    world.sign(1)
    assert world.contract(3).status is ContractStatus.SIGNED
    assert pool(world) == 0
    told = world.session.scalars(select(Message.party_id).where(Message.template == "contract_waits")).all()
    assert world.patients[2].id in told


def test_care_counts_from_the_day_when_the_givers_have_signed(found: Found) -> None:
    """Whoever waits for others has no care before it is in force: neither in words, nor in what can be recorded."""
    world = offered(found()).sign(3)
    own_signature = world.now.date()
    world.later(days=5).sign(1, 2)
    contract = world.contract(3)
    assert contract.status is ContractStatus.SIGNED
    assert contract.concluded_at == world.now
    today = london_date(world.now)
    site = replace(facts_said(contract.match.award.offer), first_appointment_days=14)
    assert deliveries.days_of_care(contract, today) == (today, today)
    assert first_visit_by(contract, site) == today + timedelta(days=14)
    assert care_time(contract).startswith(f"From {day(today)} to ")
    with pytest.raises(Invalid, match="when the contract came into force"), writing(world.session):
        deliveries.record_delivery(world.session, world.now, world.provider("near"), contract.id, 1, own_signature)


def test_a_giver_who_does_not_sign_costs_nobody_more(found: Found) -> None:
    """Whom the pool cannot carry any more lapses, with that reason; what it still holds goes back to who gave it."""
    world = offered(found()).sign(2, 3, 4)
    world.later(days=15)
    assert (world.contract(1).status, world.contract(3).status) == (ContractStatus.ENDED, ContractStatus.ENDED)
    assert world.contract(1).ended_reason == "Not signed in time"
    assert world.contract(3).ended_reason == contracts.POOL_SHORT
    assert world.need(3).status is NeedStatus.RELEASED
    assert world.money(3) == {"available": 50_000, "reserved": 0, "committed": 0}
    assert world.money(4)["committed"] == BILL
    assert pool(world) == 0
    assert world.money(2) == {"available": 75_000 - BILL - 5_000, "reserved": 0, "committed": BILL}
    assert world.books_balance()


def test_what_a_receiver_does_not_use_goes_back_to_those_who_gave(found: Found) -> None:
    """Three of ten sessions were had: the rest goes back as it was paid, and the pool's part 3:2 to the givers."""
    world = offered(found()).sign(1, 2, 3, 4)
    before = {n: world.money(n)["available"] for n in BUDGETS}
    world.deliver(3, 3)
    end(world, 3)
    own = 40_000 * 38_500 // BILL
    gained = {n: world.money(n)["available"] - before[n] for n in BUDGETS}
    assert gained == {1: (38_500 - own) * 3 // 5, 2: (38_500 - own) * 2 // 5, 3: own, 4: 0}
    assert pool(world) == 0
    assert statements.figures_of(world.session, [world.budget(3).id]).received_pence == 15_000 - (38_500 - own)
    assert world.books_balance()


def test_a_refund_gives_the_pool_its_part(found: Found) -> None:
    """Kept for the contract while it lasts; refunds after its end and what was never delivered add up to the penny."""
    world = offered(found()).sign(1, 2, 3, 4)
    before = {n: world.money(n)["available"] for n in BUDGETS}
    first, second = world.deliver(3, 1), world.deliver(3, 2)
    with writing(world.session):
        funds.refund(world.session, world.now, world.funder, first.id, "It did not take place")
    assert world.money(3) == {"available": before[3], "reserved": 0, "committed": BILL - second.due_pence}
    end(world, 3)
    rest = BILL - second.due_pence
    assert world.money(3)["available"] - before[3] == 40_000 * rest // BILL
    with writing(world.session):
        funds.refund(world.session, world.now, world.funder, second.id, "Nor did these take place")
    gained = {n: world.money(n)["available"] - before[n] for n in BUDGETS}
    assert gained == {1: 9_000, 2: 6_000, 3: 40_000, 4: 0}
    assert world.books_balance()


def test_a_gift_stays_when_its_giver_ends_early(found: Found) -> None:
    """Only what was not delivered comes back to who gave; the other's care goes on."""
    world = offered(found()).sign(1, 2, 3, 4)
    end(world, 1)
    assert world.money(1) == {"available": 80_000 - 12_000, "reserved": 0, "committed": 0}
    assert world.money(3)["committed"] == BILL


def test_what_an_end_sets_free_is_known_before(found: Found) -> None:
    """The giver has the whole bill back, the receiver its own part: what their pages say is what comes."""
    world = offered(found()).sign(1, 2, 3, 4)
    for number, own_pence in ((1, BILL), (3, BILL - 15_000)):
        before_pence = world.money(number)["available"]
        assert sharing.own_rest(world.session, world.contract(number)) == own_pence
        end(world, number)
        assert world.money(number)["available"] == before_pence + own_pence


def test_what_comes_back_to_a_budget_that_was_left_is_the_funders(found: Found) -> None:
    """The giver has chosen the conventional package meanwhile: what the pool returns does not stay in the budget."""
    world = offered(found()).sign(1, 2, 3, 4)
    end(world, 1)
    with writing(world.session):
        leaving.choose_conventional(world.session, world.now, world.patient(1), world.budget(1).id)
    end(world, 3)
    assert world.money(1)["available"] == 9_000
    world.later(hours=1)
    assert world.money(1) == {"available": 0, "reserved": 0, "committed": 0}
    assert world.books_balance()


def test_it_is_the_same_where_an_organisation_keeps_the_money(found: Found) -> None:
    """The organisation signs too, and only then is anything given or received."""
    world = offered(found(managed_as=ManagedAs.THIRD_PARTY)).sign(1, 2, 3, 4)
    assert [world.money(n)["committed"] for n in BUDGETS] == [BILL] * 4
    world.deliver(3, 10)
    assert world.holder is not None
    assert ledger.balance_pence(world.session, AccountKind.HOLDER, world.holder.id) == BILL
    assert world.books_balance()


def test_without_the_second_yes_nobody_is_in(found: Found) -> None:
    """To join a pool that is shared is one question, to share is another: a yes to the first alone is none."""
    world = found().draft(SHARED)
    with pytest.raises(Invalid, match="help to pay for each other") as caught, writing(world.session):
        pools.agree(world.session, world.now, world.patient(1), world.need(1).id, DefaultAnswer.ACCEPT)
    assert caught.value.place == "shares_pool"
    assert world.need(1).status is NeedStatus.INVITED
    world.agree(2, 3, 4)
    with writing(world.session):
        world.need(4).consents[0].shares_pool = False
    world.publish()
    assert [world.need(n).status for n in BUDGETS] == [
        NeedStatus.DECLINED,
        NeedStatus.POOLED,
        NeedStatus.POOLED,
        NeedStatus.DECLINED,
    ]
    held = world.session.scalars(select(Transfer.about_id).where(Transfer.kind == TransferKind.RESERVE)).all()
    assert set(held) == {world.need(2).id, world.need(3).id}


def test_to_share_a_budget_needs_authority_for_it(found: Found) -> None:
    """Somebody who may agree to pools, and to nothing else about the money, cannot give it away."""
    world = found().draft(SHARED)
    _, daughter = daughter_of(world, 1, Scope.POOLS)
    with pytest.raises(NotAllowed, match="You may not do this"), writing(world.session):
        pools.agree(world.session, world.now, daughter, world.need(1).id, DefaultAnswer.ACCEPT, shares_pool=True)
    _, niece = daughter_of(world, 2, Scope.POOLS, Scope.SHARING)
    with writing(world.session):
        pools.agree(world.session, world.now, niece, world.need(2).id, DefaultAnswer.ACCEPT, shares_pool=True)
    assert world.need(2).status is NeedStatus.AGREED


def test_another_way_of_pooling_is_another_policy(found: Found) -> None:
    """Who agreed that nobody pays for anybody else has not agreed to share: everybody is asked again."""
    world = found().draft().agree()
    with writing(world.session):
        tenders.amend_policy(world.session, world.now, world.broking, world.tender.id, SHARED)
    assert {world.need(n).status for n in BUDGETS} == {NeedStatus.INVITED}


def test_without_a_giver_the_match_is_made_anew_first(found: Found) -> None:
    """The award cannot be confirmed on money that is not there; the rematch carries whom it can, at no more."""
    world = matched(found()).accept(2, 3, 4)
    charges = {n: world.match(n).charge_pence for n in BUDGETS}
    world.decline(1, look_again=False)
    with pytest.raises(WrongState, match=r"£120\.00 is missing"):
        world.confirm()
    world.rematch()
    assert set(world.providers_by_patient()) == {2, 4}
    assert all(world.match(n).charge_pence <= charges[n] for n in (2, 4))
    assert world.match(2).pool_pence == 5_000
    assert world.need(3).status is NeedStatus.UNMATCHED
    world.confirm().later(days=20).sign(2, 4)
    assert world.money(4)["committed"] == BILL
    assert pool(world) == 0
    assert world.books_balance()


def test_a_receiver_who_declines_leaves_more_than_is_needed(found: Found) -> None:
    """Confirmed without a rematch, what the givers agreed to is given and what nobody needs comes back."""
    world = matched(found()).accept(1, 2, 4).decline(3, look_again=False)
    world.confirm().later(days=20).sign(1, 2, 4)
    assert pool(world) == 0
    given = {n: statements.figures_of(world.session, [world.budget(n).id]).shared_pence for n in (1, 2, 4)}
    assert given == {1: 3_000, 2: 2_000, 4: -5_000}


def test_nobody_pays_for_anybody_where_the_pool_is_not_shared(found: Found) -> None:
    """The same people under own_budget: 3 and 4 find no provider they can pay, and no pool is opened."""
    world = found().draft().agree().publish()
    world.offer("near", (0, BILL // 10))
    world.later(days=15).run_round()
    assert set(world.providers_by_patient()) == {1, 2}
    assert {world.match(n).pool_pence for n in (1, 2)} == {0}
    world.accept(1, 2).confirm().later(days=20).sign(1, 2)
    assert sharing.lock_pool(world.session, world.contract(1).id) is None
    world.session.rollback()
