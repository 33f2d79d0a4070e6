"""A broker's pages say until when something has to be done, what a button does to people, and how the clients stand."""

import re

from marketplace.journey import awards, pools
from marketplace.queries import studies, tenders
from marketplace.queries.feedback import FeedbackPage
from marketplace.queries.words import moment
from marketplace.records.database import writing
from marketplace.records.rounds import MatchStatus
from marketplace.rules.awarding import told_band
from marketplace.work import advice
from tests.web.site import Site


def read(site: Site, path: str) -> str:
    """What a broker reads on a page, without its tags."""
    answer = site.client("broker@example.test").get(path)
    assert answer.status_code == 200, path
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.text))


def test_a_number_out_of_range_is_told_at_its_field(site: Site) -> None:
    """A weight larger than any rule can be comes back with what was typed, and each number says which it is."""
    client = site.client("broker@example.test")
    typed = {"title": "Knees", "pence_per_km": "999999999", "minimum_offers": "0"}
    answer = client.post("/broker/tenders/new", data=typed)
    assert answer.status_code == 422
    text = re.sub(r"\s+", " ", answer.text)
    assert "travel is worth, per unit: enter an amount from £0.00 to £10,000.00." in text
    assert "Smallest number of offers: enter a whole number from 1 to 100." in text
    assert 'value="999999999"' in text


def test_offers_close_before_the_care_is_over(site: Site) -> None:
    """A year mistyped is told at its field, for the first deadline and for a later one; publishing twice is told."""
    world = site.world.draft().agree()
    at, client = f"/broker/tenders/{world.tender.id}", site.client("broker@example.test")

    def by(year: str) -> dict[str, str]:
        return {"offers_due_on-day": "20", "offers_due_on-month": "3", "offers_due_on-year": year}

    told = "Last day for offers: choose an earlier day. Care is to end on 31 October 2026."
    late = client.post(f"{at}/publish", data=by("2036"))
    assert (late.status_code, told in re.sub(r"\s+", " ", late.text)) == (422, True)
    assert client.post(f"{at}/publish", data=by("2026")).status_code == 302
    again = client.post(f"{at}/publish", data=by("2026"))
    assert (again.status_code, "This is open already." in again.text) == (409, True)
    later = client.post(f"{at}/extend", data={**by("2036"), "text": "Somebody asked for more time."})
    assert (later.status_code, "Care is to end on 31 October 2026" in later.text) == (422, True)


def test_every_deadline_that_ends_a_tender_is_told(site: Site) -> None:
    """On the home page, in the list and on the tender: to publish, to start the match, to confirm the award."""
    world = site.world.draft()
    at = f"/broker/tenders/{world.tender.id}"

    def told(deadline: str, *more: str) -> None:
        date = moment(getattr(site.fresh().tender, deadline))
        for path in ("/broker/", "/broker/tenders", at, *more):
            assert date[1:] in read(site, path), (deadline, path)  # "the end of ..." begins large in a cell

    told("publish_by")
    assert "the draft is deleted" in read(site, "/broker/")
    world.agree().publish().three_offers().later(days=15)
    told("match_by")
    assert "the tender ends without an award" in read(site, at)
    world.run_round()
    told("answers_due_at")
    world.accept()
    told("confirm_by", f"{at}/award")
    world.confirm()
    told("standstill_ends_at")
    assert "The pause ends" in read(site, at)


def test_a_list_orders_tenders_by_the_date_it_shows(site: Site) -> None:
    """`NEXT_DATE` in the database is `TenderRow.by` on the page, whoever's turn it is."""
    world = site.world.draft()
    moves = (
        lambda: world.agree().publish(),
        lambda: world.three_offers().later(days=15),
        world.run_round,
        world.accept,
        world.confirm,
    )
    found = []
    for move in (lambda: world, *moves):
        move()
        row = tenders.tender_row(world.session, world.broking, world.tender.id)
        query = tenders.Asked().query(world.broking, world.now).with_only_columns(tenders.NEXT_DATE)
        assert world.session.scalar(query) == row.by()
        assert row.by_words
        found.append(row.by())
        world.session.rollback()
    assert len(set(found)) == len(found)


def test_who_would_lose_their_match_is_told_before_the_award_is_confirmed(site: Site) -> None:
    """One says no, the only offer needs all twelve: eleven fall, and that is what happens."""
    world = site.world.draft().agree().publish()
    world.offer("bulk", (0, 4_900), least=120)
    world.later(days=15).run_round().decline(12).accept(*range(1, 12))
    path = f"/broker/tenders/{world.tender.id}/award"
    text = read(site, path)
    assert "1 person said no. You can look for another provider for them." in text
    assert "If you end it now, the 11 people who said yes to Offer A: Bulk Physio lose their match" in text
    assert "lose their match and their money is free again." in text
    assert text.count("1 person said no") == 1
    assert "what stood in the way" not in text  # every offer is in use
    assert "declare it first" not in re.sub(r"\s+", " ", text)  # there is no award to declare it before
    advice.advise_all(world.session, world.now)
    letters = read(site, f"/broker/tenders/{world.tender.id}/letters")
    assert "Offer A: Bulk Physio can no longer go ahead after the answers" in letters
    assert "Your offer was not used: it was matched, but too few people stayed for it to stand." in letters
    assert "Your offer was used:" not in letters
    assert "the tender ends without an award" in text
    assert "End the tender without an award" in text
    assert "Confirm the award" not in text  # nothing can be confirmed
    assert moment(world.tender.confirm_by) in text
    page = site.client("broker@example.test").get(path).text
    assert "nhsuk-button--warning" not in page  # one button leads on, the other is beside it
    assert page.count("nhsuk-button--secondary") == 1
    first, last = (text.index(words) for words in ("Look again for those", "End the tender without an award"))
    assert first < last
    world.confirm()
    statuses = [match.status for match in awards.matches_of(world.session, world.tender)]
    assert statuses.count(MatchStatus.DISPLACED) == 11


def test_an_award_that_stands_warns_of_nothing(site: Site) -> None:
    world = site.world.proposed().accept()
    text = read(site, f"/broker/tenders/{world.tender.id}/award")
    assert "lose their match" not in text
    assert "End the tender" not in text


def test_few_offers_are_not_ranked(site: Site) -> None:
    """A third of five offers would be an exact place; from six on two bidders share each."""
    assert [told_band(at, 5) for at in range(5)] == [None] * 5
    bands = [told_band(at, 6) for at in range(6)]
    assert all(bands.count(band) == 2 for band in bands)
    world = site.world.proposed()
    few = {"used": True, "units": 1, "needs": 1, "band": {world.bundle.id: None}}
    many = {**few, "band": {world.bundle.id: "top third"}}
    offer = world.tender.offers[0]
    assert [FeedbackPage(offer, said, [], None).compared for said in (few, many)] == [False, True]
    with writing(world.session):
        offer.feedback = few
    text = read(site, f"/broker/tenders/{world.tender.id}/letters")
    assert "Where your offer ranked Not shown: with so few offers it would give the others away." in text
    assert "exact place" not in text


def test_one_of_a_kind_is_said_in_the_singular(site: Site) -> None:
    world = site.world.draft().agree(1).publish()
    world.offer("near", (0, 5_900))
    world.later(days=15)

    def stands() -> str:
        row = tenders.tender_row(world.session, world.broking, world.tender.id)
        words = row.waits_for(world.now)
        world.session.rollback()
        return words

    assert stands() == "1 offer came in"
    world.run_round()
    assert stands() == "0 of 1 person has answered"
    world.accept(1).confirm().later(days=20)
    assert stands() == "0 of 1 contract is signed"


def test_home_counts_clients_as_their_list_does(site: Site) -> None:
    """All, those in no group, invitations without an answer; the figure leads to as many rows."""
    world = site.world.draft().agree(1, 2)
    text = read(site, "/broker/")
    assert f"{world.patient_count} clients" in text
    assert f"{world.patient_count} in no group now" in text
    assert f"{world.patient_count - 2} invitations have no answer yet" in text
    world.publish()
    text = read(site, "/broker/")
    assert f"{world.patient_count - 2} in no group now" in text
    assert "0 invitations have no answer yet" in text
    assert f"{world.patient_count - 2} clients" in read(site, "/broker/clients?group=no")


def test_an_open_tender_leads_to_its_notice_first(site: Site) -> None:
    """To take it back is one of the other ways, and no button."""
    world = site.world.draft().agree().publish()
    at = f"/broker/tenders/{world.tender.id}"
    text = site.client("broker@example.test").get(at).text
    buttons = [link.strip() for link in re.findall(r'class="nhsuk-button[^>]*>([^<]+)<', text)]
    assert buttons == ["See the public notice"]
    assert re.search(rf'<a href="{at}/withdraw">Withdraw the tender</a>', text)
    for link in (f"/tenders/{world.tender.id}", f"/tenders/{world.tender.id}/ocds.json"):
        assert f'href="{link}"' in text
        assert site.client().get(link).status_code == 200


def test_a_draft_says_how_it_goes_on(site: Site) -> None:
    world = site.world.draft()
    text = read(site, f"/broker/tenders/{world.tender.id}")
    assert "You can publish once at least one person has joined." in text
    assert "See who was invited" in text
    world.agree(1)
    text = read(site, f"/broker/tenders/{world.tender.id}")
    assert "Publish the tender" in text
    assert "You can publish once" not in text


def test_nobody_ticked_is_marked_where_the_ticks_are(site: Site) -> None:
    """The message belongs to the set of ticks, and its link leads to the first of them."""
    world = site.world.draft()
    with writing(world.session):
        pools.decline_invitation(world.session, world.now, world.patient(1), world.need(1).id)
    answer = site.client("broker@example.test").post(f"/broker/groups/{world.bundle.id}", data={})
    assert answer.status_code == 422
    assert 'href="#plan_line_ids"' in answer.text
    assert re.search(r'<input type="checkbox" id="plan_line_ids" aria-invalid="true"', answer.text)
    assert re.search(r'<fieldset[^>]*aria-describedby="plan_line_ids-hint plan_line_ids-error"', answer.text)
    assert "Send the invitation" in answer.text


def test_to_help_fewer_people_is_no_saving() -> None:
    """A cost is compared where as many are matched; dearer is said as dearer."""
    base = {
        "matched": 11,
        "charges_pence": 5_990_00,
        "alone_pence": 6_050_00,
        "effective_cost_pence": 6_401_90,
        "scenario": {"name": "base"},
    }
    fewer = {**base, "matched": 5, "charges_pence": 2_950_00, "alone_pence": 2_750_00, "effective_cost_pence": 3_101_80}
    cheaper = {**base, "effective_cost_pence": 6_400_90}
    assert studies._effective(fewer, base).differs == "for 6 people fewer"
    assert studies._effective(cheaper, base).differs == "−£1.00"
    assert studies._saved(fewer, base, "alone_pence").shown == "£200.00 dearer"
    assert studies._saved(base, base, "alone_pence").shown == "£60.00 saved"
    assert studies._saved(fewer, base, "alone_pence").differs == "for 6 people fewer"
    dearer = {**base, "charges_pence": 6_250_00}
    assert studies._saved(dearer, base, "alone_pence").shown == "£200.00 dearer"
    assert studies._saved(dearer, base, "alone_pence").differs == "£260.00 dearer than Case A"
    assert studies._saved({**base, "charges_pence": 5_950_00}, base, "alone_pence").differs == "£40.00 more saved"
