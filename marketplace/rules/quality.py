"""The regulator's words for quality, as grades.

Care Quality Commission ratings: Outstanding 4, Good 3, Requires improvement 2, Inadequate 1. What says that there is
no rating is 0: unrated, which is not the same as bad, and pages say so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import Invalid
from .privacy import K, whole_groups, without_nhs_numbers

GRADES = {"outstanding": 4, "good": 3, "requires improvement": 2, "inadequate": 1}
UNRATED = 0
WORDS = {4: "Outstanding", 3: "Good", 2: "Requires improvement", 1: "Inadequate", UNRATED: "Not rated"}
NOT_RATINGS = {
    "": WORDS[UNRATED],
    "not rated": WORDS[UNRATED],
    "no published rating": WORDS[UNRATED],
    "not applicable": WORDS[UNRATED],
    "not yet rated": "Not rated yet",
    "inspected but not rated": "Inspected but not rated",
    "insufficient evidence to rate": "Inspected, but too little was seen for a rating",
}
"""What is published in place of a rating, and how we say it."""
PUBLISHED = (*WORDS.values(), "Inspected but not rated", "Insufficient evidence to rate")
"""What can be published of a site, to choose from."""


def grade_of(rating: str | None) -> int:
    """The grade behind a published rating, however it is spelt; 0 for what is published in place of one.

    Raises
    ------
    Invalid
        If the word is none of the regulator's: a typing error must not become a grade.
    """
    word = _normal(rating)
    if word in NOT_RATINGS:
        return UNRATED
    if word not in GRADES:
        known = ", ".join(PUBLISHED)
        raise Invalid("rating_unknown", f"Enter a rating as published: {known}.", place="rating")
    return GRADES[word]


def rating_words(rating: str | None) -> str:
    """A published rating as pages say it, however it is spelt; what is published in place of one is told apart."""
    grade = grade_of(rating)
    return WORDS[grade] if grade != UNRATED else NOT_RATINGS[_normal(rating)]


def _normal(rating: str | None) -> str:
    return " ".join((rating or "").split()).lower()


MIDDLE_STARS = 3
WORDS_FROM = 3 * K
"""Of so many, the latest who have rated, a provider reads the words: in whole groups, like all that is counted."""
DAMPING = 5
"""A site's ratings are averaged with five imagined ones of three stars: two good ones do not make it the best."""


@dataclass(frozen=True, slots=True)
class PatientEvidence:
    """What patients' ratings say of a site; tenths of a star, None where too few have rated to show it."""

    ratings: int
    damped_tenths: int | None


def patient_evidence(stars: Sequence[int]) -> PatientEvidence:
    """The damped mean of a site's ratings, in the order in which they were given.

    They count by eights (`whole_groups`): two looks differ by nobody's rating or by at least eight people's, so that
    nobody's own can be read off either or off the difference.

    (A Bayesian average: the sum of the ratings and of `DAMPING` imagined ones, over both counts.)
    """
    count = whole_groups(len(stars))
    if not count:
        return PatientEvidence(0, None)
    tenths = 10 * (sum(stars[:count]) + DAMPING * MIDDLE_STARS)
    return PatientEvidence(count, (tenths + (count + DAMPING) // 2) // (count + DAMPING))


def words_to_tell(written: Sequence[str | None]) -> list[str]:
    """What a provider may read of a site's ratings (None: no words, or none for it), in the order they were given.

    Once whole groups of eight have rated, so that what comes new cannot be told from whom was just served; by the
    alphabet, so that no order tells either.
    """
    counted = written[: whole_groups(len(written))]
    return sorted(without_nhs_numbers(words) for words in counted if words)
