"""When a result runs out tells nobody that somebody in the group has longer to answer."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

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
