"""The regulator's words for quality, as grades.

Care Quality Commission ratings: Outstanding 4, Good 3, Requires improvement 2, Inadequate 1. What says that there is
no rating is 0: unrated, which is not the same as bad, and pages say so.
"""

from .errors import Invalid

GRADES = {"outstanding": 4, "good": 3, "requires improvement": 2, "inadequate": 1}
NOT_RATINGS = frozenset(
    {
        "",
        "not rated",
        "not yet rated",
        "inspected but not rated",
        "no published rating",
        "not applicable",
        "insufficient evidence to rate",
    }
)
UNRATED = 0
WORDS = {4: "Outstanding", 3: "Good", 2: "Requires improvement", 1: "Inadequate", UNRATED: "Not rated"}


def grade_of(rating: str | None) -> int:
    """The grade behind a published rating, however it is spelt; 0 for what is published in place of one.

    Raises
    ------
    Invalid
        If the word is none of the regulator's: a typing error must not become a grade.
    """
    word = " ".join((rating or "").split()).lower()
    if word in NOT_RATINGS:
        return UNRATED
    if word not in GRADES:
        known = ", ".join(WORDS.values())
        raise Invalid("rating_unknown", f"Enter a rating as published: {known}.", place="rating")
    return GRADES[word]
