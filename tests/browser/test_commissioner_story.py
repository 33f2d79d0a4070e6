"""A commissioner's work in Chromium, from sign-in to done: budgets given and approved, an objection decided, the rest.

Every page of it is looked at on the way, empty, wrong and right.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace.adapters.spreadsheets import csv_file, read_lines
from marketplace.journey import reviews
from marketplace.records.budgets import Budget, PlanStatus
from marketplace.records.database import writing
from marketplace.records.people import Patient, User
from marketplace.records.providers import Provider
from marketplace.records.tenders import Representation
from marketplace.rules.lifecycle import TenderStatus
from tests.browser.test_file_stories import fetched, send
from tests.browser.test_stories import fill_date
from tests.web.site import PASSWORD, Site
from tests.worlds import synthetic_nhs_number

pytestmark = pytest.mark.browser
Open = Callable[[str], Any]


def glance(window: Any, name: str, status: int = 200) -> Any:
    """Look at a page of no shape of its own: only where pictures are asked for, because each look takes seconds."""
    return window.look(name, status=status) if os.environ.get("CAREPOOL_SCREENSHOTS") else window


def write(window: Any, **typed: str) -> None:
    """Fill in fields by their ids."""
    for name, value in typed.items():
        window.page.locator(f"#{name.replace('__', '-')}").fill(value)


def test_a_commissioner_gives_a_budget_and_decides(site: Site, serve: Callable[[Flask], str], visit: Open) -> None:
    """Register, open, approve; a file of budgets; then a provider's representation, read and decided."""
    world = site.world
    window = visit(serve(site.app)).sign_in("funder@example.test", PASSWORD)
    window.follow("Give a budget").look("commissioner-people")
    window.follow("Register somebody and give a budget").look("commissioner-allocate")
    window.press("Open the budget")
    write(window, name="Rose Appleby", nhs_number=synthetic_nhs_number(801), birth_year="1951", district="LN1")
    window.page.get_by_label("Every year").check()
    window.page.get_by_label("The commissioner holds it, and pays providers").check()
    fill_date(window, "From", "1", "4", "2026")
    fill_date(window, "Until, including this day", "31", "3", "2027")
    write(window, amount_pence="700", lines__0__outcome="Climb the stairs again", lines__0__units="10")
    write(window, lines__0__budget_pence="701")
    window.page.get_by_label("Service").select_option("physiotherapy")
    window.press("Open the budget")
    assert "more than the budget of £700.00" in window.text
    write(window, lines__0__budget_pence="600")
    window.press("Open the budget").look("commissioner-budget-drafted")
    assert "Climb the stairs again" in window.text
    window.press("Approve the care plan")
    session = site.fresh().session
    rose = session.scalars(select(Budget).join(Budget.patient).where(Patient.name == "Rose Appleby")).one()
    assert rose.plan_status is PlanStatus.APPROVED

    glance(window.go("/commissioner/people").follow("Give budgets from a file"), "commissioner-budget-import")
    (headings,) = read_lines(fetched(window, "CSV"))
    jim = [
        "Jim Fenn",
        synthetic_nhs_number(802),
        1948,
        "LN1",
        "",
        "",
        "",
        "yearly",
        "notional",
        "",
        "01/04/2026",
        "31/03/2027",
    ]
    parts = ["700", "Physiotherapy", "Walk to the shops", 10, "600", "", ""]
    known = ["Patient 02", synthetic_nhs_number(2), 1942, "LN1", "4", *jim[5:10], "01/01/2027", "31/12/2027"]
    send(window, "b.csv", csv_file([headings.cells, [*jim, "700", "Gambling", *parts[2:]], [*known, *parts]]))
    glance(window, "commissioner-budget-import-wrong", 422)
    assert "cannot pay for gambling" in window.text
    assert "This is not what is recorded for this person" in window.text
    send(window, "b.csv", csv_file([headings.cells, [*jim, *parts]])).look("commissioner-budget-import-checked")
    glance(window.press("Open 1 budget"), "commissioner-budgets-drafted")
    assert "Jim Fenn" in window.text
    assert world.books_balance()

    world.proposed().accept().confirm()
    with writing(world.session):
        reviews.represent(
            world.session, world.now, world.provider("near"), world.tender.id, "Our distance was counted twice."
        )
    glance(window.carry(site.cookie("funder@example.test")).go("/commissioner/"), "commissioner-home-objection")
    window.follow("1 objection to decide")
    row = site.fresh().session.scalars(select(Representation)).one()
    window.go(f"/commissioner/representations/{row.id}")
    window.page.get_by_label("Refuse it").check()
    window.page.get_by_label("Your reasons").fill("We measured the distance anew. It was counted once.")
    window.press("Record the decision")
    assert "Your decision is recorded" in window.text
    assert site.fresh().tender.status is TenderStatus.STANDSTILL


def test_a_commissioner_looks_after_the_market(site: Site, serve: Callable[[Flask], str], visit: Open) -> None:
    """Catalogue, a provider with its place, an account with its first password, the check of the trail."""
    address = serve(site.app)
    window = visit(address).carry(site.cookie("funder@example.test")).go("/commissioner/catalogue/")
    window.look("commissioner-catalogue").follow("Add a service").press("Add the service")
    glance(window, "commissioner-service-new", 422)
    write(
        window, name="Podiatry", reference_pence="40", conventional_pence="52.50", private_pence="45", source="Tariff"
    )
    window.page.get_by_label("Visit").check()
    glance(window.press("Add the service").follow("Podiatry"), "commissioner-service")
    write(window, private_pence="47")
    window.press("Change the prices")
    assert "£47.00" in window.text
    window.follow("Exclude something")
    write(window, name="Tobacco", reason="A budget may not buy what harms.")
    window.press("Exclude it")

    glance(window.go("/commissioner/organisations"), "commissioner-organisations").follow("Admit a provider")
    window.press("Admit the provider").look("commissioner-provider-new", status=422)
    write(window, name="Wold Feet", site_name="Wold clinic", district="LN1")
    window.page.get_by_label("Podiatry").check()
    window.page.get_by_label("Good", exact=True).check()
    fill_date(window, "Published on", "1", "6", "2025")
    glance(window.press("Admit the provider").follow("Wold Feet"), "commissioner-provider")
    glance(window.follow("Add a place"), "commissioner-site-new")
    window.go("/commissioner/organisations").follow("Admit a broker")

    provider_id = site.fresh().session.scalars(select(Provider.id).where(Provider.name == "Wold Feet")).one()
    window.go("/commissioner/users").look("commissioner-users").follow("Open an account")
    window.page.get_by_label("Provider", exact=True).check()
    window.page.locator("#party_id").select_option(f"provider:{provider_id}")
    write(window, name="Wold Feet", email="wold@example.test")
    window.press("Open the account").look("commissioner-user-code")
    code = window.page.locator("dd").nth(1).inner_text()
    other = visit(address).go("/sign-in").follow("First time here").look("account-first-password")
    write(other, email="wold@example.test", code=code, password=PASSWORD)
    other.press("Set my password").sign_in("wold@example.test", PASSWORD)
    assert "Wold Feet" in other.page.locator("header").inner_text()
    glance(window.go("/commissioner/users?search=wold").follow("Close"), "commissioner-user-close")
    window.press("Close the account")
    other.go("/provider/")
    assert other.page.url.endswith("/sign-in?next=/provider/")
    patient_id = site.world.patients[4].id
    glance(window.go(f"/commissioner/people/{patient_id}/account"), "commissioner-user-patient")
    assert site.fresh().session.scalars(select(User).where(User.email == "wold@example.test")).one().closed_at
    window.go("/commissioner/audit/chain").press("Check the trail")
    window.look("commissioner-chain-checked")
    assert "This is the end of the trail" in window.text
