"""Each power of a representative stands for itself: without it its acts are refused, and no other one opens them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

import pytest
from sqlalchemy.orm import Session

from marketplace.journey import awards, contracts, deliveries, leaving, payments, people, pools, ratings, settlements
from marketplace.records.budgets import ManagedAs
from marketplace.records.database import writing
from marketplace.rules.errors import NotAllowed
from marketplace.rules.permissions import Actor, Scope
from marketplace.rules.preferences import Preferences
from marketplace.rules.sharing import Pooling
from marketplace.rules.tendering import Policy
from tests.journey.test_consent import daughter_of
from tests.worlds import SmallWorld

Act = Callable[[SmallWorld, Actor], object]


def asked(world: SmallWorld) -> SmallWorld:
    return world.draft()


def asked_to_share(world: SmallWorld) -> SmallWorld:
    return world.draft(Policy(pooling=Pooling.SHARED_POOL))


def in_a_pool(world: SmallWorld) -> SmallWorld:
    return world.draft().agree()


def to_be_signed(world: SmallWorld) -> SmallWorld:
    return world.proposed().accept().confirm().later(days=20)


def delivered(world: SmallWorld) -> SmallWorld:
    world.awarded().record(1)
    return world


def due(world: SmallWorld) -> SmallWorld:
    world.awarded().deliver(1)
    return world


def agree(world: SmallWorld, actor: Actor, shares_pool: bool = False) -> object:
    need = world.need(1).id
    return pools.agree(world.session, world.now, actor, need, pools.DefaultAnswer.ACCEPT, shares_pool=shares_pool)


def decline_invitation(world: SmallWorld, actor: Actor) -> object:
    return pools.decline_invitation(world.session, world.now, actor, world.need(1).id)


def leave(world: SmallWorld, actor: Actor) -> object:
    return pools.leave(world.session, world.now, actor, world.need(1).id)


def set_preferences(world: SmallWorld, actor: Actor) -> object:
    return pools.set_preferences(world.session, world.now, actor, world.need(1).id, Preferences(max_distance_m=9_000))


def accept(world: SmallWorld, actor: Actor) -> object:
    return awards.accept_match(world.session, world.now, actor, world.match(1).id)


def decline(world: SmallWorld, actor: Actor) -> object:
    return awards.decline_match(world.session, world.now, actor, world.match(1).id, "Too far", look_again=True)


def sign(world: SmallWorld, actor: Actor) -> object:
    return contracts.sign_contract(world.session, world.now, actor, world.contract(1).id)


def end_early(world: SmallWorld, actor: Actor) -> object:
    return contracts.end_early(world.session, world.now, actor, world.contract(1).id, "We move away.")


def confirm(world: SmallWorld, actor: Actor) -> object:
    return deliveries.confirm_delivery(world.session, world.now, actor, world.contract(1).deliveries[0].id)


def dispute(world: SmallWorld, actor: Actor) -> object:
    return deliveries.dispute_delivery(
        world.session, world.now, actor, world.contract(1).deliveries[0].id, "Nobody came."
    )


def rate(world: SmallWorld, actor: Actor) -> object:
    return ratings.rate(world.session, world.now, actor, world.contract(1).id, 4)


def choose_broker(world: SmallWorld, actor: Actor) -> object:
    other = people.approve_broker(world.session, world.now, world.funder, "Wold Brokers")
    return people.choose_broker(world.session, world.now, actor, other.id)


def pay_one(world: SmallWorld, actor: Actor) -> object:
    return settlements.pay_provider(world.session, world.now, actor, world.contract(1).provider_id)


def pay_all(world: SmallWorld, actor: Actor) -> object:
    return settlements.pay_all(world.session, world.now, actor)


def prepare_run(world: SmallWorld, actor: Actor) -> object:
    return payments.prepare_run(world.session, world.now, actor)


def leave_budget(world: SmallWorld, actor: Actor) -> object:
    return leaving.choose_conventional(world.session, world.now, actor, world.budget(1).id)


ACTS: list[tuple[Scope, Callable[[SmallWorld], SmallWorld], Act]] = [
    (Scope.POOLS, asked, agree),
    (Scope.POOLS, asked, decline_invitation),
    (Scope.POOLS, in_a_pool, leave),
    (Scope.POOLS, asked, set_preferences),
    (Scope.MATCHES, SmallWorld.proposed, accept),
    (Scope.MATCHES, SmallWorld.proposed, decline),
    (Scope.MATCHES, to_be_signed, sign),
    (Scope.MATCHES, due, end_early),
    (Scope.DELIVERIES, delivered, confirm),
    (Scope.DELIVERIES, delivered, dispute),
    (Scope.DELIVERIES, due, rate),
    (Scope.BROKER, asked, choose_broker),
    (Scope.PAYMENTS, due, pay_one),
    (Scope.PAYMENTS, due, pay_all),
    (Scope.PAYMENTS, due, prepare_run),
    (Scope.SHARING, asked_to_share, partial(agree, shares_pool=True)),
    (Scope.LEAVING, in_a_pool, leave_budget),
]
BESIDE = {Scope.SHARING: (Scope.POOLS,)}
"""To share is agreed to with a pool, and asks for that power as well."""


@pytest.mark.parametrize(("scope", "at", "act"), ACTS)
def test_an_act_needs_its_own_power_and_no_other(
    session: Session, monday: datetime, scope: Scope, at: Callable[[SmallWorld], SmallWorld], act: Act
) -> None:
    """With all the other powers it is refused by its name, and changes nothing; with its own alone it is done."""
    world = at(SmallWorld(session, monday, patient_count=2, managed_as=ManagedAs.DIRECT_PAYMENT).found())
    _, others = daughter_of(world, 1, *(other for other in Scope if other is not scope))
    with pytest.raises(NotAllowed, match="You may not do this") as refused, writing(world.session):
        act(world, others)
    assert refused.value.facts["scope"] == scope.value
    own = replace(others, scopes=frozenset({scope, *BESIDE.get(scope, ())}))
    with writing(world.session):
        assert act(world, own) is not None
    assert world.books_balance()


def test_every_power_has_an_act() -> None:
    """None is asked for on the commissioner's form that opens nothing."""
    assert {scope for scope, _, _ in ACTS} == set(Scope)
