"""The sheet of an offer, without a site around it: several lots and sites, lines in another order."""

from datetime import date

from werkzeug.datastructures import MultiDict

from marketplace.adapters.spreadsheets import csv_file, read_lines
from marketplace.queries.notices import Lot
from marketplace.records.providers import Site
from marketplace.records.tenders import Tender
from marketplace.web.provider.offer_sheet import heading_line, lines_of, read
from marketplace.web.provider.offer_terms import form_for

TENDER = Tender(id="t0", title="Physiotherapy, Lincoln")
PERIOD = (date(2026, 5, 1), date(2026, 10, 31))
LOTS = [
    Lot("b0", "Physiotherapy", "session", "Lincoln", *PERIOD, "12", 120),
    Lot("b1", "Physiotherapy", "session", "Louth", *PERIOD, "fewer than 8", None),
]
SITES = [Site(id="s0", name="Near clinic", district="LN1"), Site(id="s1", name="Far clinic", district="LN11")]
TYPED = {
    "site_id": "s1",
    "fee_pence": "120.00",
    "exclusive": "spring",
    "bands-1": "60",
    "lines-1-bundle": "b1",
    "lines-1-max_units": "80",
    "lines-1-tiers-0-price_pence": "59.00",
    "lines-1-tiers-1-price_pence": "56.50",
}


def test_an_offer_for_one_lot_of_two_comes_back() -> None:
    """What the form would hold stands in the sheet and is read from it, in whatever order its lines are."""
    lines = lines_of(TENDER, LOTS, SITES, MultiDict(TYPED))
    assert lines[heading_line() - 1][0] == "Lot number"
    assert [line[2] for line in lines[-2:]] == [120, None]
    above, table = lines[: heading_line() - 1], lines[heading_line() - 1 :]
    for mixed in (lines, [*reversed(above), table[0], *reversed(table[1:])]):
        found = read(read_lines(csv_file(mixed)), TENDER, LOTS, SITES)
        assert found.faults == []
        form = form_for(found.typed, LOTS, SITES)
        assert form.validate(), form.errors
        (line,) = form.data.lines
        assert (form.data.site_id, form.data.fee_pence, form.data.exclusive) == ("s1", 12_000, "spring")
        assert (line.bundle, line.max_units) == ("b1", 80)
        assert [(tier.from_units, tier.price_pence) for tier in line.tiers] == [(0, 5_900), (60, 5_650)]


def test_a_site_is_known_by_its_words() -> None:
    """By name, by name and place, in any case; two sites of one name have to be told apart."""
    twins = [*SITES, Site(id="s2", name="Near clinic", district="LN2")]

    def site(text: str) -> str | None:
        found = read(read_lines(csv_file([["From which place", text], ["Lot number"]])), TENDER, LOTS, twins)
        assert bool(found.faults) == (found.typed.get("site_id") == "")
        return found.typed.get("site_id")

    assert (site("far CLINIC"), site("Near clinic, LN2"), site("s0")) == ("s1", "s2", "s0")
    assert (site("Near clinic"), site("Elsewhere")) == ("", "")
