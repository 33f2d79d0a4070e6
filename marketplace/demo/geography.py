"""The county: its postcode districts, three zones of them, and how many people each register counts there.

A place is a point on the national grid in whole metres. A district's point is the mean of its postcodes; nobody lives
on it: people and sites are scattered around it.
"""

import csv
import random
from dataclasses import dataclass
from functools import cache
from math import isqrt
from pathlib import Path

DATA = Path(__file__).parent / "data"

CITY = ("LN1", "LN2", "LN3", "LN4", "LN5", "LN6")
NORTH_RURAL = ("DN21", "LN7", "LN8")
COAST = ("LN11", "LN12", "LN13", "PE23", "PE24", "PE25")
EAST_INLAND = ("LN9", "LN10", "PE20", "PE21", "PE22")
SOUTH_WEST = ("NG31", "NG32", "NG33", "NG34", "PE9", "PE10")
SOUTH_EAST = ("PE6", "PE11", "PE12")

NORTH = CITY + NORTH_RURAL
EAST = COAST + EAST_INLAND
SOUTH = SOUTH_WEST + SOUTH_EAST
ZONES = {"north": NORTH, "east": EAST, "south": SOUTH}
"""Where each broker has most of its clients; every district is in exactly one."""


@dataclass(frozen=True)
class District:
    """A postcode district: its mean point, and its size in postcodes."""

    name: str
    easting_m: int
    northing_m: int
    postcodes_n: int
    local_authority: str


@dataclass(frozen=True)
class Place:
    """A point on the national grid."""

    easting_m: int
    northing_m: int

    def distance_m(self, other: "Place") -> int:
        """How far, in whole metres, as the crow flies."""
        return isqrt((self.easting_m - other.easting_m) ** 2 + (self.northing_m - other.northing_m) ** 2)


def shipped(name: str) -> list[dict[str, str]]:
    """The rows of one shipped table, as text."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def districts() -> dict[str, District]:
    """Every district of the county by its name."""
    return {
        row["district"]: District(
            name=row["district"],
            easting_m=int(row["easting_m"]),
            northing_m=int(row["northing_m"]),
            postcodes_n=int(row["postcodes_n"]),
            local_authority=row["local_authority"],
        )
        for row in shipped("districts.csv")
    }


@cache
def registers() -> dict[tuple[str, str], int]:
    """People on a register, by (district, condition)."""
    return {(row["district"], row["condition"]): int(row["people"]) for row in shipped("registers.csv")}


def zone_of(district: str) -> str:
    """The zone that a district belongs to."""
    return next(zone for zone, members in ZONES.items() if district in members)


def scatter(draw: random.Random, district: str, spread_m: int) -> Place:
    """A made-up point of a district, rounded to 100 m, most often within `spread_m` of its mean point."""
    centre = districts()[district]
    easting_m = centre.easting_m + draw.randint(-spread_m, spread_m)
    northing_m = centre.northing_m + draw.randint(-spread_m, spread_m)
    return Place(easting_m=easting_m // 100 * 100, northing_m=northing_m // 100 * 100)
