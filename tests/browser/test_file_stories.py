"""Files on the way, walked in Chromium: an offer by workbook, and a broker from its clients' file to the contracts."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select

from marketplace.adapters.spreadsheets import csv_file, read_lines
from marketplace.journey import budgets, contracts
from marketplace.records.budgets import BudgetKind, ManagedAs
from marketplace.records.contracts import Contract, Delivery
from marketplace.records.database import writing
from marketplace.records.offers import OfferStatus
from marketplace.records.people import Patient
from marketplace.records.tenders import Tender
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Actor, Role
from tests.browser.test_stories import fill_date
from tests.web.site import PASSWORD, Site
from tests.work.hands import do_what_was_asked
from tests.worlds import YEAR, synthetic_nhs_number

pytestmark = pytest.mark.browser
Open = Callable[[str], Any]
NEW = ("Rose Appleby", "Jim Fenn", "Ada Marsh")


def fetched(window: Any, link: str) -> bytes:
    """What a person gets who follows a link to a file."""
    with window.page.expect_download() as waiting:
        window.page.get_by_role("link", name=link).first.click()
    content: bytes = waiting.value.path().read_bytes()
    return content


def send(window: Any, name: str, content: bytes) -> Any:
    """Choose a file and have it checked."""
    window.page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )
    return window.press("Check the file")


def filled(template: bytes, **cells: object) -> bytes:
    """A workbook with these cells filled in."""
    book = load_workbook(io.BytesIO(template))
    for place, value in cells.items():
        book.active[place] = value  # type: ignore[index]
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_provider_offers_by_workbook(site: Site, serve: Callable[[Flask], str], visit: Open) -> None:
    """From the front door to the receipt: template, a file with faults, the file mended, sealed, read back."""
    site.world.draft().agree().publish()
    window = visit(serve(site.app)).sign_in("near@example.test", PASSWORD)
    window.follow("Physiotherapy, Lincoln").follow("Offer by spreadsheet").look("provider-offer-upload")
    template = fetched(window, "Excel (XLSX)")
    send(window, "offer.xlsx", filled(template, B4="a lot", G11=60, F12=59, G12="cheap"))
    window.look("provider-offer-upload-wrong", status=422)
    assert "a lot" in window.text
    assert "cheap" in window.text
    send(window, "offer.xlsx", filled(template, G11=60, F12=59, G12=56)).look("provider-offer-upload-checked")
    assert "£6,720.00" in window.text
    window.press("Seal and send the offer")
    (offer,) = site.fresh().tender.offers
    assert offer.status is OfferStatus.STANDING
    assert offer.receipt_sha256 in window.text
    kept = read_lines(fetched(window, "Excel (XLSX)"))
    assert kept[-1].cells[5:7] == ("59", "56")


def test_a_broker_from_a_file_of_clients_to_the_contracts(
    site: Site, serve: Callable[[Flask], str], visit: Open
) -> None:
    """Clients by file, a group of them, a tender, an offer by file, a scenario, the match, the award, care by file."""
    world, address = site.world, serve(site.app)
    window = visit(address).sign_in("broker@example.test", PASSWORD)
    window.follow("Clients").follow("Add a client").look("broker-client-add")
    window.go("/broker/clients").follow("Add clients from a file").look("broker-client-import")
    (headings,) = read_lines(fetched(window, "CSV"))
    people = [[name, synthetic_nhs_number(700 + at), 1950 + at, "LN1", "27/02/2026", ""] for at, name in enumerate(NEW)]
    spoilt = [[*people[0][:1], "999 999 9998", *people[0][2:]], *people[1:]]
    send(window, "clients.csv", csv_file([headings.cells, *spoilt])).look("broker-client-import-wrong", status=422)
    assert "Check the NHS number" in window.text
    send(window, "clients.csv", csv_file([headings.cells, *people])).look("broker-client-import-checked")
    assert site.fresh().session.scalar(select(Patient.id).where(Patient.name == NEW[0])) is None
    window.press("Add 3 clients").look("broker-clients-added")
    assert "3 people are your clients now" in window.text
    given_money(site)

    window.go("/broker/tenders/new")
    window.page.get_by_label("Title of the tender").fill("Physiotherapy in Lincoln")
    window.press("Save the draft")
    window.page.get_by_label("Service").select_option("physiotherapy")
    window.page.get_by_label("LN1", exact=True).check()
    fill_date(window, "Starts on", "1", "5", "2026")
    fill_date(window, "Ends on", "31", "10", "2026")
    window.press("Show who could join")
    assert "Rose Appleby" in window.text
    window.press("Build the group and invite")
    world.tender = site.fresh().session.scalars(select(Tender)).one()
    world.bundle = world.tender.bundles[0]
    world.agree()
    window.go(f"/broker/tenders/{world.tender.id}/publish")
    fill_date(window, "Last day for offers", "20", "3", "2026")
    window.press("Publish the tender")
    assert site.fresh().tender.status is TenderStatus.OPEN

    provider = visit(address).carry(site.cookie("near@example.test"))
    provider.go(f"/provider/tenders/{world.tender.id}/offer/upload")
    send(provider, "offer.xlsx", filled(fetched(provider, "Excel (XLSX)"), F12=59)).press("Seal and send the offer")
    world.offer("bulk", (0, 5_700), (50, 4_900), fee=10_000, least=40)

    world.later(days=20)
    window.carry(site.cookie("broker@example.test")).go(f"/broker/tenders/{world.tender.id}/scenarios")
    window.page.get_by_label("One kilometre of travel").fill("1.50")
    window.press("Compare")
    assert do_what_was_asked(world) == 1
    window.page.get_by_role("heading", name="What each would change").wait_for()
    window.go(f"/broker/tenders/{world.tender.id}").press("Run the match")
    assert do_what_was_asked(world) == 1
    window.page.wait_for_url("**/result")
    assert "15 of 15" in window.text
    world.session.rollback()
    world.accept()
    window.go(f"/broker/tenders/{world.tender.id}/award")
    window.page.get_by_label("Reasons for this award").fill("The published rules gave this result. We changed nothing.")
    window.press("Confirm the award")
    world.later(days=20)
    assert site.fresh().tender.status is TenderStatus.AWARDED
    care_by_file(site, visit(address), world.contract(world.patient_count))
    assert world.books_balance()


def given_money(site: Site) -> None:
    """The commissioner gives each of the new people a plan and a budget; the small world knows them from here on."""
    world = site.fresh()
    line = budgets.LineDetails("physiotherapy", "Climb the stairs again", 10, 60_000, max_distance_m=20_000)
    details = budgets.BudgetDetails(BudgetKind.YEARLY, ManagedAs.NOTIONAL, *YEAR, 70_000, (line,))
    for name in NEW:
        with writing(world.session):
            patient = world.session.scalars(select(Patient).where(Patient.name == name)).one()
            budget = budgets.open_budget(world.session, world.now, world.funder, patient.id, details)
            budgets.approve_plan(world.session, world.now, world.funder, budget.id)
            world.patients.append(patient)
    world.patient_count = len(world.patients)


def care_by_file(site: Site, window: Any, contract: Contract) -> None:
    """Both sign; the provider records what it delivered by file."""
    world, provider_id = site.world, contract.provider_id
    name = next(name for name, row in world.providers.items() if row.id == provider_id)
    for actor in (Actor("user-x", Role.PATIENT, contract.patient_id), world.provider(name)):
        with writing(world.session):
            contracts.sign_contract(world.session, world.now, actor, contract.id)
    window.carry(site.cookie(f"{name}@example.test")).go("/provider/contracts").follow("Record care from a file")
    window.look("provider-delivery-import")
    template = fetched(window, "Excel (XLSX)")
    send(window, "d.xlsx", filled(template, B2="soon", C2=99)).look("provider-delivery-import-wrong", status=422)
    send(window, "d.xlsx", filled(template, B2=world.now.date(), C2=2)).look("provider-delivery-import-checked")
    assert NEW[-1] in window.text
    window.press("Record 1 delivery")
    assert [row.units for row in site.fresh().session.query(Delivery)] == [2]
