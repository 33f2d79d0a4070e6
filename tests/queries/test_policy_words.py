"""What has changed in a group's rules is told to those who agreed to the old ones: every rule has its words."""

from dataclasses import fields, replace

import pytest

from marketplace.queries.policy_words import changes
from marketplace.rules.sharing import Pooling
from marketplace.rules.tendering import Policy, policy_document


@pytest.mark.parametrize("name", [field.name for field in fields(Policy)])
def test_each_rule_of_a_policy_has_words(name: str) -> None:
    """Whichever is changed alone is told of, in one place, and nothing else is."""
    before = Policy()
    other = Pooling.SHARED_POOL if name == "pooling" else getattr(before, name) - 1 or 2
    if name.startswith("pence_"):
        other = 250
    now = replace(before, **{name: other})
    assert len(changes(policy_document(before), policy_document(now), "session")) == 1


def test_a_rule_that_no_form_asks_for_is_told_too() -> None:
    """How the matching itself goes about it stands in the document, and may be another one after an update."""
    before = policy_document(Policy())
    now = {**before, "matching": {**before["matching"], "weight_bounds_permille": [400, 2000], "unmatched": "other"}}
    assert changes(before, now, "session") == ["How the offers are matched has changed."]


def test_the_best_grade_is_told_in_the_regulators_words() -> None:
    before, now = policy_document(Policy(best_grade=4)), policy_document(Policy(best_grade=3))
    assert changes(before, now, "session") == ["The best rating that counts was Outstanding before. Now it is Good."]
