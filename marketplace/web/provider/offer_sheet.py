"""An offer as a spreadsheet: `lines_of` lays it out (empty: the template), `read` finds it in what comes back.

Above, one thing a line, with its name in column A and its value in B; below, a table with the volume bands and the
lots. Names and limits are the form's own. What `read` finds stands under the form's names, and `place_of` remembers
which cell each came from: so the form's messages are told by line and column.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from werkzeug.datastructures import MultiDict

from marketplace.adapters.spreadsheets import Cell, Line, column_letter
from marketplace.queries.notices import Lot
from marketplace.records.providers import Site
from marketplace.records.tenders import Tender
from marketplace.schemas.offers import LineSchema, OfferSchema
from marketplace.web.files import Fault

from .offer_terms import BANDS, site_words

TENDER, NUMBER, LOT, BANDS_LINE = "Offer on", "Tender number", "Lot number", "Volume bands from (units)"
ASKED = ("site_id", "fee_pence", "min_units", "max_units", "max_distance_m", "exclusive")
"""What is asked for once, in the form's order."""

_TITLES = {str(OfferSchema().fields[name].metadata["title"]): name for name in ASKED}
_LIMITS = {"min_units": 3, "max_units": 4}
_FIRST_PRICE = 5
HEADINGS = (
    LOT,
    "Service and area",
    "Units asked for",
    *(str(LineSchema().fields[name].metadata["title"]) for name in _LIMITS),
    *(f"Price in band {band + 1} (£)" for band in range(BANDS)),
)

Place = tuple[int, int]


@dataclass(slots=True)
class Reading:
    """What an upload holds, under the form's names; where each stands; and what cannot be placed at all."""

    typed: MultiDict[str, str] = field(default_factory=MultiDict)
    place_of: dict[str, Place] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    table_at: int | None = None
    names: dict[int, str] = field(default_factory=dict)

    def fault(self, line: Line, at: int, told: str) -> None:
        """Note what is wrong with a cell."""
        self.faults.append(Fault(line.number, self._column(line.number, at), line.cell(at), told))

    def take(self, name: str, line: Line, at: int) -> None:
        """Note what a cell holds, and that this is where the form's name stands."""
        self.typed[name] = line.cell(at)
        self.place_of[name] = (line.number, at)
        if self.table_at is None:
            self.names[line.number] = line.cell(0)

    def told_by(self, messages: dict[str, str]) -> list[Fault]:
        """The form's messages by line and column, in the order of the lines."""
        found = list(self.faults)
        known = {(fault.line, fault.column) for fault in found}
        for name, message in messages.items():
            place = self._place(name)
            line, column = (place[0], self._column(*place)) if place else (None, "The whole file")
            if (line, column) not in known:
                found.append(Fault(line, column, self.typed.get(name, ""), message))
        return sorted(found, key=lambda fault: (fault.line or 0, fault.column))

    def _column(self, line: int, at: int) -> str:
        """A column by its letter and in words: above the table each line has its own, in it the headings."""
        words = self.names.get(line) or (HEADINGS[at] if self.table_at and at < len(HEADINGS) else "")
        words = words.removesuffix(" (optional)")
        return f"{column_letter(at)} ({words})" if words else column_letter(at)

    def _place(self, name: str) -> Place | None:
        """The cell of a name, or of what it is part of: of a price's lot, of the lots."""
        while name not in self.place_of:
            name, _, last = name.rpartition("-")
            if not last or not name:
                return None
        return self.place_of[name]


def lines_of(
    tender: Tender, lots: Sequence[Lot], sites: Sequence[Site], typed: MultiDict[str, str]
) -> list[list[Cell]]:
    """The sheet of an offer on this tender, with what is `typed` (nothing: the template) in the form's names."""
    site_of = {site.id: site_words(site) for site in sites}
    only = site_words(sites[0]) if len(sites) == 1 else ""
    lines: list[list[Cell]] = [[TENDER, tender.title, "Fill in column B, then the prices below."]]
    lines.append([NUMBER, tender.id, "Leave this as it is."])
    for title, name in _TITLES.items():
        value = site_of.get(typed.get(name, ""), only) if name == "site_id" else _number(typed.get(name, ""))
        lines.append([title, value, _hint(name, sites)])
    lines += [[], list(HEADINGS)]
    bands = ["0", *(typed.get(f"bands-{band}", "") for band in range(1, BANDS))]
    hint = "One price only? Leave the other bands empty."
    lines.append([BANDS_LINE, hint, None, None, None, *(_number(start) for start in bands)])
    for number, lot in enumerate(lots):
        start = f"lines-{number}"
        limits = [_number(typed.get(f"{start}-{name}", "")) for name in _LIMITS]
        prices = [_number(typed.get(f"{start}-tiers-{band}-price_pence", "")) for band in range(BANDS)]
        lines.append([lot.bundle_id, f"{lot.service}, {lot.area}", lot.units, *limits, *prices])
    return lines


def heading_line() -> int:
    """Which line of `lines_of` holds the table's headings."""
    return 2 + len(ASKED) + 2


def read(lines: Sequence[Line], tender: Tender, lots: Sequence[Lot], sites: Sequence[Site]) -> Reading:
    """What a filled-in sheet says. Lines may have moved; each is known by its column A."""
    found = Reading()
    number_of = {lot.bundle_id: number for number, lot in enumerate(lots)}
    below = False
    for line in lines:
        name = line.cell(0)
        if name == LOT:
            below = True
            found.table_at = line.number
            found.place_of["lines"] = (line.number, 0)
        elif below:
            _read_row(found, line, number_of)
        elif name == NUMBER:
            if line.cell(1) != tender.id:
                found.fault(line, 1, "This file is for another tender. Download the template of this one.")
        elif name in _TITLES:
            found.take(_TITLES[name], line, 1)
            if _TITLES[name] == "site_id":
                _read_site(found, line, sites)
        elif name != TENDER:
            found.fault(line, 0, f"We do not know this line. Use the names of the template, such as {HEADINGS[0]}.")
    if not below:
        told = f"We miss the line that begins with {LOT}. Download the template again and fill that in."
        found.faults.append(Fault(None, "The whole file", "", told))
    return found


def _read_row(found: Reading, line: Line, number_of: dict[str, int]) -> None:
    if line.cell(0) == BANDS_LINE:
        if line.cell(_FIRST_PRICE) not in ("", "0"):
            found.fault(line, _FIRST_PRICE, "The first band starts from 0. Put the next ones beside it.")
        for band in range(1, BANDS):
            found.take(f"bands-{band}", line, _FIRST_PRICE + band)
        return
    number = number_of.get(line.cell(0))
    if number is None:
        found.fault(line, 0, "We do not know this lot. Use the lot numbers of the template.")
        return
    start = f"lines-{number}"
    if f"{start}-bundle" in found.typed:
        found.fault(line, 0, "This lot is there twice. Keep one line of it.")
        return
    found.take(f"{start}-bundle", line, 0)
    found.place_of[start] = (line.number, 0)
    for name, at in _LIMITS.items():
        found.take(f"{start}-{name}", line, at)
    for band in range(BANDS):
        found.take(f"{start}-tiers-{band}-price_pence", line, _FIRST_PRICE + band)
        found.place_of[f"{start}-tiers-{band}-from_units"] = (line.number, _FIRST_PRICE + band)
    for at in range(_FIRST_PRICE + BANDS, len(line.cells)):
        if line.cell(at):
            found.fault(line, at, f"There are at most {BANDS} bands. Empty this cell.")


def _read_site(found: Reading, line: Line, sites: Sequence[Site]) -> None:
    typed = line.cell(1).casefold()
    fitting = [site for site in sites if typed in (site_words(site).casefold(), site.name.casefold(), site.id)]
    if len(fitting) == 1:
        found.typed["site_id"] = fitting[0].id
    elif typed:
        found.typed["site_id"] = ""
        found.fault(line, 1, f"Enter one of your places: {'; '.join(site_words(site) for site in sites[:10])}.")


def _hint(name: str, sites: Sequence[Site]) -> str:
    if name == "site_id":
        return "One of: " + "; ".join(site_words(site) for site in sites[:10])
    about = OfferSchema().fields[name].metadata
    unit = {"fee_pence": "In pounds. ", "max_distance_m": "In km. "}.get(name, "")
    return f"{unit}{about.get('description', '')}".strip()


def _number(text: str) -> Cell:
    """A number as a number, so that a spreadsheet takes it for one."""
    if not re.fullmatch(r"\d{1,12}(\.\d\d)?", text):
        return text
    return Decimal(text) if "." in text else int(text)
