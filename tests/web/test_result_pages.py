"""The result, from every number to its rows; the award by criterion; the letters before they go out."""

import re
from datetime import timedelta

from marketplace.journey import cancellations, conduct
from marketplace.records.database import writing
from marketplace.records.people import InterestKind
from marketplace.records.tenders import CancelCode
from marketplace.work import advice
from tests.web.site import Site


def links_of(text: str, at: str) -> set[str]:
    return {link.replace("&amp;", "&") for link in re.findall(rf'href="({at}/[^"]+)"', text)}


def tight(site: Site) -> str:
    """Room for eleven of twelve: one person is without a match. Gives the tender's address."""
    world = site.world.draft().agree().publish()
    world.offer("near", (0, 5_900), most=50)
    world.offer("bulk", (0, 4_900), fee=10_000, most=60)
    world.offer("far", (0, 6_500))
    world.later(days=15).run_round()
    return f"/broker/tenders/{world.tender.id}"


def test_every_number_leads_to_its_rows(site: Site) -> None:
    at, world = tight(site), site.world
    client = site.client("broker@example.test")
    text = client.get(f"{at}/result").text
    assert "11 of 12" in text
    assert "Being worked out" in text
    links = links_of(text, at)
    assert len(links) >= 8
    for link in links:
        assert client.get(link).status_code == 200, link
    offer = next(row for row in world.tender.offers if row.provider_id == world.providers["bulk"].id).id
    assert "6 matches" in client.get(f"{at}/people?offer={offer}").text
    world.accept(world_number := min(world.providers_by_patient()))
    assert "1 match<" in client.get(f"{at}/people?answer=accepted").text
    assert "Nobody is matched here" in client.get(f"{at}/people?lot=another").text
    assert f"Patient {world_number:02d}" in client.get(f"{at}/people?export=csv").text
    assert "£790.60" in client.get(f"{at}/people").text
    assert client.get(f"{at}/people?answer=nonsense").status_code == 200


def test_figures_without_those_who_said_no_say_so(site: Site) -> None:
    """Else the numbers at the top and the rows below would not add up."""
    world = site.world.proposed()
    client, at = site.client("broker@example.test"), f"/broker/tenders/{world.tender.id}/result"
    assert "said no since the match" not in client.get(at).text
    world.decline(1)
    text = client.get(at).text
    assert "11 of 12" in text
    assert "1 person said no since the match. These figures are without them." in text


def test_what_would_have_helped(site: Site) -> None:
    """Told to the broker by offer, once a worker has found it; the list narrows and goes out as a file."""
    world = site.world.draft().agree().publish()
    world.offer("near", (0, 6_100))
    world.later(days=15).run_round()
    at = f"/broker/tenders/{world.tender.id}"
    client = site.client("broker@example.test")
    assert "Being worked out" in client.get(f"{at}/unmatched").text
    advice.advise_all(world.session, world.now)
    text = client.get(f"{at}/unmatched").text
    assert "12 people without a match" in text
    assert "with £610.00 in place of £600.00." in text
    assert "Nobody is without a match here" in client.get(f"{at}/unmatched?reason=not_chosen").text
    assert "12 people" in client.get(f"{at}/unmatched?reason=unaffordable&lot={world.bundle.id}&sort=-name").text
    assert "£610.00 in place of £600.00" in client.get(f"{at}/unmatched?export=csv").text
    assert "12 people" in client.get(f"{at}/result").text


def test_the_award_by_criterion_with_conflicts_and_letters(site: Site) -> None:
    """Parts of the cost add up to what the match counted; interests are named; letters are read before they go out."""
    at, world = tight(site), site.world
    client = site.client("broker@example.test")
    text = client.get(f"{at}/award").text
    assert "You have declared no interest in any of the bidders" in text
    counted = world.tender.rounds[0].outcome["objective"]["effective_cost"]["value"]
    assert f"£{counted // 100:,}.{counted % 100:02d}" in text
    assert "every 15s" in text
    assert "Being worked out" in client.get(f"{at}/letters").text
    advice.advise_all(world.session, world.now)
    text = client.get(f"{at}/letters").text
    assert "Your offer was used: 60 sessions for 6 people." in text
    assert "If all your prices had been £" in text
    with writing(world.session):
        conduct.declare_interest(
            world.session, world.now, world.broking, world.providers["near"].id, InterestKind.PAID_BY
        )
    world.now += timedelta(minutes=1)
    world.leave_out("far", "Its owner works for us")
    text = client.get(f"{at}/award").text
    assert "You have declared an interest in Near Physio (it pays you)." in text
    assert "was left out: “Its owner works for us”" in text
    assert "Your offer was left out of the match." in client.get(f"{at}/letters").text


def test_a_result_that_came_to_nothing_is_told_as_past(site: Site) -> None:
    """A proposal that was cancelled: who would have served, what each bidder would have read; nothing is to be done."""
    at, world = tight(site), site.world
    client = site.client("broker@example.test")
    assert "Who serves each group" in client.get(f"{at}/result").text
    assert "People have 7 days to answer a match." in client.get(at).text
    code, why = CancelCode.NO_LONGER_NEEDED, "The service is reshaped."
    with writing(world.session):
        cancellations.cancel(world.session, world.now, world.broking, world.tender.id, code=code, reason=why)
    pages = {name: client.get(f"{at}/{name}").text for name in ("result", "award", "letters", "people", "scenarios")}
    assert "Who would have served each group" in pages["result"]
    assert "Offers in use then" in pages["result"]
    assert "How good it was" in pages["result"]
    assert "the best that was possible" in pages["result"]
    assert "Providers in use then" in pages["result"]
    assert "The offers in use then" in pages["award"]
    assert "have not answered" not in pages["award"]
    assert "no bidder gets a letter" in pages["letters"]
    assert "Not yet</" not in pages["people"]
    assert "No answer</" in pages["people"]
    assert "No answer" in client.get(f"{at}/people?export=csv").text
    assert "cancel the tender and draft a new one" not in pages["scenarios"]
    for name, text in pages.items():
        assert "When you confirm" not in text, name
        assert "will read" not in text, name
    assert "to answer a match" not in client.get(at).text
    listed = client.get("/broker/tenders").text
    assert f"{why}</" in listed
    assert f"{why}." not in listed


def test_after_the_award_nobody_has_days_to_answer(site: Site) -> None:
    """The rules of the match stay on the page, the time to answer does not; no offer falls any more."""
    world = site.world.proposed().accept(*range(1, 12)).decline(12)
    at, client = f"/broker/tenders/{world.tender.id}", site.client("broker@example.test")
    assert "to answer a match" not in client.get(at).text
    world.confirm()
    assert "The rules of the match" in client.get(at).text
    assert "to answer a match" not in client.get(at).text
    assert "can no longer go ahead" not in client.get(f"{at}/award").text


def test_nobody_else_reads_them(site: Site) -> None:
    at = tight(site)
    for page in ("result", "people", "unmatched", "award", "letters"):
        for email in ("near@example.test", "p1@example.test", "funder@example.test"):
            assert site.client(email).get(f"{at}/{page}").status_code == 403


def test_before_a_result_there_is_none(site: Site) -> None:
    world = site.world.draft().agree().publish()
    client = site.client("broker@example.test")
    for page in ("result", "unmatched", "letters"):
        assert client.get(f"/broker/tenders/{world.tender.id}/{page}").status_code == 404


def test_a_saving_of_nothing_is_said_as_the_same(site: Site) -> None:
    """At the private price nobody saves anything: no £0.00 less."""
    world = site.world.draft().agree().publish()
    world.offer("near", (0, world.bundle.private_pence))
    world.later(days=15).run_round()
    text = " ".join(site.client("broker@example.test").get(f"/broker/tenders/{world.tender.id}/result").text.split())
    assert "£0.00" not in text[: text.index("It passed an independent check")]
    assert re.search(r"The same</span>.{0,200}as if each bought alone, for £6,600\.00", text)
