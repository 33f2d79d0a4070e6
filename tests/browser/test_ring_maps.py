"""A ring map with many providers and people, drawn by its component alone: axe can read every word on it."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from flask import render_template_string

import marketplace.web
from marketplace.queries.maps import People, Pin, ring_map
from tests.browser.conftest import NARROW, WIDE, axe_faults
from tests.web.site import build_site

pytestmark = pytest.mark.browser

PAGE = """<html lang="en"><head><title>Maps</title><style>{{ style }}</style></head><body><main><h1>Maps</h1>
{% from "components/maps.html" import ring_map %}
{% for map in maps %}{{ ring_map("map-%d" % loop.index, "Map %d" % loop.index, map) }}{% endfor %}
</main></body></html>"""
LINCOLN = (497_600, 371_400)


def test_maps_with_many_providers_are_clean(visit: Callable[[str], Any], tmp_path: Path) -> None:
    """Numbers and words have their ground wherever they stand: four sites and more, in use or not, among people."""
    site, draw = build_site(tmp_path), Random(4)

    def near(metres: int) -> tuple[int, int]:
        return LINCOLN[0] + draw.randint(-metres, metres), LINCOLN[1] + draw.randint(-metres, metres)

    maps = [
        ring_map(
            [People(*near(15_000)) for _ in range(12)],
            [Pin(*near(9_000), f"Provider {n}", "Lincoln", "good", chosen=n < chosen) for n in range(sites)],
        )
        for sites, chosen in ((4, 4), (4, 0), (8, 4))
    ]
    style = (Path(marketplace.web.__path__[0]) / "static" / "carepool.css").read_text()
    with site.app.test_request_context("/"):
        page = render_template_string(PAGE, maps=maps, style=style)
    site.world.session.close()
    window = visit("")
    window.page.set_content(page)
    assert window.page.locator(".cp-map__site").count() == 16
    for size in (WIDE, NARROW):
        window.page.set_viewport_size(size)
        assert axe_faults(window.page) == []
