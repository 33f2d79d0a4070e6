"""What a first visit weighs, and that nothing secret is sent compressed."""

import re

import pytest

from tests.web.site import Site

MOST_BYTES = 150_000


@pytest.mark.parametrize("path", ["/", "/tenders", "/figures", "/unmet-needs", "/sign-in"])
def test_a_first_visit_is_light(site: Site, path: str) -> None:
    """The page and everything it names, as sent to a browser that takes compressed answers."""
    client = site.client()
    page = client.get(path)
    files = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text))
    assert any(name.endswith(".css") for name in files)
    weight = 0
    for name in (path, *sorted(files)):
        with client.get(name, headers={"Accept-Encoding": "br, gzip"}) as answer:
            assert answer.status_code == 200
            weight += len(answer.data)
    assert weight <= MOST_BYTES


def test_a_page_of_somebodys_own_is_not_compressed(site: Site) -> None:
    """Nor is a public page to somebody signed in: its length would tell about the token in it."""
    takes = {"Accept-Encoding": "br, gzip"}
    assert "Content-Encoding" in site.client().get("/tenders", headers=takes).headers
    patient = site.client("p1@example.test")
    for path in ("/patient/", "/tenders"):
        assert "Content-Encoding" not in patient.get(path, headers=takes).headers
