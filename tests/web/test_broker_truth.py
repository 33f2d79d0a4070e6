"""What a broker's pages say of people, offers and money is what is so, also after things have gone another way."""

import re
from datetime import timedelta

from marketplace.journey import pools, reviews
from marketplace.records.database import writing
from marketplace.records.rounds import MatchStatus
from marketplace.rules.lifecycle import TenderStatus
from tests.web.site import Site

BROKER = "broker@example.test"


def read(site: Site, path: str) -> str:
    return site.client(BROKER).get(path).text


def test_who_never_answered_did_not_say_no(site: Site) -> None:
    """While the draft stands, "not now" was said; once it is published, the silent ones did not join either."""
    world = site.world.draft().agree(1)
    at = f"/broker/groups/{world.bundle.id}"
    with writing(world.session):
        pools.decline_invitation(world.session, world.now, world.patient(2), world.need(2).id)
    text = read(site, at)
    assert text.count(">Said not now</strong>") == 1
    assert text.count(">No answer yet</strong>") == 10
    world.publish()
    text = read(site, at)
    assert "Said not now" not in text
    assert text.count(">Did not join</strong>") == 11
    assert text.count(">In the group</strong>") == 1


def test_after_the_end_nobody_is_in_the_group(site: Site) -> None:
    world = site.world.draft().agree().publish().later(days=15)
    assert world.tender.status is TenderStatus.UNSUCCESSFUL
    text = read(site, f"/broker/groups/{world.bundle.id}")
    assert ">In the group</strong>" not in text
    assert text.count(">Free again</strong>") == 12


def test_only_who_wants_another_provider_is_looked_for(site: Site) -> None:
    """Of two who said no one wants another; when none does, the button says what it is for."""
    world = site.world.proposed()
    path = f"/broker/tenders/{world.tender.id}/award"
    world.decline(1).decline(2, look_again=False)
    assert "1 of them wants another provider, and you can look for one." in read(site, path)
    assert "Look again for those who said no" in read(site, path)


def test_nobody_wants_another_provider(site: Site) -> None:
    world = site.world.proposed().decline(1, look_again=False)
    text = read(site, f"/broker/tenders/{world.tender.id}/award")
    assert "None of them wants another provider now." in text
    assert "Match again without those who said no" in text
    assert "Look again" not in text


def test_only_the_matches_that_stand_are_counted(site: Site) -> None:
    """Nobody is counted twice after an offer was left out and the match was run again, nor after a rematch."""
    world = site.world.proposed().leave_out("bulk").run_round()
    path = f"/broker/tenders/{world.tender.id}"
    assert "0 of 12 people have answered" in read(site, path)
    world.accept(*range(2, 13)).decline(1).rematch()
    asked = len(world.providers_by_patient())
    unanswered = sum(world.match(number).status is MatchStatus.PROPOSED for number in world.providers_by_patient())
    assert unanswered
    for page in (path, "/broker/tenders"):
        assert f"{asked - unanswered} of {asked} people have answered" in read(site, page)


def test_an_offer_left_out_tells_the_ground_the_day_and_what_to_do(site: Site) -> None:
    """The page of offers has the way on: the match is run again from there."""
    world = site.world.proposed()
    world.now += timedelta(days=1)
    world.leave_out("bulk")
    text = read(site, f"/broker/tenders/{world.tender.id}/offers")
    assert "Left out on 18 March 2026: conflict of interest. “Its owner works for us" in text
    assert f'action="/broker/tenders/{world.tender.id}/round"' in text
    letters = read(site, f"/broker/tenders/{world.tender.id}/letters")
    assert "What each bidder would have read" in letters
    assert "When you confirm the award" not in letters


def test_every_running_tender_says_where_it_stands(site: Site) -> None:
    """No state is told by a number of people alone."""
    world = site.world.draft().agree().publish().three_offers()
    assert "Waiting for offers" in read(site, "/broker/")
    world.later(days=15).run_round().accept().confirm()
    assert "The result is out, and bidders can object" in read(site, "/broker/")
    with writing(world.session):
        reviews.represent(world.session, world.now, world.provider("near"), world.tender.id, "Look again")
    assert "A provider has objected" in read(site, "/broker/")
    text = read(site, f"/broker/tenders/{world.tender.id}")
    assert "<strong>Made</strong> on Tuesday 17 March 2026 at 9am" in text
    assert "Not decided yet." in text


def test_who_ends_a_tender_without_an_award_says_why_and_is_read(site: Site) -> None:
    """What the broker wrote is what everybody reads, and the page asks for just that."""
    world = site.world.proposed()
    for number in range(1, 13):
        world.decline(number)
    path = f"/broker/tenders/{world.tender.id}"
    assert "Why does the tender end without an award?" in read(site, f"{path}/award")
    world.confirm("Everybody found the way too long.")
    assert world.tender.status is TenderStatus.UNSUCCESSFUL
    for text in (read(site, path), site.client().get(f"/tenders/{world.tender.id}").text):
        assert "Everybody found the way too long." in text


def test_a_successor_names_the_tender_whose_place_it_takes(site: Site) -> None:
    world = site.world.draft().agree().publish().later(days=15)
    at = f"/broker/tenders/{world.tender.id}"
    answer = site.client(BROKER).post(f"{at}/successor")
    text = read(site, answer.location)
    assert re.search(rf'It takes the place of <a href="{at}">Physiotherapy, Lincoln</a>, which ended on 17 March', text)
    assert "the draft is deleted" in text


def test_who_withdraws_reads_what_becomes_free(site: Site) -> None:
    """The money and the people it is held for; a tender that is open no more has no such page."""
    world = site.world.draft().agree().publish()
    path = f"/broker/tenders/{world.tender.id}/withdraw"
    assert "This tender holds £7,200.00 for 12 people." in read(site, path)
    answer = site.client(BROKER).post(path, data={"reason": " "})
    assert answer.status_code == 422
    assert "This tender holds £7,200.00 for 12 people." in answer.text
    world.later(days=15)
    assert site.client(BROKER).get(path).status_code == 409


def test_nobody_can_offer_for_what_has_ended(site: Site) -> None:
    """The notice asks a provider for an offer while one can be made, and leads to its own ones afterwards."""
    world = site.world.draft().agree().publish()
    at = f"/tenders/{world.tender.id}"
    assert "Make an offer" in site.client("near@example.test").get(at).text
    world.later(days=15)
    text = site.client("near@example.test").get(at).text
    assert "Make an offer" not in text
    assert "Your offers on this tender" in text


def test_nothing_is_set_aside_before_it_is_published(site: Site) -> None:
    world = site.world.draft().agree(1)
    text = read(site, f"/broker/tenders/{world.tender.id}/publish")
    assert "Money to be set aside" in text
    assert "Money set aside" not in text


def test_an_offer_below_its_minimum_says_who_can_keep_it_and_who_is_looked_for(site: Site) -> None:
    """Its provider was told, and can go on; without that a rematch looks for another provider for its people too."""
    world = site.world.proposed(fee=0).accept(*range(4, 13)).decline(1)
    path = f"/broker/tenders/{world.tender.id}/award"
    assert "Everybody else stays where they are." in read(site, path)
    world.decline(2).decline(3)
    text = read(site, path)
    assert "We have told its provider, which can agree on its offer's own page" in text
    assert "the match looks for another provider for the 9 people with it too, and asks them again." in text
    assert "Everybody else stays where they are." not in text
    offer = world.match(4).award.offer_id
    assert "Go on at the same prices" in site.client("bulk@example.test").get(f"/provider/offers/{offer}").text


def test_a_match_that_counts_no_longer_is_dated_as_such(site: Site) -> None:
    world = site.world.proposed().leave_out("bulk")
    assert ">Match proposed; it counts no longer</dt>" in read(site, f"/broker/tenders/{world.tender.id}")
    world.run_round()
    assert ">Match proposed</dt>" in read(site, f"/broker/tenders/{world.tender.id}")


def test_one_person_without_a_match_is_told_once(site: Site) -> None:
    """One reason of one person is said in their row; a list by reason above it would only say it again."""
    world = site.world.draft().agree().publish()
    world.offer("far", (0, 5_400), most=110)
    world.later(days=15).run_round()
    text = read(site, f"/broker/tenders/{world.tender.id}/result")
    assert "Each person without a match, and why" in text
    assert "unmatched?reason=" not in text
