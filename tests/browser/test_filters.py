"""The filters above a list: one row where they fit, equal rows where they do not, one below the other when narrow."""

from collections.abc import Callable

import pytest

from tests.browser.conftest import NARROW, Visit
from tests.web.site import Site

pytestmark = pytest.mark.browser

LISTS = {
    "/commissioner/people?who=no-supporter": [4],
    "/commissioner/users": [4],
    "/commissioner/tenders": [4],
    "/commissioner/organisations": [4],
    "/commissioner/audit": [3, 3],
    "/tenders": [5],
}
"""How many stand in each row at 1280 px: the filters, the order, the button."""

ROWS = """() => {
  const parts = [...document.querySelectorAll(".cp-filter .cp-inline > *")];
  const controls = parts.map(part => part.matches("button") ? part : part.querySelector("input, select"));
  const middles = controls.map(one => one.getBoundingClientRect()).map(box => (box.top + box.bottom) / 2);
  const rows = [];
  let last = -Infinity;
  for (const middle of middles.sort((a, b) => a - b)) {
    if (middle - last > 20) rows.push(0);
    rows[rows.length - 1] += 1;
    last = middle;
  }
  return rows;
}"""
CUT_OFF = """() => [...document.querySelectorAll(".cp-filter select")].filter(select => {
  const measure = document.createElement("canvas").getContext("2d");
  const style = getComputedStyle(select);
  measure.font = style.font;
  const arrow = 16;  // stands inside, over the end of the words
  const room = select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - arrow;
  return measure.measureText(select.selectedOptions[0].text).width > room;
}).map(select => select.selectedOptions[0].text)"""


def test_filters_stand_in_equal_rows(site: Site, enter: Callable[[str], Visit]) -> None:
    """Nothing is left alone in a row of its own, and what is chosen can be read to its end."""
    site.world.draft().agree().publish()
    window = enter("funder")
    for path, rows in LISTS.items():
        window.go(path)
        assert window.page.evaluate(ROWS) == rows, path
        assert window.page.evaluate(CUT_OFF) == [], path
        window.page.set_viewport_size(NARROW)
        assert set(window.page.evaluate(ROWS)) == {1}, path
        window.page.set_viewport_size({"width": 1280, "height": 900})
