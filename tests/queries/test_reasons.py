"""Every reason that the engine can give is said in a sentence, to a patient and to a broker."""

import re
from pathlib import Path

import pytest

import matching
from marketplace.journey.reasons import AS_GOOD, COST, REFUSED_BEFORE, SEARCH_ENDED
from marketplace.queries import reasons
from matching.eligibility import PAIR_RULES
from matching.moves import PRICE, SIDES

ENGINE = Path(matching.__file__).parent
NAMED = re.compile(r'(?:Verdict|Refusal)\((?:offer\.id, )?"(\w+)"')


def rules() -> set[str]:
    """The names of all rules: of pairs, and of every verdict in the engine (its checker, `verify_*`, tells nobody)."""
    stated = {name for path in ENGINE.glob("[!v]*.py") for name in NAMED.findall(path.read_text())}
    assert {"capacity", "effective_cost", "pairs"} <= stated
    return stated | {rule.__name__ for rule in PAIR_RULES} | {AS_GOOD, REFUSED_BEFORE, SEARCH_ENDED}


@pytest.mark.parametrize("rule", sorted(rules()))
def test_every_rule_has_a_sentence(rule: str) -> None:
    """No patient reads the name of a rule."""
    told = reasons.alternative({"rule": rule, "value": 12, "limit": 10})
    assert told != f"{reasons.words(rule)}."
    assert len(told.split()) >= 4
    assert told.endswith(".")


def test_no_sentence_is_for_a_rule_that_is_not_there() -> None:
    """A rule that was renamed takes its sentence along."""
    assert set(reasons.TO_A_PATIENT) == rules()


@pytest.mark.parametrize("rule", sorted(rule.__name__ for rule in PAIR_RULES))
def test_a_broker_reads_the_figures(rule: str) -> None:
    if rule not in ("excluded", "keep_provider"):  # these have none
        assert reasons.refusal({"rule": rule, "value": 1, "limit": 2}) != reasons.words(rule)


@pytest.mark.parametrize("rule", sorted(reasons.TO_A_PATIENT))
def test_every_rule_has_a_sentence_for_the_person_it_is_about(rule: str) -> None:
    """With figures and without: it ends with a full stop, and shows no code."""
    figures = {"attributes": (None, "step_free")}.get(rule, (12_000, 10_000))
    told = reasons.alternative({"offer": "o", "rule": rule, "value": figures[0], "limit": figures[1]})
    assert told.endswith(".")
    assert "_" not in told
    assert "None" not in told


def test_a_volume_is_counted_in_what_was_tendered() -> None:
    """In hours where it is hours; in units where a tender has services that count differently."""
    full = {"offer": "o", "rule": "capacity", "value": 1_962, "limit": 889}
    assert reasons.alternative(full, "hour") == "It is full. With you it would need 1,962 hours, and it has 889."
    assert reasons.alternative(full) == "It is full. With you it would need 1,962 units, and it has 889."
    least = {"offer": "o", "rule": "minimum_volume", "value": 1, "limit": 40}
    assert reasons.alternative(least, "session") == "It starts from 40 sessions. It would have had 1."


def test_a_place_without_a_rating_is_said_to_have_none() -> None:
    none = {"offer": "o", "rule": "grade", "value": 0, "limit": 2}
    assert reasons.alternative(none) == "It is not rated. You asked for Requires improvement or better."
    some = {"offer": "o", "rule": "grade", "value": 2, "limit": 3}
    assert reasons.alternative(some) == "It is rated Requires improvement. You asked for Good or better."


def test_what_would_be_is_told_of_a_match_that_is_over_as_what_would_have_been() -> None:
    """What an offer would cost, and leaving one's own provider; what was so, stays as it is."""
    dear = {"offer": "o", "rule": "own_budget", "value": 70_000, "limit": 60_000}
    assert reasons.alternative(dear) == "It would cost £700.00. Your share is £600.00."
    assert reasons.alternative(dear, over=True) == "It would have cost £700.00. Your share is £600.00."
    change = {"part": "change", "pence": 2_000, "value": None, "limit": None}
    told = reasons.alternative({"offer": "o", "rule": "effective_cost", "largest": change}, over=True)
    assert told == "You would have left the provider that you have now. All in all, your match came out ahead."


def test_a_rule_without_a_sentence_is_still_said() -> None:
    assert reasons.alternative({"offer": "o", "rule": "some_new_rule"}) == "Some new rule."


def test_every_part_of_a_cost_has_a_sentence() -> None:
    """Only what a market states beside its prices has none: no market of ours states any."""
    assert set(reasons.TO_A_PATIENT_OF_A_PART) == {PRICE, *SIDES} - {"extra"}


@pytest.mark.parametrize(
    ("largest", "told"),
    [
        ({"part": "price", "pence": 8_850, "value": None, "limit": None}, "It would cost your group £88.50 more."),
        ({"part": "quality", "pence": 900, "value": 2, "limit": 4},
         "It is rated Requires improvement. Your match is rated Outstanding."),
        ({"part": "quality", "pence": 900, "value": 0, "limit": 3}, "It is not rated. Your match is rated Good."),
        ({"part": "travel", "pence": 700, "value": 9_000, "limit": 4_900},
         "It is 9 km (5.6 miles) from you. Your match is 4.9 km (3 miles) from you."),
        ({"part": "travel", "pence": 2, "value": 4_940, "limit": 4_900}, "It is a little farther from you."),
        ({"part": "wait", "pence": 150, "value": 20, "limit": 5},
         "Its first visit is within 20 days. With your match it is within 5 days."),
        ({"part": "wait", "pence": 150, "value": 20, "limit": None},
         "Its first visit is within 20 days. With your match no day is named."),
        ({"part": "change", "pence": 900, "value": None, "limit": None},
         "You would leave the provider that you have now."),
    ],
)  # fmt: skip
def test_what_counted_most_is_said_in_its_own_unit(largest: dict[str, object], told: str) -> None:
    """Then that all together decided: no single figure did."""
    row = {"offer": "o", "rule": COST, "value": 10_000, "limit": 0, "largest": largest}
    assert reasons.alternative(row) == f"{told} All in all, your match came out ahead."


def test_the_nearest_to_being_the_match_comes_first() -> None:
    """By what it was behind; then who did not fit, then who is too far away; in whatever order they were stored."""
    rows = [
        {"offer": "b", "rule": "distance", "value": 90_000, "limit": 10_000},
        {"offer": "c", "rule": COST, "value": 900, "limit": 0},
        {"offer": "a", "rule": "grade", "value": 1, "limit": 3},
        {"offer": "e", "rule": "distance", "value": 20_000, "limit": 10_000},
        {"offer": "d", "rule": AS_GOOD, "value": 0, "limit": 0},
        {"offer": "f", "rule": COST, "value": 90, "limit": 0},
        {"offer": "g", "rule": "distance", "limit": 10_000},
    ]
    for stored in (rows, rows[::-1]):
        assert [row["offer"] for row in sorted(stored, key=reasons.how_far_behind)] == [
            "d",
            "f",
            "c",
            "a",
            "e",
            "b",
            "g",
        ]
