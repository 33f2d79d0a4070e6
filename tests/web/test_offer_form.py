"""The offer form: drafts, a further offer, how far it goes; wrong input keeps what was typed."""

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


def test_more_sessions_that_earn_less_are_marked(site: Site) -> None:
    """A lower price for all from the sixtieth on: 59 sessions at £59.00 earn more than 60 at £56.00."""
    world = site.world.draft().agree().publish()
    client, address = site.client("near@example.test"), f"/provider/tenders/{world.tender.id}/offer"
    prices = {"lines-0-tiers-0-price_pence": "£59", "lines-0-tiers-1-price_pence": "56", "bands-1": "60"}
    page = client.post(address, data=typed(site, "check", **prices)).get_data(as_text=True)
    assert page.count("You would earn less than for 59 sessions") == 1
    assert 'value="59"' in page


def test_wrong_input_names_the_field(site: Site) -> None:
    """A distance in words and a number out of turn."""
    world = site.world.draft().agree().publish()
    client, address = site.client("near@example.test"), f"/provider/tenders/{world.tender.id}/offer"
    answer = client.post(address, data=typed(site, "seal", max_distance_m="far"))
    assert answer.status_code == 422
    assert "Enter whole kilometres" in answer.get_data(as_text=True)
    assert 'value="far"' in answer.get_data(as_text=True)
    answer = client.post(address, data=typed(site, "seal", **{"lines-0-tiers-0-price_pence": "", "bands-1": "60"}))
    assert "Enter a price for at least one" in answer.get_data(as_text=True)
    answer = client.post(address, data=typed(site, "seal", **{"lines-0-tiers-1-price_pence": "dear", "bands-1": "60"}))
    assert "Physiotherapy, Lincoln, price in band 2: enter an amount in pounds" in answer.get_data(as_text=True)
    assert client.get(f"{address}?number=7").status_code == 404
    assert world.tender.offers == []
