"""When extra support ends because its budget is over: nothing more is decided or paid, and the supporter goes."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from sqlalchemy.orm import Session

from marketplace.journey import budgets, funds, leaving, support, supporters
from marketplace.records.budgets import Budget, BudgetKind, ManagedAs, PlanStatus
from marketplace.records.database import writing
from marketplace.rules.errors import WrongState
from tests.journey.test_support import RULES, events, name, record, set_rules, told
from tests.worlds import SmallWorld

AFTER_THE_YEAR = datetime(2027, 1, 2, 9, tzinfo=UTC)


@pytest.fixture
def world(session: Session, monday: datetime) -> SmallWorld:
    """Three patients under the rule; the first of them is 85 this year and has support, the others have none."""
    return SmallWorld(session, monday, patient_count=3, rules=RULES).found()


def end_by_time(world: SmallWorld) -> None:
    world.now = AFTER_THE_YEAR


def end_by_leaving(world: SmallWorld) -> None:
    for number in (1, 2):
        with writing(world.session):
            leaving.choose_conventional(world.session, world.now, world.patient(number), world.budget(number).id)


@pytest.mark.parametrize("end", [end_by_time, end_by_leaving])
def test_a_budget_that_is_over_gets_no_support(end: Callable[[SmallWorld], None], world: SmallWorld) -> None:
    """Under a rule that would give it and pay for it: no review is noted, and nothing is decided or paid."""
    set_rules(world, support_from_age=84)
    end(world)
    budget, before = world.budget(2), world.money(2)
    with pytest.raises(WrongState, match="has ended"), writing(world.session):
        budgets.review_plan(world.session, world.now, world.funder, budget.id, "Going well, same plan")
    with writing(world.session):
        support.decide_support(world.session, world.now, world.funder, budget)
    assert (budget.extra_support_at, budget.support_grounds, world.money(2)) == (None, [], before)
    assert not {"extra_support", "plan_reviewed"} & set(told(world, 2))
    assert world.books_balance()


def further_budget(world: SmallWorld, number: int, until: date) -> Budget:
    """Another budget of this patient, its plan not approved yet."""
    line = budgets.LineDetails("physiotherapy", "Climb the stairs", 10, 20_000)
    year = (BudgetKind.YEARLY, ManagedAs.NOTIONAL, date(2026, 2, 1), until)
    details = budgets.BudgetDetails(*year, 20_000, (line,))
    with writing(world.session):
        return budgets.open_budget(world.session, world.now, world.funder, world.patients[number - 1].id, details)


def approve(world: SmallWorld, budget: Budget) -> None:
    with writing(world.session):
        budgets.approve_plan(world.session, world.now, world.funder, budget.id)


def test_the_plan_of_a_budget_that_is_over_is_not_approved(world: SmallWorld) -> None:
    """Nothing could be bought with it: no message, no support, no money."""
    budget = further_budget(world, 1, until=date(2026, 3, 3))
    world.later(days=2)
    with pytest.raises(WrongState, match="has ended"):
        approve(world, budget)
    assert (budget.plan_status, budget.extra_support_at) == (PlanStatus.DRAFTED, None)
    assert world.books_balance()


def standing(world: SmallWorld, number: int) -> str | None:
    """Who stands by a patient."""
    patient_id = world.patients[number - 1].id
    row = supporters.supporters_of(world.session, [patient_id]).get(patient_id)
    return row.name if row else None


def test_a_supporter_goes_when_the_time_of_support_is_over(world: SmallWorld) -> None:
    """Whether or not money is left; later support brings no old name back, and who still has it keeps theirs."""
    record(world, 2, lacks_capacity=True)
    for number in (1, 2):
        name(world, number, world.funder)
    with writing(world.session):
        held = world.money(1)["available"]
        funds.reclaim(
            world.session, world.now, world.funder, world.budget(1).id, held, "Not needed", request_id="all-of-it"
        )
    approve(world, further_budget(world, 2, until=date(2027, 6, 30)))
    world.now = AFTER_THE_YEAR
    world.later().later()
    assert [standing(world, number) for number in (1, 2)] == [None, "Ruth Fell"]
    [ended] = events(world, "supporter.ended")
    assert (ended.about_id, list(ended.facts)) == (world.patients[0].id, ["supporter"])
    approve(world, further_budget(world, 1, until=date(2027, 6, 30)))
    assert support.is_supported(world.session, world.now, world.patients[0].id)
    assert standing(world, 1) is None


def test_a_supporter_goes_with_whoever_leaves(world: SmallWorld) -> None:
    """At once where it was their last budget with support, not where another gives it."""
    record(world, 2, lacks_capacity=True)
    for number in (1, 2):
        name(world, number, world.funder)
    left = world.budget(2)
    approve(world, further_budget(world, 2, until=date(2027, 6, 30)))
    with writing(world.session):
        leaving.choose_conventional(world.session, world.now, world.patient(1), world.budget(1).id)
        leaving.choose_conventional(world.session, world.now, world.patient(2), left.id)
    assert [standing(world, number) for number in (1, 2)] == [None, "Ruth Fell"]
    assert world.books_balance()
