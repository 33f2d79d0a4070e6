"""What patients' ratings say in public: by eights, so that no look and no difference of two looks is one person's."""

from hypothesis import given
from hypothesis import strategies as st

from marketplace.rules.privacy import K
from marketplace.rules.quality import patient_evidence, words_to_tell

STARS = st.lists(st.integers(1, 5), max_size=40)


@given(STARS)
def test_two_looks_differ_by_nobody_or_by_eight(stars: list[int]) -> None:
    """One rating more either changes nothing, or eight came since the figure that stood before."""
    before, after = patient_evidence(stars[:-1]), patient_evidence(stars)
    assert before == after or after.ratings - before.ratings == K
    assert (after.damped_tenths is None) is (len(stars) < K)


@given(STARS)
def test_the_mean_is_drawn_to_the_middle(stars: list[int]) -> None:
    """Ratings above three stars stay above, and further down than their plain mean."""
    counted = stars[: patient_evidence(stars).ratings]
    tenths = patient_evidence(stars).damped_tenths
    if tenths is not None:
        low, high = sorted((30.0, 10 * sum(counted) / len(counted)))
        assert low - 0.5 <= tenths <= high + 0.5


def test_no_number_of_a_person_is_told() -> None:
    """An NHS number that somebody wrote is hidden from the provider."""
    assert words_to_tell(["I am 999 000 0018", *[None] * 7]) == ["I am [number hidden]"]
