"""The ring map: nobody's home is on it, every site is told, and no marker hides another."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.queries.maps import MARKER_R, SIDE, SQUARE_M, People, Pin, ring_map

places = st.tuples(st.integers(400_000, 480_000), st.integers(300_000, 380_000))


def pin(easting_m: int, northing_m: int, *, chosen: bool = False) -> Pin:
    return Pin(easting_m, northing_m, "Physio", "Clinic", "Good", chosen=chosen)


@given(people=st.lists(places, min_size=1, max_size=12), sites=st.lists(places, max_size=12))
@settings(max_examples=60, deadline=None)
def test_everybody_and_everything_is_told_once(people: list[tuple[int, int]], sites: list[tuple[int, int]]) -> None:
    """All sites have a number of their own, markers stay within the picture, and nobody is drawn twice."""
    found = ring_map([People(*place) for place in people], [pin(*place) for place in sites])
    assert found is not None
    assert found.people <= len(people)
    assert [marker.number for marker in found.markers] == list(range(1, len(sites) + 1))
    for marker in found.markers:
        assert (marker.x is None) == (marker.y is None)
        if marker.x is not None and marker.y is not None:
            assert 0 <= marker.x <= SIDE
            assert 0 <= marker.y <= SIDE


@given(place=places, step=st.integers(0, SQUARE_M - 1))
@settings(max_examples=40, deadline=None)
def test_a_dot_is_no_home(place: tuple[int, int], step: int) -> None:
    """Wherever in a square of two kilometres somebody lives, the picture is the same, sites included."""
    corner = (place[0] // SQUARE_M * SQUARE_M, place[1] // SQUARE_M * SQUARE_M)
    site = pin(place[0] + 3_000, place[1], chosen=True)
    at_corner, elsewhere = (ring_map([People(corner[0] + shift, corner[1] + shift)], [site]) for shift in (0, step))
    assert at_corner == elsewhere


def test_sites_at_one_address_stand_beside_each_other() -> None:
    found = ring_map([People(497_000, 371_000)], [pin(500_000, 371_000) for _ in range(6)])
    assert found is not None
    spots = [(marker.x, marker.y) for marker in found.markers if marker.x is not None and marker.y is not None]
    assert len(spots) == 6
    for at, (x, y) in enumerate(spots):
        for other_x, other_y in spots[:at]:
            assert (x - other_x) ** 2 + (y - other_y) ** 2 >= (2 * MARKER_R) ** 2


def test_the_chosen_site_is_number_one_and_what_is_far_is_told_in_the_table_only() -> None:
    found = ring_map(
        [People(497_000, 371_000)], [pin(498_000, 371_000), pin(505_000, 371_000, chosen=True), pin(597_000, 371_000)]
    )
    assert found is not None
    assert [marker.pin.chosen for marker in found.markers] == [True, False, False]
    assert found.markers[2].x is None
    assert found.markers[2].distance_m > 99_000
    assert [ring.words for ring in found.rings] == ["5 km", "10 km"]


@pytest.mark.parametrize(
    ("away_m", "chosen", "rings"),
    [
        (4_500, True, ["5 km", "10 km"]),
        (12_000, False, ["5 km", "10 km", "20 km"]),
        (30_000, True, ["5 km", "10 km", "20 km"]),
        (30_000, False, ["5 km", "10 km"]),
    ],
)
def test_the_map_reaches_as_far_as_what_is_on_it(away_m: int, chosen: bool, rings: list[str]) -> None:
    """Nobody near is crowded into the innermost ring, and no place within 20 km is left off."""
    found = ring_map([People(497_000, 371_000)], [pin(497_000 + away_m, 371_000, chosen=chosen)])
    assert found is not None
    assert [ring.words for ring in found.rings] == rings
    assert (found.markers[0].x is None) == (away_m > 20_000 and not chosen)


def test_no_marker_hides_people() -> None:
    """A site in the midst of people stands beside them, and a line leads to where it is."""
    people = [People(497_000, 371_000, 9), People(501_000, 371_000, 9)]
    found = ring_map(people, [pin(497_000, 371_000, chosen=True), pin(499_000, 380_000, chosen=True)])
    assert found is not None
    hiding, apart = found.markers[1], found.markers[0]
    if hiding.led_from is None:
        hiding, apart = apart, hiding
    assert hiding.led_from in {(dot.x, dot.y) for dot in found.dots}
    assert apart.led_from is None
    for marker in found.markers:
        assert marker.x is not None
        assert marker.y is not None
        for dot in found.dots:
            assert (marker.x - dot.x) ** 2 + (marker.y - dot.y) ** 2 >= (MARKER_R + dot.radius) ** 2


def test_people_of_one_square_are_one_dot() -> None:
    found = ring_map([People(497_000, 371_000, 3, "LN1"), People(497_400, 371_000, 2, "LN2")], [])
    assert found is not None
    assert [(dot.count, dot.labels) for dot in found.dots] == [(5, ["LN1", "LN2"])]
    assert ring_map([], []) is None


@given(people=st.lists(places, min_size=2, max_size=8), sites=st.lists(places, max_size=10))
@settings(max_examples=40, deadline=None)
def test_words_stand_where_nothing_else_does(people: list[tuple[int, int]], sites: list[tuple[int, int]]) -> None:
    found = ring_map(
        [People(*place, label=f"LN{number}") for number, place in enumerate(people)], [pin(*place) for place in sites]
    )
    assert found is not None
    for label in found.labels:
        for marker in found.markers:
            if marker.x is not None and marker.y is not None:
                assert abs(label.x - marker.x) > MARKER_R or abs(label.y - marker.y) > MARKER_R
