"""What a provider reads of its offer: sealed, opened, then whether it was used; list, filter and pages agree."""

import re

from sqlalchemy import select

from marketplace.journey import tenders
from marketplace.queries.offer_results import offer_states
from marketplace.records.database import writing
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.rounds import Award, Round, RoundKind, RoundStatus
from marketplace.work.feedback import prepare_all
from tests.web.site import Site
from tests.web.test_group_pages import change
from tests.worlds import SmallWorld


def offer_of(world: SmallWorld, name: str) -> str:
    return world.session.scalars(select(Offer.id).where(Offer.provider_id == world.providers[name].id)).one()


def tags(site: Site, name: str) -> set[str]:
    """The state of this provider's one offer, wherever it is told: its page, its tender, the list, each filter."""
    client, world = site.client(f"{name}@example.test"), site.fresh()
    offer_id = offer_of(world, name)
    paths = [f"/provider/offers/{offer_id}", f"/provider/tenders/{world.tender.id}", "/provider/offers"]
    found = {
        tag
        for path in paths
        for tag in re.findall(r'<strong class="nhsuk-tag[^"]*">([^<]+)</strong>', client.get(path).text)
        if tag in offer_states()
    }
    listed = {state for state in offer_states() if offer_id in client.get(f"/provider/offers?state={state}").text}
    return found | listed


def test_who_wins_and_who_loses_reads_it_once_it_is_published(site: Site) -> None:
    """Opened until the award is confirmed; from then on used or not used, for good."""
    world = site.world.draft().agree().publish().three_offers()
    assert tags(site, "near") == {"Sealed"}
    world.later(days=15).run_round()
    assert {name: tags(site, name) for name in ("near", "bulk")} == {"near": {"Opened"}, "bulk": {"Opened"}}
    world.accept().confirm()
    assert {name: tags(site, name) for name in ("near", "bulk")} == {"near": {"Not used"}, "bulk": {"Used"}}
    for name in ("near", "bulk"):
        page = site.client(f"{name}@example.test").get(f"/provider/offers/{offer_of(world, name)}").text
        assert "The result is not final yet." in page
        assert f'/provider/tenders/{world.tender.id}/represent">object to the result</a> until' in page
    world.later(days=20)
    assert {name: tags(site, name) for name in ("near", "bulk")} == {"near": {"Not used"}, "bulk": {"Used"}}
    page = site.client("bulk@example.test").get(f"/provider/offers/{offer_of(world, 'bulk')}").text
    assert "Your offer was used: 120 sessions." in page
    assert "not final yet" not in page


def test_a_no_leaves_an_offer_used_in_part(site: Site) -> None:
    """Eleven of twelve stay: the page says how much of the match that is, and not that somebody silent said no."""
    world = site.world.proposed(fee=0).decline(7)
    world.accept(*(number for number in range(1, 13) if number != 7)).confirm()
    assert tags(site, "bulk") == {"Part used"}
    page = site.client("bulk@example.test").get(f"/provider/offers/{offer_of(world, 'bulk')}").text
    assert "used in part: 110 sessions of 120. The other people did not take it." in page
    prepare_all(world.session, world.now)
    told = site.client("bulk@example.test").get(f"/provider/offers/{offer_of(world, 'bulk')}/feedback").text
    assert "used in part: 110 sessions of 120" in told


def test_a_match_that_falls_is_not_used(site: Site) -> None:
    """Eleven of twelve stay, and do not pay the whole fee any more: the award falls."""
    world = site.world.proposed().decline(7)
    world.accept(*(number for number in range(1, 13) if number != 7)).confirm()
    assert tags(site, "bulk") == {"Not used"}


def test_nothing_is_used_of_a_tender_that_came_to_nothing(site: Site) -> None:
    """All say no, and the broker lets the time pass."""
    world = site.world.proposed()
    for number in range(1, 13):
        world.decline(number)
    world.later(days=60)
    assert tags(site, "bulk") == {"Not used"}


def test_an_offer_on_a_tender_taken_back_was_never_opened(site: Site) -> None:
    """It lies sealed while offers can be made; once the tender is taken back, home counts none."""

    def sealed() -> str:
        home = site.client("near@example.test").get("/provider/").text
        return re.findall(r'number">(\d+)</span>\s*<span[^>]*>(?:<a[^>]*>)?sealed offers?<', home)[0]

    world = site.world.draft().agree().publish().three_offers()
    assert sealed() == "1"
    with writing(world.session):
        tenders.withdraw_tender(world.session, world.now, world.broking, world.tender.id, "Its group fell apart")
    assert tags(site, "near") == {"Never opened", "Withdrawn"}  # the tender is what was withdrawn, and its page says so
    listed = site.client("near@example.test").get("/provider/offers?state=Withdrawn").text
    assert offer_of(world, "near") not in listed
    assert sealed() == "0"


def test_only_the_latest_round_counts(site: Site) -> None:
    """An award of an earlier round, whatever its id, is no award: neither told, nor asked to go on."""
    world = site.world.proposed().accept().confirm()
    latest = world.session.scalars(select(Round)).one()
    with writing(world.session):
        latest.number = 2
        world.session.flush()
        columns = {column.name: getattr(latest, column.name) for column in Round.__table__.columns}
        earlier = Round(**{**columns, "id": "an-earlier-round", "number": 1, "kind": RoundKind.WHOLE})
        earlier.status = RoundStatus.VERIFIED
        world.session.add(earlier)
        world.session.flush()
        for at in ("0", "z"):
            name = "near" if at == "z" else "bulk"
            world.session.add(
                Award(
                    id=at * 16,
                    round_id=earlier.id,
                    offer_id=offer_of(world, name),
                    tier=0,
                    units=7,
                    fee_pence=0,
                    spend_pence=0,
                )
            )
    assert {name: tags(site, name) for name in ("near", "bulk")} == {"near": {"Not used"}, "bulk": {"Used"}}
    page = site.client("near@example.test").get(f"/provider/offers/{offer_of(world, 'near')}").text
    assert "7 sessions" not in page
    assert "Your offer was not used" in page


def test_an_offer_that_took_no_part_is_not_told_that_others_were_better(site: Site) -> None:
    """Replaced, withdrawn or void before the opening: only what was matched has a result."""
    world = site.world.draft().agree().publish()
    client = site.client("near@example.test")
    void = world.offer("near", (0, 5_900)).id
    change(world, pence_per_km=60)
    assert "You can make it anew until" in client.get(f"/provider/offers/{void}").text
    site.fresh().agree()
    replaced = world.offer("near", (0, 5_800)).id
    world.offer("near", (0, 5_700))
    world.offer("bulk", (0, 4_900))
    of_near = select(Offer.id).where(Offer.provider_id == world.providers["near"].id)
    standing = world.session.scalars(of_near.where(Offer.status == OfferStatus.STANDING)).one()
    world.later(days=30).run_round().accept().confirm()
    client = site.client("near@example.test")
    assert "others were better" in client.get(f"/provider/offers/{standing}").text
    for offer_id in (void, replaced):
        page = client.get(f"/provider/offers/{offer_id}").text
        assert "others were better" not in page
        assert "make it anew" not in page
    assert "so this offer is void and takes no part" in client.get(f"/provider/offers/{void}").text


def test_a_void_offer_says_why_and_is_made_anew_from_what_it_was(site: Site) -> None:
    """On the tender and in the list its reason stands beside it; the form begins with its prices."""
    world = site.world.draft().agree().publish()
    client, at = site.client("near@example.test"), f"/provider/tenders/{world.tender.id}"
    world.offer("near", (0, 5_900))
    assert "asked again" not in client.get(at).text + client.get(f"{at}/offer").text
    assert "The rules changed" not in client.get(at).text + client.get("/provider/offers").text
    change(world, pence_per_km=60)
    tender = client.get(at).text
    assert "what you had offered is void" in tender
    assert all("The rules changed" in page for page in (tender, client.get("/provider/offers").text))
    form = client.get(f"{at}/offer").text
    assert "We have filled it in below" in form
    assert "A new offer is sealed until" in form
    asked = "everybody who had joined was asked again, and some may leave"
    for page in (form, tender, client.get(f"/tenders/{world.tender.id}").text):
        assert asked in page
    assert "Make an offer" in form
    assert 'value="59.00"' in form
    site.fresh().agree()
    world.offer("near", (0, 5_800))
    tender = client.get(at).text
    assert "what you had offered is void" not in tender
    assert "Change your offer" in tender
    assert "We have filled it in below" not in client.get(f"{at}/offer").text


def test_a_void_offer_is_made_anew_only_until_another_version_is_sealed(site: Site) -> None:
    """Version 1 is void, version 2 stands and is then taken back: nobody is told to make version 1 anew."""
    world = site.world.draft().agree().publish()
    client, at = site.client("near@example.test"), f"/provider/tenders/{world.tender.id}"
    void = world.offer("near", (0, 5_900)).id
    change(world, pence_per_km=60)
    assert "Make it anew" in client.get(f"/provider/offers/{void}").text
    site.fresh().agree()
    second = world.offer("near", (0, 5_800)).id
    page = client.get(f"/provider/offers/{void}").text
    assert "so this offer is void" in page
    assert "anew" not in page
    client.post(f"/provider/offers/{second}/withdraw")
    form = client.get(f"{at}/offer").text
    assert "what you had offered is void" not in form + client.get(at).text
    assert 'value="59.00"' not in form
    assert "anew" not in client.get(f"/provider/offers/{void}").text


def test_who_was_left_out_reads_what_it_can_do(site: Site) -> None:
    """Before the result is out, that it can object then; while it can, the way there; afterwards neither."""
    world = site.world.proposed()
    world.leave_out("bulk")
    at = f"/provider/offers/{offer_of(world, 'bulk')}"
    assert "you can object once the result is out" in site.client("bulk@example.test").get(at).text
    site.fresh().run_round().accept().confirm()
    page = site.client("bulk@example.test").get(at).text
    assert f'href="/provider/tenders/{world.tender.id}/represent">object to the result</a> until' in page
    assert "once the result is out" not in page
    world.later(days=20)
    assert "object" not in site.client("bulk@example.test").get(at).text
