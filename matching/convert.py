"""Published benchmark formats -> a market; decimals -> whole numbers, exactly.

    convert("sscflp", path) -> Converted(market, scale)

Location problems of the literature are special cases of a tender: a facility is an offer, its opening cost the
offer's fee, a customer a need, the demand its units, the cost of serving a customer the price of the whole need
(`pairs[].price_pence`). Nothing is rounded: if the file has costs with decimals, every amount is multiplied by the
least factor that makes all of them whole, and `scale` says which (80 where all are multiples of 1/80: smaller figures
are proven sooner than a power of ten's). A market's cost divided by `scale` is the file's.

| kind | file | market |
|---|---|---|
| sscflp | `m n`, m x (`capacity fixed`), n demands, m rows of n costs | one bundle, capacities, fees |
| ufl | `m n`, m x (`capacity fixed`), n x (demand, m costs) | the same; capacities are ignored |
| pmedian | `vertices edges p`, edges x `i j cost` | one bundle, at most p providers; cost = shortest path |
| pmedcap | `problem best`, `n p Q`, n x `id x y demand` | at most p providers, capacity Q; cost = floor of distance |
| setcover | `m n`, n costs, m x (k, k columns) | a row is a bundle of one need, a column a package for a fee |

An sscflp file and a ufl file hold equally many numbers in another order: nothing in them says which of the two it is.

Sources: Holmberg, Ronnqvist, Yuan 1999 (sscflp); Beasley's OR-Library 1990 (ufl, pmedian, pmedcap, setcover).

Every need can pay its dearest offer and the highest fee together, so neither a budget nor a fee's cover ever binds:
what is left of the market's model is the published problem, provided that everybody can be served.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt, lcm
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

from matching.errors import DocumentError, Fact
from matching.market import Market, read_market

_BUNDLE = "all"

#: 58268, 7500., 6739.72500: digits with at most one point; signs and exponents are in none of the formats.
_NUMBER = re.compile(r"\d{1,15}(\.\d{0,12})?|\.\d{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Converted:
    """A benchmark as a market, and what its amounts were multiplied by.

    Attributes
    ----------
    market
        The market; its least effective cost is the published optimum times `scale`.
    scale
        The least whole factor that leaves no fraction; 1 where the file has none.
    """

    market: Market
    scale: int


def convert(kind: str, path: str | Path) -> Converted:
    """Read a benchmark file of a known kind as a market.

    Parameters
    ----------
    kind
        One of `KINDS`.
    path
        A text file; line ends and spaces separate numbers alike.

    Raises
    ------
    DocumentError
        Unknown kind, or a file that is not of that kind; the place is the file's name and the line.
    """
    if kind not in KINDS:
        known = ", ".join(KINDS)
        raise DocumentError("unknown_kind", "kind", f"{kind!r} is not one of {known}", {"kind": kind, "known": known})
    return KINDS[kind](_Numbers(Path(path)))


class _Numbers:
    """The words of a text file, one after the other, each knowing its line."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise DocumentError("unreadable", str(path), f"cannot be read: {error.strerror}", {}) from error
        except UnicodeDecodeError as error:
            raise DocumentError("unreadable", str(path), "is not a text file", {}) from error
        self._words = [(word, line) for line, row in enumerate(text.splitlines(), start=1) for word in row.split()]
        self._position = 0

    def word(self, what: str) -> str:
        """The next word, whatever it is."""
        if self._position == len(self._words):
            self._refuse("too_short", f"the file ends where {what} should be", what=what)
        word, _ = self._words[self._position]
        self._position += 1
        return word

    def amount(self, what: str) -> Fraction:
        """The next word as a number of at least 0, exactly as written."""
        word = self.word(what)
        if not _NUMBER.fullmatch(word):
            self._refuse("not_a_number", f"{what} should be a number from 0 up, not {word!r}", what=what, found=word)
        return Fraction(word)

    def whole(self, what: str, least: int = 0, most: int | None = None) -> int:
        """The next word as a whole number between two limits; 15.0 is whole."""
        value = self.amount(what)
        if value.denominator != 1:
            self._refuse("not_whole", f"{what} should be a whole number, not {value}", what=what, found=str(value))
        if value < least or (most is not None and value > most):
            limits = f"at least {least}" if most is None else f"between {least} and {most}"
            self._refuse("out_of_range", f"{what} should be {limits}, not {value}", what=what, found=str(value))
        return int(value)

    def end(self) -> None:
        """Nothing may be left over: a file that goes on is of another kind."""
        if self._position < len(self._words):
            word, _ = self._words[self._position]
            self._position += 1
            self._refuse("too_long", f"{word!r} comes after the last number of the problem", found=word)

    def _refuse(self, code: str, message: str, **facts: str) -> NoReturn:
        line = self._words[max(0, self._position - 1)][1] if self._words else 1
        known: dict[str, Fact] = {"file": self._name, "line": line, **facts}
        raise DocumentError(code, f"{self._name} line {line}", message, known)


def _capacitated(numbers: _Numbers) -> Converted:
    """Single-source capacitated facility location: costs facility by facility."""
    facilities, customers = numbers.whole("the number of facilities", 1), numbers.whole("the number of customers", 1)
    opening = [(numbers.amount("a capacity"), numbers.amount("a fixed cost")) for _ in range(facilities)]
    demands = [numbers.whole("a demand", 1) for _ in range(customers)]
    costs = [[numbers.amount("a cost") for _ in range(customers)] for _ in range(facilities)]
    numbers.end()
    fees = [fixed for _, fixed in opening]
    # Demands are whole, so a part of a unit of capacity never serves anybody.
    return _location(demands, [int(capacity) for capacity, _ in opening], fees, costs)


def _uncapacitated(numbers: _Numbers) -> Converted:
    """Uncapacitated facility location: demand and costs customer by customer; the capacity may even be a word."""
    facilities, customers = numbers.whole("the number of facilities", 1), numbers.whole("the number of customers", 1)
    fees = []
    for _ in range(facilities):
        numbers.word("a capacity")
        fees.append(numbers.amount("a fixed cost"))
    demands, rows = [], []
    for _ in range(customers):
        demands.append(numbers.whole("a demand", 1))
        rows.append([numbers.amount("a cost") for _ in range(facilities)])
    numbers.end()
    return _location(demands, [None] * facilities, fees, [list(column) for column in zip(*rows, strict=True)])


def _median(numbers: _Numbers) -> Converted:
    """The p-median problem on an undirected graph; where an edge is given twice, the last value wins."""
    vertices, edges = numbers.whole("the number of vertices", 1), numbers.whole("the number of edges")
    medians = numbers.whole("the number of medians", 1, vertices)
    length: dict[tuple[int, int], int] = {}
    for _ in range(edges):
        ends = sorted(numbers.whole("a vertex", 1, vertices) for _ in range(2))
        length[ends[0] - 1, ends[1] - 1] = numbers.whole("an edge's cost")
    numbers.end()
    heads, tails = [i for i, _ in length], [j for _, j in length]
    graph = csr_array((np.array(list(length.values()), dtype=np.float64), (heads, tails)), shape=(vertices, vertices))
    paths = shortest_path(graph, method="D", directed=False)
    # Whole lengths up to 2^53 are exact in floating point, so the sums are too.
    costs = [[None if np.isinf(d) else Fraction(int(d)) for d in row] for row in paths]
    return _location([1] * vertices, [None] * vertices, [Fraction(0)] * vertices, costs, medians)


def _capacitated_median(numbers: _Numbers) -> Converted:
    """The capacitated p-median problem on points of the plane."""
    numbers.word("the problem's number")
    numbers.word("the best known value")
    points, medians = numbers.whole("the number of points", 1), numbers.whole("the number of medians", 1)
    capacity = numbers.whole("the capacity")
    places, demands = [], []
    for _ in range(points):
        numbers.word("a point's number")
        places.append((numbers.whole("an x"), numbers.whole("a y")))
        demands.append(numbers.whole("a demand", 1))
    numbers.end()
    costs = [[Fraction(isqrt((x - u) ** 2 + (y - v) ** 2)) for u, v in places] for x, y in places]
    return _location(demands, [capacity] * points, [Fraction(0)] * points, costs, medians)


def _set_cover(numbers: _Numbers) -> Converted:
    """Set cover as package offers: who is in use pays one fee and may serve every row it covers."""
    rows, columns = numbers.whole("the number of rows", 1), numbers.whole("the number of columns", 1)
    fees = [numbers.amount("a column's cost") for _ in range(columns)]
    covered: list[set[int]] = [set() for _ in range(columns)]
    for row in range(rows):
        for _ in range(numbers.whole("the number of columns that cover a row", 0, columns)):
            covered[numbers.whole("a column", 1, columns) - 1].add(row)
    numbers.end()
    scale = _scale(fees)
    row_ids, column_ids = _names("row", rows), _names("column", columns)
    budget = max(_scaled(fee, scale) for fee in fees)
    document = {
        "format": "market/1",
        "policy": {},
        "bundles": [{"id": row, "service": "cover"} for row in row_ids],
        "needs": [{"id": row, "bundle": row, "units": 1, "budget_pence": budget} for row in row_ids],
        "providers": [{"id": column} for column in column_ids],
        "offers": [
            {
                "id": column,
                "provider": column,
                "fee_pence": _scaled(fees[j], scale),
                "lines": [_free_line(row_ids[i]) for i in sorted(covered[j])],
            }
            for j, column in enumerate(column_ids)
            if covered[j]
        ],
    }
    return Converted(read_market(document), scale)


def _location(
    demands: Sequence[int],
    capacities: Sequence[int | None],
    fees: Sequence[Fraction],
    costs: Sequence[Sequence[Fraction | None]],
    most_facilities: int | None = None,
) -> Converted:
    """One bundle, one offer per facility, one explicit pair per possible service.

    Parameters
    ----------
    demands
        Per customer, at least 1.
    capacities
        Per facility; None has no limit.
    fees
        Opening cost per facility.
    costs
        [facility][customer]: the whole demand's cost; None cannot be served.
    most_facilities
        At most so many in use; None has no limit.
    """
    scale = _scale([*fees, *(cost for row in costs for cost in row if cost is not None)])
    offers, needs = _names("f", len(fees)), _names("c", len(demands))
    fee_pence = [_scaled(fee, scale) for fee in fees]
    price_pence = [[None if cost is None else _scaled(cost, scale) for cost in row] for row in costs]
    budgets = [max(fee_pence) + max((row[c] or 0 for row in price_pence), default=0) for c in range(len(demands))]
    bundle: dict[str, Any] = {"id": _BUNDLE, "service": "location"}
    if most_facilities is not None:
        bundle["max_providers"] = most_facilities
    document = {
        "format": "market/1",
        "policy": {},
        "bundles": [bundle],
        "needs": [
            {"id": need, "bundle": _BUNDLE, "units": demands[c], "budget_pence": budgets[c]}
            for c, need in enumerate(needs)
        ],
        "providers": [{"id": offer} for offer in offers],
        "offers": [
            {"id": offer, "provider": offer, "fee_pence": fee_pence[f], "lines": [_free_line(_BUNDLE)]}
            | ({} if capacities[f] is None else {"max_units": capacities[f]})
            for f, offer in enumerate(offers)
        ],
        "pairs": [
            {"need": need, "offer": offer, "price_pence": price_pence[f][c]}
            for f, offer in enumerate(offers)
            for c, need in enumerate(needs)
            if price_pence[f][c] is not None
        ],
    }
    return Converted(read_market(document), scale)


def _free_line(bundle: str) -> dict[str, Any]:
    """A line whose units cost nothing: the price is the pair's, or there is only the fee."""
    return {"bundle": bundle, "tiers": [{"from_units": 0, "price_pence": 0}]}


def _names(letter: str, count: int) -> list[str]:
    """Names whose order is the file's order: f001, f002, ..."""
    width = len(str(count))
    return [f"{letter}{number:0{width}}" for number in range(1, count + 1)]


def _scale(amounts: Iterable[Fraction]) -> int:
    """The least factor that makes every amount whole."""
    return lcm(*{amount.denominator for amount in amounts})


def _scaled(amount: Fraction, scale: int) -> int:
    return amount.numerator * (scale // amount.denominator)


KINDS: dict[str, Callable[[_Numbers], Converted]] = {
    "sscflp": _capacitated,
    "ufl": _uncapacitated,
    "pmedian": _median,
    "pmedcap": _capacitated_median,
    "setcover": _set_cover,
}
