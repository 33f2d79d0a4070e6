"""Somebody who fills in whatever form a page shows: what was there stays, what was blank gets something plausible."""

import re
from html.parser import HTMLParser

from tests.worlds import synthetic_nhs_number

BY_NAME = {
    "nhs_number": synthetic_nhs_number(900),
    "birth_year": "1950",
    "district": "LN1",
    "email": "somebody@example.test",
    "rating": "Good",
    "easting_m": "497000",
    "northing_m": "371000",
    "id": "hydrotherapy",
}
BY_ENDING = {
    "delivered_on-day": "20",
    "delivered_on-month": "4",
    "-day": "1",
    "-month": "6",
    "-year": "2026",
    "-time": "12:00",
    "_pence": "40",
    "units": "2",
    "_months": "3",
    "_days": "5",
    "_percent": "90",
    "_distance_m": "10",
    "_age": "70",
    "_grade": "1",
    "_providers": "1",
}
LEFT_BLANK = re.compile(r".*bands-\d|.*-tiers-[1-9]-.*|exclusive|.*m(in|ax)_(units|providers|grade|wait_days)")
"""What would contradict something else."""
WRITTEN = "Written down by a test"


class _Form(HTMLParser):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self.forms: list[dict[str, list[str]]] = []
        self.names: list[set[str]] = []
        self._open = False
        self._select: str | None = None
        self._area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = at.get("method", "get").lower() == "post" and at.get("action", self._path) == self._path
            if self._open:
                self.forms.append({})
                self.names.append(set())
        elif (self._open and at.get("name")) or (self._select and tag == "option"):
            self._field(tag, at)

    def _field(self, tag: str, at: dict[str, str]) -> None:
        form, name = self.forms[-1], self._select if tag == "option" else at["name"]
        assert name is not None
        self.names[-1].add(name)
        kind = at.get("type", "text")
        if tag == "select":
            self._select = name
        elif tag == "option":
            if at.get("value") and (name not in form or "selected" in at):
                form[name] = [at["value"]]
        elif tag == "textarea":
            self._area = name
            form.setdefault(name, [WRITTEN])
        elif tag == "button":
            form.setdefault(name, [at.get("value", "")])
        elif kind == "checkbox":
            form.setdefault(name, []).append(at.get("value", ""))
        elif kind == "radio":
            if name not in form or "checked" in at:
                form[name] = [at.get("value", "")]
        elif kind != "file":
            form[name] = [at.get("value") or _plausible(name)]

    def handle_data(self, data: str) -> None:
        if self._area and data.strip():
            self.forms[-1][self._area] = [data.strip()]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None


def _plausible(name: str) -> str:
    if LEFT_BLANK.fullmatch(name):
        return ""
    last = name.rsplit("-", 1)[-1]
    for ending, value in BY_ENDING.items():
        if name.endswith(ending):
            return value
    return BY_NAME.get(last, WRITTEN)


def filled_in(html: str, path: str) -> tuple[dict[str, list[str]], set[str]]:
    """The form by which a page is sent to its own address, filled in, and the names it asks for; nothing if none is."""
    page = _Form(path)
    page.feed(html)
    if not page.forms:
        return {}, set()
    at = max(range(len(page.forms)), key=lambda number: len(page.names[number]))
    return {name: values for name, values in page.forms[at].items() if name != "csrf_token"}, page.names[at]
