"""From the public source tables to the few small files that the demo ships.

    python -m marketplace.demo.derive SOURCE_FOLDER

reads the tables described in the source folder's own notes and writes `marketplace/demo/data/*.csv`, one function per
file. It is run when the sources change, never by the product: what is shipped is read from beside this file. The same
sources give the same bytes, and a test compares them.

Three things happen on the way. Registers of the whole county are apportioned to its postcode districts. Pounds become
whole pence. And providers lose their names: a site keeps its district, kind, rating and the month of the rating, and
gets a pseudonym that is drawn after sorting by exactly these columns, so that it carries nothing else.
"""

import csv
import random
import sys
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

from marketplace.demo.words import SITE_FIRST_WORDS, SITE_SECOND_WORDS
from marketplace.rules.money import apportion, parse_pounds

DATA = Path(__file__).parent / "data"

CARE_BOARD = "NHS Lincolnshire"
COMMISSIONING_GROUP = "71E"
LINCOLNSHIRE_RATINGS = "Lincolnshire ratings file mid-2026"
SMALLEST_DISTRICT_POSTCODES = 30
"""Below this a district is a large user or a sorting office, not a place where people live."""

CONDITIONS = {
    "ast": ("asthma", "Asthma"),
    "copd": ("copd", "Chronic obstructive pulmonary disease"),
    "dm": ("diabetes", "Diabetes (17 and over)"),
    "dep": ("depression", "Depression (18 and over)"),
    "dem": ("dementia", "Dementia"),
    "hf": ("heart_failure", "Heart failure"),
    "mh": ("severe_mental_illness", "Schizophrenia, bipolar disorder and other psychoses"),
    "ra": ("rheumatoid_arthritis", "Rheumatoid arthritis (16 and over)"),
    "ost": ("osteoporosis", "Osteoporosis (50 and over)"),
    "stia": ("stroke", "Stroke and transient ischaemic attack"),
    "ckd": ("chronic_kidney_disease", "Chronic kidney disease (18 and over)"),
    "pc": ("palliative_care", "Palliative care"),
}
"""Column prefix of the register -> our name and its label."""

GRADES = {"Outstanding": 4, "Good": 3, "Requires improvement": 2, "Inadequate": 1}
UNRATED = frozenset(
    {
        "",
        "Not Rated",
        "Not applicable",
        "No published rating",
        "Inspected but not rated",
        "Insufficient evidence to rate",
    }
)

ANCHORED_SERVICES = frozenset(
    {
        "physiotherapy",
        "hydrotherapy",
        "pulmonary_rehabilitation",
        "podiatry",
        "talking_therapies",
        "occupational_therapy",
        "home_care",
        "residential_care",
    }
)

Row = Mapping[str, str]
Cell = str | int


def read(path: Path) -> list[dict[str, str]]:
    """The rows of one table, as text."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def grade_of(rating: str) -> int:
    """The regulator's word as a grade: 4 the best, 1 the worst, 0 where there is none (yet)."""
    if rating in UNRATED:
        return 0
    return GRADES[rating]


def districts(source: Path) -> list[dict[str, Cell]]:
    """Lincolnshire's postcode districts, each with its mean point on the national grid."""
    return [
        {
            "district": row["district"],
            "easting_m": int(row["easting_m"]),
            "northing_m": int(row["northing_m"]),
            "postcodes_n": int(row["postcodes_n"]),
            "local_authority": row["lad_name"],
        }
        for row in read(source / "postcode_districts_england.csv")
        if row["icb_name"] == CARE_BOARD and int(row["postcodes_n"]) >= SMALLEST_DISTRICT_POSTCODES
    ]


def _county_registers(source: Path) -> Row:
    table = read(source / "qof_prevalence_ccg_2019_20.csv")
    return next(row for row in table if row["ccg_ods"] == COMMISSIONING_GROUP)


def register_totals(source: Path) -> list[dict[str, Cell]]:
    """The county's registers as published: one row a condition, and the number of people on practice lists."""
    county = _county_registers(source)
    rows: list[dict[str, Cell]] = [
        {"condition": name, "label": label, "people": int(county[f"{prefix}_register"])}
        for prefix, (name, label) in CONDITIONS.items()
    ]
    everybody = int(county["list_size_all"])
    return [*rows, {"condition": "list_size", "label": "Everybody on a practice list", "people": everybody}]


def registers(source: Path) -> list[dict[str, Cell]]:
    """The county's registers apportioned to its districts by their number of postcodes."""
    places = districts(source)
    weights = [int(place["postcodes_n"]) for place in places]
    rows: list[dict[str, Cell]] = []
    for total in register_totals(source):
        people = int(total["people"])
        shares = apportion(people, weights, caps=[people] * len(weights))
        rows += [
            {"district": place["district"], "condition": total["condition"], "people": share}
            for place, share in zip(places, shares, strict=True)
        ]
    return rows


def kind_of(row: Row) -> str | None:
    """Which of our kinds of provider a rated location is; None for what we do not buy (GP, dental, ambulance ...)."""
    category, services = row["category"], row["service_types"]
    if category == "Residential social care":
        return "care_home"
    if category == "Community based adult social care services" and "Supported Living" not in services:
        return "home_care"
    if category.startswith("Acute hospital") and "non-specialist" in category and "Outpatient" in services:
        return "hospital_outpatients"
    if category.startswith("Community health") and "adults" in services:
        return "community_health"
    return None


def provider_sites(source: Path) -> list[dict[str, Cell]]:
    """The rated sites of our kinds under pseudonyms, sorted by what is kept of them."""
    known = {str(row["district"]) for row in districts(source)}
    table = read(source / "cqc_detailed_regions.csv")
    kept = sorted(
        (kind, row["district"], row["rating"], row["rating_date"][:7])
        for row in table
        if row["source"] == LINCOLNSHIRE_RATINGS and row["district"] in known and (kind := kind_of(row))
    )
    names = _pseudonyms(len(kept), taken={row["name"] for row in table})
    return [
        {
            "name": name,
            "kind": kind,
            "district": district,
            "rating": rating if rating in GRADES else "Not rated",
            "rated_in": rated_in if rating in GRADES else "",
            "grade": grade_of(rating),
        }
        for name, (kind, district, rating, rated_in) in zip(names, kept, strict=True)
    ]


def _pseudonyms(count: int, taken: set[str]) -> list[str]:
    """Made-up names, none of which begins like a real one in the source."""
    real = {name.lower() for name in taken}
    made = [f"{first} {second}" for first in SITE_FIRST_WORDS for second in SITE_SECOND_WORDS]
    free = [name for name in made if not any(other.startswith(name.lower()) for other in real)]
    random.Random("sites of Lincolnshire").shuffle(free)
    if len(free) < count:
        raise ValueError(f"{count} sites need a pseudonym, {len(free)} are free")
    return free[:count]


def price_anchors(source: Path) -> list[dict[str, Cell]]:
    """The prices and costs that the catalogue is anchored to, in pence."""
    return [
        {
            "service": row["service"],
            "unit": row["unit"],
            "price_pence": parse_pounds(row["gbp"]),
            "price_date": row["price_date"],
            "kind": row["kind"],
            "source": row["source"],
            "licence": row["licence"],
        }
        for row in read(source / "price_anchors.csv")
        if row["service"] in ANCHORED_SERVICES
    ]


def pooling_evidence(source: Path) -> list[dict[str, Cell]]:
    """What is published for and against a discount for volume, per mille (blank where no figure was given)."""
    return [
        {
            "measure": row["measure"],
            "value_permille": int(Decimal(row["value"]) * 1000) if row["value"] else "",
            "detail": row["detail"],
            "date": row["date"],
            "source": row["source"],
        }
        for row in read(source / "volume_price_evidence.csv")
    ]


def budget_management(source: Path) -> list[dict[str, Cell]]:
    """How budgets are held, in per cent, for each period where all three ways were published."""
    return [
        {
            "period": row["period"],
            "notional_percent": int(row["notional_pct"]),
            "third_party_percent": int(row["third_party_pct"]),
            "direct_payment_percent": int(row["direct_payment_pct"]),
            "source": row["source"],
        }
        for row in read(source / "phb_statistics_england.csv")
        if row["notional_pct"] and row["third_party_pct"] and row["direct_payment_pct"]
    ]


FILES = {
    "districts.csv": districts,
    "register_totals.csv": register_totals,
    "registers.csv": registers,
    "provider_sites.csv": provider_sites,
    "price_anchors.csv": price_anchors,
    "pooling_evidence.csv": pooling_evidence,
    "budget_management.csv": budget_management,
}


def write(path: Path, rows: Iterable[Mapping[str, Cell]]) -> None:
    """One table, with the same line ends on every system."""
    table = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


def derive(source: Path, target: Path) -> None:
    """Write every shipped file into `target`."""
    for name, table in FILES.items():
        write(target / name, table(source))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m marketplace.demo.derive SOURCE_FOLDER")
    derive(Path(sys.argv[1]), DATA)
