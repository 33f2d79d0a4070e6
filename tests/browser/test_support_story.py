"""Extra support in Chromium: the rule, what is recorded, who stands by somebody, and what the person reads of it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.browser.test_commissioner_story import write
from tests.web.site import PASSWORD, Site

pytestmark = pytest.mark.browser
Serve = Callable[[Flask], str]
Open = Callable[[str], Any]


def test_extra_support_from_the_rule_to_the_person(site: Site, serve: Serve, visit: Open) -> None:
    """A commissioner sets all four grounds and records; the broker names a supporter; the patient reads why."""
    world, address = site.world, serve(site.app)
    window = visit(address).sign_in("funder@example.test", PASSWORD)
    window.follow("Your rules")
    write(window, support_from_age="85", support_to_decile="2", support_conditions="2")
    window.page.get_by_label("Capacity: whoever lacks capacity to decide on their care").check()
    write(window, support_answer_days="5", support_supplement_pence="fifty")
    window.press("Save the rules").look("commissioner-rules-wrong", status=422)
    write(window, support_supplement_pence="50")
    window.press("Save the rules").look("commissioner-rules-support")
    assert window.page.locator("#support_to_decile").input_value() == "2"

    window.go("/commissioner/people").follow("Extra support for Patient 01").look("commissioner-support-none")
    window.follow("Record what the rule asks about").look("commissioner-support-facts")
    write(window, deprivation_decile="1")
    window.page.get_by_label("They lack capacity to decide on their care").check()
    for condition in ("COPD (lung disease)", "Stroke"):
        window.page.get_by_label(condition, exact=True).check()
    window.press("Record this").look("commissioner-support")
    for words in ("born in 1941", "tenth 1 of 10", "lacks capacity", "Long-term conditions: 2", "£50.00 paid in"):
        assert words in window.text
    window.go("/commissioner/").look("commissioner-home-supporter")
    window.follow("1 person without a supporter yet").look("commissioner-people-supporter")

    broker = visit(address).sign_in("broker@example.test", PASSWORD)
    broker.go("/broker/clients").look("broker-clients-support")
    broker.follow("Yes extra support for Patient 01").look("broker-support")
    broker.follow("Name a supporter").press("Name this supporter").look("broker-supporter-wrong", status=422)
    write(broker, name="Ruth Fell", who="Care coordinator at the surgery", reach="01632 960001")
    broker.press("Name this supporter").look("broker-support-named")
    assert "Ruth Fell" in broker.text

    patient = visit(address).sign_in("p1@example.test", PASSWORD)
    patient.look("patient-home-support-easy")
    patient.follow("Why you get it, and what it gives you").look("patient-support-easy")
    assert "They cannot answer for you." in patient.text
    patient.press("Turn easy read off").look("patient-support")
    for words in (
        "You count for more",
        "Ruth Fell",
        "5 more days",
        "You got £50.00 of extra money",
        "Providers see none of this.",
    ):
        assert words in patient.text
    patient.follow("Home").look("patient-home-support")
    assert site.fresh().budget(1).support_grounds == ["age", "deprivation", "capacity", "conditions"]

    window.go("/commissioner/rules")
    window.page.get_by_label("Capacity: whoever lacks capacity to decide on their care").uncheck()
    write(window, support_from_age="", support_to_decile="", support_conditions="")
    window.press("Save the rules").go("/commissioner/people").follow("Extra support for Patient 01")
    window.look("commissioner-support-ends")
    assert "Your rule gives extra support to nobody now." in window.text
    assert world.books_balance()


def test_without_extra_support(site: Site, serve: Serve, visit: Open) -> None:
    """Whoever has none can read who gets it, in both kinds of page."""
    patient = visit(serve(site.app)).sign_in("p2@example.test", PASSWORD)
    patient.follow("Extra support").look("patient-support-none")
    assert "You do not get extra support now." in patient.text
    patient.press("Show my pages in easy read").look("patient-support-none-easy")
    assert "So nobody can start to get it." in patient.text
