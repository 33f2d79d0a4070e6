"""A commissioner moves a place: its own page, the provider's, the broker's, and that of whoever is matched with it."""

from datetime import UTC, datetime

from marketplace.records.database import writing
from tests.web.site import Site
from tests.web.test_easy_read import main_part, same
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
    easy = " ".join(main_part(site.client("p1@example.test"), match, easy=True).split())
    assert "It has moved since the offer was made." in easy
    assert "It was in LN1, " in easy
    assert "clinic, LN1." not in easy, "nowhere it is said to be where it was"
    assert {site.client(f"{name}@example.test").get(at).status_code for name in ("broker", "bulk", "p1")} == {403}


def test_a_place_that_is_too_far_now_can_be_left_out(site: Site) -> None:
    """The award and the offers say for how many; the form has the ground only then, and the provider reads it."""
    world = site.world.proposed()
    place, at = world.providers["bulk"].sites[0], f"/broker/tenders/{world.tender.id}"
    bulk = next(offer for offer in world.tender.offers if offer.provider_id == place.provider_id)
    broker, funder = site.client("broker@example.test"), site.client("funder@example.test")
    form = f"/broker/offers/{bulk.id}/exclude"
    move = f"/commissioner/sites/{place.id}/move"
    funder.post(move, data=MOVED)
    assert 'value="place_too_far"' not in broker.get(form).text
    assert "too far for" not in read(site, "broker@example.test", f"{at}/award")
    sea = {**MOVED, "district": "PE25", "easting_m": "556000", "northing_m": "363000"}
    assert funder.post(move, data=sea).status_code == 302
    assert 'value="place_too_far"' in broker.get(form).text
    for path in (f"{at}/award", f"{at}/offers"):
        assert "too far for 12 people matched with it" in read(site, "broker@example.test", path)
    before = read(site, "broker@example.test", f"{at}/offers")
    assert "so you can leave the offer out" in before
    assert "An offer can be left out on these grounds" in before
    sent = broker.post(form, data={"code": "place_too_far", "reason": "Nobody here can go to the sea."})
    assert sent.location == f"{at}/offers"
    told = read(site, "bulk@example.test", f"/provider/offers/{bulk.id}")
    assert "your place has moved, and is too far for somebody matched with it" in told


def test_no_offer_can_be_left_out_as_too_far_once_the_award_is_confirmed(site: Site) -> None:
    """The step would refuse it, so the page says no more that it can be done."""
    world = site.world.proposed().accept().confirm()
    place, at = world.providers["bulk"].sites[0], f"/broker/tenders/{world.tender.id}/offers"
    sea = {**MOVED, "district": "PE25", "easting_m": "556000", "northing_m": "363000"}
    site.client("funder@example.test").post(f"/commissioner/sites/{place.id}/move", data=sea)
    text = read(site, "broker@example.test", at)
    assert "from LN1 to PE25" in text
    assert "you can leave the offer out" not in text
    assert "Between the opening and the award, an offer could be left out" in text


def test_what_happened_to_a_place_is_told_in_order(site: Site) -> None:
    """Whatever it was, the earliest first; what is not recorded is said in words."""
    place = site.world.providers["bulk"].sites[0]
    with writing(site.world.session):
        place.attributes = []
        place.stated_at, place.moved_at, place.rating_changed_at = (
            datetime(2026, month, 1, 12, tzinfo=UTC) for month in (3, 2, 1)
        )
        place.moved_reason = place.rating_reason = "Because"
    text = read(site, "funder@example.test", f"/commissioner/providers/{place.provider_id}")
    told = ("The rating was changed on 1 January", "The place moved on 1 February", "what it says here on 1 March")
    assert [text.index(sentence) for sentence in told] == sorted(text.index(sentence) for sentence in told)
    assert "What is there Nothing recorded" in text
