"""Made-up but plausible markets: a county of towns, services with going rates, providers who bid on lots.

    generate_market(bundles=1, needs_per_bundle=500, seed=1) -> Market

The same arguments give the same market, byte for byte. A bundle is one service in one town; needs live around the town;
providers sit in or between towns and bid volume tiers, a mobilisation fee and a minimum for the lots they can reach,
sometimes for two lots in one offer. Budgets are set from the service's going rate with a spread, so that some needs can
pay only the cheaper bands: that is what makes such markets hard, and what pooling is for.

The benchmark family "500 needs x 10 offers x 3 tiers" is `generate_market(bundles=1, needs_per_bundle=500, seed=...)`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isqrt
from random import Random
from typing import Any

from matching.market import Market, read_market


@dataclass(frozen=True, slots=True)
class _Service:
    """What a unit usually costs, and how many units people usually need."""

    name: str
    rate_pence: int
    units: tuple[int, ...]


_SERVICES = (
    _Service("physiotherapy", 5200, (6, 8, 10, 12)),
    _Service("hydrotherapy", 4300, (6, 8, 12)),
    _Service("pulmonary rehabilitation", 3600, (8, 12, 16)),
    _Service("podiatry", 3900, (4, 6)),
    _Service("home care", 2450, (20, 40, 60, 90)),
    _Service("respite", 9800, (2, 3, 5)),
)
_ATTRIBUTES = ("home_visit", "step_free", "female_therapist", "polish_spoken")
_COUNTY_M = 60_000
_TOWN_RADIUS_M = 9_000


def generate_market(
    *,
    bundles: int = 1,
    needs_per_bundle: int = 500,
    offers_per_bundle: int = 10,
    tiers: int = 3,
    seed: int = 0,
    pooling: str = "own_budget",
    capacity_permille: int = 1_150,
    package_permille: int = 200,
) -> Market:
    """Make up a market.

    Parameters
    ----------
    bundles
        Lots of the tender.
    needs_per_bundle
        Needs in each lot.
    offers_per_bundle
        Offers that are made for each lot in the first place; packages add a second line to some of them.
    tiers
        Volume bands of every offer, at least 1.
    seed
        Decides everything that is drawn; it is the policy's seed too.
    pooling
        `own_budget` or `shared_pool`.
    capacity_permille
        Capacity of a lot's offers together, per mille of the units wanted there; below 1000 somebody goes without.
    package_permille
        How many of a thousand offers are for two lots together.

    Raises
    ------
    ValueError
        If a count is below 1 (needs: below 0), naming it.
    """
    least = {"bundles": (bundles, 1), "needs_per_bundle": (needs_per_bundle, 0), "tiers": (tiers, 1)}
    least |= {"offers_per_bundle": (offers_per_bundle, 0), "capacity_permille": (capacity_permille, 1)}
    for name, (value, minimum) in least.items():
        if value < minimum:
            raise ValueError(f"{name} must be at least {minimum}, not {value}")
    draw = Random(seed)
    lots = _lots(draw, bundles)
    providers = _providers(draw, max(1, bundles * offers_per_bundle * 7 // 10))
    near = {lot: _nearer(lot, providers, offers_per_bundle) for lot in lots}
    needs_of = {lot: [_need(draw, lot, n, near[lot]) for n in range(needs_per_bundle)] for lot in lots}
    wanted = {lot: sum(need["units"] for need in needs) for lot, needs in needs_of.items()}
    shape = _Shape(offers_per_bundle, tiers, capacity_permille, package_permille)
    offers = _offers(draw, near, wanted, shape)
    used = {offer["provider"] for offer in offers}
    document = {
        "format": "market/1",
        "policy": {
            "pooling": pooling,
            "unmatched": "coverage_first",
            "pence_per_quality_grade": 150,
            "pence_per_km": 30,
            "pence_per_change": 2000,
            "pence_per_wait_day": 20,
            "weight_bounds_permille": [500, 2000],
            "best_grade": 4,
            "seed": seed,
        },
        "bundles": [lot.document() for lot in lots],
        "needs": [need for needs in needs_of.values() for need in needs],
        "providers": [{"id": provider.id} for provider in providers if provider.id in used],
        "offers": offers,
    }
    return read_market(document)


@dataclass(frozen=True, slots=True)
class _Lot:
    """One service in one town."""

    id: str
    service: _Service
    easting_m: int
    northing_m: int

    def document(self) -> dict[str, Any]:
        return {"id": self.id, "service": self.service.name, "min_grade": 1}


@dataclass(frozen=True, slots=True)
class _Seat:
    """A provider's place, grade and temper: how its prices lie beside the going rate."""

    id: str
    easting_m: int
    northing_m: int
    grade: int
    price_permille: int
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Shape:
    offers_per_bundle: int
    tiers: int
    capacity_permille: int
    package_permille: int


def _lots(draw: Random, count: int) -> list[_Lot]:
    width = len(str(count))
    return [_Lot(f"b{number:0{width}}", draw.choice(_SERVICES), *_anywhere(draw)) for number in range(1, count + 1)]


def _anywhere(draw: Random) -> tuple[int, int]:
    """A place in the county: Lincolnshire's corner of the national grid."""
    return 490_000 + draw.randrange(_COUNTY_M), 320_000 + draw.randrange(_COUNTY_M)


def _near(draw: Random, easting_m: int, northing_m: int, radius_m: int) -> tuple[int, int]:
    """A place around another, denser towards the middle: the mean of two uniform draws each way."""
    easting_m += (draw.randint(-radius_m, radius_m) + draw.randint(-radius_m, radius_m)) // 2
    northing_m += (draw.randint(-radius_m, radius_m) + draw.randint(-radius_m, radius_m)) // 2
    return easting_m, northing_m


def _need(draw: Random, lot: _Lot, number: int, near: Sequence[_Seat]) -> dict[str, Any]:
    """One patient's demand; one in eight must have something special, one in six has a provider already."""
    units = draw.choice(lot.service.units)
    easting_m, northing_m = _near(draw, lot.easting_m, lot.northing_m, _TOWN_RADIUS_M)
    # Tens of pence, as care plans write them; between what the cheapest band asks and half as much again.
    budget_pence = units * lot.service.rate_pence * draw.randint(880, 1_350) // 1_000 // 10 * 10
    need: dict[str, Any] = {
        "id": f"{lot.id}n{number + 1:05}",
        "bundle": lot.id,
        "units": units,
        "budget_pence": budget_pence,
        "reserve_pence": units * lot.service.rate_pence * 5 // 4,
        "easting_m": easting_m,
        "northing_m": northing_m,
        "max_distance_m": draw.choice((8_000, 12_000, 16_000, 25_000)),
        "max_wait_days": draw.choice((28, 42, 84)),
        "min_grade": draw.choice((1, 1, 1, 2, 3)),
    }
    if draw.randrange(8) == 0:
        need["requires"] = [draw.choice(_ATTRIBUTES)]
    if draw.randrange(20) == 0:
        need["priority"] = 2
    if draw.randrange(6) == 0:
        need["current_provider"] = draw.choice(near).id
        need["keep_provider"] = draw.randrange(10) == 0
    return need


def _providers(draw: Random, count: int) -> list[_Seat]:
    width = len(str(count))
    return [
        _Seat(
            f"pr{number:0{width}}",
            *_anywhere(draw),
            grade=draw.choice((1, 2, 3, 3, 3, 4)),
            price_permille=draw.randint(880, 1_120),
            attributes=tuple(sorted(word for word in _ATTRIBUTES if draw.randrange(5) < 3)),
        )
        for number in range(1, count + 1)
    ]


def _nearer(lot: _Lot, providers: Sequence[_Seat], offers_per_bundle: int) -> list[_Seat]:
    """The providers that may bid for a lot: as many as there are offers, the nearest first."""
    return sorted(providers, key=lambda seat: (_apart_m(seat, lot), seat.id))[: max(1, offers_per_bundle)]


def _offers(
    draw: Random, near: dict[_Lot, list[_Seat]], wanted: dict[_Lot, int], shape: _Shape
) -> list[dict[str, Any]]:
    """Offers lot by lot, each by one of the nearer providers; some are packages with the nearest other lot."""
    offers = []
    for lot, bidders in near.items():
        for number in range(shape.offers_per_bundle):
            seat = bidders[number % len(bidders)]
            is_package = len(near) > 1 and draw.randrange(1_000) < shape.package_permille
            taken = [lot, _nearest_other(lot, near)] if is_package else [lot]
            together = sum(wanted[each] for each in taken) * shape.capacity_permille // 1_000
            most_units = max(1, together // shape.offers_per_bundle * draw.randint(600, 1_400) // 1_000)
            name = f"{lot.id}o{number + 1:03}"
            offers.append({"id": name} | _offer(draw, seat, taken, most_units, shape.tiers))
    return offers


def _offer(draw: Random, seat: _Seat, taken: Sequence[_Lot], most_units: int, tiers: int) -> dict[str, Any]:
    """One sealed bid of at most so many units: bands that start at equal steps, falling prices."""
    starts = sorted({0, *(most_units * step // (tiers + 1) for step in range(2, tiers + 1))})
    # A branch in the lot's town, so that the bid is of use to those who live there.
    easting_m, northing_m = _near(draw, taken[0].easting_m, taken[0].northing_m, _TOWN_RADIUS_M)
    step_permille = draw.randint(30, 70)
    lines = []
    for lot in taken:
        first_pence = lot.service.rate_pence * seat.price_permille // 1_000 * draw.randint(970, 1_080) // 1_000
        prices = [first_pence * (1_000 - step_permille * band) // 1_000 for band in range(len(starts))]
        bands = [{"from_units": at, "price_pence": price} for at, price in zip(starts, prices, strict=True)]
        lines.append({"bundle": lot.id, "tiers": bands})
    usual_pence = taken[0].service.rate_pence * max(taken[0].service.units)
    return {
        "provider": seat.id,
        "fee_pence": draw.choice((0, 0, usual_pence // 4, usual_pence // 2, usual_pence)),
        "min_units": most_units * draw.choice((0, 100, 200, 300)) // 1_000,
        "max_units": most_units,
        "grade": seat.grade,
        "attributes": list(seat.attributes),
        "first_appointment_days": draw.choice((3, 7, 14, 21, 35)),
        "easting_m": easting_m,
        "northing_m": northing_m,
        "lines": lines,
    }


def _nearest_other(lot: _Lot, lots: Iterable[_Lot]) -> _Lot:
    return min((other for other in lots if other is not lot), key=lambda other: (_apart_m(other, lot), other.id))


def _apart_m(here: _Seat | _Lot, there: _Lot) -> int:
    return isqrt((here.easting_m - there.easting_m) ** 2 + (here.northing_m - there.northing_m) ** 2)
