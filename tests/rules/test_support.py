"""Who gets extra support, on which grounds; what may be recorded for it, and who may stand by somebody."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.rules.budgets import FundingRules
from marketplace.rules.errors import Invalid
from marketplace.rules.support import CONDITIONS, Ground, SupportFacts, check_facts, check_supporter, grounds_of

ON = date(2026, 3, 2)
EVERYTHING = SupportFacts(birth_year=1930, deprivation_decile=1, lacks_capacity=True, conditions=3)
NOTHING = SupportFacts(birth_year=1990, deprivation_decile=10, lacks_capacity=False, conditions=1)


@pytest.mark.parametrize(
    ("rules", "facts", "grounds"),
    [
        (FundingRules(), EVERYTHING, ()),
        (FundingRules(support_from_age=85), SupportFacts(1941), (Ground.AGE,)),
        (FundingRules(support_from_age=85), SupportFacts(1942, 1, True, 3), ()),
        (FundingRules(support_from_age=0), SupportFacts(2026), (Ground.AGE,)),
        (FundingRules(support_to_decile=2), SupportFacts(1990, 2), (Ground.DEPRIVATION,)),
        (FundingRules(support_to_decile=2), SupportFacts(1990, 3), ()),
        (FundingRules(support_to_decile=10), SupportFacts(1990, None), ()),
        (FundingRules(support_capacity=True), SupportFacts(1990, None, True), (Ground.CAPACITY,)),
        (FundingRules(support_capacity=True), SupportFacts(1930, 1, False, 3), ()),
        (FundingRules(support_conditions=2), SupportFacts(1990, conditions=2), (Ground.CONDITIONS,)),
        (FundingRules(support_conditions=2), SupportFacts(1930, 1, True, 1), ()),
        (FundingRules(support_from_age=85, support_to_decile=1), EVERYTHING, (Ground.AGE, Ground.DEPRIVATION)),
        (FundingRules(85, 12, 85, 1, True, 2), EVERYTHING, tuple(Ground)),
        (FundingRules(85, 12, 85, 1, True, 2), NOTHING, ()),
    ],
)
def test_each_ground_counts_if_it_is_on(rules: FundingRules, facts: SupportFacts, grounds: tuple[Ground, ...]) -> None:
    """By what the commissioner decided and what is known of the person, and by nothing else."""
    assert grounds_of(rules, facts, ON) == grounds


RULES = st.builds(
    FundingRules,
    support_from_age=st.none() | st.integers(0, 120),
    support_to_decile=st.none() | st.integers(1, 10),
    support_capacity=st.booleans(),
    support_conditions=st.none() | st.integers(1, 12),
)
FACTS = st.builds(
    SupportFacts,
    birth_year=st.integers(1900, 2026),
    deprivation_decile=st.none() | st.integers(1, 10),
    lacks_capacity=st.booleans(),
    conditions=st.integers(0, 12),
)


@given(RULES, FACTS)
def test_the_priority_and_the_money_decide_nothing(rules: FundingRules, facts: SupportFacts) -> None:
    """Whatever extra support gives, who gets it stays the same; and a rule without grounds gives it to nobody."""
    richer = FundingRules(
        support_from_age=rules.support_from_age,
        support_to_decile=rules.support_to_decile,
        support_capacity=rules.support_capacity,
        support_conditions=rules.support_conditions,
        support_priority=9,
        support_answer_days=28,
        support_supplement_pence=100_000,
    )
    assert grounds_of(richer, facts, ON) == grounds_of(rules, facts, ON)
    assert grounds_of(FundingRules(), facts, ON) == ()


@pytest.mark.parametrize(
    ("decile", "conditions", "place"),
    [(0, (), "deprivation_decile"), (11, (), "deprivation_decile"), (1, ("copd", "a cold"), "conditions")],
)
def test_only_what_means_something_is_recorded(decile: int, conditions: tuple[str, ...], place: str) -> None:
    check_facts(None, ())
    check_facts(10, CONDITIONS)
    with pytest.raises(Invalid) as caught:
        check_facts(decile, conditions)
    assert caught.value.place == place


@pytest.mark.parametrize("missing", ["name", "who", "reach"])
def test_a_supporter_has_a_name_and_can_be_reached(missing: str) -> None:
    """Stray spaces go; nothing but spaces is nothing."""
    said = {"name": " Ruth Fell ", "who": "Care coordinator", "reach": "01522 000000"}
    assert check_supporter(**said) == ("Ruth Fell", "Care coordinator", "01522 000000")
    with pytest.raises(Invalid) as caught:
        check_supporter(**{**said, missing: "  "})
    assert caught.value.place == missing
