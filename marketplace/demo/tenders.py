"""Three brokers and their tenders: which services are bought together, for which districts, under which policy.

`left_as` is how far the demo drives a tender, so that a visitor finds one in every state. A lot takes in every plan
line of its broker's clients that asks for its service and lies in its districts; lines outside every lot are left for
the visitor to pool.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from marketplace.demo.geography import CITY, COAST, EAST, EAST_INLAND, NORTH, NORTH_RURAL, SOUTH, SOUTH_EAST, SOUTH_WEST
from marketplace.demo.people import Patient, PlanLine
from marketplace.rules.contacts import Contact
from marketplace.rules.sharing import Pooling
from marketplace.rules.tendering import Policy


@dataclass(frozen=True)
class Broker:
    """Somebody who pools and buys for clients, what the commissioner pays it for each, how it is reached (made up)."""

    id: str
    name: str
    fee_pence: int
    contact: Contact


BROKERS = (
    Broker(
        "trentside",
        "Trentside Care Brokers",
        1_500,
        Contact("01632 960 301", "ask@trentside.example.org", "Monday to Friday, 9am to 5pm"),
    ),
    Broker(
        "wolds_and_coast",
        "Wolds and Coast Health Brokerage",
        1_800,
        Contact("01632 960 302", "hello@wolds-and-coast.example.org", "Monday to Friday, 8:30am to 6pm"),
    ),
    Broker("welland", "Welland Valley Patient Brokers", 1_200, Contact("01632 960 303", None, "Every day, 9am to 5pm")),
)
"""The telephone numbers are of the range kept for drama."""


@dataclass(frozen=True)
class Lot:
    """One bundle of a tender: same service, same area, same period."""

    id: str
    tender: str
    broker: str
    service: str
    area: str
    districts: tuple[str, ...]
    period_weeks: int
    min_grade: int
    min_providers: int
    max_providers: int


@dataclass(frozen=True)
class Tender:
    """A broker's call for offers, and the state in which the demo leaves it."""

    id: str
    broker: str
    title: str
    policy: Policy
    left_as: str
    lots: tuple[Lot, ...]


SESSIONS = Policy(pence_per_quality_grade=60, pence_per_km=30, pence_per_wait_day=50, pence_per_change=2_000)
"""For help that people travel to, week after week."""

HELPING_EACH_OTHER = replace(SESSIONS, pooling=Pooling.SHARED_POOL)
"""The same, in a group whose people have agreed to carry a part of what others' care costs."""

AT_HOME = Policy(pence_per_quality_grade=150, pence_per_km=4, pence_per_wait_day=120, pence_per_change=5_000)
"""For hours at home: the carer travels, quality counts, and waiting hurts."""

STAYS = Policy(pence_per_quality_grade=600, pence_per_km=25, pence_per_wait_day=20, pence_per_change=2_000)
"""For nights away: quality above all."""

MIXED_CARE = Policy(pence_per_quality_grade=220, pence_per_km=8, pence_per_wait_day=60, pence_per_change=5_000)

PERIOD_WEEKS = {"home_care": 26, "respite": 30, "pulmonary_rehabilitation": 20}
USUAL_PERIOD_WEEKS = 16
RATED_SERVICES = ("home_care", "respite")
"""For these the regulator's grade can be asked for: lots of them take nobody below 2 (Requires improvement)."""

_NORTH = (("city", "Lincoln and around", CITY), ("rural", "Gainsborough, Caistor and Market Rasen", NORTH_RURAL))
_EAST = (("coast", "Louth and the coast", COAST), ("inland", "Boston, Horncastle and Woodhall Spa", EAST_INLAND))
_SOUTH = (
    ("west", "Grantham, Sleaford, Bourne and Stamford", SOUTH_WEST),
    ("fens", "Spalding, Holbeach and Deeping", SOUTH_EAST),
)
_AREAS = {
    "north": ("Lincoln, Gainsborough and the north", NORTH),
    "east": ("East Lindsey and Boston", EAST),
    "south": ("Kesteven and South Holland", SOUTH),
} | {key: (label, districts) for key, label, districts in (*_NORTH, *_EAST, *_SOUTH)}

_TENDERS: tuple[tuple[str, str, str, Policy, str, tuple[tuple[str, str], ...]], ...] = (
    (
        "T01",
        "trentside",
        "Joints and muscles, Lincoln and the north",
        SESSIONS,
        "awarded",
        (("physiotherapy", "city"), ("physiotherapy", "rural"), ("hydrotherapy", "north")),
    ),
    (
        "T02",
        "trentside",
        "Care at home and respite, the north",
        MIXED_CARE,
        "standstill",
        (("home_care", "north"), ("respite", "north")),
    ),
    (
        "T03",
        "trentside",
        "Breathing classes, the north",
        HELPING_EACH_OTHER,
        "proposed",
        (("pulmonary_rehabilitation", "north"),),
    ),
    (
        "T04",
        "trentside",
        "Foot care and occupational therapy, the north",
        SESSIONS,
        "open",
        (("podiatry", "north"), ("occupational_therapy", "north")),
    ),
    ("T05", "trentside", "Talking therapy, the north", SESSIONS, "withdrawn", (("talking_therapies", "north"),)),
    (
        "T06",
        "wolds_and_coast",
        "Joints and muscles, wolds and coast",
        SESSIONS,
        "proposed",
        (("physiotherapy", "coast"), ("physiotherapy", "inland"), ("hydrotherapy", "east")),
    ),
    (
        "T07",
        "wolds_and_coast",
        "Care at home, wolds and coast",
        AT_HOME,
        "awarded",
        (("home_care", "coast"), ("home_care", "inland")),
    ),
    ("T08", "wolds_and_coast", "Respite stays, wolds and coast", STAYS, "closed", (("respite", "east"),)),
    (
        "T09",
        "wolds_and_coast",
        "Breathing classes and talking therapy, wolds and coast",
        SESSIONS,
        "awarded",
        (("pulmonary_rehabilitation", "east"), ("talking_therapies", "east")),
    ),
    ("T10", "wolds_and_coast", "Foot care, wolds and coast", SESSIONS, "draft", (("podiatry", "east"),)),
    (
        "T11",
        "welland",
        "Joints and muscles, Kesteven and the fens",
        SESSIONS,
        "standstill",
        (("physiotherapy", "west"), ("physiotherapy", "fens"), ("hydrotherapy", "south")),
    ),
    (
        "T12",
        "welland",
        "Care at home and respite, Kesteven and the fens",
        MIXED_CARE,
        "proposed",
        (("home_care", "south"), ("respite", "south")),
    ),
    (
        "T13",
        "welland",
        "Breathing classes, Kesteven and the fens",
        SESSIONS,
        "open",
        (("pulmonary_rehabilitation", "south"),),
    ),
    (
        "T14",
        "welland",
        "Foot care and occupational therapy, Kesteven and the fens",
        SESSIONS,
        "awarded",
        (("podiatry", "south"), ("occupational_therapy", "south")),
    ),
    (
        "T15",
        "welland",
        "Talking therapy, Kesteven and the fens",
        SESSIONS,
        "unsuccessful",
        (("talking_therapies", "south"),),
    ),
)

OFFERS_WANTED = {"unsuccessful": 12}
"""The fewest offers with which a round may run: 2, but this broker asks for more than it will get."""


def tenders() -> tuple[Tender, ...]:
    """Every tender of the demo with its lots."""
    return tuple(
        Tender(
            id=key,
            broker=broker,
            title=title,
            policy=replace(policy, minimum_offers=OFFERS_WANTED.get(left_as, 2)),
            left_as=left_as,
            lots=tuple(_lot(key, broker, position, *lot) for position, lot in enumerate(lots, start=1)),
        )
        for key, broker, title, policy, left_as, lots in _TENDERS
    )


def _lot(tender: str, broker: str, position: int, service: str, area: str) -> Lot:
    label, districts = _AREAS[area]
    rated = service in RATED_SERVICES
    return Lot(
        id=f"{tender}-{position}",
        tender=tender,
        broker=broker,
        service=service,
        area=label,
        districts=districts,
        period_weeks=PERIOD_WEEKS.get(service, USUAL_PERIOD_WEEKS),
        min_grade=2 if rated else 0,
        min_providers=2 if service == "home_care" else 1,
        max_providers=6 if rated else 5,
    )


def lines_of(lot: Lot, patients: Iterable[Patient]) -> tuple[PlanLine, ...]:
    """The plan lines that belong into a lot, in the order of their patients."""
    return tuple(
        line
        for patient in patients
        if patient.broker == lot.broker and patient.district in lot.districts
        for line in patient.lines
        if line.service == lot.service
    )
