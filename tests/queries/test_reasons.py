"""Every reason that the engine can give is said in a sentence, to a patient and to a broker."""

import re
from pathlib import Path

import pytest

import matching
from marketplace.journey.reasons import AS_GOOD, REFUSED_BEFORE
from marketplace.queries import reasons
from matching.eligibility import PAIR_RULES

ENGINE = Path(matching.__file__).parent
NAMED = re.compile(r'(?:Verdict|Refusal)\((?:offer\.id, )?"(\w+)"')


def rules() -> set[str]:
    """The names of all rules: of pairs, and of every verdict in the engine (its checker, `verify_*`, tells nobody)."""
    stated = {name for path in ENGINE.glob("[!v]*.py") for name in NAMED.findall(path.read_text())}
    assert {"capacity", "effective_cost", "pairs"} <= stated
    return stated | {rule.__name__ for rule in PAIR_RULES} | {AS_GOOD, REFUSED_BEFORE}


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


def test_a_rule_without_a_sentence_is_still_said() -> None:
    assert reasons.alternative({"offer": "o", "rule": "some_new_rule"}) == "Some new rule."
