"""When a result runs out tells nobody that somebody in the group has longer to answer."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from marketplace.journey import budgets
from marketplace.records.database import writing
from marketplace.rules.budgets import FundingRules
from marketplace.rules.clock import london_date, london_midnight_after
from tests.worlds import SmallWorld

RULES = FundingRules(support_from_age=85, support_answer_days=5)


@pytest.mark.parametrize(
    ("rules", "longer", "confirm_longer"),
    [(RULES, 5, 5), (replace(RULES, support_from_age=99), 0, 5), (FundingRules(), 0, 0)],
    ids=["somebody has", "somebody could have", "nobody can have"],
)
def test_the_broker_s_last_day_is_the_same_whether_somebody_has_longer(
    session: Session, monday: datetime, rules: FundingRules, longer: int, confirm_longer: int
) -> None:
    """The first patient is 85 this year. The wait for answers is theirs; the last day to confirm is the rule's."""
    world = SmallWorld(session, monday, patient_count=3, rules=rules).found().proposed(fee=0)
    tender = world.tender
    days = tender.answer_days + tender.policy["process"]["confirm_within_days"]
    today = london_date(world.now)
    assert tender.answers_due_at == london_midnight_after(today + timedelta(days=tender.answer_days + longer))
    assert tender.confirm_by == london_midnight_after(today + timedelta(days=days + confirm_longer))


@pytest.mark.parametrize("joined", [(1, 2, 3), (2, 3)], ids=["somebody has", "nobody here has"])
def test_nor_does_it_where_the_rule_gave_more_days_before(
    session: Session, monday: datetime, joined: tuple[int, ...]
) -> None:
    """What was decided under the old rule still holds for the first patient: the date counts on it without them too."""
    world = SmallWorld(session, monday, patient_count=3, rules=replace(RULES, support_answer_days=14)).found()
    with writing(session):
        budgets.set_rules(session, world.now, world.funder, RULES)
    world.draft().agree(*joined).publish().three_offers(fee=0).later(days=15).run_round()
    tender = world.tender
    days = tender.answer_days + tender.policy["process"]["confirm_within_days"] + 14
    assert tender.confirm_by == london_midnight_after(london_date(world.now) + timedelta(days=days))
