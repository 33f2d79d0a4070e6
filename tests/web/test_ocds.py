"""A notice as open data: valid by the official schema in every state, and silent where its page is silent."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from marketplace.journey import amendments, tenders
from marketplace.records.database import writing
from marketplace.web import public
from tests.web.site import Site
from tests.worlds import SmallWorld

SHARED = Path(os.environ.get("CAREPOOL_SHARED", Path(__file__).resolve().parents[2].parent / "shared"))


@pytest.fixture(scope="module")
def official() -> Draft4Validator:
    """The release schema, version 1.1.5, as the Open Contracting Partnership publishes it."""
    path = SHARED / "data" / "real" / "ocds" / "schema" / "release-schema.json"
    if not path.exists():
        pytest.skip(f"the official schema is not here: {path}")
    return Draft4Validator(json.loads(path.read_text()))


def release_of(site: Site) -> dict[str, Any]:
    answer = site.client().get(f"/tenders/{site.world.tender.id}/ocds.json")
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    package = answer.get_json()
    assert package["version"] == "1.1"
    [release] = package["releases"]
    return release


def withdrawn(world: SmallWorld) -> None:
    world.draft().agree().publish()
    with writing(world.session):
        tenders.withdraw_tender(world.session, world.now, world.broking, world.tender.id, "The service is reshaped.")


def explained(world: SmallWorld) -> None:
    world.draft().agree().publish()
    with writing(world.session):
        amendments.clarify(world.session, world.now, world.broking, world.tender.id, "Sessions last forty minutes.")


STATES: dict[str, tuple[Callable[[SmallWorld], object], list[str], str]] = {
    "open": (lambda world: world.draft().agree().publish(), ["tender"], "active"),
    "explained": (explained, ["tenderUpdate"], "active"),
    "withdrawn": (withdrawn, ["tenderCancellation"], "withdrawn"),
    "proposed": (lambda world: world.proposed(), ["tender"], "active"),
    "standstill": (lambda world: world.proposed().accept().confirm(), ["tender", "award"], "active"),
    "awarded": (lambda world: world.awarded(), ["tender", "award"], "complete"),
}


@pytest.mark.parametrize("state", STATES)
def test_a_notice_is_valid_in_every_state(site: Site, official: Draft4Validator, state: str) -> None:
    walk, tags, status = STATES[state]
    walk(site.world)
    release = release_of(site)
    assert [error.message for error in official.iter_errors(release)] == []
    assert release["tag"] == tags
    assert release["tender"]["status"] == status
    assert ("awards" in release) == ("award" in tags)
    told = json.dumps(release)
    for patient in site.world.patients:
        assert patient.name not in told
        assert patient.id not in told


def test_the_award_says_what_the_page_says(site: Site) -> None:
    site.world.awarded()
    [award] = release_of(site)["awards"]
    assert award["status"] == "active"
    assert award["value"] == {"amount": 6000.0, "currency": "GBP"}
    assert award["suppliers"][0]["name"] == "Bulk Physio"
    assert "£6,000.00" in site.client().get(f"/tenders/{site.world.tender.id}").text


def test_all_notices_come_in_packages_that_stay(
    site: Site, official: Draft4Validator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of publication, so many a file; a full file is not changed by what is published later."""
    monkeypatch.setattr(public, "PACKAGE", 2)
    world, published, client = site.world, [], site.client()
    assert client.get("/open-data/notices/1.json").status_code == 404
    nothing = client.get("/open-data").text
    assert "No tender has been published yet" in nothing
    assert "/tenders?state=all" not in nothing
    for _ in range(3):
        withdrawn(world)
        published.append(world.tender.id)
        world.later(minutes=1)
        if len(published) == 2:
            full = client.get("/open-data/notices/1.json").get_json()
    assert client.get("/open-data").text.count("(JSON)") == 2
    packages = [client.get(f"/open-data/notices/{number}.json").get_json() for number in (1, 2)]
    assert packages[0] == full
    releases = [release for package in packages for release in package["releases"]]
    assert [release["tender"]["id"] for release in releases] == published
    assert [error.message for release in releases for error in official.iter_errors(release)] == []
    for package in packages:
        assert set(package) >= {"uri", "publisher", "publishedDate", "releases", "version"}
    for beyond in ("0", "3", "1000000", "99999999999999999999"):
        assert client.get(f"/open-data/notices/{beyond}.json").status_code == 404
    world.draft()
    assert client.get("/open-data/notices/2.json").get_json() == packages[1]


def test_a_draft_is_nobodys_to_read(site: Site) -> None:
    site.world.draft()
    assert site.client().get(f"/tenders/{site.world.tender.id}/ocds.json").status_code == 404
