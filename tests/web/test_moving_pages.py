"""A commissioner moves a place: its own page, the provider's, the broker's, and that of whoever is matched with it."""

from tests.web.site import Site
from tests.web.test_easy_read import same
from tests.web.test_objection_pages import easily_read, read

MOVED = {"district": "LN2", "easting_m": "500000", "northing_m": "375000", "reason": "Its lease has ended."}


def test_a_place_is_moved_and_everybody_can_read_where_to(site: Site) -> None:
    """Nothing without a reason, half a grid reference or an unknown district; the offer still says where it was."""
    world = site.world.proposed()
    place = world.providers["bulk"].sites[0]
    funder, at = site.client("funder@example.test"), f"/commissioner/sites/{place.id}/move"
    own, offers = f"/commissioner/providers/{place.provider_id}", f"/broker/tenders/{world.tender.id}/offers"
    match = f"/patient/matches/{world.match(1).id}"
    assert at in funder.get(own).text
    for wrong, field in (
        ({"reason": " "}, "reason"),
        ({"northing_m": ""}, "northing_m"),
        ({"district": "?"}, "district"),
    ):
        refused = funder.post(at, data={**MOVED, **wrong})
        assert refused.status_code == 422
        assert f'href="#{field}"' in refused.text
    elsewhere = {**MOVED, "district": "ZE3", "easting_m": "", "northing_m": ""}
    assert "We do not know where this district is" in funder.post(at, data=elsewhere).text
    assert "has moved" not in read(site, "broker@example.test", offers)
    assert "It has moved" not in read(site, "p1@example.test", match)
    assert funder.post(at, data=MOVED).location == own
    assert all(told in funder.get(own).text for told in ("The place moved on 17 March 2026", "500000 east"))
    assert "Its lease has ended." in read(site, "bulk@example.test", "/provider/profile")
    assert "from LN1 to LN2" in read(site, "broker@example.test", offers)
    assert "Since this offer it has moved to LN2" in read(site, "p1@example.test", match)
    assert "LN1" in read(site, "p1@example.test", match)
    same(site, match)
    easily_read(site, match)
    assert {site.client(f"{name}@example.test").get(at).status_code for name in ("broker", "bulk", "p1")} == {403}
