"""A real Chromium against a real server: `browser` (one a run), `visit` (one person's window), `serve` (a server).

For most stories `site` (a small world with accounts) and `enter` (a window in which one of its people is signed in).

Chromium is Debian's (``make test`` installs it where it may); without it these tests are skipped and say so. A visit
notes every error the page reports, and fails the test at its end if there was one. `Visit.look` takes a page's
picture and lets axe read it, wide and narrow.
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, sync_playwright
from werkzeug.serving import BaseWSGIServer, make_server

from tests.web.site import Site, build_site

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

TABLES_THAT_STICK_OUT = """() => {
  const framed = [...document.querySelectorAll(".cp-frame:not(.cp-frame--moves) > table")];
  const amounts = framed.flatMap((table) => [...table.querySelectorAll("tbody .cp-number, tbody .cp-number > div")])
    .flatMap((cell) => [...cell.childNodes])
    .filter((node) => node.nodeType === Node.TEXT_NODE && /^\\s*£[\\d,.]+\\s*$/.test(node.data));
  const shown = amounts.map((node) => node.data);
  amounts.forEach((node) => { node.data = "£12,345.67"; });
  const found = framed.filter(
    (table) => table.getBoundingClientRect().right > table.parentElement.getBoundingClientRect().right + 1
  ).map((table) => table.caption.textContent);
  amounts.forEach((node, at) => { node.data = shown[at]; });
  return found;
}"""
"""The tables that would be wider than their column if every amount of theirs were tens of thousands of pounds."""


class Visit:
    """One person's browser window on one server."""

    def __init__(self, context: BrowserContext, address: str, pictures: Path) -> None:
        self.page: Page = context.new_page()
        self.address = address
        self.pictures = pictures
        self.complaints: list[str] = []
        self.last: Response | None = None
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        self.page.on("requestfailed", self._on_request_failed)
        self.page.on("response", self._on_response)

    def go(self, path: str) -> "Visit":
        """Open a page by its address."""
        self.page.goto(f"{self.address}{path}")
        return self

    def press(self, name: str) -> "Visit":
        """Press the button of this name and wait for what comes."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).first.click()
        return self

    def follow(self, name: str) -> "Visit":
        """Follow the link of this name, be it dressed as a button or not."""
        found = self.page.get_by_role("link", name=name).or_(self.page.locator("a[role=button]", has_text=name))
        with self.page.expect_navigation():
            found.first.click()
        return self

    def sign_in(self, email: str, password: str) -> "Visit":
        """Sign in as somebody."""
        self.go("/sign-in")
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password", exact=True).fill(password)
        return self.press("Sign in")

    def carry(self, cookie: str) -> "Visit":
        """Be signed in already, by the cookie of a sign-in made elsewhere."""
        self.page.context.add_cookies([{"name": "carepool", "value": cookie, "url": self.address}])
        return self

    @property
    def heading(self) -> str:
        """What the page's one h1 says."""
        headings = self.page.locator("h1")
        assert headings.count() == 1
        return headings.inner_text()

    @property
    def text(self) -> str:
        """All that a person can read in the page's main part; a space at which no line may be broken is a space."""
        return self.page.locator("main").inner_text().replace("\N{NO-BREAK SPACE}", " ")

    def look(self, name: str, *, status: int = 200) -> "Visit":
        """The page has this status, one h1, no fault that axe can find at either width.

        Its pictures are kept where somebody asked for them (``make screenshots``), and that of a page with a fault.
        """
        assert self.last is not None
        assert self.last.status == status, f"{self.last.url}: {self.last.status}"
        assert self.heading
        astray = self.page.eval_on_selector_all("[href]", "found => found.map(a => a.getAttribute('href'))")
        assert not [href for href in astray if set(href) & set("<> ")], f"{name}: links that lead nowhere"
        for width, size in (("1280", WIDE), ("390", NARROW)):
            self.page.set_viewport_size(size)
            faults = axe_faults(self.page)
            if faults or os.environ.get("CAREPOOL_SCREENSHOTS"):
                self.page.screenshot(path=self.pictures / f"{name}-{width}.png", full_page=True)
            assert not faults, f"{name} at {width}: {faults}"
            overflow = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert overflow <= 0, f"{name} at {width}: the page is {overflow} px wider than the screen"
            stick_out = self.page.evaluate(TABLES_THAT_STICK_OUT)
            assert not stick_out, f"{name} at {width}: wider than the column they stand in: {stick_out}"
        self.page.set_viewport_size(WIDE)
        return self

    def _on_response(self, response: Response) -> None:
        if response.request.is_navigation_request() and not 300 <= response.status < 400:
            self.last = response

    def _on_request_failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the page was left before its picture came: nobody's fault
            self.complaints.append(f"failed: {request.url} ({request.failure})")

    def _on_console(self, message: Any) -> None:
        # Chromium reports every answer of 400 and above as an error: what a test expects is asserted in `look`
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.complaints.append(f"{message.type}: {message.text}")


def axe_faults(page: Page) -> list[str]:
    """What axe finds wrong on a page as it stands, or cannot decide, in words."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = Axe(axe_script="null").run(page).response  # the script is there: it is half a megabyte
    return [_fault(rule) for kind in ("violations", "incomplete") for rule in found[kind]]


def _fault(rule: dict[str, Any]) -> str:
    places = "; ".join(
        str(node["target"]) + " " + str(node.get("failureSummary", ""))[:300] for node in rule["nodes"][:3]
    )
    return f"{rule['id']}: {places}"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, started once."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium fonts-liberation")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS, headless=True)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pictures of the pages go."""
    folder = Path(os.environ.get("CAREPOOL_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def visit(browser: Browser, pictures: Path) -> Iterator[Callable[[str], Visit]]:
    """Opens windows on a server's address; every complaint of theirs fails the test at its end."""
    opened: list[tuple[BrowserContext, Visit]] = []

    def open_window(address: str) -> Visit:
        context = browser.new_context(viewport=WIDE, locale="en-GB", timezone_id="Europe/London")
        context.set_default_timeout(10_000)
        opened.append((context, Visit(context, address, pictures)))
        return opened[-1][1]

    yield open_window
    for context, _ in opened:
        context.close()
    assert [complaint for _, window in opened for complaint in window.complaints] == []


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[[Flask], str]]:
    """Serves applications on free ports of this machine; gives each one's address."""
    running: list[tuple[BaseWSGIServer, threading.Thread]] = []

    def start(app: Flask) -> str:
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.port}"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A small world with accounts, to be put on a server."""
    made = build_site(tmp_path_factory.mktemp("site"))
    yield made
    made.world.session.close()


@pytest.fixture
def enter(site: Site, serve: Callable[[Flask], str], visit: Callable[[str], Visit]) -> Callable[[str], Visit]:
    """Opens a window in which somebody is signed in."""
    address = serve(site.app)

    def open_window(name: str) -> Visit:
        return visit(address).carry(site.cookie(f"{name}@example.test"))

    return open_window
