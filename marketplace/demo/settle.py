"""The demo's people take their places: catalogue, brokers, providers, patients, each with a budget and a plan.

Every act is the journey's own step. Only the catalogue is written down directly, because nobody proposes it: it comes
with the installation.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice

from sqlalchemy import insert
from sqlalchemy.orm import Session

from marketplace.demo.market import LincolnshireMarket
from marketplace.demo.people import Patient
from marketplace.demo.providers import KINDS, Provider, contact_of, conventional_distance_m, own_evidence
from marketplace.demo.schedule import EPISODIC_LEFT_DAYS, MORE_ANSWER_DAYS, SETTLED_DAYS_AGO, YEARLY_LEFT_DAYS
from marketplace.demo.words import FIRST_NAMES, LAST_NAMES, SUPPORTERS
from marketplace.journey.broker_fees import agree_fee
from marketplace.journey.budgets import BudgetDetails, LineDetails, admit_holder, approve_plan, open_budgets, set_rules
from marketplace.journey.people import (
    PatientDetails,
    SiteDetails,
    approve_broker,
    approve_provider,
    choose_broker,
    found_commissioner,
    register_patients,
)
from marketplace.journey.sites import state_site
from marketplace.journey.supporters import SupporterDetails, name_supporter
from marketplace.records.base import new_id
from marketplace.records.budgets import BudgetKind, ManagedAs
from marketplace.records.catalogue import Exclusion, Service
from marketplace.records.database import writing
from marketplace.records.people import User
from marketplace.rules.budgets import FundingRules
from marketplace.rules.clock import london_date
from marketplace.rules.permissions import Actor, Role
from marketplace.rules.sites import SiteStatement

Sessions = Callable[[], Session]
Tick = Callable[[int], None]
"""Told how many more things are done, for the progress bar."""

PEOPLE_A_TRANSACTION = 50
COMMISSIONER = "Lincolnshire Care Budgets"
HOLDER = "Fen Edge Budget Trust"
"""Keeps the budgets that are managed by a third party; made up."""

RULES = FundingRules(
    support_from_age=90,
    support_to_decile=1,
    support_capacity=True,
    support_conditions=2,
    support_answer_days=MORE_ANSWER_DAYS,
    support_supplement_pence=5_000,
)
"""Made up: extra support on each of the four grounds, with £50 and three days more to answer."""

WITHOUT_SUPPORTER_PERCENT = 8
"""For so many of those with extra support nobody is named yet: the offices' lists find them."""

EMAIL_DOMAIN = "demo.example"


@dataclass
class Town:
    """Who is who in the database: our ids of the frozen market -> those who act, and their things.

    Attributes
    ----------
    line_ids
        Our plan line -> the stored one.
    site_ids
        Our provider -> its stored site.
    """

    commissioner: Actor
    holder: Actor
    brokers: dict[str, Actor] = field(default_factory=dict)
    providers: dict[str, Actor] = field(default_factory=dict)
    patients: dict[str, Actor] = field(default_factory=dict)
    line_ids: dict[str, str] = field(default_factory=dict)
    site_ids: dict[str, str] = field(default_factory=dict)


def settle(sessions: Sessions, now: datetime, market: LincolnshireMarket, tick: Tick) -> Town:
    """Admit everybody and open the budgets, as of some months before `now`."""
    then = now - timedelta(days=SETTLED_DAYS_AGO)
    with sessions() as session, writing(session):
        commissioner = found_commissioner(session, COMMISSIONER)
        funder = _account(commissioner.id, Role.COMMISSIONER)
        set_rules(session, then, funder, RULES)
        holder = admit_holder(session, then, funder, HOLDER)
        town = Town(commissioner=funder, holder=_account(holder.id, Role.HOLDER))
        _write_catalogue(session, market)
        for broker in market.brokers:
            admitted = approve_broker(session, then, town.commissioner, broker.name, broker.contact)
            town.brokers[broker.id] = _account(admitted.id, Role.BROKER)
            agree_fee(session, then, town.commissioner, admitted.id, broker.fee_pence)
        for provider in market.providers:
            _admit_provider(session, then, town, provider)
        named = [("commissioner", COMMISSIONER, town.commissioner), ("holder", HOLDER, town.holder)]
        named += [(broker.id, broker.name, town.brokers[broker.id]) for broker in market.brokers]
        named += [(provider.id, provider.name, town.providers[provider.id]) for provider in market.providers]
        _open_accounts(session, then, named)
    for group in _groups(market.patients, PEOPLE_A_TRANSACTION):
        with sessions() as session, writing(session):
            _admit_patients(session, now, then, town, group)
            named = [(patient.id, patient.name, town.patients[patient.id]) for patient in group]
            _open_accounts(session, then, named)
        tick(len(group))
    return town


def _groups(people: Iterable[Patient], size: int) -> Iterator[Sequence[Patient]]:
    remaining = iter(people)
    while group := list(islice(remaining, size)):
        yield group


def _email(key: str) -> str:
    return f"{key.lower().replace('_', '-')}@{EMAIL_DOMAIN}"


def _account(party_id: str, role: Role) -> Actor:
    """Somebody with an account of their own; `_open_accounts` writes it down."""
    return Actor(user_id=new_id(), role=role, party_id=party_id)


def _open_accounts(session: Session, then: datetime, named: Sequence[tuple[str, str, Actor]]) -> None:
    """Write the accounts of (key, name, actor) in one go, without passwords: nobody can sign in until they get one."""
    rows = [
        {
            "id": actor.user_id,
            "email": _email(key),
            "name": name,
            "role": actor.role,
            "party_id": actor.party_id,
            "password_hash": None,
            "created_at": then,
        }
        for key, name, actor in named
    ]
    session.execute(insert(User), rows)


def _write_catalogue(session: Session, market: LincolnshireMarket) -> None:
    session.add_all(
        Service(
            id=service.code,
            name=service.name,
            unit=service.unit,
            reference_pence=service.reference_pence,
            conventional_pence=service.conventional_pence,
            private_pence=service.private_pence,
            source=f"Conventional: {service.conventional_source}. Private: {service.private_source}. "
            f"Guide price: {service.reference_source}.",
        )
        for service in market.services
    )
    session.add_all(Exclusion(id=no.code, name=no.name, reason=no.reason) for no in market.excluded)
    session.flush()


def _admit_provider(session: Session, then: datetime, town: Town, provider: Provider) -> None:
    year_month = provider.rated_in.split("-")
    site = SiteDetails(
        name=f"{provider.name}, {KINDS[provider.kind].label}",
        district=provider.district,
        easting_m=provider.site.easting_m,
        northing_m=provider.site.northing_m,
        services=provider.services,
        attributes=provider.attributes,
        rating=provider.rating if provider.grade else None,
        rating_date=date(int(year_month[0]), int(year_month[1]), 1) if provider.rated_in else None,
        grade=provider.grade,
        first_appointment_days=provider.first_appointment_days,
    )
    admitted = approve_provider(session, then, town.commissioner, provider.name, [site])
    town.providers[provider.id] = _account(admitted.id, Role.PROVIDER)
    town.site_ids[provider.id] = admitted.sites[0].id
    evidence = own_evidence(provider) or None
    statement = SiteStatement(
        site.name,
        site.services,
        site.attributes,
        site.first_appointment_days,
        evidence,
        london_date(then) if evidence else None,
        contact_of(provider),
    )
    state_site(session, then, town.providers[provider.id], admitted.sites[0].id, statement)


def _admit_patients(session: Session, now: datetime, then: datetime, town: Town, group: Sequence[Patient]) -> None:
    """Register them, have them choose a broker, open their budgets, approve their plans."""
    everybody = [
        PatientDetails(
            name=patient.name,
            nhs_number=patient.nhs_number,
            birth_year=patient.birth_year,
            district=patient.district,
            easting_m=patient.home.easting_m,
            northing_m=patient.home.northing_m,
            deprivation_decile=patient.deprivation_decile,
            lacks_capacity=patient.lacks_capacity,
            conditions=patient.conditions,
        )
        for patient in group
    ]
    registered = register_patients(session, then, town.commissioner, everybody)
    for patient, stored in zip(group, registered, strict=True):
        actor = town.patients[patient.id] = _account(stored.id, Role.PATIENT)
        choose_broker(session, then + timedelta(hours=1), actor, town.brokers[patient.broker].party_id)
    wanted = [(town.patients[patient.id].party_id, _budget(town, patient, now, then)) for patient in group]
    budgets = open_budgets(session, then + timedelta(hours=2), town.commissioner, wanted)
    for patient, budget in zip(group, budgets, strict=True):
        town.line_ids |= {ours.id: line.id for ours, line in zip(patient.lines, budget.lines, strict=True)}
        approve_plan(session, then + timedelta(days=1), town.commissioner, budget.id)
        if budget.extra_support_at is not None:
            _name_supporter(session, then + timedelta(days=2), town, patient)


def _name_supporter(session: Session, at: datetime, town: Town, patient: Patient) -> None:
    """The broker names somebody who stands by this client; for a few nobody is found yet."""
    draw = random.Random(f"supporter {patient.id}")
    if draw.randrange(100) < WITHOUT_SUPPORTER_PERCENT:
        return
    name = f"{draw.choice(FIRST_NAMES)} {draw.choice(LAST_NAMES)}"
    supporter = SupporterDetails(name, draw.choice(SUPPORTERS), f"01632 960{draw.randrange(1000):03}")
    name_supporter(session, at, town.brokers[patient.broker], town.patients[patient.id].party_id, supporter)


def _budget(town: Town, patient: Patient, now: datetime, then: datetime) -> BudgetDetails:
    left_days = YEARLY_LEFT_DAYS if patient.budget_kind == "yearly" else EPISODIC_LEFT_DAYS
    return BudgetDetails(
        kind=BudgetKind(patient.budget_kind),
        managed_as=ManagedAs(patient.budget_management),
        valid_from=then.date(),
        valid_to=now.date() + timedelta(days=left_days),
        amount_pence=patient.budget_pence,
        holder_id=town.holder.party_id if patient.budget_management == ManagedAs.THIRD_PARTY else None,
        lines=tuple(
            LineDetails(
                service_id=line.service,
                outcome=line.outcome,
                units=line.units,
                budget_pence=line.budget_pence,
                max_distance_m=line.max_distance_m,
                min_grade=line.min_grade or None,
                max_wait_days=line.max_wait_days,
                requires=line.requires,
                usual_distance_m=conventional_distance_m(line.service, patient.home),
            )
            for line in patient.lines
        ),
    )
