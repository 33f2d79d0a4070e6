"""How far a pool reaches: to every site that anybody in it could go to, and not through three counties."""

from math import hypot

from hypothesis import given
from hypothesis import strategies as st

from marketplace.rules.pooling import FAR_M, reach_of

METRES = st.integers(0, 700_000)
PEOPLE = st.lists(st.tuples(METRES, METRES, st.none() | st.integers(1, 200_000)), min_size=1, max_size=8)


@given(PEOPLE, METRES, METRES)
def test_no_site_that_somebody_could_go_to_is_outside(
    people: list[tuple[int, int, int | None]], east: int, north: int
) -> None:
    """However they live apart, and however far each would go."""
    could = any(hypot(east - at[0], north - at[1]) <= (FAR_M if at[2] is None else at[2]) for at in people)
    assert reach_of(people).has(east, north) or not could


def test_what_is_far_is_outside() -> None:
    """Two people ten kilometres apart who would go 20 km: 25 km from the middle, and not a metre more."""
    reach = reach_of([(500_000, 300_000, 20_000), (510_000, 300_000, 5_000)])
    assert reach.has(530_000, 300_000)
    assert not reach.has(530_001, 300_000)
    assert reach_of([(500_000, 300_000, None)]).has(500_000, 350_000)
    assert not reach_of([(500_000, 300_000, None)]).has(500_000, 350_001)
