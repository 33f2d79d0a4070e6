"""Pictures of a patient's pages after the first yes: asked again, turned down, left out, to be signed, at an end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from marketplace.journey import contracts, deadlines, tenders
from marketplace.records.budgets import ManagedAs
from marketplace.records.database import writing
from marketplace.records.people import Patient
from marketplace.rules.sharing import Pooling
from marketplace.rules.tendering import Policy
from tests.web.site import Site
from tests.web.test_group_pages import change, nobody_near_enough
from tests.web.test_match_pages import failed_again, left_out
from tests.worlds import SmallWorld

pytestmark = pytest.mark.browser

Open = Callable[[str], Any]


def withdrawn(world: SmallWorld) -> SmallWorld:
    with writing(world.session):
        reason = "We made a mistake in the area."
        tenders.withdraw_tender(world.session, world.now, world.broking, world.tender.id, reason)
    return world


def look(site: Site, window: Any, name: str, path: str) -> str:
    """A page in full and in easy read; what both say."""
    words = ""
    for kind in ("plain", "easy"):
        patient = site.fresh().session.get_one(Patient, site.world.patients[0].id)
        patient.easy_read = kind == "easy"
        site.world.session.commit()
        window.carry(site.cookie("p1@example.test")).go(path).look(f"patient-{name}-{kind}")
        words += window.text
        window.page.wait_for_load_state("networkidle")
    return words


def test_an_open_group_changes_and_is_withdrawn(site: Site, serve: Callable[[Flask], str], visit: Open) -> None:
    """Asked again with what changed; then the group that does not go on."""
    world, window = site.world.draft().agree().publish(), visit(serve(site.app))
    need = f"/patient/invitations/{world.need(1).id}"
    change(world, pence_per_km=60)
    assert "Travel counts for more." in look(site, window, "asked-again", need)
    withdrawn(world)
    assert "We made a mistake in the area." in look(site, window, "group-withdrawn", need)


def test_a_match_after_its_answer(site: Site, serve: Callable[[Flask], str], visit: Open) -> None:
    """Turned down; then the offer of the others is left out, and nobody has to answer."""
    world, window = site.world.proposed().decline(1), visit(serve(site.app))
    match = f"/patient/matches/{world.match(1).id}"
    assert "You would have paid" in look(site, window, "match-turned-down", match)
    world.rematch()
    assert "See your new match" in look(site, window, "match-replaced", match)
    left_out(world)
    assert "You do not need to do anything now" in look(
        site, window, "match-again", f"/patient/matches/{world.match(1).id}"
    )
    look(site, window, "home-again", "/patient/")


def test_a_contract_is_read_before_it_is_signed(site: Site, serve: Callable[[Flask], str], visit: Open) -> None:
    """What holds stands above the button; then on the contract in force and on paper."""
    world, window = site.world.proposed().accept(), visit(serve(site.app))
    look(site, window, "match-accepted", f"/patient/matches/{world.match(1).id}")
    world.confirm().later(days=20)
    look(site, window, "match-contract", f"/patient/matches/{world.match(1).id}")
    path = f"/patient/contracts/{world.contract(1).id}"
    assert "missed" in look(site, window, "contract-to-sign", path)
    with writing(world.session):
        contracts.sign_contract(world.session, world.now, world.patient(1), world.contract(1).id)
    assert "If it does not sign, the contract ends" in look(site, window, "contract-half-signed", path)
    with writing(world.session):
        by = world.by_provider(world.contract(1))
        contracts.sign_contract(world.session, world.now, by, world.contract(1).id)
    delivery = world.deliver(1, 2).id
    assert "They took place" in look(site, window, "contract-in-force", path)
    assert "You said that it took place" in look(site, window, "delivery-answered", f"/patient/deliveries/{delivery}")
    look(site, window, "contract-paper", f"{path}/print")
    assert "You cannot choose the usual NHS care now" in look(site, window, "budget-in-force", "/patient/budget")
    leave = f"/patient/budgets/{world.budget(1).id}/leave/"
    assert "You can end it early" in look(site, window, "leave-in-force", leave)
    look(site, window, "home-care", "/patient/")


def test_an_objections_round_that_failed(site: Site, serve: Callable[[Flask], str], visit: Open) -> None:
    """The old match is nobody's any more: on the patient's pages, the broker's and the notice."""
    world, window = failed_again(site.world), visit(serve(site.app))
    match = f"/patient/matches/{world.match(1).id}"
    assert "You sign" not in look(site, window, "match-failed-again", match)
    look(site, window, "care-failed-again", "/patient/care")
    broker = window.carry(site.cookie("broker@example.test")).go(f"/broker/tenders/{world.tender.id}")
    assert "Run the match again" in broker.look("broker-tender-failed-again").text
    window.page.wait_for_load_state("networkidle")
    broker.go(f"/tenders/{world.tender.id}").look("notice-failed-again")


def test_who_found_nobody(site: Site, serve: Callable[[Flask], str], visit: Open) -> None:
    """The offers are matched again for them, and nobody sends them to another group meanwhile."""
    world, window = nobody_near_enough(site).leave_out("bulk"), visit(serve(site.app))
    path = f"/patient/invitations/{world.need(1).id}"
    assert "join another group" not in look(site, window, "no-match-again", path)


def test_a_group_whose_match_is_over(site: Site, serve: Callable[[Flask], str], visit: Open) -> None:
    """It had a match, and the money is free."""
    world, window = site.world.proposed().decline(1), visit(serve(site.app))
    assert "You had a match" in look(site, window, "group-match-over", f"/patient/invitations/{world.need(1).id}")


def test_rules_there_and_back(site: Site, serve: Callable[[Flask], str], visit: Open) -> None:
    """Asked again, though the rules are as they were."""
    world, window = site.world.draft().agree().publish(), visit(serve(site.app))
    change(world, pence_per_km=60)
    change(world)
    path = f"/patient/invitations/{world.need(1).id}"
    assert "as they were when you said yes" in look(site, window, "asked-again-as-before", path)


def test_a_shared_match_with_a_fee_and_a_contract_not_signed_in_time(
    site: Site, serve: Callable[[Flask], str], visit: Open
) -> None:
    """What one gives and what the set-up fee is; then the hour after the last day to sign."""
    world, window = site.world, visit(serve(site.app))
    with writing(world.session):
        world.plan_line(1).budget_pence, world.plan_line(2).budget_pence = 70_000, 40_000
    world.draft(Policy(pence_per_km=30, pooling=Pooling.SHARED_POOL)).agree().publish()
    world.offer("near", (0, 5_400), fee=12_000)
    world.later(days=15).run_round()
    assert "set-up fee" in look(site, window, "match-shared-fee", f"/patient/matches/{world.match(1).id}")
    world.accept().confirm().later(days=20)
    contract = world.contract(1)
    world.now = contract.sign_by + timedelta(hours=1)
    words = look(site, window, "contract-too-late-to-sign", f"/patient/contracts/{contract.id}")
    assert words.count("The time to sign is over.") == 2
    deadlines.run_due(world.session, world.now)
    assert "never began" in look(site, window, "contract-never-began", f"/patient/contracts/{contract.id}")


def test_paying_rating_and_a_budget_that_is_over(site: Site, serve: Callable[[Flask], str], visit: Open) -> None:
    """What only who keeps the money does, and what comes last, in full and in easy read."""
    world, window = site.world, visit(serve(site.app))
    with writing(world.session):
        world.budget(1).managed_as = ManagedAs.DIRECT_PAYMENT
    world.awarded().deliver(1, 2)
    world.later(days=1).deliver(1)
    contract = world.contract(1)
    paying = look(site, window, "paying", f"/patient/payments/{contract.provider_id}")
    assert paying.count("Yes, I have paid £150.00") == 2
    assert "More stars mean better." in look(site, window, "rating", f"/patient/contracts/{contract.id}/rate")
    world.later(days=400)
    assert "This budget ended" in look(site, window, "budget-over", "/patient/budget")
    assert "Your budget is over." in look(site, window, "home-budget-over", "/patient/")
    assert "What you had" in look(site, window, "contract-over", f"/patient/contracts/{contract.id}")
