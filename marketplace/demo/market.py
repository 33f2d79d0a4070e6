"""`lincolnshire(seed)`: the demo's whole market as one frozen value, without a database.

The same seed gives the same market, to the penny and the metre. Everything that is drawn is drawn here, from sources
named in `data/README.md`; the journey then does with it what it would do with real people.
"""

from dataclasses import dataclass
from functools import cached_property

from marketplace.demo.catalogue import EXCLUDED, ExcludedCategory, Service, services
from marketplace.demo.geography import District, districts
from marketplace.demo.offers import Offer, offers
from marketplace.demo.people import Patient, PlanLine, people
from marketplace.demo.providers import Provider, providers
from marketplace.demo.tenders import BROKERS, Broker, Lot, Tender, lines_of, tenders


@dataclass(frozen=True)
class LincolnshireMarket:
    """Everybody and everything of the demo."""

    seed: int
    districts: tuple[District, ...]
    services: tuple[Service, ...]
    excluded: tuple[ExcludedCategory, ...]
    brokers: tuple[Broker, ...]
    patients: tuple[Patient, ...]
    providers: tuple[Provider, ...]
    tenders: tuple[Tender, ...]
    offers: tuple[Offer, ...]

    @property
    def lots(self) -> tuple[Lot, ...]:
        """Every tender's bundles."""
        return tuple(lot for tender in self.tenders for lot in tender.lots)

    @cached_property
    def lines_by_lot(self) -> dict[str, tuple[PlanLine, ...]]:
        """The plan lines that belong into each lot, by the lot's id."""
        return {lot.id: lines_of(lot, self.patients) for lot in self.lots}

    @cached_property
    def patient_by_id(self) -> dict[str, Patient]:
        """Find a patient."""
        return {patient.id: patient for patient in self.patients}

    @cached_property
    def provider_by_id(self) -> dict[str, Provider]:
        """Find a provider."""
        return {provider.id: provider for provider in self.providers}

    def offers_on(self, tender: Tender) -> tuple[Offer, ...]:
        """The sealed offers on one tender."""
        return tuple(offer for offer in self.offers if offer.tender == tender.id)


def lincolnshire(seed: int, patients: int = 1_300) -> LincolnshireMarket:
    """Draw the market: people from the registers, providers, tenders, and sealed offers on them."""
    drawn_people = people(seed, patients)
    drawn_providers = providers(seed)
    planned = tenders()
    return LincolnshireMarket(
        seed=seed,
        districts=tuple(districts().values()),
        services=tuple(services().values()),
        excluded=EXCLUDED,
        brokers=BROKERS,
        patients=drawn_people,
        providers=drawn_providers,
        tenders=planned,
        offers=offers(seed, planned, drawn_people, drawn_providers),
    )
