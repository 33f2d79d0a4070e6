"""A match's page says what is true of it now, in full and in easy read: after a yes, a no, and when it is over."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from marketplace.journey import cancellations, pools, reviews, rounds, tenders
from marketplace.queries.words import moment
from marketplace.records.database import writing
from marketplace.records.pools import DefaultAnswer
from marketplace.records.tenders import CancelCode, Decision
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.pooling import BundleTerms
from tests.web.reading import grade_of, sentences_of
from tests.web.site import Site
from tests.web.test_easy_read import main_part, same
from tests.web.test_query_counts import counting
from tests.web.test_reading_age import MOST_GRADE, MOST_WORDS
from tests.worlds import PERIOD, SmallWorld

P1 = "p1@example.test"
PRESENT = ("You pay", "is your match", "saves you", "Your answer", "The care is", "The place is", "contract is signed")
"""Words of a match of which something can still come."""
HOLDS = ("You pay", "is your match.", "Your provider is", "Your first visit is", "saves you", "is your part", "is for")
"""Words of a match that holds: one that is made again is told as what would be."""


def left_out(world: SmallWorld) -> SmallWorld:
    """The offer that patient 1 is matched with is left out after the match was shown."""
    return world.leave_out("bulk", "A cousin of the broker")


def objected(world: SmallWorld) -> SmallWorld:
    """A provider objected to a confirmed award, and nobody has decided it yet."""
    world.proposed().accept().confirm()
    with writing(world.session):
        reviews.represent(world.session, world.now, world.provider("near"), world.tender.id, "Our rating was misread.")
    return world


def failed_again(world: SmallWorld) -> SmallWorld:
    """An objection to a confirmed award was upheld, and the round that was run again failed."""
    world.proposed().accept().confirm()
    session, now = world.session, world.now
    with writing(session):
        objection = reviews.represent(session, now, world.provider("near"), world.tender.id, "Our rating was misread.")
        reviews.decide(session, now, world.funder, objection.id, Decision.RUN_AGAIN, "It was.")
    with writing(session):
        started = rounds.start_round(session, now, world.broking, world.tender.id)
        rounds.fail_round(session, now, world.broking, started.id, rounds.stopped_by(TimeoutError()))
    return world


def cancelled(world: SmallWorld) -> SmallWorld:
    """The broker cancels the tender after the offers are in."""
    with writing(world.session):
        cancellations.cancel(
            world.session,
            world.now,
            world.broking,
            world.tender.id,
            code=CancelCode.ERROR_IN_TENDER,
            reason="An error.",
        )
    return world


def few_left(world: SmallWorld) -> SmallWorld:
    """Of two providers with six people each, so many of patient 1's say no that too few are left."""
    world.draft().agree().publish()
    for name, pence in (("near", 5_000), ("bulk", 4_900)):
        world.offer(name, (0, pence), least=40, most=60)
    world.later(days=15).run_round()
    placed = world.providers_by_patient()
    with_1 = [number for number, name in placed.items() if name == placed[1] and number != 1]
    for number in with_1[:3]:
        world.decline(number, look_again=False)
    return world.accept(*(number for number in placed if number not in with_1[:3])).confirm()


STATES: dict[str, tuple[Callable[[SmallWorld], SmallWorld], tuple[str, ...], tuple[str, ...]]] = {
    "asked": (
        lambda world: world.proposed(),
        ("Go to your answer", "You pay", "Your answer"),
        ("your contract is ready", "would have"),
    ),
    "accepted": (
        lambda world: world.proposed().accept(),
        ("You said yes to this match", "You pay", "Then your care can start"),
        ("You can say no", "Go to your answer", "Your answer", "would have"),
    ),
    "declined, look again": (
        lambda world: world.proposed().decline(1),
        (
            "You would have paid",
            "can look for another provider in this group",
            "we stop looking",
            "would have cost your group",
            "fitted",
            "choose the usual NHS care",
        ),
        (*PRESENT, "goes back", "set aside £"),
    ),
    "declined, stop": (
        lambda world: world.proposed().decline(1, look_again=False),
        ("You would have paid", "We do not look for another provider", "choose the usual NHS care"),
        (*PRESENT, "can look for another provider"),
    ),
    "declined, and an offer left out": (
        lambda world: left_out(world.proposed().decline(1)),
        ("You would have paid", "can look for another provider in this group"),
        (*PRESENT, "No other provider was found"),
    ),
    "declined, and the group has gone on": (
        lambda world: world.proposed().accept(*range(2, 13)).decline(1).confirm(),
        ("You would have paid", "No other provider was found for you in this group"),
        (*PRESENT, "can look for another provider"),
    ),
    "displaced": (
        few_left,
        (
            "You would have paid",
            "few people were left",
            "Your money is free to use again",
            "Your broker, Fen Brokers</a>, may ask",
        ),
        (*PRESENT, "can look for another provider"),
    ),
    "an offer left out": (
        lambda world: left_out(world.proposed()),
        (
            "Your earlier match for physiotherapy",
            "An offer was left out after this match was made",
            "You do not need to do anything now",
            "ask for your answer",
            "You would have paid",
            "would have saved you",
            "What it would have cost",
        ),
        ("Send my answer", "Your answer</h2>", "would pay", "would cost", "Please answer", "match so far", *HOLDS),
    ),
    "an offer left out after a yes": (
        lambda world: left_out(world.proposed().accept()),
        ("An offer was left out after this match was made", "ask for your answer", "money is free again"),
        ("Send my answer", "would pay", "your yes still counts", *HOLDS),
    ),
    "the round after an objection failed": (
        failed_again,
        (
            "A provider ",
            " right.",
            "You do not need to do anything now",
            "your yes still counts",
            "money is free again",
        ),
        ("You said yes", "sign a contract", "You sign", "Send my answer", "would have", *HOLDS),
    ),
    "cancelled": (
        lambda world: cancelled(world.proposed().accept()),
        ("Nothing will come of this match", "You would have paid", "Read why it ended"),
        (*PRESENT, "sign a contract", "irst visit"),
    ),
    "cancelled after its offer was left out": (
        lambda world: cancelled(left_out(world.proposed().accept())),
        ("Nothing will come of this match", "Your earlier match", "Its offer was left out."),
        (*PRESENT, "sign a contract", "irst visit"),
    ),
    "an objection that waits": (
        objected,
        ("there is a pause", "at least 5 working days", "the group ends", "we all wait"),
        ("another pause", "Until then we all wait"),
    ),
    "contract": (
        lambda world: world.proposed().accept().confirm().later(days=20),
        ("There is a contract for this match", "See your contract"),
        ("would have", "goes back to your budget"),
    ),
}


@pytest.mark.parametrize("state", STATES)
def test_a_match_tells_what_is_true_of_it(site: Site, state: str) -> None:
    """In both kinds, with the same facts, and no harder to read than a patient's other pages."""
    reach, told, untold = STATES[state]
    reach(site.world)
    path = f"/patient/matches/{site.world.match(1).id}"
    same(site, path)
    client = site.client(P1)
    for kind, most in MOST_WORDS.items():
        page = main_part(client, path, easy=bool(kind))
        words = " ".join(page.split())
        for sentence in told:
            assert sentence in words, f"{sentence}{kind}"
        for sentence in untold:
            assert sentence not in words, f"{sentence}{kind}"
        sentences = sentences_of(page)
        assert grade_of(sentences) <= MOST_GRADE, kind
        assert max(len(words) for words in sentences) <= most, max(sentences, key=len)


def test_nobody_is_asked_whether_to_look_where_nobody_else_made_an_offer(site: Site) -> None:
    """A no there is a no: no search is promised, and the page says what the broker can do."""
    world = site.world.draft().agree().publish()
    world.offer("near", (0, 5_500))
    world.later(days=15).run_round()
    path, client = f"/patient/matches/{world.match(1).id}", site.client(P1)
    same(site, path)
    page = client.get(path).text
    assert "shall we look for another provider?" not in page
    assert "your broker may ask you to join another group" in page
    fields = dict(re.findall(r'name="(look_again)" value="(\w+)"', page))
    assert client.post(path, data={"answer": "decline", "reason": "Too far", **fields}).status_code == 302
    assert site.fresh().match(1).look_again is False
    after = " ".join(client.get(path).text.split())
    assert "can look for another provider" not in after
    assert "We do not look for another provider" in after


def test_who_is_asked_into_another_group_is_promised_no_search(site: Site) -> None:
    """The part of the plan is in that group then, and the rematch leaves it out."""
    world = site.world.proposed().decline(1)
    path = f"/patient/matches/{world.match(1).id}"
    assert "can look for another provider" in site.client(P1).get(path).text
    with writing(world.session):
        other = tenders.draft_tender(world.session, world.now, world.broking, "Another group", world.policy)
        terms = BundleTerms("physiotherapy", "Lincoln", ("LN1",), *PERIOD)
        bundle = pools.build_bundle(world.session, world.now, world.broking, other.id, terms)
        pools.invite(world.session, world.now, world.broking, bundle.id, [world.plan_line(1).id])
    assert "can look for another provider" not in site.client(P1).get(path).text


def test_an_old_match_leads_to_the_new_one(site: Site) -> None:
    """After another provider was found, and after the whole matching was run again."""
    world = site.world.proposed().accept(*range(2, 13)).decline(1)
    old = world.match(1).id
    world.rematch()
    assert world.match(1).id != old
    page = site.client(P1).get(f"/patient/matches/{old}").text
    assert f'href="/patient/matches/{world.match(1).id}"' in page
    assert "Your money is free" not in page
    left_out(world).run_round()
    page = site.client(P1).get(f"/patient/matches/{old}").text
    assert f'href="/patient/matches/{world.match(1).id}"' in page
    same(site, f"/patient/matches/{old}")


@pytest.mark.parametrize(("answer", "said"), [("accept", "You said yes"), ("decline", "You turned this match down")])
def test_an_answer_is_said_once(site: Site, answer: str, said: str) -> None:
    """The page of the match says it; the news above only that it was noted, and what comes."""
    path = f"/patient/matches/{site.world.proposed().match(1).id}"
    sent = {"answer": answer, "look_again": "yes", "reason": "Too far"}
    page = site.client(P1).post(path, data=sent, follow_redirects=True).text
    assert "We noted your answer." in page
    assert page.count(said) == 1
    assert "You said no" not in page


def test_nobody_is_asked_while_the_offers_are_matched_again(site: Site) -> None:
    """Neither the home page nor the way asks for an answer, and one that is sent is refused with the reason."""
    world = left_out(site.world.proposed())
    client, path = site.client(P1), f"/patient/matches/{world.match(1).id}"
    home = client.get("/patient/").text
    assert "Answer your match" not in home
    assert re.search(r'nhsuk-tag--grey">The offers are being matched again', home)
    assert re.search(r"Step 5 of 9\.\s*<", home), "the broker's own day is not told"
    assert "See your earlier match" in home, "its offer was left out: it can no longer be the match"
    assert "match so far" not in home + site.client(P1).get("/patient/care").text
    refused = client.post(path, data={"answer": "accept", "look_again": "yes"})
    assert refused.status_code == 409
    assert "An offer was left out, so the match is made again" in refused.text
    world.run_round()
    assert "Answer your match" in site.client(P1).get("/patient/").text


def test_a_round_that_failed_leaves_the_old_match_void(site: Site) -> None:
    """After an upheld objection neither home, way nor broker's list takes the old match for one that holds."""
    world = failed_again(site.world)
    assert world.tender.status is TenderStatus.CLOSED
    home, by = site.client(P1).get("/patient/").text, moment(world.tender.match_by)
    assert "You said yes" not in home
    assert re.search(r'nhsuk-tag--grey">The offers are being matched again', home)
    assert f"Step 5 of 9, by {by}." in home
    broker, at = site.client("broker@example.test"), f"/broker/tenders/{world.tender.id}"
    for path in (at, f"{at}/result", "/broker/", "/broker/tenders", "/broker/tenders?status=run_again"):
        page = broker.get(path).text
        assert "To be matched again" in page, path
        assert "An objection was upheld" in page, path
        assert "came to no result" in page or path == at, path
        assert "Run the match again by" in page, path
    assert "The match stopped before it was done" in broker.get(at).text  # and that it failed is said once
    assert "came to no result" not in broker.get(at).text
    assert "The match starts by" not in broker.get(at).text
    assert "or the tender is cancelled" not in broker.get(at).text  # it ends as one whose match was not run in time
    assert "No tender fits" in broker.get("/broker/tenders?status=closed").text
    notice = site.client().get(f"/tenders/{world.tender.id}").text
    assert "the objection was upheld" in notice
    assert by in notice
    world.run_round()
    assert world.tender.status is TenderStatus.PROPOSED
    assert not world.tender.rerun_ordered
    assert ">To be matched again</strong>" not in broker.get("/broker/tenders").text


def test_silence_that_means_no_promises_no_contract(site: Site) -> None:
    """When the time is over and nobody has written the no down yet, nothing else is said to come."""
    world = site.world.draft().agree(1, default=DefaultAnswer.DECLINE).agree(*range(2, 13)).publish().three_offers()
    world.later(days=15).run_round()
    assert world.tender.answers_due_at is not None
    world.now = world.tender.answers_due_at
    page = site.client(P1).get(f"/patient/matches/{world.match(1).id}").text
    assert "We say no for you, as you chose" in page
    assert "sign a contract" not in page


def test_a_patients_page_does_not_read_a_whole_round(site: Site) -> None:
    """Market and outcome grow with everybody in the group: who has a match, or waits for one, needs neither."""
    world = site.world.draft().agree().publish().three_offers()
    need = f"/patient/invitations/{world.need(1).id}"
    engine = world.session.get_bind()
    assert isinstance(engine, Engine)

    def documents(path: str) -> list[str]:
        client = site.client(P1)
        with counting(engine) as sent:
            assert client.get(path).status_code == 200
        return re.findall(r"rounds(?:_\d)?\.(market|outcome)\b", " ".join(sent))

    assert documents(need) == []
    world.later(days=15).run_round()
    for path in (need, f"/patient/matches/{world.match(1).id}"):
        assert documents(path) == [], path


def test_who_has_no_match_still_reads_why_without_the_market(site: Site) -> None:
    """The outcome says why; the market, which is larger, is left where it is."""
    world = site.world.draft().agree().publish()
    world.offer("near", (0, 6_100))
    world.later(days=15).run_round()
    engine = world.session.get_bind()
    assert isinstance(engine, Engine)
    client = site.client(P1)
    with counting(engine) as sent:
        text = client.get(f"/patient/invitations/{world.need(1).id}").text
    assert "The providers that fit cost more than your share." in text
    assert re.findall(r"rounds(?:_\d)?\.(market|outcome)\b", " ".join(sent)) == ["outcome"]


@pytest.mark.parametrize(
    ("reach", "told"),
    [
        (lambda world: world.accept(1), "This match has been answered: with a yes."),
        (lambda world: world.decline(1), "This match has been answered: with a no."),
        (left_out, "An offer was left out, so the match is made again. Then you are asked."),
        (cancelled, "This match is not one to answer any more."),
    ],
)
@pytest.mark.parametrize("answer", [{"answer": "accept"}, {"answer": "decline", "reason": "Too far"}])
def test_an_answer_from_an_old_page_is_refused_on_the_matchs_own(
    site: Site, reach: Callable[[SmallWorld], SmallWorld], told: str, answer: dict[str, str]
) -> None:
    """A second click, or a page that was open for long: the reason stands above what the match has come to."""
    world = site.world.proposed()
    path = f"/patient/matches/{world.match(1).id}"
    reach(world)
    for easy in (False, True):
        client = site.client(P1)
        client.post("/patient/easy-read", data={"easy_read": "on" if easy else "off"})
        found = client.post(path, data=answer)
        assert found.status_code == 409
        assert told in found.text
        assert "for physiotherapy</h1>" in " ".join(found.text.split())
        assert "Send my answer" not in found.text


def test_a_no_without_a_reason_keeps_what_was_chosen(site: Site) -> None:
    """The summary leads to the field; neither the no nor the wish to stop looking has to be chosen again."""
    world = site.world.proposed()
    found = site.client(P1).post(
        f"/patient/matches/{world.match(1).id}", data={"answer": "decline", "reason": " ", "look_again": "no"}
    )
    assert found.status_code == 422
    assert re.search(r'<a href="#reason">\s*Say why you turn it down, in a few words\.', found.text)
    chosen = re.findall(r'name="(\w+)" type="radio" value="(\w+)" checked', found.text)
    assert chosen == [("answer", "decline"), ("look_again", "no")]
