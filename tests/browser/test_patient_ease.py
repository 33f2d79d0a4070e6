"""A patient's pages without a mouse, at 200% zoom, in easy-read and on paper; and a group built with live figures."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from marketplace.journey import deliveries, pools
from marketplace.records.database import writing
from marketplace.records.pools import NeedStatus
from marketplace.records.rounds import MatchStatus
from tests.web.site import PASSWORD, Site

pytestmark = pytest.mark.browser
Open = Callable[[str], Any]

FOCUS = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return {name: "", fault: "nothing has the focus"};
  const label = element.labels && element.labels[0];
  const look = () => [[element, null], [label, null], [label, "::before"]].filter(([found]) => found).map(
    ([found, part]) => {
      const style = getComputedStyle(found, part);
      return [style.outlineStyle, style.outlineWidth, style.outlineColor, style.boxShadow, style.backgroundColor,
              style.borderColor].join(" ");
    }).join("|");
  const focused = look();
  element.blur();
  const blurred = look();
  element.focus({preventScroll: true});
  const box = element.getBoundingClientRect();
  const name = (label ? label.innerText : element.getAttribute("aria-label") || element.innerText).trim();
  let fault = "";
  if (focused === blurred) fault = "the focus cannot be seen";
  else if (box.bottom < 1 || box.top > innerHeight - 1) fault = "the focus is off the screen";
  return {name, fault};
}"""

CUT = """() => [...document.querySelectorAll("main *")].filter((element) => {
  const style = getComputedStyle(element);
  const unseen = ".nhsuk-u-visually-hidden, svg, details:not([open]) > :not(summary), .nhsuk-table__head";
  const hidden = element.closest(unseen);
  if (hidden || style.display === "inline" || !element.innerText || !element.innerText.trim()) return false;
  const box = element.getBoundingClientRect();
  const beyond = box.width > 0 && (box.right > innerWidth + 1 || box.left < -1);
  const clipped = style.overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1;
  return beyond || clipped;
}).map((element) => element.tagName + "." + element.className + ": " + element.innerText.slice(0, 40))"""


def tab_to(window: Any, name: str) -> None:
    """Press the tabulator until this has the focus; wherever the focus is on the way, it can be seen."""
    for _ in range(80):
        window.page.keyboard.press("Tab")
        at = window.page.evaluate(FOCUS)
        assert not at["fault"], f"{at['name']!r}: {at['fault']}"
        if at["name"] == name:
            return
    raise AssertionError(f"no way to {name!r} by the keyboard")


def enter(window: Any) -> None:
    with window.page.expect_navigation():
        window.page.keyboard.press("Enter")


def test_a_match_is_accepted_by_keyboard_alone(site: Site, serve: Callable[[Flask], str], visit: Open) -> None:
    """From the front door: sign in, find what waits, read, answer; never a mouse, the focus always seen."""
    site.world.proposed()
    window = visit(serve(site.app)).go("/")
    tab_to(window, "Sign in")
    enter(window)
    tab_to(window, "E-mail address")
    window.page.keyboard.type("p1@example.test")
    tab_to(window, "Password")
    window.page.keyboard.type(PASSWORD)
    tab_to(window, "Sign in")
    enter(window)
    tab_to(window, "Answer your match for physiotherapy")
    enter(window)
    tab_to(window, "The map as a table")
    window.page.keyboard.press("Enter")
    assert window.page.get_by_role("table", name="The places on the map").is_visible()
    tab_to(window, "Yes, I want this provider")
    window.page.keyboard.press("Space")
    tab_to(window, "Send my answer")
    enter(window)
    assert "You said yes" in window.text
    assert site.fresh().match(1).status is MatchStatus.ACCEPTED


def test_every_page_at_twice_the_size_and_in_easy_read(site: Site, serve: Callable[[Flask], str], visit: Open) -> None:
    """At 200% of a screen of 1,280 nothing scrolls sideways and nothing is cut; axe finds no fault in easy-read."""
    world, faults = site.world, []
    window = visit(serve(site.app))

    def look(name: str, path: str, *, easy: bool = False) -> None:
        window.carry(site.cookie("p1@example.test"))  # time passes quickly here: sign-ins end
        for kind in ("plain", "easy") if easy else ("plain",):
            client = site.client("p1@example.test")
            client.post("/patient/easy-read", data={"easy_read": "on" if kind == "easy" else "off"})
            window.page.set_viewport_size({"width": 640, "height": 450})
            window.go(path)
            width = window.page.evaluate("document.documentElement.scrollWidth")
            cut = window.page.evaluate(CUT)
            if width > 640 or cut:
                faults.append(f"{name}, {kind}: {width} px wide; cut: {cut}")
            if (kind == "easy" and name != "delivery") or name == "paper-statement":
                try:
                    window.look(f"patient-{name}-{kind}")
                except AssertionError as fault:  # one run shows all that is wrong, not the first of it
                    faults.append(str(fault))

    site.app.config["WTF_CSRF_ENABLED"] = False  # the switch is thrown beside the browser here
    world.draft()
    need = f"/patient/invitations/{world.need(1).id}"
    look("home", "/patient/", easy=True)
    look("invitation", need, easy=True)
    look("preferences", f"{need}/preferences")
    world.agree().publish().three_offers().later(days=15).run_round()
    look("match", f"/patient/matches/{world.match(1).id}", easy=True)
    world.accept().confirm().later(days=20)
    contract = world.contract(1).id
    delivery = world.sign(1).record(1, 2).id
    look("delivery", f"/patient/deliveries/{delivery}", easy=True)
    with writing(world.session):
        deliveries.confirm_delivery(world.session, world.now, world.patient(1), delivery)
    look("contract", f"/patient/contracts/{contract}", easy=True)
    look("budget", "/patient/budget", easy=True)
    look("seen", "/patient/seen")
    look("paper-statement", f"/patient/budgets/{world.budget(1).id}/statement")
    look("paper-contract", f"/patient/contracts/{contract}/print")
    assert not faults, "\n".join(faults)


def test_what_has_no_easy_twin_fits_its_larger_type(site: Site, serve: Callable[[Flask], str], visit: Open) -> None:
    """Who reads in easy read meets public pages, lists and forms in large type too: no table is wider than a phone."""
    world, faults = site.world.awarded(), []
    world.deliver(1)
    at = f"/tenders/{world.tender.id}"
    paths = {
        "tenders": "/tenders?state=awards",
        "award": at,
        "figures": "/figures",
        "unmet": "/unmet-needs",
        "open-data": "/open-data",
        "how": "/how-it-works",
        "care": "/patient/care",
        "seen": "/patient/seen",
        "broker": "/patient/broker",
        "representatives": "/patient/representatives",
        "check": f"/patient/invitations/{world.need(1).id}/check",
        "account": "/account",
    }
    window = visit(serve(site.app)).carry(site.cookie("p1@example.test")).go("/patient/")
    window.press("Show my pages in easy read")
    for name, path in paths.items():
        try:
            window.go(path)
            window.page.eval_on_selector_all("main details", "found => found.forEach((twin) => { twin.open = true; })")
            window.look(f"easy-{name}")
        except AssertionError as fault:  # one run shows all that is wrong, not the first of it
            faults.append(str(fault))
    assert not faults, "\n".join(faults)


def test_a_group_is_built_while_its_figures_move(site: Site, serve: Callable[[Flask], str], visit: Open) -> None:
    """The figures follow each change without a new page; invitations are followed, and more people are invited."""
    world = site.world.draft()
    window = visit(serve(site.app)).carry(site.cookie("broker@example.test"))
    at = f"/broker/tenders/{world.tender.id}"
    with writing(world.session):
        pools.decline_invitation(world.session, world.now, world.patient(1), world.need(1).id)
    world.now += timedelta(minutes=1)
    window.go(f"{at}/groups/new")
    window.page.get_by_label("Service").select_option("physiotherapy")
    window.page.get_by_label("LN1", exact=True).check()
    for name, value in zip(
        ("from-day", "from-month", "from-year", "to-day", "to-month", "to-year"),
        ("1", "5", "2026", "31", "10", "2026"),
        strict=True,
    ):
        window.page.locator(f"[name=period_{name}]").fill(value)
    window.page.get_by_label("Name of the area").fill("Lincoln")
    window.page.get_by_text("3 providers within 15 km of this person.").wait_for()
    assert "Patient 01" not in window.text
    window.look("broker-bundle-live").press("Show who could join")
    assert "You would invite 1 person: 10 sessions and £600.00." in window.text
    window.page.get_by_role("checkbox", name="Patient 01").uncheck()
    window.page.get_by_text("You would invite 0 people").wait_for()

    window.go(at).follow("Physiotherapy").look("broker-group")
    assert "Said not now" in window.text
    window.press("Send the invitation").look("broker-group-nobody", status=422)
    window.page.get_by_role("checkbox", name="Patient 01").check()
    window.press("Send the invitation")
    assert "1 more person is invited." in window.text
    assert site.fresh().need(1).status is NeedStatus.INVITED
    world.agree()
    assert window.go(window.page.url.removeprefix(window.address)).text.count("Said yes") == 12
