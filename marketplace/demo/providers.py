"""Those who bid: rated sites of the county under pseudonyms, and synthetic practices that no regulator rates.

Care agencies, care homes and hospital outpatients stand at their real district with their real rating. Practices
(physiotherapy, podiatry, talking and occupational therapy, pools, breathing classes) are made up, at real districts,
and have grade 0: independent practices are not rated by the regulator. Prices, capacity and attributes of both are
synthetic.
"""

import random
from dataclasses import dataclass
from functools import cache

from marketplace.demo.geography import ZONES, Place, districts, scatter, shipped
from marketplace.demo.words import PRACTICE_WORDS

SITE_SPREAD_M = 1_500


@dataclass(frozen=True)
class Site:
    """A rated place of the shipped table."""

    name: str
    kind: str
    district: str
    rating: str
    rated_in: str
    grade: int


@dataclass(frozen=True)
class Provider:
    """A bidder with one site.

    Attributes
    ----------
    price_level_permille
        What it asks in relation to its rivals (1000: the middle).
    size_permille
        How much of the demand within its reach it could serve.
    reach_m
        From how far away its people come, or how far it goes to them: where it does not reach enough of a lot's people,
        it does not offer.
    """

    id: str
    name: str
    kind: str
    services: tuple[str, ...]
    district: str
    site: Place
    rating: str
    rated_in: str
    grade: int
    synthetic: bool
    attributes: tuple[str, ...]
    first_appointment_days: int
    price_level_permille: int
    size_permille: int
    reach_m: int


@dataclass(frozen=True)
class Kind:
    """What a kind of provider sells and how it usually is; `counts` is what one without a rating shows for itself."""

    label: str
    services: tuple[str, ...]
    attribute_percent: dict[str, int]
    reach_km: tuple[int, int]
    size_permille: tuple[int, int]
    counts: str = ""


KINDS = {
    "home_care": Kind("home care agency", ("home_care",), {"home_visit": 100, "evening": 70}, (22, 42), (130, 330)),
    "care_home": Kind("care home", ("respite",), {"step_free": 85}, (35, 60), (130, 340)),
    "hospital_outpatients": Kind(
        "hospital outpatients",
        ("physiotherapy", "hydrotherapy", "pulmonary_rehabilitation"),
        {"step_free": 100},
        (35, 55),
        (180, 360),
    ),
    "community_health": Kind(
        "community health service",
        ("physiotherapy", "podiatry", "pulmonary_rehabilitation", "occupational_therapy"),
        {"step_free": 100, "home_visit": 60},
        (35, 55),
        (180, 340),
    ),
    "physiotherapy_practice": Kind(
        "physiotherapy practice",
        ("physiotherapy",),
        {"step_free": 70, "home_visit": 35, "evening": 60},
        (25, 42),
        (130, 320),
        "could walk further at the end than at the start",
    ),
    "pool": Kind(
        "therapy pool",
        ("hydrotherapy", "physiotherapy"),
        {"step_free": 95, "evening": 40},
        (40, 60),
        (300, 600),
        "had less pain on the stairs at the end than at the start",
    ),
    "breathing_classes": Kind(
        "breathing classes",
        ("pulmonary_rehabilitation",),
        {"step_free": 85, "evening": 30},
        (30, 48),
        (190, 400),
        "got further in a six-minute walk at the end",
    ),
    "podiatry_practice": Kind(
        "podiatry practice",
        ("podiatry",),
        {"step_free": 75, "home_visit": 45, "evening": 30},
        (25, 42),
        (180, 380),
        "had no new sore in the half year after",
    ),
    "counselling_practice": Kind(
        "counselling practice",
        ("talking_therapies",),
        {"step_free": 60, "evening": 65},
        (35, 55),
        (190, 400),
        "said at the end that they slept better",
    ),
    "occupational_therapy_practice": Kind(
        "occupational therapy practice",
        ("occupational_therapy",),
        {"step_free": 70, "home_visit": 85},
        (32, 50),
        (250, 500),
        "could do one more thing at home without help",
    ),
}

CONVENTIONAL_KINDS = ("hospital_outpatients", "community_health")
"""Real services at real districts: what a patient of the conventional package travels to."""

RATED_PER_ZONE = {"home_care": 6, "care_home": 4}

PRACTICE_DISTRICTS = {
    "physiotherapy_practice": (
        "LN1", "LN2", "LN6", "DN21", "LN8", "LN11", "PE21", "PE25", "LN12", "NG31", "NG34", "PE9", "PE11", "PE10",
    ),
    "pool": ("LN6", "PE25", "PE21", "NG31"),
    "breathing_classes": ("LN5", "DN21", "LN11", "PE21", "NG34", "PE11"),
    "podiatry_practice": ("LN2", "LN5", "DN21", "LN11", "PE21", "PE25", "NG31", "NG34", "PE11", "PE10",),
    "counselling_practice": ("LN1", "LN4", "LN11", "PE21", "PE25", "NG34", "NG31", "PE11",),
    "occupational_therapy_practice": ("LN6", "LN2", "DN21", "LN11", "PE21", "NG31", "NG34", "PE11",),
}  # fmt: skip
"""Synthetic practices, one per entry, at these real districts."""


def sites() -> list[Site]:
    """Every rated site that is shipped."""
    return [
        Site(row["name"], row["kind"], row["district"], row["rating"], row["rated_in"], int(row["grade"]))
        for row in shipped("provider_sites.csv")
    ]


def providers(seed: int) -> tuple[Provider, ...]:
    """Draw the bidders: rated sites first, then practices."""
    draw = random.Random(f"providers {seed}")
    rated = _rated_sites(draw)
    names = draw.sample(PRACTICE_WORDS, k=len(PRACTICE_WORDS))
    practices = [
        Site(_practice_name(names, kind), kind, district, "Not rated", "", 0)
        for kind, places in PRACTICE_DISTRICTS.items()
        for district in places
    ]
    return tuple(
        _provider(draw, f"V{i:03d}", site, synthetic=i > len(rated))
        for i, site in enumerate(rated + practices, start=1)
    )


@cache
def _conventional_places(service: str) -> tuple[Place, ...]:
    """Where the county's hospitals and community services treat outpatients: the mean points of their districts."""
    kinds = [kind for kind in CONVENTIONAL_KINDS if service in KINDS[kind].services]
    found = {site.district for site in sites() if site.kind in kinds}
    return tuple(Place(districts()[name].easting_m, districts()[name].northing_m) for name in sorted(found))


def conventional_distance_m(service: str, home: Place) -> int | None:
    """How far the nearest conventional outpatient service is; None for what is not given at such a place."""
    return min((home.distance_m(place) for place in _conventional_places(service)), default=None)


def _practice_name(names: list[str], kind: str) -> str:
    return f"{names.pop()} {KINDS[kind].label.replace('practice', '').strip()}"


def _rated_sites(draw: random.Random) -> list[Site]:
    """Agencies and homes zone by zone, spread over districts; every hospital; one odd rating of each sort."""
    pool = sites()
    draw.shuffle(pool)
    chosen = [site for site in pool if site.kind in ("hospital_outpatients", "community_health")]
    for zone in ZONES.values():
        for kind, count in RATED_PER_ZONE.items():
            chosen += _spread([site for site in pool if site.kind == kind and site.district in zone], count)
    for kind, grade in (("home_care", 0), ("home_care", 4), ("care_home", 0), ("care_home", 1), ("care_home", 4)):
        if not any(site.kind == kind and site.grade == grade for site in chosen):
            chosen.append(next(site for site in pool if site.kind == kind and site.grade == grade))
    return sorted(chosen, key=lambda site: (site.kind, site.district, site.name))


def _spread(candidates: list[Site], count: int) -> list[Site]:
    """The first candidate of each district in turn, until there are `count`."""
    taken: list[Site] = []
    while len(taken) < count:
        seen: set[str] = set()
        for site in candidates:
            if site not in taken and site.district not in seen and len(taken) < count:
                taken.append(site)
                seen.add(site.district)
    return taken


def _provider(draw: random.Random, key: str, site: Site, *, synthetic: bool) -> Provider:
    kind = KINDS[site.kind]
    quality_permille = 22 * (site.grade - 2) if site.grade else 0
    return Provider(
        id=key,
        name=site.name,
        kind=site.kind,
        services=kind.services,
        district=site.district,
        site=scatter(draw, site.district, SITE_SPREAD_M),
        rating=site.rating,
        rated_in=site.rated_in,
        grade=site.grade,
        synthetic=synthetic,
        attributes=tuple(name for name, percent in kind.attribute_percent.items() if draw.randrange(100) < percent),
        first_appointment_days=draw.choice((3, 5, 7, 7, 10, 10, 14, 14, 18, 21, 28, 35)),
        price_level_permille=draw.randint(920, 1080) + quality_permille,
        size_permille=draw.randint(*kind.size_permille),
        reach_m=draw.randint(*kind.reach_km) * 1_000,
    )


def own_evidence(provider: Provider) -> str:
    """What a practice without a rating says of itself: made up like all of it, the same each time; empty if nothing."""
    counts = KINDS[provider.kind].counts
    if provider.grade or not counts:
        return ""
    draw = random.Random(f"evidence of {provider.name}")
    people = draw.randint(40, 160)
    better = people * draw.randint(55, 85) // 100
    return f"We ask everybody at the first and at the last visit. Of {people} people last year, {better} {counts}."


def contact_of(provider: Provider) -> str:
    """How people reach it: a number out of those that are kept for made-up people (Ofcom), the same each time."""
    return f"Telephone 01632 960{random.Random(f'telephone of {provider.name}').randint(0, 999):03d}"
