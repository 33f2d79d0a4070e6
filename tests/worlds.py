"""Named small worlds for journeys: `SmallWorld` has a funder, a broker, twelve patients and three providers.

Its verbs walk the real steps, each in its own writing transaction, so that a test can be read like a story.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.journey import (
    awards,
    budgets,
    cancellations,
    contracts,
    deadlines,
    deliveries,
    offers,
    people,
    pools,
    rematch,
    rounds,
    tenders,
)
from marketplace.journey.keys import keyring_of
from marketplace.records import ledger
from marketplace.records.base import seeded_ids
from marketplace.records.budgets import Budget, BudgetKind, Holder, ManagedAs, PlanLine
from marketplace.records.catalogue import Exclusion, Service
from marketplace.records.contracts import Contract, Delivery
from marketplace.records.database import writing
from marketplace.records.ledger import AccountKind
from marketplace.records.offers import ExclusionCode, Offer
from marketplace.records.people import Broker, Commissioner, Patient
from marketplace.records.pools import Bundle, DefaultAnswer, Need
from marketplace.records.providers import Provider
from marketplace.records.rounds import Award, Match, MatchStatus, Round
from marketplace.records.tenders import Tender
from marketplace.rules.budgets import FundingRules
from marketplace.rules.contacts import Contact
from marketplace.rules.permissions import Actor, Role
from marketplace.rules.pooling import BundleTerms
from marketplace.rules.quality import WORDS
from marketplace.rules.sharing import is_shared
from marketplace.rules.tendering import OfferLine, OfferTerms, OfferTier, Policy
from tests.laid import is_empty, keep, lay

SESSIONS = 10
BUDGET_PENCE = 60_000
YEAR = (date(2026, 1, 1), date(2026, 12, 31))
PERIOD = (date(2026, 5, 1), date(2026, 10, 31))
LINCOLN = (497_000, 371_000)
FEN = Contact("01632 960 101", "ask@fen.example.org", "Monday to Friday, 9am to 5pm")
"""How the small world's broker is reached."""


@dataclass
class SmallWorld:
    """Physiotherapy around Lincoln: twelve patients with £600 for ten sessions each, and three providers."""

    session: Session
    now: datetime
    patient_count: int = 12
    managed_as: ManagedAs = ManagedAs.NOTIONAL
    rules: FundingRules | None = None
    budgets_pence: dict[int, int] = field(default_factory=dict)
    policy: Policy = field(default_factory=lambda: Policy(pence_per_quality_grade=300, pence_per_km=30, best_grade=4))
    holder: Holder | None = None
    commissioner: Commissioner = field(init=False)
    broker: Broker = field(init=False)
    patients: list[Patient] = field(init=False)
    providers: dict[str, Provider] = field(init=False)
    tender: Tender = field(init=False)
    bundle: Bundle = field(init=False)

    def found(self) -> "SmallWorld":
        """Catalogue, funder, broker, providers, patients with approved plans.

        A world like one that this process has founded before is laid down as it was (`tests.laid`).
        """
        with writing(self.session):
            fresh = is_empty(self.session)
            if fresh and lay(self.session, self._alike):
                self._take_up()
                return self
        self._found()
        if fresh:
            keep(self.session, self._alike)
            self.session.rollback()
        return self

    @property
    def _alike(self) -> Hashable:
        """What two worlds have in common whose rows are the same."""
        keys = keyring_of(self.session).lookup("world", "of these keys")
        wanted = (self.patient_count, self.managed_as, self.rules, tuple(sorted(self.budgets_pence.items())))
        return (keys, self.now, *wanted)

    def _take_up(self) -> None:
        """Find the people of a world that was laid down."""
        self.commissioner = self.session.scalars(select(Commissioner)).one()
        self.broker = self.session.scalars(select(Broker)).one()
        self.holder = self.session.scalars(select(Holder)).one_or_none()
        named = {provider.name: provider for provider in self.session.scalars(select(Provider))}
        self.providers = {name: named[f"{name.title()} Physio"] for name, _, _ in PROVIDERS}
        self.patients = sorted(self.session.scalars(select(Patient)), key=lambda patient: int(patient.name.split()[1]))

    def _found(self) -> None:
        with seeded_ids(7), writing(self.session):
            self.session.add(
                Service(
                    id="physiotherapy",
                    name="Physiotherapy",
                    unit="session",
                    reference_pence=5_500,
                    conventional_pence=7_906,
                    private_pence=5_500,
                    source="Price list of a practice: https://www.example.org/PhysiotherapyAndRehabilitationPricesAndTerms",
                )
            )
            self.session.add(Exclusion(id="gambling", name="Gambling", reason="it is never care."))
            self.commissioner = people.found_commissioner(self.session, "Lincolnshire funder")
            self.broker = people.approve_broker(self.session, self.now, self.funder, "Fen Brokers", FEN)
            if self.managed_as is ManagedAs.THIRD_PARTY:
                self.holder = budgets.admit_holder(self.session, self.now, self.funder, "Fen Trust")
            if self.rules is not None:
                budgets.set_rules(self.session, self.now, self.funder, self.rules)
            self.providers = {name: self._provider(name, km, grade) for name, km, grade in PROVIDERS}
            self.patients = [self._patient(number) for number in range(1, self.patient_count + 1)]

    @property
    def funder(self) -> Actor:
        return Actor("user-funder", Role.COMMISSIONER, self.commissioner.id)

    @property
    def broking(self) -> Actor:
        return Actor("user-broker", Role.BROKER, self.broker.id)

    @property
    def holding(self) -> Actor:
        """The organisation that keeps the budgets, in a world where one does."""
        assert self.holder is not None
        return Actor("user-holder", Role.HOLDER, self.holder.id)

    def patient(self, number: int) -> Actor:
        return Actor(f"user-p{number}", Role.PATIENT, self.patients[number - 1].id)

    def provider(self, name: str) -> Actor:
        return Actor(f"user-{name}", Role.PROVIDER, self.providers[name].id)

    def draft(self, policy: Policy | None = None, **terms: object) -> "SmallWorld":
        """A draft tender with one lot, everybody invited."""
        policy = policy or self.policy
        with writing(self.session):
            self.tender = tenders.draft_tender(self.session, self.now, self.broking, "Physiotherapy, Lincoln", policy)
            wanted = BundleTerms("physiotherapy", "Lincoln", ("LN1",), *PERIOD, **terms)  # type: ignore[arg-type]
            self.bundle = pools.build_bundle(self.session, self.now, self.broking, self.tender.id, wanted)
            lines = [row.plan_line_id for row in pools.could_join(self.session, self.broking, wanted)]
            pools.invite(self.session, self.now, self.broking, self.bundle.id, lines)
        return self

    def second_lot(self, *numbers: int, area: str = "Stamford") -> Bundle:
        """A second lot of the draft, for these patients, who are asked into it in place of the first."""
        terms = BundleTerms("physiotherapy", area, ("LN1",), *PERIOD)
        with writing(self.session):
            for number in numbers:
                pools.decline_invitation(self.session, self.now, self.patient(number), self.need(number).id)
            self.now += timedelta(minutes=1)
            bundle = pools.build_bundle(self.session, self.now, self.broking, self.tender.id, terms)
            lines = [self.plan_line(number).id for number in numbers]
            pools.invite(self.session, self.now, self.broking, bundle.id, lines)
        return bundle

    def agree(self, *numbers: int, default: DefaultAnswer = DefaultAnswer.ACCEPT) -> "SmallWorld":
        """These patients (all, if none is named) agree, also to share where the pool is shared."""
        shares = is_shared(self.tender.policy)
        for number in numbers or range(1, self.patient_count + 1):
            with writing(self.session):
                pools.agree(
                    self.session,
                    self.now,
                    self.patient(number),
                    self.need(number).id,
                    default,
                    shares_pool=shares,
                )
        return self

    def read(self, number: int) -> dict[str, str]:
        """What a patient's yes names: the hashes of terms and policy as they stand now."""
        bundle = self.need(number).bundle
        return {"terms_sha256": bundle.terms_sha256, "policy_sha256": bundle.tender.policy_sha256}

    def publish(self, days: int = 14) -> "SmallWorld":
        with writing(self.session):
            tenders.publish_tender(
                self.session, self.now, self.broking, self.tender.id, self.now + timedelta(days=days)
            )
        return self

    def offer(
        self, name: str, *prices: tuple[int, int], fee: int = 0, least: int = 0, most: int | None = None
    ) -> Offer:
        """A provider seals an offer: prices are (from units, pence) bands."""
        tiers = tuple(OfferTier(start, price) for start, price in prices)
        terms = OfferTerms(
            site_id=self.providers[name].sites[0].id,
            lines=(OfferLine(self.bundle.id, tiers),),
            fee_pence=fee,
            min_units=least,
            max_units=most,
        )
        with writing(self.session):
            return offers.submit_offer(self.session, self.now, self.provider(name), self.tender.id, terms)

    def three_offers(self, fee: int = 12_000) -> "SmallWorld":
        """Near and dear, far and cheap, cheap only in bulk (with a fee)."""
        self.offer("near", (0, 5_900), (60, 5_600))
        self.offer("far", (0, 5_400))
        self.offer("bulk", (0, 5_700), (100, 4_900), fee=fee, least=40)
        return self

    def later(self, **timespan: float) -> "SmallWorld":
        """Let time pass, and with it whatever falls due."""
        self.now += timedelta(**timespan)
        deadlines.run_due(self.session, self.now)
        return self

    def run_round(self) -> "SmallWorld":
        rounds.run_round(self.session, self.now, self.broking, self.tender.id)
        return self

    def proposed(self, fee: int = 12_000) -> "SmallWorld":
        """As far as a proposal: drafted, agreed, published, three offers, closed, matched."""
        return self.draft().agree().publish().three_offers(fee).later(days=15).run_round()

    def accept(self, *numbers: int) -> "SmallWorld":
        for number in numbers or range(1, self.patient_count + 1):
            with writing(self.session):
                awards.accept_match(self.session, self.now, self.patient(number), self.match(number).id)
        return self

    def decline(self, number: int, reason: str = "too far", *, look_again: bool = True) -> "SmallWorld":
        with writing(self.session):
            awards.decline_match(
                self.session, self.now, self.patient(number), self.match(number).id, reason, look_again=look_again
            )
        return self

    def rematch(self) -> "SmallWorld":
        """The broker has what was refused placed anew."""
        rematch.run_rematch(self.session, self.now, self.broking, self.tender.id)
        return self

    def leave_out(
        self, name: str, reason: str = "Its owner works for us", grounds: ExclusionCode = ExclusionCode.CONFLICT
    ) -> "SmallWorld":
        """The broker leaves this provider's offer out, for a conflict of interest if nothing else is said."""
        offer = next(row for row in self.tender.offers if row.provider_id == self.providers[name].id)
        with writing(self.session):
            cancellations.exclude_offer(self.session, self.now, self.broking, offer.id, grounds, reason)
        return self

    def confirm(self, reasons: str = "The published policy's result, unchanged.") -> "SmallWorld":
        with writing(self.session):
            awards.confirm_award(self.session, self.now, self.broking, self.tender.id, reasons)
        return self

    def awarded(self) -> "SmallWorld":
        """As far as signed contracts for everybody."""
        self.proposed().accept().confirm().later(days=20)
        for contract in self.session.scalars(select(Contract)).all():
            self._sign(contract)
        return self

    def sign(self, *numbers: int) -> "SmallWorld":
        """All parties sign the contracts of these patients."""
        for number in numbers:
            self._sign(self.contract(number))
        return self

    def _sign(self, contract: Contract) -> None:
        signing = [Actor("user-x", Role.PATIENT, contract.patient_id), self.by_provider(contract)]
        for actor in [*signing, self.holding] if self.holder and contract.budget.holder_id else signing:
            with writing(self.session):
                contracts.sign_contract(self.session, self.now, actor, contract.id)

    def by_provider(self, contract: Contract) -> Actor:
        """The provider of a contract."""
        return Actor("user-x", Role.PROVIDER, contract.provider_id)

    def record(self, number: int, units: int = 1) -> Delivery:
        """The provider of a patient's contract records units given today."""
        contract = self.contract(number)
        with writing(self.session):
            return deliveries.record_delivery(
                self.session, self.now, self.by_provider(contract), contract.id, units, self.now.date()
            )

    def deliver(self, number: int, units: int = 1) -> Delivery:
        """The provider of a patient's contract records units, and the patient confirms them."""
        delivery = self.record(number, units)
        with writing(self.session):
            return deliveries.confirm_delivery(self.session, self.now, self.patient(number), delivery.id)

    def budget(self, number: int) -> Budget:
        """The budget of a patient."""
        return self.plan_line(number).budget

    def need(self, number: int) -> Need:
        patient = self.patients[number - 1]
        return self.session.scalars(
            select(Need).where(Need.patient_id == patient.id).order_by(Need.invited_at.desc()).limit(1)
        ).one()

    def match(self, number: int) -> Match:
        return self.session.scalars(
            select(Match)
            .join(Match.award)
            .join(Award.round)
            .where(Match.need_id == self.need(number).id)
            .order_by(Round.number.desc())
            .limit(1)
        ).one()

    def contract(self, number: int) -> Contract:
        return self.session.scalars(select(Contract).where(Contract.patient_id == self.patients[number - 1].id)).one()

    def money(self, number: int) -> dict[str, int]:
        """Where a patient's money is."""
        budget_id = self.plan_line(number).budget_id
        kinds = (AccountKind.AVAILABLE, AccountKind.RESERVED, AccountKind.COMMITTED)
        return {kind.value: ledger.balance_pence(self.session, kind, budget_id) for kind in kinds}

    def plan_line(self, number: int) -> PlanLine:
        patient = self.patients[number - 1]
        return self.session.scalars(
            select(PlanLine).join(PlanLine.budget).where(PlanLine.budget.has(patient_id=patient.id))
        ).one()

    def books_balance(self) -> bool:
        """The sum of all accounts is zero, and every balance is the sum of its entries."""
        return ledger.sum_of_all(self.session) == 0 and not ledger.out_of_balance(self.session)

    def providers_by_patient(self) -> dict[int, str]:
        """Who was matched with whom, of those not refused."""
        names = {provider.id: name for name, provider in self.providers.items()}
        found = {}
        for number in range(1, self.patient_count + 1):
            row = self.session.scalar(
                select(Match).where(
                    Match.need_id == self.need(number).id,
                    Match.status.in_((MatchStatus.PROPOSED, MatchStatus.ACCEPTED)),
                )
            )
            if row is not None:
                found[number] = names[row.award.offer.provider_id]
        return found

    def _provider(self, name: str, km: int, grade: int) -> Provider:
        site = people.SiteDetails(
            name=f"{name} clinic",
            district="LN1",
            easting_m=LINCOLN[0] + km * 1000,
            northing_m=LINCOLN[1],
            services=("physiotherapy",),
            attributes=("step_free",),
            rating=WORDS[grade],
            rating_date=date(2025, 6, 1),
            grade=grade,
            first_appointment_days=14,
        )
        return people.approve_provider(self.session, self.now, self.funder, f"{name.title()} Physio", [site])

    def _patient(self, number: int) -> Patient:
        details = people.PatientDetails(
            name=f"Patient {number:02d}",
            nhs_number=synthetic_nhs_number(number),
            birth_year=1940 + number,
            district="LN1",
            easting_m=LINCOLN[0] + 100 * number,
            northing_m=LINCOLN[1],
        )
        patient = people.register_patient(self.session, self.now, self.funder, details)
        budget_pence = self.budgets_pence.get(number, BUDGET_PENCE)
        line = budgets.LineDetails(
            "physiotherapy", "Walk to the shops again", SESSIONS, budget_pence, max_distance_m=20_000
        )
        budget = budgets.open_budget(
            self.session,
            self.now,
            self.funder,
            patient.id,
            budgets.BudgetDetails(
                BudgetKind.YEARLY,
                self.managed_as,
                *YEAR,
                budget_pence + 10_000,
                (line,),
                holder_id=self.holder.id if self.holder else None,
            ),
        )
        budgets.approve_plan(self.session, self.now, self.funder, budget.id)
        people.choose_broker(self.session, self.now, Actor(f"user-p{number}", Role.PATIENT, patient.id), self.broker.id)
        return patient


PROVIDERS: Sequence[tuple[str, int, int]] = (("near", 1, 3), ("far", 12, 2), ("bulk", 5, 3))


def synthetic_nhs_number(number: int) -> str:
    """The `number`-th valid NHS number of the range kept for made-up people (999...)."""
    found = 0
    for middle in range(10**6):
        digits = f"999{middle:06d}"
        check = 11 - sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=True)) % 11
        if check == 10:
            continue
        found += 1
        if found == number:
            return digits + ("0" if check == 11 else str(check))
    raise ValueError("there are not so many")
