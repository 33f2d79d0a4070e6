"""The offer form: drafts, a further offer, how far it goes; wrong input keeps what was typed."""

from marketplace.queries.words import moment
from tests.web.site import Site


def typed(site: Site, action: str, **more: str) -> dict[str, str]:
    world = site.world
    return {
        "site_id": world.providers["near"].sites[0].id,
        "lines-0-bundle": world.bundle.id,
        "lines-0-tiers-0-price_pence": "48.50",
        "action": action,
        **more,
    }


def test_a_draft_is_kept_and_sent(site: Site) -> None:
    """Kept, it is in the form again; sent, it is sealed; a further offer begins empty."""
    world = site.world.draft().agree().publish()
    client, address = site.client("near@example.test"), f"/provider/tenders/{world.tender.id}/offer"
    assert client.post(address, data=typed(site, "keep", max_distance_m="12", exclusive="spring")).status_code == 302
    assert [offer.status.value for offer in site.fresh().tender.offers] == ["draft"]
    page = client.get(address).get_data(as_text=True)
    assert 'value="48.50"' in page
    assert 'value="12"' in page
    assert 'value="spring"' in page
    assert client.post(address, data=typed(site, "seal")).status_code == 302
    assert sorted(offer.status.value for offer in site.fresh().tender.offers) == ["replaced", "standing"]
    assert "Make a further offer" in client.get(f"/provider/tenders/{world.tender.id}").get_data(as_text=True)
    assert 'value="48.50"' not in client.get(f"{address}?number=2").get_data(as_text=True)
    assert client.post(f"{address}?number=2", data=typed(site, "seal")).status_code == 302
    assert sorted(offer.number for offer in site.fresh().tender.offers) == [1, 1, 2]


def test_only_one_of_several_offers(site: Site) -> None:
    """It is asked where there is another offer, says what that one says, and stands in the receipt if it is chosen."""
    world = site.world.draft().agree().publish()
    client, address = site.client("near@example.test"), f"/provider/tenders/{world.tender.id}/offer"
    question = "Use only one of these offers?"
    assert question not in client.get(address).text
    first = client.post(address, data=typed(site, "seal"), follow_redirects=True).text
    assert "Use only one" not in first
    assert question not in client.get(address).text
    further = client.get(f"{address}?number=2").text
    assert question in further
    assert "Offer 1 says no. If only one may be used of this one and offer 1, say so in offer 1 as well." in further
    assert "Make a further offer" in further
    second = client.post(f"{address}?number=2", data=typed(site, "seal", exclusive="only one"), follow_redirects=True)
    assert "Yes, of your offers here that say so" in second.text
    assert "Offer 2 says yes." in client.get(address).text
    assert client.post(address, data=typed(site, "keep", exclusive="spring")).status_code == 302
    third = client.get(f"{address}?number=3").text
    assert "Offer 1 says “spring”. Offer 2 says yes." in third
    assert "Yes, only one of those that say “spring”" in third


def test_the_most_below_the_fewest_is_told_in_the_forms_words(site: Site) -> None:
    """The summary calls the field as the page does, and says what to enter."""
    world = site.world.draft().agree().publish()
    client, address = site.client("near@example.test"), f"/provider/tenders/{world.tender.id}/offer"
    told = client.post(address, data=typed(site, "seal", min_units="60", max_units="50")).text
    assert "Most sessions in all: enter 60 or more" in told
    told = client.post(address, data=typed(site, "seal", min_units="some")).text
    assert "Fewest sessions in all: " in told


def test_more_sessions_that_earn_less_are_marked(site: Site) -> None:
    """A lower price for all from the sixtieth on: 59 sessions at £59.00 earn more than 60 at £56.00."""
    world = site.world.draft().agree().publish()
    client, address = site.client("near@example.test"), f"/provider/tenders/{world.tender.id}/offer"
    prices = {"lines-0-tiers-0-price_pence": "£59", "lines-0-tiers-1-price_pence": "56", "bands-1": "60"}
    page = client.post(address, data=typed(site, "check", **prices)).get_data(as_text=True)
    assert page.count("You would earn less than for 59 sessions") == 1
    assert 'value="59"' in page


def test_an_offer_that_can_never_be_used_is_told_so(site: Site) -> None:
    """Whoever would start at more than is asked for reads that before they seal, and after."""
    world = site.world.draft().agree().publish()
    client, address = site.client("near@example.test"), f"/provider/tenders/{world.tender.id}/offer"
    told = "The tender asks for 120 sessions. An offer that starts at 121 sessions cannot be used."
    assert told not in client.post(address, data=typed(site, "check", min_units="120")).text
    assert told in client.post(address, data=typed(site, "check", min_units="121")).text
    assert told in client.post(address, data=typed(site, "seal", min_units="121"), follow_redirects=True).text


def test_wrong_input_names_the_field(site: Site) -> None:
    """A distance in words and a number out of turn."""
    world = site.world.draft().agree().publish()
    client, address = site.client("near@example.test"), f"/provider/tenders/{world.tender.id}/offer"
    answer = client.post(address, data=typed(site, "seal", max_distance_m="far"))
    assert answer.status_code == 422
    assert "Enter whole kilometres" in answer.get_data(as_text=True)
    assert 'value="far"' in answer.get_data(as_text=True)
    answer = client.post(address, data=typed(site, "seal", **{"lines-0-tiers-0-price_pence": "", "bands-1": "60"}))
    assert "price per session: enter a price for at least one group" in answer.get_data(as_text=True)
    assert 'href="#lines-0-tiers-0-price_pence"' in answer.get_data(as_text=True)
    no_price = {"lines-0-tiers-0-price_pence": "", "lines-0-min_units": "9"}
    answer = client.post(address, data=typed(site, "seal", **no_price))
    assert "Enter at least one price" in answer.get_data(as_text=True)
    assert 'value="9"' in answer.get_data(as_text=True)
    answer = client.post(address, data=typed(site, "seal", **{"lines-0-tiers-1-price_pence": "dear", "bands-1": "60"}))
    assert "Physiotherapy, Lincoln, price in band 2: enter an amount in pounds" in answer.get_data(as_text=True)
    assert client.get(f"{address}?number=7").status_code == 404
    assert world.tender.offers == []


def test_a_wrong_band_is_named(site: Site) -> None:
    """The summary leads to the band that is wrong, and says from where it could start."""
    world = site.world.draft().agree().publish()
    client, address = site.client("near@example.test"), f"/provider/tenders/{world.tender.id}/offer"
    prices = {f"lines-0-tiers-{band}-price_pence": str(50 - band) for band in range(3)}
    told = client.post(address, data=typed(site, "seal", **prices, **{"bands-1": "60", "bands-2": "40"})).text
    assert "Band 3 from: each price must start from more units than the one before: enter 61 or more" in told
    assert 'href="#bands-2"' in told
    told = client.post(address, data=typed(site, "seal", **prices, **{"bands-1": "60"})).text
    assert "Enter from which volume on the price in band 3 counts" in told
    told = client.post(address, data=typed(site, "seal", **{"bands-1": "60"})).text
    assert "enter the price in band 2, or clear “Band 2 from”" in told
    told = client.post(address, data=typed(site, "seal", **prices, **{"bands-1": "sixty", "bands-2": "90"})).text
    assert "Band 2 from: enter a whole number" in told


def test_withdrawing_is_asked_once_more(site: Site) -> None:
    """The offer says until when it can be changed; the page that asks changes nothing; sent, it is done, once."""
    world = site.world.draft().agree().publish()
    offer = world.offer("near", (0, 5_900)).id
    client, at = site.client("near@example.test"), f"/provider/offers/{offer}"
    due = moment(world.tender.offers_due_at)
    page = client.get(at).text
    assert f"You can change or withdraw this offer until <strong>{due}</strong>." in page
    assert f'href="{at}/withdraw"' in page
    assert f"You can make another offer until <strong>{due}</strong>." in client.get(f"{at}/withdraw").text
    assert [row.status.value for row in site.fresh().tender.offers] == ["standing"]
    assert client.post(f"{at}/withdraw").status_code == 302
    assert [row.status.value for row in site.fresh().tender.offers] == ["withdrawn"]
    assert client.get(f"{at}/withdraw").status_code == 409
    assert "You can change or withdraw" not in client.get(at).text


def test_what_would_be_earned_names_the_fee_only_where_there_is_one(site: Site) -> None:
    """On the form as on the sealed offer."""
    world = site.world.draft().agree().publish()
    client, address = site.client("near@example.test"), f"/provider/tenders/{world.tender.id}/offer"
    without = client.post(address, data=typed(site, "check")).text
    assert ">You would earn<" in without
    assert "fee included" not in without
    sealed = client.post(address, data=typed(site, "seal", fee_pence="100"), follow_redirects=True).text
    assert ">You would earn, fee included<" in sealed


def test_one_group_asks_for_its_limits_once(site: Site) -> None:
    """With one group the limits in all are its limits; those that an offer has already can still be changed."""
    world = site.world.draft().agree().publish()
    client, address = site.client("near@example.test"), f"/provider/tenders/{world.tender.id}/offer"
    assert "in this group" not in client.get(address).text
    assert client.post(address, data=typed(site, "keep", **{"lines-0-min_units": "9"})).status_code == 302
    assert "Fewest sessions in this group" in client.get(address).text


def test_the_upload_names_an_earlier_offer_only_if_there_is_one(site: Site) -> None:
    """Its template then has what was offered so far."""
    world = site.world.draft().agree().publish()
    client, address = site.client("near@example.test"), f"/provider/tenders/{world.tender.id}/offer"
    assert "what you offered so far" not in client.get(f"{address}/upload").text
    assert client.post(address, data=typed(site, "seal")).status_code == 302
    assert "what you offered so far" in client.get(f"{address}/upload").text
