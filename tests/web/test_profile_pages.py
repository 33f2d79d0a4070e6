"""A provider's profile on pages: what it states and reads, what its offers say, what the commissioner changes."""

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from marketplace.adapters.sealing import Keyring
from marketplace.journey import ratings, sites
from marketplace.records.catalogue import Service
from marketplace.records.database import writing
from marketplace.records.providers import Site as Place
from marketplace.rules.sites import SiteStatement
from tests.web.site import Site, build_site

STATED: dict[str, Any] = {"name": "near clinic", "services": ["physiotherapy"], "first_appointment_days": "14"}
EVIDENCE = "Nine of ten people walked further."
WRITTEN = {
    **STATED,
    "own_evidence": EVIDENCE,
    "own_evidence_date-day": "1",
    "own_evidence_date-month": "2",
    "own_evidence_date-year": "2026",
}
RATED = {"rating": "Requires improvement", "reason": "A new inspection."} | {
    f"rating_date-{part}": value for part, value in (("day", "1"), ("month", "3"), ("year", "2026"))
}


def place_of(site: Site, name: str = "near") -> Place:
    return site.fresh().providers[name].sites[0]


def unrate(site: Site, writer: str) -> None:
    """No place has a rating, as the commissioner enters it; one provider writes something for itself."""
    world = site.world
    with writing(world.session):
        for name in world.providers:
            at = world.providers[name].sites[0].id
            sites.change_rating(
                world.session, world.now, world.funder, at, rating=None, rating_date=None, reason="Never inspected."
            )
        said = SiteStatement(f"{writer} clinic", ("physiotherapy",), ("step_free",), 14, EVIDENCE, date(2026, 2, 1))
        sites.state_site(world.session, world.now, world.provider(writer), world.providers[writer].sites[0].id, said)


def test_a_provider_states_its_place(site: Site) -> None:
    """Home leads there; what is wrong is told at its field with what was typed; then the page says it."""
    client, at = site.client("near@example.test"), f"/provider/profile/{place_of(site).id}"
    assert 'href="/provider/profile"' in client.get("/provider/").text
    page = client.get("/provider/profile").text
    assert "Good, published on 1 June 2025" in page
    assert at in page
    form = client.get(at).text
    assert 'value="near clinic"' in form
    assert "own_evidence" not in form
    for changed, field in (
        ({"name": ""}, "name"),
        ({"services": []}, "services"),
        ({"services": ["magic"]}, "services"),
        ({"attributes": ["magic"]}, "attributes"),
        ({"first_appointment_days": "soon"}, "first_appointment_days"),
    ):
        refused = client.post(at, data={**STATED, "name": "River clinic", **changed})
        assert refused.status_code == 422, changed
        assert f'href="#{field}"' in refused.text, changed
    assert client.post(at, data=WRITTEN).status_code == 422
    assert client.post(at, data={**STATED, "grade": "4"}).status_code == 422
    reach = "01632 960001, or desk@river.example"
    assert client.post(at, data={**STATED, "contact": "1" * 201}).status_code == 422
    sent = {
        **STATED,
        "contact": reach,
        "name": "River clinic",
        "attributes": ["evening", "weekend"],
        "first_appointment_days": "1",
    }
    assert client.post(at, data=sent).location == "/provider/profile"
    page = client.get("/provider/profile").text
    assert place_of(site).contact == reach
    for said in ("River clinic", reach, "Evening sessions, weekend sessions", "Within 1 day"):
        assert said in page
    assert place_of(site).grade == 3


def test_nobody_else_states_it(site: Site) -> None:
    """Another provider's place is not found; other roles are shut out."""
    at = f"/provider/profile/{place_of(site).id}"
    for name, status in (("bulk", 404), ("funder", 403), ("broker", 403), ("p1", 403)):
        client = site.client(f"{name}@example.test")
        assert client.get(at).status_code == status
        assert client.post(at, data={**STATED, "name": "Mine"}).status_code == status
    for name in ("near", "broker", "p1"):
        client = site.client(f"{name}@example.test")
        for step, data in (("rating", RATED), ("close", {"reason": "x"}), ("reopen", {})):
            assert client.post(f"/commissioner/sites/{place_of(site).id}/{step}", data=data).status_code == 403
    assert (place_of(site).name, place_of(site).grade, place_of(site).closed_at) == ("near clinic", 3, None)


def test_home_follows_the_profile(site: Site) -> None:
    """A tender fits while one of the open places does what it asks for."""
    site.world.draft().agree().publish()
    client, tender = site.client("near@example.test"), f"/provider/tenders/{site.world.tender.id}"
    with writing(site.world.session):
        prices = dict.fromkeys(("reference_pence", "conventional_pence", "private_pence"), 4_000)
        site.world.session.add(Service(id="podiatry", name="Podiatry", unit="visit", source="test", **prices))
    own = f"/provider/profile/{place_of(site).id}"
    for services, fits in ((["physiotherapy"], True), (["podiatry"], False), (["podiatry", "physiotherapy"], True)):
        assert client.post(own, data={**STATED, "services": services}).status_code == 302
        assert (tender in client.get("/provider/").text) is fits
    funder = site.client("funder@example.test")
    assert (
        funder.post(f"/commissioner/sites/{place_of(site).id}/close", data={"reason": "It moved."}).status_code == 302
    )
    assert tender not in client.get("/provider/").text
    assert "It moved." in client.get("/provider/profile").text
    assert client.get(own).status_code == 409
    assert "near clinic, LN1" not in client.get(f"{tender}/offer").text
    page = funder.get(f"/commissioner/providers/{site.world.providers['near'].id}").text
    assert "Closed to new offers" in page
    assert funder.post(f"/commissioner/sites/{place_of(site).id}/reopen").status_code == 302
    assert tender in client.get("/provider/").text
    assert "near clinic, LN1" in client.get(f"{tender}/offer").text


def test_a_sealed_offer_shows_what_it_says(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The profile points at an open offer that says something else, until it is sealed again; each is opened once."""
    opened, real = [], Keyring.read_own_offer
    monkeypatch.setattr(Keyring, "read_own_offer", lambda *given, **more: opened.append(1) or real(*given, **more))
    world = site.world.draft().agree().publish()
    offer = world.offer("near", (0, 5_000)).id
    client = site.client("near@example.test")
    assert "sealed this offer before" not in client.get("/provider/profile").text
    assert client.post(f"/provider/profile/{place_of(site).id}", data={**STATED, "name": "River"}).status_code == 302
    opened.clear()
    page = client.get("/provider/profile").text
    assert len(opened) == 1
    assert "sealed this offer before" in page
    assert f"/provider/tenders/{world.tender.id}/offer?number=1" in page
    shown = client.get(f"/provider/offers/{offer}").text
    assert "near clinic, LN1" in shown
    assert "Step-free access" in shown
    site.fresh().offer("near", (0, 5_000))
    assert "sealed this offer before" not in client.get("/provider/profile").text


def plain(text: str) -> str:
    """A page without its forms' tokens, which are others a second later."""
    return re.sub(r'name="csrf_token" value="[^"]*"', "", text)


@pytest.mark.parametrize("easy", [False, True])
def test_a_patient_reads_what_the_offer_said(site: Site, easy: bool) -> None:
    """Rating and date, first appointment, attributes and the provider's own words, as sealed, on both twins."""
    unrate(site, "bulk")
    world = site.world.proposed()
    at, client = f"/patient/matches/{world.match(1).id}", site.client("p1@example.test")
    if easy:
        client.post("/patient/easy-read", data={"easy_read": "on", "next": at})
        client.get(at)  # takes away the word that it is done
    before = plain(client.get(at).text)
    assert ("first visit is within 14 days" if easy else "Within 14 days") in before
    for said in (EVIDENCE, "1 February 2026", "Nobody has checked it", "Not rated", "step-free access"):
        assert said.lower() in before.lower(), said
    site_id = place_of(site, "bulk").id
    with writing(world.session):
        sites.state_site(
            world.session, world.now, world.provider("bulk"), site_id,
            SiteStatement("bulk house", ("physiotherapy",), ("weekend",), 1, "We are the best.", date(2026, 3, 1)),
        )  # fmt: skip
        sites.change_rating(
            world.session, world.now, world.funder, site_id,
            rating="Outstanding", rating_date=date(2026, 3, 1), reason="An inspection.",
        )  # fmt: skip
    assert plain(client.get(at).text) == before
    other = site.client("p2@example.test").get(f"/patient/matches/{world.match(2).id}").text
    assert "Outstanding" not in other


def test_a_profile_says_what_a_place_carries(site: Site) -> None:
    """Contracts in force with their units; one that is not signed, or ended, does not count."""
    world = site.world.proposed().accept().confirm().later(days=20)
    client = site.client("bulk@example.test")
    assert "Contracts in force" in client.get("/provider/profile").text
    assert "0 of" not in client.get("/provider/profile").text
    world.sign(1, 2).deliver(1, 3)
    assert "2 contracts, 3 of 20 sessions confirmed" in client.get("/provider/profile").text
    assert "contracts, 3" not in site.client("near@example.test").get("/provider/profile").text


def test_a_rated_match_says_since_when(site: Site) -> None:
    world = site.world.proposed()
    page = site.client("p1@example.test").get(f"/patient/matches/{world.match(1).id}").text
    assert "Good, published on 1 June 2025" in page


def test_the_broker_reads_own_words_once_names_are_known(site: Site) -> None:
    """Nothing of them stands on any of its pages while offers have aliases."""
    unrate(site, "bulk")
    world = site.world.draft().agree().publish().three_offers().later(days=15)
    at, client = f"/broker/tenders/{world.tender.id}", site.client("broker@example.test")
    for path in (at, f"{at}/offers"):
        assert EVIDENCE not in client.get(path).text
    site.fresh().run_round()
    assert EVIDENCE in client.get(f"{at}/result").text


def test_a_commissioner_changes_a_rating(site: Site) -> None:
    """Nothing without its day and a reason; the provider reads why; a broker is shown what its proposal counts on."""
    world = site.world.proposed()
    provider, at = world.providers["bulk"].id, f"/commissioner/sites/{place_of(site, 'bulk').id}/rating"
    client = site.client("funder@example.test")
    assert at in client.get(f"/commissioner/providers/{provider}").text
    for left_out, field in (("rating", "rating"), ("rating_date-year", "rating_date"), ("reason", "reason")):
        typed = {name: value for name, value in RATED.items() if not name.startswith(left_out.removesuffix("-year"))}
        refused = client.post(at, data=typed)
        assert refused.status_code == 422, left_out
        assert f'href="#{field}' in refused.text, left_out
    assert client.post(at, data=RATED).location == f"/commissioner/providers/{provider}"
    assert "Requires improvement, published on 1 March 2026" in client.get(f"/commissioner/providers/{provider}").text
    assert "A new inspection." in site.client("bulk@example.test").get("/provider/profile").text
    broker = site.client("broker@example.test")
    award = broker.get(f"/broker/tenders/{world.tender.id}/award").text
    assert "Good when it was sealed, Requires improvement now" in award
    offer = next(row for row in site.fresh().tender.offers if row.provider_id == provider).id
    near = next(row for row in site.world.tender.offers if row.provider_id != provider).id
    grounds = {"code": "rating_fell", "reason": "It is rated worse now."}
    asked = {row: 'value="rating_fell"' in broker.get(f"/broker/offers/{row}/exclude").text for row in (near, offer)}
    assert asked == {near: False, offer: True}
    assert broker.post(f"/broker/offers/{near}/exclude", data=grounds).status_code == 422
    assert broker.post(f"/broker/offers/{offer}/exclude", data=grounds).status_code == 302
    assert "left out" in site.client("bulk@example.test").get(f"/provider/offers/{offer}").text


def test_odd_ratings_are_said_in_words(site: Site) -> None:
    """What is published in place of a rating keeps its word and its day, and counts as unrated."""
    at = f"/commissioner/sites/{place_of(site).id}/rating"
    client = site.client("funder@example.test")
    assert client.post(at, data={**RATED, "rating": "Inspected but not rated"}).status_code == 302
    assert place_of(site).grade == 0
    provider = site.client("near@example.test")
    assert "Inspected but not rated, published on 1 March 2026" in provider.get("/provider/profile").text
    own = f"/provider/profile/{place_of(site).id}"
    assert provider.post(own, data={**WRITTEN, "own_evidence": ""}).status_code == 422
    assert provider.post(own, data=WRITTEN).status_code == 302
    assert provider.post(own, data={**WRITTEN, "own_evidence": "<b>Best</b>"}).status_code == 302
    assert "“&lt;b&gt;Best&lt;/b&gt;”" in provider.get("/provider/profile").text
    assert provider.post(own, data=WRITTEN).status_code == 302
    assert EVIDENCE in client.get(f"/commissioner/providers/{site.world.providers['near'].id}").text
    assert place_of(site).grade == 0
    assert client.post(at, data={**RATED, "rating": "Not rated"}).status_code == 302
    assert (place_of(site).rating, place_of(site).rating_date) == (None, None)


def test_words_of_many_are_those_of_the_latest(tmp_path: Path) -> None:
    """Where more have rated than are asked for their words, the page says of how many they are."""
    site = build_site(tmp_path, patients=32)
    world, at = site.world.awarded(), "/provider/profile"
    said = "They come from the latest 24 of the people counted above."
    for number in range(1, 33):
        world.deliver(number)
        words = f"Words of number {number:02}"
        with writing(world.session):
            ratings.rate(
                world.session,
                world.now + timedelta(minutes=number),
                world.patient(number),
                world.contract(number).id,
                4,
                words,
                provider_may_read=True,
            )
        if number == 24:
            assert said not in site.client("bulk@example.test").get(at).text
    page = site.client("bulk@example.test").get(at).text
    assert said in page
    assert "Words of number 09" in page
    assert "Words of number 08" not in page
