"""The second step at sign-in, without a line of JavaScript needed: walked and looked at, wide and narrow."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.second_steps import App, switch_on
from tests.web.site import PASSWORD, Site, build_site

pytestmark = pytest.mark.browser
Open = Callable[[str], Any]
OFFICE = {"SECOND_STEP_ROLES": ["commissioner", "broker", "provider", "holder"]}


def app_of(window: Any) -> App:
    """An app into which the key on the page was typed."""
    return App(window.page.locator(".cp-key-text").inner_text())


def codes_of(window: Any) -> list[str]:
    """The recovery codes that the page shows."""
    found = window.page.locator(".cp-recovery li").all_inner_texts()
    assert len(found) == 10
    return found


def test_a_patient_takes_a_second_step(site: Site, serve: Callable[[Flask], str], visit: Open) -> None:
    """Switched on, asked for at the next sign-in, a phone lost and another one in its place, switched off."""
    window, world = visit(serve(site.app)), site.world

    def type_in(label: str, text: str) -> None:
        window.page.get_by_label(label, exact=True).fill(text)

    window.sign_in("p1@example.test", PASSWORD).go("/account")
    window.follow("Set up a second step").look("second-step-none").follow("Set it up").look("second-step-begin")
    window.press("Go on").look("second-step-begin-empty", status=422)
    type_in("Your password", PASSWORD)
    window.press("Go on").look("second-step-app")
    app = app_of(window)
    type_in("The code that your app shows now", app.wrong_code(world.now))
    window.press("Switch on the second step").look("second-step-app-wrong", status=422)
    type_in("The code that your app shows now", app.code(world.now))
    window.press("Switch on the second step").look("second-step-recovery-codes")
    codes = codes_of(window)
    window.follow("I have kept them").look("second-step-on")
    window.go("/account").look("account-with-second-step")
    assert "Change the second step" in window.text
    window.press("Sign out")
    world.now += timedelta(seconds=30)
    window.sign_in("p1@example.test", PASSWORD).look("sign-in-code")
    assert window.page.get_by_label("Code from your app").get_attribute("autocomplete") == "one-time-code"
    assert window.page.get_by_label("Code from your app").get_attribute("inputmode") == "numeric"
    type_in("Code from your app", app.wrong_code(world.now))
    window.press("Sign in").look("sign-in-code-wrong", status=422)
    type_in("Code from your app", app.code(world.now))
    window.press("Sign in")
    assert window.heading == "Hello, Patient 01"
    window.press("Sign out").sign_in("p1@example.test", PASSWORD).follow("I have a recovery code")
    window.look("sign-in-recovery")
    type_in("Recovery code", "2222 2222 2222")
    window.press("Sign in").look("sign-in-recovery-wrong", status=422)
    type_in("Recovery code", codes[0])
    window.press("Sign in").go("/account/second-step").follow("Use another phone or app").look("second-step-move")
    type_in("Your password", PASSWORD)
    type_in("A code", codes[1])
    window.press("Go on")
    app = app_of(window)
    type_in("The code that your app shows now", app.code(world.now))
    window.press("Switch on the second step").follow("I have kept them")
    window.follow("Make new recovery codes").look("second-step-renew")
    window.press("Make new codes").look("second-step-renew-empty", status=422)
    window.go("/account/second-step").follow("Switch off the second step").look("second-step-switch-off")
    world.now += timedelta(seconds=30)
    type_in("Your password", PASSWORD)
    type_in("A code", app.code(world.now))
    window.press("Switch it off").look("second-step-off")
    assert "The second step is off" in window.text


def test_an_office_sets_it_up_first(tmp_path: Path, serve: Callable[[Flask], str], visit: Open) -> None:
    """Nothing else opens before it; a colleague's lost one is taken away from the list of accounts."""
    site = build_site(tmp_path, patients=3, **OFFICE)
    switch_on(site.fresh().session, site.world.now, "broker@example.test", PASSWORD)
    window = visit(serve(site.app)).sign_in("funder@example.test", PASSWORD).look("second-step-first")
    window.go("/commissioner/")
    assert window.heading == "Sign in"
    window.sign_in("funder@example.test", PASSWORD)
    label = window.page.get_by_label("The code that your app shows now")
    label.fill(app_of(window).code(site.world.now))
    window.press("Switch on the second step")
    assert codes_of(window)
    window.follow("I have kept them").go("/account/second-step").look("second-step-needed")
    window.go("/commissioner/users").look("commissioner-users-second-step")
    window.follow("Take away second step").look("commissioner-second-step").press("Take it away")
    assert "The second step is taken away" in window.text
    window.look("commissioner-second-step-taken")
