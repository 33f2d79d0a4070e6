"""A draft of several groups: what was agreed in each, and that a group which nobody joined is not put out."""

import re

import pytest

from marketplace.journey import pools
from marketplace.records.database import writing
from marketplace.rules.errors import Invalid
from marketplace.rules.pooling import BundleTerms
from tests.web.site import Site
from tests.worlds import PERIOD

BROKER, BULK = "broker@example.test", "bulk@example.test"


def two_groups(site: Site) -> str:
    """A draft with twelve people asked in Lincoln, and a second group with nobody in it; returns its address."""
    world = site.world.draft()
    with writing(world.session):
        terms = BundleTerms("physiotherapy", "Stamford", ("PE9",), *PERIOD)
        pools.build_bundle(world.session, world.now, world.broking, world.tender.id, terms)
    return f"/broker/tenders/{world.tender.id}"


def test_a_group_that_nobody_joined_is_left_out_at_publication(site: Site) -> None:
    """The broker reads it before and after; to everybody else, and to the match, it is not there."""
    at, world = two_groups(site), site.world.agree()
    assert "the group for physiotherapy in Stamford is left out, for nobody has joined it" in (
        site.client(BROKER).get(f"{at}/publish").text
    )
    world.publish()
    page = site.client(BROKER).get(at).text
    assert 'Stamford <strong class="nhsuk-tag nhsuk-tag--white">Nobody joined</strong>' in page
    assert page.count("nhsuk-tag--white") == 1
    for reader, where in ((None, f"/tenders/{world.tender.id}"), (BULK, f"/provider/tenders/{world.tender.id}/offer")):
        text = site.client(reader).get(where).text
        assert "Lincoln" in text
        assert "Stamford" not in text
    joined = world.bundle
    world.bundle = next(bundle for bundle in world.tender.bundles if bundle.area == "Stamford")
    with pytest.raises(Invalid) as refused:
        world.offer("bulk", (0, 50_00))
    assert (refused.value.code, refused.value.place) == ("unknown_lot", "lines[0].bundle")
    world.bundle = joined
    world.three_offers().later(days=15).run_round()
    assert [lot["id"] for lot in world.tender.rounds[-1].market["bundles"]] == [joined.id]
    assert "Stamford" not in site.client(BROKER).get(f"{at}/result").text


def test_a_draft_tells_what_was_agreed_beside_what_was_asked(site: Site) -> None:
    """Units and money of those who said yes, in all and by group, and what it would be if everybody did."""
    at = two_groups(site)
    before = site.client(BROKER).get(at).text
    assert "Agreed so far: <strong>" not in before
    assert "Nobody has joined yet" in before
    assert "is left out" not in before
    site.world.agree(1)
    assert (
        "Nobody has joined in Stamford yet. If you publish now, that group is left out."
        in site.client(BROKER).get(at).text
    )
    text = site.client(BROKER).get(at).text
    assert "Agreed so far: <strong>10 sessions, £600.00</strong>" in text
    cells = re.findall(r"<div>(\d+ sessions)<br>(£[\d.,]+)</div>", text)
    assert cells.count(("10 sessions", "£600.00")) == 1
    assert cells.count(("120 sessions", "£7,200.00")) == 1
    site.world.agree(*range(2, 13))
    text = site.client(BROKER).get(at).text
    assert "Agreed so far" not in text
    assert "£7,200.00" in text


def test_a_draft_of_several_groups_has_one_primary_action(site: Site) -> None:
    """While nobody has joined it leads to the group that has most to answer; then it publishes."""
    at = two_groups(site)

    def primary() -> list[str]:
        text = site.client(BROKER).get(at).text
        return re.findall(r'class="nhsuk-button"[^>]*?href="([^"]+)"|href="([^"]+)"[^>]*?class="nhsuk-button"', text)

    [(*links,)] = primary()
    assert f"/broker/groups/{site.world.bundle.id}" in links
    site.world.agree(1)
    [(*links,)] = primary()
    assert f"{at}/publish" in links
