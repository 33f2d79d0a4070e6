"""Leaving for the usual care: the pages say what can be left, what stands in the way, and where the money goes."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from marketplace.journey import contracts, leaving, pools
from marketplace.queries import budgets
from marketplace.records.budgets import PlanLine
from marketplace.records.catalogue import Service
from marketplace.records.database import writing
from marketplace.records.ledger import AccountKind, TransferKind, balance_pence
from marketplace.rules.preferences import Preferences
from tests.web.reading import grade_of, sentences_of
from tests.web.site import Site
from tests.web.test_easy_read import main_part, same
from tests.web.test_reading_age import MOST_GRADE, MOST_WORDS
from tests.worlds import SmallWorld

P1 = "p1@example.test"


def nothing_yet(world: SmallWorld) -> None:
    pass


def asked(world: SmallWorld) -> None:
    world.draft()


def agreed(world: SmallWorld) -> None:
    world.draft().agree()


def pooled(world: SmallWorld) -> None:
    world.draft().agree().publish()


def closed(world: SmallWorld) -> None:
    world.draft().agree().publish().three_offers().later(days=15)


def proposed(world: SmallWorld) -> None:
    world.proposed()


def made_again(world: SmallWorld) -> None:
    world.proposed().leave_out("bulk")


def accepted_and_made_again(world: SmallWorld) -> None:
    world.proposed().accept(1).leave_out("bulk")


def too_late_to_answer(world: SmallWorld) -> None:
    world.proposed()
    world.now = world.match(1).answer_by + timedelta(minutes=1)


def accepted(world: SmallWorld) -> None:
    world.proposed().accept()


def confirmed(world: SmallWorld) -> None:
    world.proposed().accept().confirm()


def unmatched(world: SmallWorld) -> None:
    world.draft().agree()
    with writing(world.session):
        near = Preferences(max_distance_m=500)
        pools.set_preferences(world.session, world.now, world.patient(1), world.need(1).id, near)
    world.publish().three_offers().later(days=15).run_round()


def to_sign(world: SmallWorld) -> None:
    world.proposed().accept().confirm().later(days=20)


def half_signed(world: SmallWorld) -> None:
    to_sign(world)
    with writing(world.session):
        contracts.sign_contract(world.session, world.now, world.patient(1), world.contract(1).id)


def in_force(world: SmallWorld) -> None:
    to_sign(world)
    world.sign(1)


def lapsed(world: SmallWorld) -> None:
    to_sign(world)
    world.later(days=30)


def ended(world: SmallWorld) -> None:
    in_force(world)
    world.deliver(1, 2)
    with writing(world.session):
        contracts.end_early(world.session, world.now, world.patient(1), world.contract(1).id, "I feel better.")


@pytest.mark.parametrize(
    ("reach", "why"),
    [
        (nothing_yet, None),
        (asked, None),
        (agreed, None),
        (pooled, None),
        (closed, "not final yet"),
        (proposed, None),
        (made_again, None),
        (accepted_and_made_again, "do not sign it"),
        (too_late_to_answer, "not final yet"),
        (accepted, "do not sign it"),
        (confirmed, "do not sign it"),
        (unmatched, "not final yet"),
        (to_sign, "Then it ends by itself after"),
        (half_signed, "Once all have signed, you can end it."),
        (in_force, "You can end it early."),
        (lapsed, None),
        (ended, None),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(value),
)
def test_what_the_pages_say_is_what_the_step_does(
    site: Site, reach: Callable[[SmallWorld], None], why: str | None
) -> None:
    """In each state: the way there, or why not and what would make it possible; and all that was told to go back does.

    What stands in the way is told as easily as the rest, and in easy read too.
    """
    world = site.world
    reach(world)
    at, line = f"/patient/budgets/{world.budget(1).id}/leave/", world.plan_line(1).id
    same(site, "/patient/budget")
    for kind, most in MOST_WORDS.items():
        budget = main_part(site.client(P1), "/patient/budget", easy=bool(kind))
        assert (at in budget) is (why is None)
        assert ("You cannot choose the usual NHS care now" in budget) is (why is not None)
        assert why is None or why in budget, budget
        assert max(len(words) for words in sentences_of(budget)) <= most
    client = site.client(P1)
    page = client.get(at).text
    assert (f'value="{line}"' in page) is (why is None)
    assert why is None or why in page
    sentences = sentences_of(page)
    assert grade_of(sentences) <= MOST_GRADE
    assert max(len(words) for words in sentences) <= MOST_WORDS[""]
    held = world.money(1)
    back = f"£{(held['available'] + held['reserved']) / 100:,.2f}"
    assert (f"<strong>{back}</strong> goes back" in page) is (why is None)
    answer = client.post(at, data={"plan_line_ids": line})
    assert answer.status_code == (302 if why is None else 422)
    after = site.fresh().money(1)
    assert (after["available"], after["reserved"]) == ((0, 0) if why is None else (held["available"], held["reserved"]))
    if why is None:
        told = client.get("/patient/budget").text
        assert f"{back} was left. It went back to your local care team." in " ".join(told.split())
        assert at not in told


def with_massage(world: SmallWorld) -> PlanLine:
    """Patient 1 has a contract in force, and a second part of the plan in no group."""
    with writing(world.session):
        service = world.session.scalars(select(Service)).one()
        details = {name: getattr(service, name) for name in ("unit", "reference_pence", "conventional_pence", "source")}
        world.session.add(Service(id="massage", name="Massage", private_pence=4_000, **details))
    in_force(world)
    with writing(world.session):
        second = PlanLine(service_id="massage", outcome="Loosen the back", units=2, budget_pence=5_000)
        world.budget(1).lines.append(second)
    return second


def test_a_part_of_the_plan_takes_no_more_than_was_planned_for_it(site: Site) -> None:
    """With two parts, one of them in a contract: the page says what stays, and what can be chosen when."""
    world = site.world
    second = with_massage(world)
    budget = second.budget
    at = f"/patient/budgets/{budget.id}/leave/"
    page = site.client(P1).get(at).text
    assert "Up to what was planned for the care you choose goes back" in page
    assert "What you cannot choose it for now" in page
    assert "Your budget is for no other care" not in page
    assert f'value="{second.id}"' in page
    with writing(world.session):
        leaving.choose_conventional(world.session, world.now, world.patient(1), budget.id, [second.id])
    kind = AccountKind.AVAILABLE
    assert balance_pence(world.session, kind, budget.id) == 20_000 - 5_000


def test_a_budget_that_is_over_has_nothing_free_to_use(site: Site) -> None:
    """What is left is on its way back, then it is back; nobody is offered a choice; who pays reads the same."""
    world = site.world
    world.now += timedelta(days=400)
    path, funded = "/patient/budget", f"/commissioner/budgets/{world.budget(1).id}/"
    same(site, path)
    reads = [main_part(site.client(P1), path, easy=easy) for easy in (False, True)]
    for page in reads:
        assert "This budget ended on 31 December 2026." in page
        assert "£700.00 is left over. It goes back to your local care team." in page
        assert "Free to use: <strong>" not in page
        assert "You can still use" not in page
        assert "usual NHS care" not in page
    assert "This budget ended" in site.client(P1).get(f"/patient/budgets/{world.budget(1).id}/leave/").text
    assert "Left over" in site.client(P1).get(f"/patient/budgets/{world.budget(1).id}/statement").text
    shown = site.client("funder@example.test").get(funded).text
    assert "Left over: <strong>£700.00</strong>" in shown
    assert "Free" not in shown[: shown.index("Every payment")]
    world.later(hours=1)
    same(site, path)
    for easy in (False, True):
        page = main_part(site.client(P1), path, easy=easy)
        assert "£700.00 was left. It went back to your local care team." in page
        assert "left over" not in page
        assert re.search(r"(In all:|Your budget was) <strong>£700\.00</strong>", page)
        assert ("Went back" in page) is not easy
        home = main_part(site.client(P1), "/patient/", easy=easy)
        assert "Your budget is over." in home
        assert "Your plan has" not in home
        for untold in ("£0.00", "Free to use", "You can still use", "Your budget is £"):
            assert untold not in home
    statement = site.client(P1).get(f"/patient/budgets/{world.budget(1).id}/statement").text
    assert re.search(r"In all</dt>\s*<dd[^>]*>\s*£700\.00", statement)
    assert re.search(r"Went back</dt>\s*<dd[^>]*>\s*£700\.00", statement)


def test_what_went_back_before_was_not_left_over_at_the_end(site: Site) -> None:
    """A part that was left before is not counted again, and what is set free after the end is not to use."""
    world = site.world
    second = with_massage(world)
    budget = second.budget
    with writing(world.session):
        leaving.choose_conventional(world.session, world.now, world.patient(1), budget.id, [second.id])
    world.later(days=400)
    page = budgets.budget_pages(world.session, world.patient(1), world.now)[0]
    assert page.returned_pence == sum(row.amount_pence for row in page.rows if row.kind is TransferKind.EXPIRE)
    assert page.all_pence == 70_000 - 5_000
    released = [row.words for row in page.rows if row.kind is TransferKind.RELEASE]
    assert released[-1] == "No longer needed for physiotherapy"
