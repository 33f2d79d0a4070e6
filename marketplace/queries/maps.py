"""A ring map: people, roughly where they are, providers' sites, and rings at 5, 10 and 20 km.

`ring_map` draws it from `People` and `Pin` (`pin_of` makes one of a site). Here are the figures of the picture only;
``components/maps.html`` puts them on the page as SVG, with the same facts as a table. A dot must never be a home:
whoever is drawn stands in the middle of a square of two kilometres, and all people of one square are one dot.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isqrt

from marketplace.records.providers import Site
from marketplace.rules.quality import rating_words
from marketplace.rules.sites import SiteFacts

SQUARE_M = 2_000
"""The side of the squares in which people are drawn."""
RINGS_M = (5_000, 10_000, 20_000)
"""The rings' distances from the middle of the map."""

SIDE = 520
"""The picture's width and height in its own units."""
MARKER_R = 14
_MIDDLE = SIDE // 2
_OUTER_R = _MIDDLE - 40
_FURTHEST_M = 40_000
"""The map reaches as far as its people and chosen sites, and never further; other sites are told in the table."""
_NEAREST_M = RINGS_M[1]
"""It shows no less than this, however near everything is: one ring alone says little."""
_AWAY = 6 * MARKER_R
"""A marker that would hide people moves so far at most; where they are many, it stands among them."""
_LETTER, _LINE = 11, 22
"""How wide a letter and how high a line of the picture's words are, generously."""
_Place = Callable[[int, int], tuple[int, int]]
_Spot = tuple[int, int, int]
"""What a marker must not cover: where it is, and how far from it the marker's middle stays."""
_Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class People:
    """People at one place, as the records know it (metres of the national grid): how many, and how they are called."""

    easting_m: int
    northing_m: int
    count: int = 1
    label: str = ""


@dataclass(frozen=True, slots=True)
class Pin:
    """A provider's site to be drawn: its names, its rating in words, whether it is the one that the page is about.

    ``distance_m`` is what the table says; without it the distance from the middle of the map is told.
    """

    easting_m: int
    northing_m: int
    name: str
    place: str
    rating: str
    chosen: bool = False
    distance_m: int | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """Words in the picture: the middle of their line."""

    words: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Ring:
    """One ring: its radius in the picture, and its words."""

    radius: int
    words: str


@dataclass(frozen=True, slots=True)
class Dot:
    """The people of one square: where, how big, how many, and how they are called."""

    x: int
    y: int
    radius: int
    count: int
    labels: Sequence[str]


@dataclass(frozen=True, slots=True)
class Marker:
    """A site with the number by which the table tells it; beyond the map's edge ``x`` and ``y`` are None.

    ``led_from`` is where the site is, if its marker had to stand beside it: a line leads there.
    """

    number: int
    pin: Pin
    distance_m: int
    x: int | None
    y: int | None
    led_from: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class RingMap:
    """The finished picture."""

    rings: Sequence[Ring]
    dots: Sequence[Dot]
    markers: Sequence[Marker]
    labels: Sequence[Label]
    side: int = SIDE
    middle: int = _MIDDLE

    @property
    def beyond(self) -> int:
        """How many sites are beyond the map's edge."""
        return sum(1 for marker in self.markers if marker.x is None)

    @property
    def people(self) -> int:
        """How many people are drawn."""
        return sum(dot.count for dot in self.dots)


def pin_of(provider: str, site: Site | SiteFacts, *, chosen: bool = False, distance_m: int | None = None) -> Pin:
    """A provider's site to be drawn, as it is or as an offer states it; the provider's name is not said twice."""
    place = site.name.removeprefix(provider).lstrip(" ,")
    return Pin(
        easting_m=site.easting_m,
        northing_m=site.northing_m,
        name=provider,
        place=f"{place}, {site.district}" if place else site.district,
        rating=rating_words(site.rating),
        chosen=chosen,
        distance_m=distance_m,
    )


def ring_map(people: Sequence[People], pins: Sequence[Pin]) -> RingMap | None:
    """The map around the middle of these people; None where there are none to stand around.

    Sites are numbered from the chosen ones on by their distance. Two that would cover each other, or people, are moved
    apart. The map reaches to the 10 or the 20 km ring, whichever has all of it, or further where its people are.
    """
    if not people:
        return None
    squares: dict[tuple[int, int], list[People]] = defaultdict(list)
    for person in people:
        squares[_square(person.easting_m), _square(person.northing_m)].append(person)
    total = sum(person.count for person in people)
    middle = (
        sum(x * person.count for (x, _), members in squares.items() for person in members) // total,
        sum(y * person.count for (_, y), members in squares.items() for person in members) // total,
    )
    reaches = [_far(middle, pin.easting_m, pin.northing_m) for pin in pins]
    shown = [reach for reach, pin in zip(reaches, pins, strict=True) if pin.chosen]
    shown += [_far(middle, *square) for square in squares]
    near = max([_NEAREST_M, *shown, *(reach for reach in reaches if reach <= RINGS_M[-1])])
    edge_m = min(next((ring_m for ring_m in RINGS_M if ring_m >= near), near), _FURTHEST_M)

    def place(easting_m: int, northing_m: int) -> tuple[int, int]:
        x = _MIDDLE + (easting_m - middle[0]) * _OUTER_R // edge_m
        return x, _MIDDLE - (northing_m - middle[1]) * _OUTER_R // edge_m

    rings = [Ring(ring_m * _OUTER_R // edge_m, f"{ring_m // 1000} km") for ring_m in RINGS_M if ring_m <= edge_m]
    dots = []
    for square, members in sorted(squares.items()):
        count = sum(person.count for person in members)
        if _far(middle, *square) <= edge_m:
            labels = sorted({person.label for person in members if person.label})
            dots.append(Dot(*place(*square), min(7 + 2 * isqrt(count), 22), count, labels))
    markers = _markers(pins, reaches, edge_m, place, [(dot.x, dot.y, dot.radius + MARKER_R) for dot in dots])
    return RingMap(rings, dots, markers, _labels(rings, dots, markers))


def _labels(rings: Sequence[Ring], dots: Sequence[Dot], markers: Sequence[Marker]) -> list[Label]:
    """Words for rings, and for dots where there are several, each where nothing else stands; else none.

    None stands across a ring: the ground behind its letters is one colour.
    """
    taken = [
        (marker.x - MARKER_R, marker.y - MARKER_R, marker.x + MARKER_R, marker.y + MARKER_R)
        for marker in markers
        if marker.x is not None and marker.y is not None
    ]
    taken += [(dot.x - dot.radius, dot.y - dot.radius, dot.x + dot.radius, dot.y + dot.radius) for dot in dots]
    wanted: list[tuple[str, Sequence[tuple[int, int]]]] = []
    for ring in rings:
        half = len(ring.words) * _LETTER // 2
        below = isqrt(max(0, ring.radius**2 - half**2)) - _LINE // 2
        aside = isqrt(max(0, ring.radius**2 - (_LINE // 2) ** 2)) - half
        within = ((0, below), (0, -below), (-aside, 0), (aside, 0))
        beyond = ((0, ring.radius + _LINE // 2 + 1), (0, -ring.radius - _LINE // 2 - 1))
        wanted.append((ring.words, [(_MIDDLE + x, _MIDDLE + y) for x, y in (*within, *beyond)]))
    for dot in dots if len(dots) > 1 else ():
        off = dot.radius + _LINE // 2 + 2
        aside = dot.radius + len(", ".join(dot.labels)) * _LETTER // 2 + 4
        around = ((0, off), (0, -off), (aside, 0), (-aside, 0))
        wanted.append((", ".join(dot.labels), [(dot.x + x, dot.y + y) for x, y in around]))
    labels = []
    for words, spots in wanted:
        half = len(words) * _LETTER // 2
        for x, y in spots if words else ():
            box = (x - half, y - _LINE // 2, x + half, y + _LINE // 2)
            inside = box[0] >= 0 and box[1] >= 0 and box[2] <= SIDE and box[3] <= SIDE
            across = any(_crosses(box, ring.radius) for ring in rings)
            if inside and not across and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                labels.append(Label(words, x, y + 6))
                break
    return labels


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _crosses(box: _Box, radius: int) -> bool:
    """Whether the ring of this radius goes through the box."""
    xs, ys = (box[0] - _MIDDLE, box[2] - _MIDDLE), (box[1] - _MIDDLE, box[3] - _MIDDLE)
    furthest = max(x**2 + y**2 for x in xs for y in ys)
    nearest = max(xs[0], -xs[1], 0) ** 2 + max(ys[0], -ys[1], 0) ** 2
    return nearest < radius**2 < furthest


def _markers(
    pins: Sequence[Pin], reaches: Sequence[int], edge_m: int, place: _Place, people: Sequence[_Spot]
) -> list[Marker]:
    markers: list[Marker] = []
    taken: list[_Spot] = []
    order = sorted(range(len(pins)), key=lambda at: (not pins[at].chosen, reaches[at], pins[at].name, pins[at].place))
    for number, at in enumerate(order, start=1):
        pin = pins[at]
        told_m = pin.distance_m if pin.distance_m is not None else reaches[at]
        if reaches[at] > edge_m:
            markers.append(Marker(number, pin, told_m, None, None))
            continue
        true = place(pin.easting_m, pin.northing_m)
        spot = _free(true, [*taken, *people], _AWAY) or _free(true, taken, SIDE) or true
        taken.append((*spot, 2 * MARKER_R))
        markers.append(Marker(number, pin, told_m, *spot, led_from=None if _covers(spot, true) else true))
    return markers


def _free(wished: tuple[int, int], taken: Sequence[_Spot], furthest: int) -> tuple[int, int] | None:
    """The nearest spot to the wished one that covers nothing, on a spiral of steps around it; None if it is far."""
    for reach in range(0, furthest, MARKER_R):
        for dx, dy in ((0, -1), (1, 0), (0, 1), (-1, 0), (1, -1), (1, 1), (-1, 1), (-1, -1)):
            x, y = wished[0] + dx * reach, wished[1] + dy * reach
            inside = MARKER_R <= x <= SIDE - MARKER_R and MARKER_R <= y <= SIDE - MARKER_R
            if inside and all((x - other_x) ** 2 + (y - other_y) ** 2 >= gap**2 for other_x, other_y, gap in taken):
                return x, y
    return None


def _covers(spot: tuple[int, int], point: tuple[int, int]) -> bool:
    """Whether a marker at this spot covers the point."""
    return (spot[0] - point[0]) ** 2 + (spot[1] - point[1]) ** 2 <= MARKER_R**2


def _square(metres: int) -> int:
    """The middle of the square in which a coordinate lies."""
    return metres // SQUARE_M * SQUARE_M + SQUARE_M // 2


def _far(middle: tuple[int, int], easting_m: int, northing_m: int) -> int:
    return isqrt((easting_m - middle[0]) ** 2 + (northing_m - middle[1]) ** 2)
