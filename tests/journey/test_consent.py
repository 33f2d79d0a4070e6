"""Nothing happens without consent, and a consent is to this pool and this policy, by whoever may give it."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.journey import accounts, conduct, people, pools, representatives, rounds, tenders
from marketplace.records.audit import AuditEvent
from marketplace.records.database import writing
from marketplace.records.ledger import Transfer, TransferKind
from marketplace.records.outbox import Message
from marketplace.records.people import Authority, AuthorityBasis, Broker, BrokerMove, InterestKind, User
from marketplace.records.pools import NeedStatus
from marketplace.records.providers import Provider
from marketplace.rules.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound, WrongState
from marketplace.rules.permissions import Actor, Role, Scope
from marketplace.rules.preferences import Importance, Preferences
from marketplace.rules.tendering import Policy
from tests.worlds import BUDGET_PENCE, SmallWorld

ALL = tuple(Scope)


def daughter_of(world: SmallWorld, number: int, *scopes: Scope, days: int = 365) -> tuple[Authority, Actor]:
    """A representative for this patient: the authority, and the actor under whom she acts."""
    with writing(world.session):
        user = accounts.open_account(
            world.session,
            world.now,
            email=f"daughter{number}@example.org",
            name="A daughter",
            role=Role.REPRESENTATIVE,
            party_id=f"rep-{number}",
            password=None,
        )
        authority = representatives.appoint(
            world.session,
            world.now,
            world.funder,
            patient_id=world.patients[number - 1].id,
            representative_id=user.id,
            basis=AuthorityBasis.PATIENTS_WISH,
            scopes=scopes or ALL,
            valid_from=world.now.date(),
            valid_to=world.now.date() + timedelta(days=days),
        )
    herself = Actor(user.id, Role.REPRESENTATIVE, user.party_id)
    return authority, representatives.acting_for(world.session, world.now, herself, world.patients[number - 1].id)


def agree_as(world: SmallWorld, actor: Actor, number: int) -> None:
    with writing(world.session):
        pools.agree(world.session, world.now, actor, world.need(number).id, pools.DefaultAnswer.ACCEPT)


def test_a_patient_with_a_representative_joins_changes_preferences_and_leaves(world: SmallWorld) -> None:
    """Every act is recorded as the representative's own, and for whom."""
    world.draft()
    authority, daughter = daughter_of(world, 1)
    agree_as(world, daughter, 1)
    world.publish()
    assert world.money(1)["reserved"] == BUDGET_PENCE
    with writing(world.session):
        pools.set_preferences(
            world.session, world.now, daughter, world.need(1).id, Preferences(distance=Importance.MORE)
        )
    with writing(world.session):
        pools.leave(world.session, world.now, daughter, world.need(1).id)
    assert world.money(1)["reserved"] == 0
    acts = world.session.scalars(select(AuditEvent).where(AuditEvent.actor_id == daughter.user_id)).all()
    assert [act.event for act in acts] == ["pool.agreed", "pool.preferences_set", "pool.left"]
    assert {act.facts["authority"] for act in acts} == {authority.id}
    assert {act.facts["on_behalf_of"] for act in acts} == {world.patients[0].id}


@pytest.mark.parametrize("changed", ["terms_sha256", "policy_sha256"])
def test_a_yes_is_to_what_was_read(world: SmallWorld, changed: str) -> None:
    """A yes to other terms or another policy than stand now is none; nothing is agreed or held."""
    world.draft()
    read = world.read(1)
    for hashes, refused in (({**read, changed: "0" * 64}, True), (read, False)):
        with pytest.raises(Conflict, match="read them again") if refused else nullcontext(), writing(world.session):
            pools.agree(
                world.session, world.now, world.patient(1), world.need(1).id, pools.DefaultAnswer.ACCEPT, **hashes
            )
        assert world.need(1).status is (NeedStatus.INVITED if refused else NeedStatus.AGREED)


def test_an_authority_covers_what_it_says(world: SmallWorld) -> None:
    """Authority for deliveries is none for pools; and it is for one patient only."""
    world.draft()
    _, daughter = daughter_of(world, 1, Scope.DELIVERIES)
    with pytest.raises(NotAllowed, match="You may not do this"):
        agree_as(world, daughter, 1)
    with pytest.raises(NotFound):
        agree_as(world, replace(daughter, scopes=frozenset(ALL)), 2)


def test_a_consent_ends_with_the_authority(world: SmallWorld) -> None:
    """The day after the last day, what she agreed to and is not yet binding is void: the money is free."""
    world.draft()
    _, daughter = daughter_of(world, 1, days=3)
    agree_as(world, daughter, 1)
    world.agree(2).publish(days=14)
    assert world.money(1)["reserved"] == BUDGET_PENCE
    world.later(days=3)
    assert world.money(1)["reserved"] == BUDGET_PENCE
    world.later(days=1)
    assert world.money(1)["reserved"] == 0
    assert world.need(1).status is NeedStatus.INVITED
    assert world.money(2)["reserved"] == BUDGET_PENCE
    with pytest.raises(NotFound):
        representatives.acting_for(
            world.session, world.now, Actor(daughter.user_id, Role.REPRESENTATIVE, "rep-1"), world.patients[0].id
        )


def test_a_revoked_authority_binds_nobody(world: SmallWorld) -> None:
    """The patient ends it before publication: nothing is posted for her yes; the patient is asked again."""
    world.draft()
    authority, daughter = daughter_of(world, 1)
    agree_as(world, daughter, 1)
    with pytest.raises(NotAllowed, match="Only the patient"), writing(world.session):
        representatives.end_authority(world.session, world.now, daughter, authority.id)
    with writing(world.session):
        representatives.end_authority(world.session, world.now, world.patient(1), authority.id)
    assert world.need(1).status is NeedStatus.INVITED
    world.agree(2).publish()
    held = world.session.scalars(select(Transfer.about_id).where(Transfer.kind == TransferKind.RESERVE)).all()
    assert held == [world.need(2).id]


@pytest.mark.parametrize("role", [Role.PROVIDER, Role.BROKER, Role.PATIENT])
def test_a_representative_is_nobody_elses(world: SmallWorld, role: Role) -> None:
    """A provider's account, or a broker's, cannot act for a patient."""
    with writing(world.session):
        user = accounts.open_account(
            world.session, world.now, email="x@example.org", name="X", role=role, party_id="x", password=None
        )
    with pytest.raises(NotAllowed), writing(world.session):
        appoint_simply(world, user)


def test_who_is_paid_by_a_provider_represents_nobody(world: SmallWorld) -> None:
    """A declared interest bars from acting for a patient; who acts already must stop first."""
    _, daughter = daughter_of(world, 1)
    herself = Actor(daughter.user_id, Role.REPRESENTATIVE, "rep-1")
    provider_id = world.providers["near"].id
    with pytest.raises(WrongState, match="act for a patient"), writing(world.session):
        conduct.declare_interest(world.session, world.now, herself, provider_id, InterestKind.PAID_BY)
    with writing(world.session):
        user = accounts.open_account(
            world.session,
            world.now,
            email="y@example.org",
            name="Y",
            role=Role.REPRESENTATIVE,
            party_id="y",
            password=None,
        )
        conduct.declare_interest(
            world.session, world.now, Actor(user.id, Role.REPRESENTATIVE, "y"), provider_id, InterestKind.OWNS
        )
    with pytest.raises(NotAllowed, match="interest"), writing(world.session):
        appoint_simply(world, user)


def appoint_simply(world: SmallWorld, user: User) -> Authority:
    return representatives.appoint(
        world.session,
        world.now,
        world.funder,
        patient_id=world.patients[1].id,
        representative_id=user.id,
        basis=AuthorityBasis.PARENT,
        scopes=ALL,
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 12, 31),
    )


def test_an_amended_policy_asks_again(world: SmallWorld) -> None:
    """A changed policy voids every yes to the old one; a new yes is to the new one."""
    world.draft().agree(1, 2)
    old = world.tender.policy_sha256
    with writing(world.session):
        tenders.amend_policy(world.session, world.now, world.broking, world.tender.id, Policy(pence_per_km=90))
    assert world.tender.policy_sha256 != old
    assert (world.tender.version, world.need(1).status) == (2, NeedStatus.INVITED)
    told = world.session.scalars(select(Message.party_id).where(Message.template == "agreement_void")).all()
    assert sorted(told) == sorted(patient.id for patient in world.patients[:2])
    world.agree(2).publish()
    assert [world.money(number)["reserved"] for number in (1, 2)] == [0, BUDGET_PENCE]
    with pytest.raises(WrongState, match="frozen"), writing(world.session):
        tenders.amend_policy(world.session, world.now, world.broking, world.tender.id, Policy())


def test_preferences_move_the_weights_within_bounds(world: SmallWorld) -> None:
    """A patient for whom travel counts twice is given a nearer provider; the market accepts the weights."""
    world.draft(Policy(pence_per_quality_grade=0, pence_per_km=31)).agree().publish()
    with writing(world.session):
        wishes = Preferences(quality=Importance.MORE, distance=Importance.LESS, max_distance_m=9_000)
        pools.set_preferences(world.session, world.now, world.patient(1), world.need(1).id, wishes)
    world.three_offers().later(days=15)
    market = rounds.market_document(world.session, world.tender)
    mine = next(need for need in market["needs"] if need["id"] == world.need(1).id)
    assert mine["weights"] == {"pence_per_km": 16}
    assert mine["max_distance_m"] == 9_000
    world.run_round()
    assert world.tender.rounds[0].outcome is not None


@pytest.mark.parametrize(
    ("wishes", "place"),
    [
        (Preferences(max_distance_m=0), "max_distance_m"),
        (Preferences(keep_provider=True), "keep_provider"),
    ],
)
def test_impossible_preferences_name_their_field(world: SmallWorld, wishes: Preferences, place: str) -> None:
    world.draft()
    with pytest.raises(Invalid) as caught, writing(world.session):
        pools.set_preferences(world.session, world.now, world.patient(1), world.need(1).id, wishes)
    assert caught.value.place == place


def test_preferences_are_settled_when_offers_are_in(world: SmallWorld) -> None:
    world.draft().agree().publish().three_offers().later(days=15)
    with pytest.raises(WrongState, match="offers are in"), writing(world.session):
        pools.set_preferences(world.session, world.now, world.patient(1), world.need(1).id, Preferences())


def test_a_change_of_broker_in_mid_pool(world: SmallWorld) -> None:
    """Before the offers are in, the pool is left and the money goes along; afterwards the pool is seen through."""
    with writing(world.session):
        other = people.approve_broker(world.session, world.now, world.funder, "Wold Brokers")
    world.draft().agree().publish()
    with writing(world.session):
        people.choose_broker(world.session, world.now, world.patient(1), other.id)
    assert (world.need(1).status, world.money(1)["reserved"]) == (NeedStatus.LEFT, 0)
    world.three_offers().later(days=15)
    with writing(world.session):
        people.choose_broker(world.session, world.now, world.patient(2), other.id)
    assert (world.need(2).status, world.money(2)["reserved"]) == (NeedStatus.POOLED, BUDGET_PENCE)
    world.run_round()
    assert 2 in world.providers_by_patient()
    moves = world.session.scalars(select(BrokerMove).where(BrokerMove.from_broker_id.is_not(None))).all()
    assert {move.patient_id for move in moves} == {world.patients[0].id, world.patients[1].id}
    line = world.plan_line(1)
    found = pools.could_join(world.session, Actor("u", Role.BROKER, other.id), terms_of(world))
    assert line.id in {candidate.plan_line_id for candidate in found}


def terms_of(world: SmallWorld):
    from marketplace.rules.pooling import BundleTerms

    bundle = world.bundle
    return BundleTerms(bundle.service_id, bundle.area, tuple(bundle.districts), bundle.period_from, bundle.period_to)


def test_a_broker_gains_by_no_bidder(world: SmallWorld) -> None:
    """A provider in which the tender's broker has an interest cannot bid."""
    world.draft().agree().publish()
    with writing(world.session):
        conduct.declare_interest(
            world.session, world.now, world.broking, world.providers["far"].id, InterestKind.PAID_BY
        )
    world.offer("near", (0, 5_000))
    with pytest.raises(NotAllowed, match="has an interest"):
        world.offer("far", (0, 5_000))


def test_an_interest_that_is_over(session: Session, monday: datetime) -> None:
    """The commissioner is told; the provider may bid on what is published from then on, not on what was before."""
    world = SmallWorld(session, monday, patient_count=1).found().draft().agree()
    far = world.providers["far"].id
    with writing(session):
        interest = conduct.declare_interest(session, world.now, world.broking, far, InterestKind.PAID_BY)
    world.publish().later(days=1)
    for stranger in (replace(world.broking, party_id="another"), world.provider("far")):
        with pytest.raises(DomainError), writing(session):
            conduct.end_interest(session, world.now, stranger, interest.id)
    with writing(session):
        conduct.end_interest(session, world.now, world.broking, interest.id)
    with pytest.raises(WrongState), writing(session):
        conduct.end_interest(session, world.now, world.broking, interest.id)
    told = select(Message.party_id).where(Message.template == "interest_ended")
    assert session.scalars(told).all() == [world.commissioner.id]
    with pytest.raises(NotAllowed, match="has an interest"):
        world.offer("far", (0, 5_000))
    with writing(session):
        tenders.withdraw_tender(session, world.now, world.broking, world.tender.id, "We begin anew.")
    world.later(hours=1).draft().agree().publish().offer("far", (0, 5_000))


def test_the_suspended_wait(world: SmallWorld) -> None:
    """A suspended provider makes no offer, a suspended broker no tender, until reinstated."""
    world.draft().agree()
    for kind, party in ((Provider, world.providers["near"]), (Broker, world.broker)):
        with writing(world.session):
            conduct.suspend(world.session, world.now, world.funder, kind, party.id, "Under inquiry")
    with pytest.raises(NotAllowed, match="suspended"):
        world.publish()
    with writing(world.session):
        conduct.reinstate(world.session, world.now, world.funder, Broker, world.broker.id)
    world.publish()
    with pytest.raises(NotAllowed, match="approved"):
        world.offer("near", (0, 5_000))
