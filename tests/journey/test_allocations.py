"""Budgets given, accounts opened, prices changed, by the steps alone, on both databases."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from marketplace.journey import accounts, allocations, budgets, catalogue, passwords, totals, users
from marketplace.journey.allocations import Draft, NewPerson
from marketplace.records.budgets import Budget, BudgetKind, ManagedAs
from marketplace.records.database import writing
from marketplace.records.people import Patient
from marketplace.rules.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound
from marketplace.rules.permissions import Actor, Role
from tests.worlds import SmallWorld, synthetic_nhs_number

PART = budgets.LineDetails("physiotherapy", "Climb the stairs", 10, 60_000)
YEAR = budgets.BudgetDetails(
    BudgetKind.YEARLY, ManagedAs.NOTIONAL, date(2026, 4, 1), date(2027, 3, 31), 70_000, (PART,), id="0" * 16
)


def person(number: int) -> NewPerson:
    return NewPerson("A Person", synthetic_nhs_number(number), 1950, "LN1")


def counts(world: SmallWorld) -> tuple[int, int]:
    found = [world.session.scalar(select(func.count()).select_from(kind)) or 0 for kind in (Patient, Budget)]
    world.session.rollback()
    return found[0], found[1]


def test_all_or_none(world: SmallWorld) -> None:
    """One wrong draft of three keeps everybody out; put right, all are in, and the books balance; again is refused."""
    before = counts(world)
    drafts = [Draft(replace(YEAR, id=str(at) * 16), person=person(600 + at)) for at in range(3)]
    wrong = [*drafts[:2], Draft(replace(YEAR, id="9" * 16), patient_id=world.patients[0].id)]
    with pytest.raises(Conflict) as caught, writing(world.session):
        allocations.allocate_all(world.session, world.now, world.funder, wrong)
    assert caught.value.code == "budget_there"
    assert counts(world) == before
    with writing(world.session):
        allocations.allocate_all(world.session, world.now, world.funder, drafts)
    assert counts(world) == (before[0] + 3, before[1] + 3)
    with pytest.raises(Conflict) as again, writing(world.session):
        allocations.allocate_all(world.session, world.now, world.funder, drafts)
    assert (again.value.code, again.value.facts["budget"] in {draft.details.id for draft in drafts}) == (
        "budget_open",
        True,
    )
    assert world.books_balance()


@pytest.mark.parametrize(
    ("changed", "code", "kind"),
    [
        ({"lines": (replace(PART, service_id="gambling"),)}, "service_excluded", Invalid),
        ({"lines": (replace(PART, service_id="juggling"),)}, "not_found", NotFound),
        ({"valid_from": date(2025, 1, 1), "valid_to": date(2025, 12, 31)}, "period_over", Invalid),
        ({"holder_id": "nobody"}, "holder_not_wanted", Invalid),
    ],
)
def test_what_cannot_be_given(
    world: SmallWorld, changed: dict[str, object], code: str, kind: type[DomainError]
) -> None:
    """Each refusal by its code; nobody is registered by it."""
    before = counts(world)
    draft = Draft(replace(YEAR, **changed), person=person(610))  # type: ignore[arg-type]
    with pytest.raises(kind) as caught, writing(world.session):
        allocations.allocate(world.session, world.now, world.funder, draft)
    assert caught.value.code == code
    assert counts(world) == before


def test_only_a_commissioner(world: SmallWorld) -> None:
    """A broker can neither give nor price nor let anybody in."""
    prices = catalogue.Prices(1, 1, 1, "test")
    details = users.AccountDetails(Role.COMMISSIONER, "X", "x@example.test")
    for step in (
        lambda: allocations.allocate(world.session, world.now, world.broking, Draft(YEAR, person=person(611))),
        lambda: catalogue.change_prices(world.session, world.now, world.broking, "physiotherapy", prices),
        lambda: catalogue.exclude(world.session, world.now, world.broking, "Tobacco", "It harms health."),
        lambda: users.open_for(world.session, world.now, world.broking, details),
        lambda: totals.totals(world.session, world.broking),
    ):
        with pytest.raises(NotAllowed), writing(world.session):
            step()


def test_an_account_on_both_databases(world: SmallWorld) -> None:
    """Opened, a password chosen, signed in; closed, the sign-in that was open is none any more."""
    details = users.AccountDetails(Role.REPRESENTATIVE, "A Daughter", "Daughter@example.test")
    with writing(world.session):
        user, code = users.open_for(world.session, world.now, world.funder, details)
    email, password = "daughter@example.test", "three or four words"
    hashed = passwords.choosable(world.session, world.now, email, code, password)
    with writing(world.session):
        passwords.choose_password(world.session, world.now, email, code, hashed)
    tried = accounts.try_password(world.session, email, password)
    with writing(world.session):
        token = accounts.sign_in(world.session, world.now, tried).token
    assert accounts.actor_of(world.session, world.now, token) == Actor(user.id, Role.REPRESENTATIVE, user.party_id)
    world.session.rollback()
    with writing(world.session):
        users.close(world.session, world.now, world.funder, user.id)
    assert accounts.actor_of(world.session, world.now, token) is None
    world.session.rollback()


def test_a_sum_that_is_kept_is_the_ledgers(world: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """With more budgets than are added up at once it is kept for five minutes, then made anew."""
    monkeypatch.setattr(totals, "ADDED_UP_AT_ONCE", 3)
    assert totals.refresh(world.session, world.now) == 1
    assert totals.refresh(world.session, world.now + timedelta(minutes=4)) == 0
    assert totals.totals(world.session, world.funder).figures.total_pence == 12 * 70_000
    world.session.rollback()
    assert totals.refresh(world.session, world.now + timedelta(minutes=5)) == 1
