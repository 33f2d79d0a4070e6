"""What a provider may state of a site, and what an offer carries of it."""

from datetime import date, timedelta

import pytest

from marketplace.rules.errors import Invalid
from marketplace.rules.quality import GRADES, NOT_RATINGS, PUBLISHED, UNRATED, WORDS, grade_of, rating_words
from marketplace.rules.sites import LONGEST_EVIDENCE, SiteFacts, SiteStatement, check_statement

TODAY = date(2026, 3, 2)
SAID = {"own_evidence": "Nine of ten walked further.", "own_evidence_date": TODAY}


def statement(**changed: object) -> SiteStatement:
    return SiteStatement(**{"name": "Clinic", "services": ("physiotherapy",), **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize("changed", [{}, SAID, {"first_appointment_days": 0}, {"first_appointment_days": 365}])
def test_a_sound_statement(changed: dict[str, object]) -> None:
    check_statement(statement(**changed), UNRATED, TODAY)


@pytest.mark.parametrize(
    ("changed", "grade", "place"),
    [
        ({"name": "  "}, UNRATED, "name"),
        ({"services": ()}, UNRATED, "services"),
        ({"first_appointment_days": -1}, UNRATED, "first_appointment_days"),
        ({"first_appointment_days": 366}, UNRATED, "first_appointment_days"),
        ({"contact": "1" * 201}, UNRATED, "contact"),
        (SAID, 1, "own_evidence"),
        ({**SAID, "own_evidence": None}, UNRATED, "own_evidence"),
        ({**SAID, "own_evidence": "x" * (LONGEST_EVIDENCE + 1)}, UNRATED, "own_evidence"),
        ({**SAID, "own_evidence_date": None}, UNRATED, "own_evidence_date"),
        ({**SAID, "own_evidence_date": TODAY + timedelta(days=1)}, UNRATED, "own_evidence_date"),
    ],
)
def test_what_cannot_be_stated(changed: dict[str, object], grade: int, place: str) -> None:
    """Each refusal names the field."""
    with pytest.raises(Invalid) as refused:
        check_statement(statement(**changed), grade, TODAY)
    assert refused.value.place == place


def test_facts_are_read_back() -> None:
    """What is sealed is read back the same, dates and gaps included; the attributes have one order."""
    facts = SiteFacts("Clinic", "LN1", 497_000, 371_000, ("step_free", "evening"), None, 3, "Good", TODAY, None, None)
    again = SiteFacts.from_document(facts.document())
    assert again.attributes == ("evening", "step_free")
    assert again.document() == facts.document()
    assert (again.rating_date, again.own_evidence_date, again.first_appointment_days) == (TODAY, None, None)


def test_every_published_word_is_said() -> None:
    """A grade has one word; what is published in place of a rating is told in words that name no grade."""
    assert {rating_words(word) for word in GRADES} == set(WORDS.values()) - {WORDS[UNRATED]}
    assert rating_words(" inspected  but NOT rated ") == "Inspected but not rated"
    assert rating_words(None) == rating_words("No published rating") == "Not rated"
    assert not {rating_words(word) for word in NOT_RATINGS} & {rating_words(word) for word in GRADES}
    assert {grade_of(word) for word in PUBLISHED} == set(WORDS)
