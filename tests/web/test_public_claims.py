"""The pages of figures follow each result, name nobody, and do not make visitors of a large market wait."""

import threading
import time
from typing import Any

import pytest

from marketplace.front import claims
from tests.web.site import Site

NOTHING_YET = "There is no result yet that can be shown"


def awarded(site: Site) -> None:
    site.world.accept().confirm()


def test_the_figures_follow_a_new_result_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """While counting is quick (here: however busy the machine is), the next visitor sees the new figures."""
    monkeypatch.setattr(claims, "QUICK_S", 60)
    site.world.proposed()
    client = site.client()
    assert NOTHING_YET in client.get("/figures").text
    awarded(site)
    assert "£600.00 less" in client.get("/figures").text


def test_a_large_market_is_counted_beside_the_pages(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where counting is slow, visitors get the answer before until the new one is there."""
    monkeypatch.setattr(claims, "QUICK_S", 0)
    site.world.proposed()
    client = site.client()
    assert NOTHING_YET in client.get("/figures").text
    awarded(site)
    assert NOTHING_YET in client.get("/figures").text
    patience = time.monotonic() + 20
    while NOTHING_YET in client.get("/figures").text and time.monotonic() < patience:
        time.sleep(0.05)
    assert "£600.00 less" in client.get("/figures").text


def test_who_comes_first_is_asked_back(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a start nobody waits for seconds: the page says that counting is under way, and looks again."""
    begin, count = threading.Event(), claims._count_beside

    def count_later(*arguments: Any) -> None:
        begin.wait(20)
        count(*arguments)

    monkeypatch.setattr(claims, "FIRST_WAIT_S", 0)
    monkeypatch.setattr(claims, "_count_beside", count_later)
    client = site.client()
    for path in ("/figures", "/unmet-needs"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert "are being counted" in answer.text
    begin.set()
    patience = time.monotonic() + 20
    while (answer := client.get("/figures")).status_code == 503 and time.monotonic() < patience:
        time.sleep(0.05)
    assert NOTHING_YET in answer.text


def test_the_start_page_promises_what_is_so(site: Site) -> None:
    """Who can check what; and no figures before there is anything to count."""
    page = " ".join(site.client().get("/").text.split())
    assert "Anyone can check" not in page
    assert "People in a group can check that their own part is in the published result." in page
    assert "tenders awarded" not in page
    site.world.draft().agree().publish()
    assert "tenders awarded" in site.client().get("/").text


def test_no_public_page_names_a_patient(site: Site) -> None:
    """Neither a name, nor an id, nor a home's district stands on any page that anybody may read."""
    world = site.world.proposed()
    awarded(site)
    client = site.client()
    pages = ("/", "/tenders?state=all", f"/tenders/{world.tender.id}", "/figures", "/unmet-needs")
    for page in pages:
        text = client.get(page).text
        for patient in world.patients:
            assert patient.name not in text, page
            assert patient.id not in text, page
        assert "LN1" not in text, page


@pytest.mark.parametrize("address", ["/tenders?state=nonsense&page=x", "/unmet-needs?area=%25&service=none&page=99"])
def test_odd_filters_find_nothing_or_everything(site: Site, address: str) -> None:
    assert site.client().get(address).status_code == 200


def test_others_findings_are_told_once(site: Site) -> None:
    """A finding that says its own percentage, or a range, has none added; a year is not said twice."""
    text = site.client().get("/figures").text
    assert "10 to 15 per cent" in text
    assert "12.5%" not in text
    assert "Lower by 10%" in text
    assert "6 February 2023</p>" in text
    assert "6 February 2023 (2023)" not in text
    assert "(figures of 2016)" in text
