"""A market with two of everything that owns something, and of everything that is owned, in as many states as there are.

Two commissioners, each with a broker, an organisation that holds budgets, a representative and its own patients; three
providers who work for both. `build_market` walks the real steps. In the end each side has tenders in draft, open (with
sealed offers, a draft of one, a question), closed, proposed, in standstill, under review, withdrawn (with a successor)
and awarded (with contracts of all three kinds of budget, deliveries, payment runs), and everybody has an account.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.adapters.passwords import hash_password
from marketplace.journey import (
    accounts,
    amendments,
    auditors,
    budgets,
    cancellations,
    conduct,
    contracts,
    deadlines,
    offers,
    payments,
    people,
    pools,
    programs,
    representatives,
    reviews,
    tenders,
    users,
)
from marketplace.journey.studies import Asked
from marketplace.records.budgets import BudgetKind, Holder, ManagedAs
from marketplace.records.database import writing
from marketplace.records.offers import Offer
from marketplace.records.people import AuthorityBasis, Broker, Commissioner, InterestKind, User
from marketplace.rules.permissions import Actor, Role, Scope
from marketplace.rules.pooling import BundleTerms
from marketplace.rules.sharing import Pooling
from marketplace.rules.tendering import OfferLine, OfferTerms, OfferTier
from marketplace.work.client import enqueue_round, enqueue_scenarios
from tests.second_steps import App, switch_on
from tests.web.site import PASSWORD, Site, build_site
from tests.worlds import PERIOD, SmallWorld

CANARY_PENCE = 8_765_431
"""The price in the sealed offer on each side's open tender: nobody else could have typed it."""
ALL_KINDS = (ManagedAs.NOTIONAL, ManagedAs.THIRD_PARTY, ManagedAs.DIRECT_PAYMENT)
BIDDERS = ("near", "bulk")
WITH_SECOND_STEP = ("broker@example.test", "bulk@example.test")
"""Accounts that sign in with a code too."""


@dataclass
class Side:
    """One commissioner with its broker and its organisation that holds budgets."""

    name: str
    commissioner: Commissioner
    broker: Broker
    holder: Holder
    towns: dict[str, "Town"] = field(default_factory=dict)


@dataclass
class Town(SmallWorld):
    """Some patients of one side, for one tender: `SmallWorld`'s verbs on organisations that are there already."""

    side: Side = None  # type: ignore[assignment]
    first: int = 0
    kinds: tuple[ManagedAs, ...] = (ManagedAs.NOTIONAL,)

    def found(self) -> "Town":
        """The patients, each with an approved plan and a budget of its own kind."""
        self.commissioner, self.broker, self.patients = self.side.commissioner, self.side.broker, []
        self.patient_count = len(self.kinds)
        with writing(self.session):
            for number, kind in enumerate(self.kinds, start=self.first):
                self.managed_as = kind
                self.holder = self.side.holder if kind is ManagedAs.THIRD_PARTY else None
                self.patients.append(self._patient(number))
        self.holder = None
        return self

    @property
    def broking(self) -> Actor:
        """The side's broker, by the account that its employee signs in with."""
        return Actor(f"user-broker-{self.side.name}", Role.BROKER, self.broker.id)

    def draft(self) -> "Town":
        """A draft tender with one lot, this town's patients invited and nobody else's."""
        lines = [self.plan_line(number).id for number in range(1, self.patient_count + 1)]
        with writing(self.session):
            title = f"Physiotherapy, {self.side.name} {self.first}"
            self.tender = tenders.draft_tender(self.session, self.now, self.broking, title, self.policy)
            wanted = BundleTerms("physiotherapy", "Lincoln", ("LN1",), *PERIOD)
            self.bundle = pools.build_bundle(self.session, self.now, self.broking, self.tender.id, wanted)
            pools.invite(self.session, self.now, self.broking, self.bundle.id, lines)
        return self

    def opened(self) -> "Town":
        """As far as an open tender without offers."""
        self.draft()
        self.agree()
        self.publish()
        return self

    def keep_draft(self, name: str, price_pence: int) -> Offer:
        """A provider keeps the draft of an offer."""
        lines = (OfferLine(self.bundle.id, (OfferTier(0, price_pence),)),)
        terms = OfferTerms(site_id=self.providers[name].sites[0].id, lines=lines)
        with writing(self.session):
            return offers.submit_offer(self.session, self.now, self.provider(name), self.tender.id, terms, draft=True)

    def sign_all(self) -> "Town":
        """Patient, provider and, where one keeps the budget, the organisation sign this town's contracts."""
        for number, kind in enumerate(self.kinds, start=1):
            contract = self.contract(number)
            signing = [self.patient(number), self.by_provider(contract)]
            if kind is ManagedAs.THIRD_PARTY:
                signing.append(Actor("user-holder", Role.HOLDER, self.side.holder.id))
            for actor in signing:
                with writing(self.session):
                    contracts.sign_contract(self.session, self.now, actor, contract.id)
        return self


@dataclass
class Market:
    """The site that is visited, the two sides, and everybody's account."""

    site: Site
    sides: list[Side]
    emails: list[str] = field(default_factory=list)
    apps: dict[str, App] = field(default_factory=dict)
    """The apps of those who sign in with a code, by their address."""

    @property
    def session(self) -> Session:
        """The tests' own view of the database."""
        return self.site.world.session

    @property
    def towns(self) -> list[Town]:
        """All towns of both sides."""
        return [town for side in self.sides for town in side.towns.values()]

    def each(self, name: str) -> list[Town]:
        """The towns of this name, one on each side."""
        return [side.towns[name] for side in self.sides]

    def side_of(self) -> dict[str, str]:
        """On which side a party is."""
        return {
            party.id: side.name
            for side in self.sides
            for party in (
                side.commissioner,
                side.broker,
                side.holder,
                *(patient for town in side.towns.values() for patient in town.patients),
            )
        }

    def later(self, **timespan: float) -> None:
        """Let time pass for everybody, and with it whatever falls due."""
        self.site.world.now += timedelta(**timespan)
        for town in self.towns:
            town.now = self.site.world.now
        deadlines.run_due(self.session, self.site.world.now)

    def users(self) -> list[User]:
        """Everybody who can sign in."""
        return list(self.session.scalars(select(User).where(User.email.in_(self.emails)).order_by(User.email)))


def build_market(folder: Path, **settings: object) -> Market:
    """Everything above, on a site of its own (SQLite, unless the settings name another database)."""
    site = build_site(folder, patients=3, **settings)
    world = site.world
    fen = Side("fen", world.commissioner, world.broker, _holder(world, world.funder, "Fen Trust"))
    with writing(world.session):
        commissioner = people.found_commissioner(world.session, "Wold funder")
        funder = Actor("user-funder-wold", Role.COMMISSIONER, commissioner.id)
        broker = people.approve_broker(world.session, world.now, funder, "Wold Brokers")
    wold = Side("wold", commissioner, broker, _holder(world, funder, "Wold Trust"))
    market = Market(site, [fen, wold])
    for at, side in enumerate(market.sides, start=1):
        _settle(world, side, first=30 * at)
    _award(market)
    _bring_to_the_opening(market)
    _leave_open(market)
    _pay(market)
    for side in market.sides:
        _oversee(market, side)
    _open_accounts(market)
    return market


def _holder(world: SmallWorld, funder: Actor, name: str) -> Holder:
    with writing(world.session):
        return budgets.admit_holder(world.session, world.now, funder, name)


def _settle(world: SmallWorld, side: Side, first: int) -> None:
    """The towns of a side: how many people, and how their budgets are kept."""
    plan = {"awarded": ALL_KINDS, "draft": (ManagedAs.NOTIONAL,) * 2}
    for name in ("awarded", "reviewed", "standstill", "proposed", "closed", "open", "draft", "gone"):
        town = Town(world.session, world.now, side=side, first=first, kinds=plan.get(name, (ManagedAs.NOTIONAL,)))
        if name == "awarded":  # a shared pool: the first one lacks a little, the others carry it
            town.policy = replace(town.policy, pooling=Pooling.SHARED_POOL)
            town.budgets_pence = {first: 45_000, first + 1: 70_000}
        town.providers = world.providers
        side.towns[name] = town.found()
        first += 3


def _award(market: Market) -> None:
    """Signed contracts: on one side with one provider, on the other with the other, who offer the lower price."""
    for town, winner in zip(market.each("awarded"), BIDDERS, strict=True):
        town.opened()
        for name in BIDDERS:
            town.offer(name, (0, 5_000 if name == winner else 5_900))
    market.later(days=15)
    for town in market.each("awarded"):
        town.run_round().accept().confirm()
    market.later(days=20)
    for town in market.each("awarded"):
        town.sign_all()
        with writing(market.session):
            who = {"name": "A. Checker", "organisation": "County audit", "purpose": "Look at the first award."}
            auditors.name_auditor(market.session, town.now, town.funder, town.tender.id, **who)


def _bring_to_the_opening(market: Market) -> None:
    """One tender under review, one in its standstill, one proposed, one closed with a match and scenarios asked for."""
    names = ("reviewed", "standstill", "proposed", "closed")
    for town in (town for name in names for town in market.each(name)):
        town.opened()
        for name in BIDDERS:
            town.offer(name, (0, 5_500))
    market.later(days=15)
    for town, provider in zip(market.each("reviewed"), BIDDERS, strict=True):
        town.run_round().accept().confirm()
        with writing(market.session):
            grounds = "Our site is nearer than the notice says."
            reviews.represent(market.session, town.now, town.provider(provider), town.tender.id, grounds)
    for town in market.each("standstill"):
        town.run_round().accept().confirm()
    for town in market.each("proposed"):
        town.run_round()
    for town in market.each("closed"):
        with writing(market.session):
            asked = Asked(budgets_permille=900)
            enqueue_round(market.session, town.now, town.broking, town.tender.id)
            enqueue_scenarios(market.session, town.now, town.broking, town.tender.id, asked)


def _leave_open(market: Market) -> None:
    """The tenders whose offers are sealed, those in draft, and those that came to nothing."""
    for town, asker in zip(market.each("open"), BIDDERS, strict=True):
        town.opened()
        town.offer("near", (0, 5_300))
        town.offer("bulk", (0, CANARY_PENCE), fee=CANARY_PENCE)
        town.keep_draft("far", 5_200)
        with writing(market.session):
            question = "May we visit people at home?"
            amendments.ask(market.session, town.now, town.provider(asker), town.tender.id, question)
    for town in market.each("draft"):
        town.draft()
        town.agree(1)
    for town in market.each("gone"):
        town.opened()
        with writing(market.session):
            tenders.withdraw_tender(market.session, town.now, town.broking, town.tender.id, "Nobody needs it.")
        with writing(market.session):
            cancellations.draft_successor(market.session, town.now, town.broking, town.tender.id)


def _pay(market: Market) -> None:
    """Of each contract something is with the bank or due, something waits for the patient's word."""
    for town in market.each("awarded"):
        for number in (1, 2, 3):
            town.deliver(number, 2)
        for payer in (town.funder, Actor("user-holder", Role.HOLDER, town.side.holder.id)):
            with writing(market.session):
                payments.prepare_run(market.session, town.now, payer)
        for number in (1, 2, 3):
            town.deliver(number)
            town.record(number)


def _oversee(market: Market, side: Side) -> None:
    """Somebody new whose care plan waits; who may act for whom; whose interest lies where."""
    town, session, now = side.towns["open"], market.session, market.site.world.now
    newcomer = side.towns["newcomer"] = Town(session, now, side=side, first=58 + 30 * market.sides.index(side))
    newcomer.providers = town.providers
    newcomer.found()
    line = budgets.LineDetails("physiotherapy", "Climb the stairs", 5, 30_000)
    details = budgets.BudgetDetails(
        BudgetKind.EPISODIC, ManagedAs.NOTIONAL, date(2026, 5, 1), date(2026, 7, 31), 30_000, (line,)
    )
    patient = newcomer.patients[0]
    with writing(session):
        budgets.open_budget(session, now, town.funder, patient.id, details)
        waiting = users.AccountDetails(Role.PATIENT, "A newcomer", f"newcomer-{side.name}@example.test", patient.id)
        users.open_for(session, now, town.funder, waiting)
        helper = users.AccountDetails(Role.REPRESENTATIVE, "A daughter", f"helper-{side.name}@example.test")
        user, _ = users.open_for(session, now, town.funder, helper)
        user.password_hash = _hashed()
        representatives.appoint(
            session,
            now,
            town.funder,
            patient_id=town.patients[0].id,
            representative_id=user.id,
            basis=AuthorityBasis.PATIENTS_WISH,
            scopes=tuple(Scope),
            valid_from=now.date(),
            valid_to=now.date() + timedelta(days=300),
        )
        friend = users.AccountDetails(Role.REPRESENTATIVE, "A friend", f"friend-{side.name}@example.test")
        user, _ = users.open_for(session, now, town.funder, friend)
        user.password_hash = _hashed()
        for actor in (town.broking, Actor(user.id, Role.REPRESENTATIVE, user.party_id)):
            conduct.declare_interest(session, now, actor, town.providers["far"].id, InterestKind.OWNS)
    market.emails += [helper.email, friend.email]


def _open_accounts(market: Market) -> None:
    """One for each organisation, and for one patient of each town (of two towns for all)."""
    world = market.site.world
    who: dict[str, Callable[[], Actor]] = {"far": lambda: world.provider("far")}
    market.emails += [f"{name}@example.test" for name in ("near", "bulk", "funder", "broker")]
    for side in market.sides:
        who[f"holder-{side.name}"] = lambda side=side: Actor("", Role.HOLDER, side.holder.id)
        if side.name != "fen":  # `build_site` has opened these
            who[f"funder-{side.name}"] = lambda side=side: Actor("", Role.COMMISSIONER, side.commissioner.id)
            who[f"broker-{side.name}"] = lambda side=side: Actor("", Role.BROKER, side.broker.id)
        for name, town in side.towns.items():
            for number in range(1, town.patient_count + 1 if name in ("awarded", "draft") else 2):
                if name != "newcomer":
                    who[f"{name}-{number}-{side.name}"] = lambda town=town, number=number: town.patient(number)
    with writing(market.session):
        for name, actor in who.items():
            acting = actor()
            user = accounts.open_account(
                market.session,
                world.now,
                email=f"{name}@example.test",
                name=f"Account {name}",
                role=acting.role,
                party_id=acting.party_id,
                password=None,
            )
            user.password_hash = _hashed()
            market.emails.append(user.email)
    _take_second_steps(market)
    for broker in (row for row in market.users() if row.role is Role.BROKER):
        with writing(market.session):
            details = programs.ProgramDetails("Our case system", False, world.now.date() + timedelta(days=300))
            programs.connect(market.session, world.now, Actor(broker.id, broker.role, broker.party_id), details)


def _take_second_steps(market: Market) -> None:
    """A broker's and a provider's account get a second step."""
    for email in WITH_SECOND_STEP:
        market.apps[email] = switch_on(market.session, market.site.world.now, email, PASSWORD)


@cache
def _hashed() -> str:
    return hash_password(PASSWORD)
