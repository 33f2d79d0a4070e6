"""The Lincolnshire market: as large as promised, in whole numbers, and the same for the same seed."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import nhs_number
import pytest

from marketplace.demo.catalogue import services
from marketplace.demo.geography import ZONES, Place, districts
from marketplace.demo.market import LincolnshireMarket, lincolnshire
from marketplace.demo.providers import CONVENTIONAL_KINDS, KINDS, conventional_distance_m, sites
from marketplace.rules.lifecycle import TenderStatus


@pytest.fixture(scope="module")
def market() -> LincolnshireMarket:
    return lincolnshire(seed=7)


def values_named(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Every plain value inside, with the name of the field that holds it."""
    if is_dataclass(value):
        for item in fields(value):
            yield from values_named(getattr(value, item.name), item.name)
    elif isinstance(value, tuple):
        for member in value:
            yield from values_named(member, name)
    else:
        yield name, value


def test_the_same_seed_gives_the_same_market(market: LincolnshireMarket) -> None:
    assert lincolnshire(seed=7) == market
    assert lincolnshire(seed=8) != market


def test_it_is_as_large_as_promised(market: LincolnshireMarket) -> None:
    assert len(market.patients) == 1_300
    assert len(market.services) >= 6
    assert len(market.brokers) == 3
    assert len(market.providers) >= 40
    assert len(market.tenders) >= 8
    assert len(market.lots) >= 15
    assert len(market.offers) >= 70
    assert set(Counter(patient.broker for patient in market.patients)) == {broker.id for broker in market.brokers}


def test_amounts_are_whole_numbers(market: LincolnshireMarket) -> None:
    for name, value in values_named(market):
        assert not isinstance(value, float), name
        if name.endswith(("_pence", "_m", "_units", "_permille", "_days")) or name == "units":
            assert value is None or type(value) is int, name


def test_offers_have_the_forms_the_engine_knows(market: LincolnshireMarket) -> None:
    assert any(offer.fee_pence for offer in market.offers)
    assert any(offer.min_units for offer in market.offers)
    assert any(len(offer.lines) > 1 for offer in market.offers)
    assert any(line.min_units for offer in market.offers for line in offer.lines)
    for offer in market.offers:
        bands = {tuple(tier.from_units for tier in line.tiers) for line in offer.lines}
        assert len(bands) == 1, "bands are of the offer's total: all lines state the same"
        (starts,) = bands
        assert starts[0] == 0
        assert list(starts) == sorted(set(starts))
        assert sum(line.min_units for line in offer.lines) <= offer.min_units <= offer.max_units
        for line in offer.lines:
            prices = [tier.price_pence for tier in line.tiers]
            assert prices == sorted(prices, reverse=True)
            assert prices[-1] > 0


def test_everybody_is_synthetic(market: LincolnshireMarket) -> None:
    numbers = [patient.nhs_number for patient in market.patients]
    assert len(set(numbers)) == len(numbers)
    assert all(number.startswith("999") for number in numbers)
    assert all(nhs_number.is_valid(number, for_region=nhs_number.REGION_SYNTHETIC) for number in numbers)


def test_nobody_lives_on_a_districts_own_point(market: LincolnshireMarket) -> None:
    for patient in market.patients:
        centre = districts()[patient.district]
        assert (patient.home.easting_m, patient.home.northing_m) != (centre.easting_m, centre.northing_m)
        assert patient.home.easting_m % 100 == patient.home.northing_m % 100 == 0


def test_a_budget_covers_its_plan(market: LincolnshireMarket) -> None:
    for patient in market.patients:
        assert patient.lines
        assert sum(line.budget_pence for line in patient.lines) <= patient.budget_pence
        for line in patient.lines:
            assert line.conventional_pence == line.units * services()[line.service].conventional_pence


def test_budgets_are_managed_as_published(market: LincolnshireMarket) -> None:
    ways = Counter(patient.budget_management for patient in market.patients)
    assert 750 <= ways["notional"] * 1000 // len(market.patients) <= 850
    assert set(ways) == {"notional", "third_party", "direct_payment"}


def test_only_the_regulators_kinds_are_rated(market: LincolnshireMarket) -> None:
    for provider in market.providers:
        assert (provider.grade == 0) == (provider.rating == "Not rated")
        assert not (provider.synthetic and provider.grade)
    assert {provider.grade for provider in market.providers} == {0, 1, 2, 3, 4}
    names = [provider.name for provider in market.providers]
    assert len(set(names)) == len(names)


def test_a_plan_line_belongs_into_one_lot_at_most(market: LincolnshireMarket) -> None:
    pooled = [line.id for lot in market.lots for line in market.lines_by_lot[lot.id]]
    assert len(set(pooled)) == len(pooled)
    everything = sum(len(patient.lines) for patient in market.patients)
    assert 850 <= len(pooled) * 1000 // everything < 1000, "a few are left for the visitor to pool"


def test_the_first_people_do_not_depend_on_how_many_follow() -> None:
    few, more = lincolnshire(seed=3, patients=40), lincolnshire(seed=3, patients=60)
    assert [patient.name for patient in few.patients] == [patient.name for patient in more.patients[:40]]


def test_tenders_are_left_in_states_the_table_knows(market: LincolnshireMarket) -> None:
    states = {tender.left_as for tender in market.tenders}
    assert states <= {status.value for status in TenderStatus}
    assert {"draft", "open", "closed", "proposed", "standstill", "awarded"} <= states
    assert {
        zone for zone, members in ZONES.items() for lot in market.lots if set(lot.districts) <= set(members)
    } == set(ZONES)


def test_every_price_of_the_catalogue_says_where_it_comes_from(market: LincolnshireMarket) -> None:
    for service in market.services:
        assert 0 < service.reference_pence <= service.conventional_pence
        assert service.reference_pence < service.private_pence
        assert service.conventional_source
        assert service.private_source
        assert service.reference_source
    assert all(category.reason for category in market.excluded)


def test_the_usual_service_is_the_nearest_real_one() -> None:
    """From Lincoln's own district the hospital is where it is; home care has no place to travel to."""
    lincoln = districts()["LN2"]
    home = Place(lincoln.easting_m, lincoln.northing_m + 3_000)
    hospitals = [
        districts()[site.district]
        for site in sites()
        if site.kind in CONVENTIONAL_KINDS and "physiotherapy" in KINDS[site.kind].services
    ]
    nearest_m = min(home.distance_m(Place(place.easting_m, place.northing_m)) for place in hospitals)
    assert conventional_distance_m("physiotherapy", home) == nearest_m
    assert conventional_distance_m("home_care", home) is None
