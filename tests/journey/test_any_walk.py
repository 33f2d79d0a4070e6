"""Anybody may try anything at any time: the tables, the consents and the books hold after every step.

A state machine takes steps at random, allowed or not, with time passing in between; refusals must be domain errors.
"""

import itertools
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.orm import Session

from marketplace.adapters.sealing import Keyring
from marketplace.journey import (
    amendments,
    awards,
    cancellations,
    contracts,
    deliveries,
    funds,
    pools,
    rematch,
    reviews,
    rounds,
    sharing,
    statements,
    tenders,
)
from marketplace.journey.keys import lend
from marketplace.records import Base, ledger
from marketplace.records.contracts import Contract, Delivery, due_so_far
from marketplace.records.database import configure_engine, writing
from marketplace.records.ledger import AccountKind
from marketplace.records.offers import ExclusionCode, Offer
from marketplace.records.pools import LIVE_NEEDS, DefaultAnswer, Need, NeedStatus
from marketplace.records.rounds import Match
from marketplace.records.tenders import CancelCode, Decision, Representation
from marketplace.rules.errors import DomainError
from marketplace.rules.lifecycle import TENDER_MOVES, ContractStatus, TenderStatus, is_final
from marketplace.rules.permissions import Actor, Role
from marketplace.rules.sharing import Pooling
from marketplace.rules.tendering import Policy
from tests.worlds import SmallWorld

HELD = (NeedStatus.POOLED, NeedStatus.MATCHED, NeedStatus.UNMATCHED)
PATIENTS = 3
UNEQUAL = {1: 70_000, 2: 60_000, 3: 45_000}
"""Budgets in a pool that is shared: the third cannot pay for any of the offers alone."""
numbers = st.integers(1, PATIENTS)
names = st.sampled_from(["near", "far", "bulk"])


class AnyWalk(RuleBasedStateMachine):
    """Three patients, three providers, one tender; everybody tries everything."""

    @initialize(
        start=st.sampled_from(
            [
                "draft",
                "open",
                "proposed",
                "standstill",
                "under_review",
                "awarded",
                "to sign, sharing",
                "awarded, sharing",
            ]
        )
    )
    def found(self, start: str) -> None:
        """Somewhere on the walk, so that the later steps are tried as often as the first; some pools are shared."""
        start, _, sharing_too = start.partition(", ")
        pooling = Pooling.SHARED_POOL if sharing_too else Pooling.OWN_BUDGET
        self.engine = self.new_database()
        keyring = Keyring.from_hex("11" * 32, "22" * 32)
        session = Session(self.engine, info=lend(keyring))
        self.world = SmallWorld(
            session,
            datetime(2026, 3, 2, 9, tzinfo=UTC),
            patient_count=PATIENTS,
            budgets_pence=UNEQUAL if sharing_too else {},
            policy=Policy(pence_per_quality_grade=300, pence_per_km=30, pooling=pooling),
        ).found()
        if start in ("draft", "open"):
            self.world.draft()
        if start == "open":
            self.world.agree().publish()
        if start in ("proposed", "standstill", "under_review"):
            self.world.proposed()
        if start in ("standstill", "under_review"):
            self.world.accept().confirm()
        if start == "under_review":
            self.object("near")
        if start == "awarded":
            self.world.awarded()
        if start == "to sign":
            self.world.proposed().accept().confirm().later(days=20)

    def new_database(self) -> Engine:
        """An empty database with all tables, on SQLite."""
        self.folder = tempfile.TemporaryDirectory()
        engine = configure_engine(create_engine(f"sqlite:///{Path(self.folder.name) / 'walk.sqlite'}"))
        Base.metadata.create_all(engine)
        return engine

    def drop_database(self) -> None:
        self.folder.cleanup()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.session.close()
            self.engine.dispose()
            self.drop_database()

    def attempt(self, step, *arguments, **options) -> None:
        """Take a step in its own transaction; a domain error is an answer, anything else a fault."""
        world = self.world
        with suppress(DomainError), writing(world.session):
            step(world.session, world.now, *arguments, **options)

    def newest(self, kind, *, number: int):
        rows = self.world.session.scalars(select(kind).order_by(kind.id)).all()
        return rows[number % len(rows)].id if rows else "nothing"

    @rule(number=numbers, default=st.sampled_from(DefaultAnswer), shares=st.booleans())
    def agree(self, number: int, default: DefaultAnswer, shares: bool) -> None:
        self.attempt(pools.agree, self.world.patient(number), self.world.need(number).id, default, shares_pool=shares)

    @rule(number=numbers)
    def leave(self, number: int) -> None:
        self.attempt(pools.leave, self.world.patient(number), self.world.need(number).id)

    @rule()
    def everybody_agrees_and_it_is_published(self) -> None:
        for number in range(1, PATIENTS + 1):
            self.agree(number, DefaultAnswer.ACCEPT, shares=True)
        world = self.world
        self.attempt(tenders.publish_tender, world.broking, world.tender.id, world.now.replace(month=10))

    @rule(days=st.integers(1, 30))
    def publish(self, days: int) -> None:
        world = self.world
        self.attempt(tenders.publish_tender, world.broking, world.tender.id, world.now + timedelta(days=days))

    @rule(km=st.integers(0, 90), days=st.integers(1, 40), pooling=st.sampled_from(Pooling))
    def change(self, km: int, days: int, pooling: Pooling) -> None:
        world = self.world
        due_at = world.now + timedelta(days=days)
        self.attempt(
            amendments.change,
            world.broking,
            world.tender.id,
            policy=Policy(pence_per_km=km, pooling=pooling),
            offers_due_at=due_at,
            text="Changed",
        )

    @rule(name=names, pence=st.integers(3_000, 7_000), fee=st.integers(0, 20_000), least=st.integers(0, 20))
    def offer(self, name: str, pence: int, fee: int, least: int) -> None:
        with suppress(DomainError):
            self.world.offer(name, (0, pence), (20, pence - 500), fee=fee, least=least)

    @rule()
    def all_offer(self) -> None:
        for name, pence in (("near", 5_500), ("far", 5_000), ("bulk", 4_500)):
            self.offer(name, pence, 0, 0)

    @rule(days=st.integers(1, 20))
    def time_passes(self, days: int) -> None:
        self.world.later(days=days)

    @rule()
    def past_the_deadline(self) -> None:
        due_at = self.world.tender.offers_due_at
        if due_at is not None and self.world.tender.status is TenderStatus.OPEN:
            self.world.now = max(self.world.now, due_at)
            self.world.later()

    @rule()
    def round(self) -> None:
        world = self.world
        with suppress(DomainError):
            rounds.run_round(world.session, world.now, world.broking, world.tender.id)

    @rule()
    def rematch(self) -> None:
        world = self.world
        with suppress(DomainError):
            rematch.run_rematch(world.session, world.now, world.broking, world.tender.id)

    @rule(number=numbers, yes=st.booleans(), again=st.booleans())
    def answer(self, number: int, yes: bool, again: bool) -> None:
        match_id = self.newest(Match, number=number)
        match = self.world.session.get(Match, match_id)
        if match is None:
            return
        actor = Actor("user-x", Role.PATIENT, match.need.patient_id)
        if yes:
            self.attempt(awards.accept_match, actor, match_id)
        else:
            self.attempt(awards.decline_match, actor, match_id, "too far", look_again=again)

    @rule(number=st.integers(0, 8))
    def exclude(self, number: int) -> None:
        offer_id = self.newest(Offer, number=number)
        self.attempt(
            cancellations.exclude_offer, self.world.broking, offer_id, ExclusionCode.CONFLICT, "A cousin of the broker"
        )

    @rule()
    def confirm(self) -> None:
        self.attempt(awards.confirm_award, self.world.broking, self.world.tender.id, "The published policy's result.")

    @rule(name=names)
    def object(self, name: str) -> None:
        self.attempt(reviews.represent, self.world.provider(name), self.world.tender.id, "Look again")

    @rule(number=st.integers(0, 3), decision=st.sampled_from(Decision), who=st.integers(0, 9))
    def decide(self, number: int, decision: Decision, who: int) -> None:
        row_id = self.newest(Representation, number=number)
        reviewer = Actor(f"user-{who}", Role.COMMISSIONER, self.world.commissioner.id)
        self.attempt(reviews.decide, reviewer, row_id, decision, "We looked again.")

    @rule(really=st.integers(0, 9))
    def cancel(self, really: int) -> None:
        world = self.world
        if really:
            return
        self.attempt(
            cancellations.cancel, world.broking, world.tender.id, code=CancelCode.NO_LONGER_NEEDED, reason="It is over"
        )

    @rule(really=st.integers(0, 9))
    def withdraw(self, really: int) -> None:
        if really == 0:
            self.attempt(tenders.withdraw_tender, self.world.broking, self.world.tender.id, "It is over")

    @rule(really=st.integers(0, 5))
    def delete_draft(self, really: int) -> None:
        if really == 0:
            self.attempt(tenders.delete_draft, self.world.broking, self.world.tender.id, "It is over")

    @rule(by_funder=st.booleans())
    def open_early(self, by_funder: bool) -> None:
        actor = self.world.funder if by_funder else self.world.broking
        self.attempt(tenders.close_tender, actor, self.world.tender.id)

    @rule(number=numbers)
    def sign(self, number: int) -> None:
        contract = self.world.session.get(Contract, self.newest(Contract, number=number))
        if contract is not None:
            for role, party in ((Role.PATIENT, contract.patient_id), (Role.PROVIDER, contract.provider_id)):
                self.attempt(contracts.sign_contract, Actor("user-x", role, party), contract.id)

    @rule(number=numbers, units=st.integers(1, 12))
    def deliver(self, number: int, units: int) -> None:
        contract = self.world.session.get(Contract, self.newest(Contract, number=number))
        if contract is not None:
            actor = Actor("user-x", Role.PROVIDER, contract.provider_id)
            self.attempt(deliveries.record_delivery, actor, contract.id, units, self.world.now.date())

    @rule(number=st.integers(0, 8), yes=st.booleans())
    def answer_delivery(self, number: int, yes: bool) -> None:
        delivery = self.world.session.get(Delivery, self.newest(Delivery, number=number))
        if delivery is not None:
            actor = Actor("user-x", Role.PATIENT, delivery.contract.patient_id)
            if yes:
                self.attempt(deliveries.confirm_delivery, actor, delivery.id)
            else:
                self.attempt(deliveries.dispute_delivery, actor, delivery.id, "Nobody came")

    @rule(number=st.integers(0, 8))
    def refund(self, number: int) -> None:
        delivery = self.world.session.get(Delivery, self.newest(Delivery, number=number))
        if delivery is not None:
            self.attempt(funds.refund, self.world.funder, delivery.id, "Nobody came on that day.")

    @rule(number=numbers, by_funder=st.booleans())
    def end_early(self, number: int, by_funder: bool) -> None:
        contract = self.world.session.get(Contract, self.newest(Contract, number=number))
        if contract is not None:
            actor = self.world.funder if by_funder else Actor("user-x", Role.PATIENT, contract.patient_id)
            self.attempt(contracts.end_early, actor, contract.id, "I moved away")

    @invariant()
    def the_books_hold(self) -> None:
        """Conservation, entries, and money held exactly for who consented and is still in."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.session.rollback()
        assert world.books_balance()
        tender = world.tender
        for need in world.session.scalars(select(Need)):
            held = ledger.balance_pence(world.session, AccountKind.RESERVED, need.budget_id)
            assert held == need.reserved_pence
            if need.reserved_pence:
                assert need.reserved_pence == need.budget_pence
                assert need.status in HELD
                assert pools.valid_consent(need, tender) is not None
            if is_final(TENDER_MOVES, tender.status) and tender.status is not TenderStatus.AWARDED:
                assert need.reserved_pence == 0, "an end without an award releases everything"
                assert need.status not in LIVE_NEEDS, "no ended tender keeps a plan line from another pool"

    @invariant()
    def what_is_promised_is_committed(self) -> None:
        """To a contract in force exactly what has not fallen due of its bill yet."""
        if hasattr(self, "world"):
            session = self.world.session
            in_force = Contract.status.in_((ContractStatus.SIGNED, ContractStatus.IN_DELIVERY))
            for contract in session.scalars(select(Contract).where(in_force)):
                committed = ledger.balance_pence(session, AccountKind.COMMITTED, contract.budget_id)
                assert committed == contract.bill_pence - due_so_far(session, contract.id)

    @invariant()
    def no_gift_is_lost(self) -> None:
        """A pool is empty once nobody's signature is awaited; nobody has back more than they gave, or got more."""
        if hasattr(self, "world"):
            session = self.world.session
            assert list(sharing.unsettled(session)) == []
            for contract in session.scalars(select(Contract)):
                net = statements.shared_by_budget(session, [contract.budget_id]).get(contract.budget_id, 0)
                assert -contract.receives_pence <= net <= contract.gives_pence

    @invariant()
    def charges_stay_within_budgets(self) -> None:
        if hasattr(self, "world"):
            for match in self.world.session.scalars(select(Match)):
                assert match.charge_pence <= match.need.budget_pence


def as_many(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )


AnyWalk.TestCase.settings = as_many(20, 30)
TestAnyWalk = AnyWalk.TestCase


def test_any_walk_on_postgresql(postgresql_server: str) -> None:
    """The same walk with real row locks; fewer steps, for each costs more."""
    head, _, query = postgresql_server.partition("?")
    server = head.rsplit("/", 1)[0]

    class OnPostgreSQL(AnyWalk):
        numbers: ClassVar = itertools.count()

        def new_database(self) -> Engine:
            self.name = f"walk_{next(self.numbers)}"
            self.administer(f"CREATE DATABASE {self.name} TEMPLATE template_carepool")
            return configure_engine(create_engine(f"{server}/{self.name}?{query}", hide_parameters=True))

        def drop_database(self) -> None:
            self.administer(f"DROP DATABASE {self.name} WITH (FORCE)")

        def administer(self, command: str) -> None:
            engine = create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(text(command))
            engine.dispose()

    run_state_machine_as_test(OnPostgreSQL, settings=as_many(5, 12))
