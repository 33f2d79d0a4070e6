"""Sealed offers, all made up: prices around the guide prices, with bands, fees, minimums and several lots at once.

A provider offers where enough of a lot's people live within its reach. It asks its own price level of the guide price,
gives a discount for volume of the size that is published (`pooling_evidence.csv`), and may want a fee for setting up
or a minimum that makes a clinic day worth while. What is not in reach, too dear, too small or too poorly rated leaves
needs unmatched: that is part of the picture.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from marketplace.demo.catalogue import services
from marketplace.demo.people import Patient, PlanLine
from marketplace.demo.providers import Provider
from marketplace.demo.tenders import Lot, Tender, lines_of

BIDS_PERCENT = 88
"""How often a provider that could offer does."""

WITHIN_REACH_PERMILLE = 240
"""The share of a lot's people within reach below which a provider leaves the lot alone."""

PRICE_LEVEL_PERMILLE = {"home_care": 925, "respite": 1000}
USUAL_PRICE_LEVEL_PERMILLE = 1040
"""Where a service's offers lie around the guide price. Care at home is bought in bulk already, and published personal
budgets for it cost 17 per cent less than the conventional package; elsewhere the guide has the block discount in it."""

FIRST_DISCOUNT_PERMILLE = (25, 60)
SECOND_DISCOUNT_PERMILLE = (70, 125)
"""The published block and group discounts are 10 to 17 per cent; most are smaller."""


@dataclass(frozen=True)
class Tier:
    """A band of the offer's total units: from so many on, this price for every unit."""

    from_units: int
    price_pence: int


@dataclass(frozen=True)
class OfferLine:
    """An offer's part for one lot."""

    lot: str
    min_units: int
    max_units: int
    tiers: tuple[Tier, ...]


@dataclass(frozen=True)
class Offer:
    """One sealed bid of one provider on one or more lots of a tender."""

    id: str
    tender: str
    provider: str
    fee_pence: int
    min_units: int
    max_units: int
    lines: tuple[OfferLine, ...]


@dataclass(frozen=True)
class Reach:
    """What one provider can reach of one lot: units in all, and of those who live near enough."""

    lot: Lot
    units: int
    near_units: int


def offers(
    seed: int, tenders: Sequence[Tender], patients: Sequence[Patient], providers: Sequence[Provider]
) -> tuple[Offer, ...]:
    """Draw every tender's offers, in the order of tenders and providers."""
    homes = {patient.id: patient for patient in patients}
    made: list[Offer] = []
    for tender in tenders:
        demand = {lot.id: lines_of(lot, patients) for lot in tender.lots}
        for provider in providers:
            draw = random.Random(f"offer {seed} {tender.id} {provider.id}")
            reached = _reached(provider, tender, demand, homes)
            if reached and draw.randrange(100) < BIDS_PERCENT:
                made.append(_offer(draw, f"O{len(made) + 1:03d}", tender, provider, reached))
    return tuple(made)


def _reached(
    provider: Provider, tender: Tender, demand: Mapping[str, Sequence[PlanLine]], homes: Mapping[str, Patient]
) -> list[Reach]:
    reached = []
    for lot in tender.lots:
        if lot.service not in provider.services:
            continue
        near = [line for line in demand[lot.id] if _near(provider, homes[line.patient])]
        if near and len(near) * 1000 >= WITHIN_REACH_PERMILLE * len(demand[lot.id]):
            units = sum(line.units for line in demand[lot.id])
            reached.append(Reach(lot=lot, units=units, near_units=sum(line.units for line in near)))
    return reached


def _near(provider: Provider, patient: Patient) -> bool:
    return provider.site.distance_m(patient.home) <= provider.reach_m


def _offer(draw: random.Random, key: str, tender: Tender, provider: Provider, reached: Sequence[Reach]) -> Offer:
    near_units = sum(reach.near_units for reach in reached)
    max_units = max(24, near_units * provider.size_permille // 1000)
    bands = _bands(draw, max_units)
    lines = tuple(_line(draw, provider, reach, bands, max_units, alone=len(reached) == 1) for reach in reached)
    revenue_pence = max_units * max(line.tiers[0].price_pence for line in lines)
    fee_pence = 0 if draw.randrange(100) < 45 else revenue_pence * draw.randint(5, 18) // 1000 // 2_500 * 2_500
    least_units = sum(line.min_units for line in lines)
    wanted_units = 0 if draw.randrange(100) < 45 else max_units * draw.randint(6, 22) // 100
    return Offer(
        id=key,
        tender=tender.id,
        provider=provider.id,
        fee_pence=fee_pence,
        min_units=max(wanted_units, least_units),
        max_units=max_units,
        lines=lines,
    )


def _bands(draw: random.Random, max_units: int) -> tuple[tuple[int, int], ...]:
    """Bands as (from units, discount per mille); one, two or three of them."""
    first = (max(5, max_units * draw.randint(22, 38) // 100), draw.randint(*FIRST_DISCOUNT_PERMILLE))
    second = (first[0] + max(5, max_units * draw.randint(24, 36) // 100), draw.randint(*SECOND_DISCOUNT_PERMILLE))
    return ((0, 0), first, second)[: draw.choice((1, 2, 2, 3, 3))]


def _line(
    draw: random.Random,
    provider: Provider,
    reach: Reach,
    bands: Sequence[tuple[int, int]],
    max_units: int,
    *,
    alone: bool,
) -> OfferLine:
    service = services()[reach.lot.service]
    level_permille = (
        PRICE_LEVEL_PERMILLE.get(service.code, USUAL_PRICE_LEVEL_PERMILLE) * provider.price_level_permille // 1000
    )
    price_pence = service.reference_pence * (level_permille + draw.randint(-25, 25)) // 1000
    small = not alone and draw.randrange(100) < 20
    return OfferLine(
        lot=reach.lot.id,
        min_units=max_units * 5 // 100 if small else 0,
        max_units=max_units if alone else min(max_units, max(12, reach.near_units * draw.randint(350, 700) // 1000)),
        tiers=tuple(
            Tier(from_units=from_units, price_pence=_rounded(price_pence * (1000 - discount) // 1000))
            for from_units, discount in bands
        ),
    )


def _rounded(price_pence: int) -> int:
    """Prices end on 0 or 5, as people write them."""
    return price_pence // 5 * 5
