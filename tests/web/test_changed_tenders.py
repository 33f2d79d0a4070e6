"""When a tender changes under way, every page that names its state says so: the broker's, and everybody else's."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import Engine, select

from marketplace.journey import amendments, cancellations, reviews, rounds
from marketplace.journey import tenders as steps
from marketplace.queries import tenders
from marketplace.queries.words import moment
from marketplace.records.database import writing
from marketplace.records.rounds import MatchStatus
from marketplace.records.tenders import CancelCode, Decision, Question
from marketplace.rules.errors import WrongState
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.sharing import Pooling
from tests.web.site import Site
from tests.web.test_query_counts import counting

BROKER, NEAR, BULK, FUNDER, P1 = (f"{name}@example.test" for name in ("broker", "near", "bulk", "funder", "p1"))
AGAIN = "To be matched again"


def left_out(site: Site) -> str:
    """The offer in use of a proposed match was left out a day later; returns the tender's address."""
    world = site.world.proposed()
    world.now += timedelta(days=1)
    world.leave_out("bulk")
    return f"/broker/tenders/{world.tender.id}"


def test_list_home_and_page_agree_that_a_match_counts_no_longer(site: Site) -> None:
    """Whoever has answered or not: it is the broker's turn, until the last day to confirm."""
    at, world = left_out(site), site.world
    client = site.client(BROKER)
    alias = next(offer.alias for offer in world.tender.offers if offer.excluded_at is not None)
    why = f"{alias} was left out on {world.now.day} March 2026"
    for path in (at, "/broker/", "/broker/tenders", "/broker/tenders?turn=mine", "/broker/tenders?status=run_again"):
        text = client.get(path).text
        assert AGAIN in text, path
        assert why in text, path
        assert "Run the match again by" in text, path
        assert "the end of Tuesday 7 April 2026" in text, path
        assert 'tag--blue">Waiting for patients' not in text, path
    assert "Run the match again: Physiotherapy, Lincoln" in client.get("/broker/").text
    assert "No tender fits" in client.get("/broker/tenders?turn=others").text
    assert "No tender fits" in client.get("/broker/tenders?status=proposed").text
    assert f"This was the result before {alias} was left out." in client.get(f"{at}/result").text
    for path in (f"{at}/result", f"{at}/award"):
        text = client.get(path).text
        assert why in text, path
        assert "See the answers" not in text, path
        assert "You can confirm the award when" not in text, path
    site.fresh().run_round()
    for path in (at, "/broker/", "/broker/tenders"):
        assert f">{AGAIN}</strong>" not in client.get(path).text, path


def test_the_list_sorts_and_asks_by_what_the_row_says(site: Site) -> None:
    """The date, the turn and the action of a row are those that its database finds it by."""
    left_out(site)
    world = site.fresh()
    mine = tenders.Asked(turn=tenders.MINE)
    [row] = tenders.own_tenders(world.session, world.broking, world.now, mine, first=0, size=9)
    assert row.action(world.now) == "Run the match again"
    assert row.by() == world.tender.confirm_by == row.lapses_at(world.now)
    query = mine.query(world.broking, world.now).with_only_columns(tenders.NEXT_DATE)
    assert world.session.scalar(query) == world.tender.confirm_by


def test_a_list_asks_no_more_for_several_of_them(site: Site) -> None:
    """What was left out of which tender is asked once for all rows."""
    left_out(site)
    engine = site.world.session.get_bind()
    assert isinstance(engine, Engine)

    def asked() -> int:
        client = site.client(BROKER)
        client.get("/broker/tenders")
        with counting(engine) as sent:
            assert client.get("/broker/tenders").status_code == 200
        return len(sent)

    one = asked()
    world = site.fresh()
    first = world.tender
    for number in (1, 2):
        another_left_out(site, number)
    world.tender = first
    assert site.client(BROKER).get("/broker/tenders").text.count(f'tag--yellow">{AGAIN}<') == 3
    assert asked() == one


def another_left_out(site: Site, number: int) -> None:
    """A copy of the tender, as far as its rows matter to a list: proposed, with an offer left out since."""
    world = site.fresh()
    session, tender = world.session, world.tender
    names = [column.key for column in type(tender).__table__.columns if column.key != "id"]
    copy = type(tender)(**{name: getattr(tender, name) for name in names})
    session.add(copy)
    session.flush()
    offer = next(row for row in tender.offers if row.excluded_at is not None)
    names = [column.key for column in type(offer).__table__.columns if column.key not in ("id", "tender_id")]
    session.add(type(offer)(tender_id=copy.id, **{name: getattr(offer, name) for name in names}))
    copy.title = f"Another {number}"
    session.commit()


def test_nobody_is_told_to_answer_a_match_that_counts_no_longer(site: Site) -> None:
    """No answer is asked for, none is taken, and silence means nothing until the match is made again."""
    left_out(site)
    world, match = site.world, site.world.match(1).id
    client = site.client(P1)
    for page in ("/patient/", f"/patient/matches/{match}"):
        assert "nswer by" not in client.get(page).text, page
    text = client.get(f"/patient/matches/{match}").text
    assert "the offers are matched again" in text
    assert "Send my answer" not in text
    assert "You have a match to answer" not in client.get("/patient/care").text
    with pytest.raises(WrongState, match="made again"):
        world.accept(1)
    site.fresh().later(days=10)
    assert site.fresh().match(1).status is MatchStatus.PROPOSED
    world.run_round()
    assert world.match(1).status is MatchStatus.PROPOSED
    assert f"/patient/matches/{world.match(1).id}" in site.client(P1).get("/patient/").text


def test_everybody_else_reads_the_same_state(site: Site) -> None:
    """The notice, its list, a provider's page of it, and the commissioner's list."""
    at = left_out(site).removeprefix("/broker")
    assert AGAIN in site.client().get(at).text
    assert AGAIN in site.client().get("/tenders?state=running").text
    assert AGAIN in site.client(NEAR).get(f"/provider{at}").text
    for path in ("/commissioner/tenders", "/commissioner/tenders?state=run_again"):
        assert AGAIN in site.client(FUNDER).get(path).text, path


def test_not_run_again_in_time_it_ends_and_says_why(site: Site) -> None:
    left_out(site)
    world = site.world.later(days=30)
    assert world.tender.status_reason == "The match was not run again in time."


def upheld(site: Site) -> str:
    """An objection to the result was upheld, so that the broker has to run the match again; returns the address."""
    world = site.world.proposed().accept().confirm()
    with writing(world.session):
        objector = world.provider("near")
        row = reviews.represent(world.session, world.now, objector, world.tender.id, "Our rating was misread.")
        reviews.decide(world.session, world.now, world.funder, row.id, Decision.RUN_AGAIN, "It was.")
    return f"/broker/tenders/{world.tender.id}"


@pytest.mark.parametrize(
    ("reach", "column", "ends", "told"),
    [
        (left_out, "confirm_by", TenderStatus.UNSUCCESSFUL, "If not, the tender ends without an award."),
        (upheld, "match_by", TenderStatus.CANCELLED, "If not, the tender is cancelled."),
    ],
)
def test_what_comes_of_a_match_that_is_not_run_again_is_what_the_pages_say(
    site: Site, reach: Callable[[Site], str], column: str, ends: TenderStatus, told: str
) -> None:
    """By the same date everywhere, in the database too; and when it has passed, the tender ends as it was said."""
    at, world = reach(site), site.world
    by = getattr(world.tender, column)
    assert rounds.run_again_by(world.tender) == by
    [row] = tenders.own_tenders(world.session, world.broking, world.now, tenders.Asked(turn="mine"), first=0, size=9)
    query = tenders.Asked().query(world.broking, world.now).with_only_columns(tenders.NEXT_DATE)
    assert row.by() == row.lapses_at(world.now) == world.session.scalar(query) == by
    for path in (at, "/broker/", f"{at}/result"):
        text = site.client(BROKER).get(path).text
        assert told in text, path
        assert moment(by) in text, path
    for path in ("/patient/", f"/patient/matches/{world.match(1).id}"):  # no broker's date that depends on others
        assert (moment(by) in site.client(P1).get(path).text) == (column == "match_by"), path
    world.now = by
    world.later()
    assert site.fresh().tender.status is ends


def amended(site: Site) -> str:
    """An open tender that was explained, given more time, and changed; returns its address without the role."""
    world = site.world.draft().agree().publish().three_offers()
    session, due_at = world.session, world.tender.offers_due_at
    with writing(session):
        amendments.clarify(session, world.now, world.broking, world.tender.id, "A session lasts 40 minutes.")
        world.now += timedelta(hours=1)
        later = due_at + timedelta(days=3)
        amendments.extend(session, world.now, world.broking, world.tender.id, later, "Easter falls into it.")
        world.now += timedelta(hours=1)
        amendments.change(
            session,
            world.now,
            world.broking,
            world.tender.id,
            policy=replace(world.policy, pence_per_km=60, pooling=Pooling.SHARED_POOL),
            offers_due_at=due_at + timedelta(days=7),
            text="Travel counts for more.",
        )
    return f"/tenders/{world.tender.id}"


@pytest.mark.parametrize(("email", "role"), [(BROKER, "/broker"), (NEAR, "/provider"), (None, "")])
def test_each_amendment_says_what_it_brought(site: Site, email: str | None, role: str) -> None:
    """More time is not an explanation; a change names each rule before and now, and both their deadlines."""
    at = amended(site)
    text = unescape(site.client(email).get(f"{role}{at}").text)
    for said in (
        "Explained</strong> on Monday 2 March 2026 at 9am",
        "More time</strong> on Monday 2 March 2026 at 10am",
        "Offers were then asked for by Thursday 19 March 2026 at 9am",
        "Changed</strong> on Monday 2 March 2026 at 11am",
        "Offers by Monday 23 March 2026 at 9am",
        "What one kilometre of travel is worth, per session: £0.30 before, £0.60 now",
        "Who may pay for whom: “Each person's budget pays for that person only” before, “People help each other",
        "All offers and agreements made before are void",
    ):
        assert said in text, said
    assert "one grade of quality is worth, per session: " not in text
    assert "rules were published with the tender" not in text
    if role != "/broker":
        assert "These rules were changed on Monday 2 March 2026 at 11am." in text


def test_a_broker_reads_who_is_asked_again(site: Site) -> None:
    """How many have said yes to the new rules, how many have not answered, and what happens if they do not."""
    at, world = amended(site), site.world
    world.agree(1, 2)
    client = site.client(BROKER)
    text = client.get(f"/broker{at}").text
    assert "10 people are asked again and have not answered" in text
    assert "2 people are in the group now, with 20 sessions, £1,200.00" in text
    assert "Monday 23 March 2026 at 9am" in text
    assert "by the same deadline" in text
    assert "10 people are asked again" in client.get("/broker/tenders").text
    world.agree(*range(3, 13))
    assert "asked again and" not in client.get(f"/broker{at}").text


CANCELLED = ("Cancelled", "Monday 16 March 2026 at 9am", "The period was wrong")


def cancelled(site: Site, *, by: str) -> str:
    """A proposed tender, cancelled by its broker or the commissioner; returns its address without the role."""
    world = site.world.draft().agree().publish().three_offers().later(days=14).run_round().accept(1)
    actor = world.broking if by == BROKER else world.funder
    with writing(world.session):
        cancellations.cancel(
            world.session,
            world.now,
            actor,
            world.tender.id,
            code=CancelCode.ERROR_IN_TENDER,
            reason="The period was wrong",
        )
    return f"/tenders/{world.tender.id}"


@pytest.mark.parametrize(("by", "author"), [(BROKER, "Fen Brokers, its broker"), (FUNDER, "The commissioner")])
def test_a_cancelled_tender_says_when_by_whom_on_what_grounds_and_why(site: Site, by: str, author: str) -> None:
    """To its broker, to the public, to its bidders on the tender and on their offer."""
    at = cancelled(site, by=by)
    offer = next(row for row in site.world.tender.offers if row.provider_id == site.world.providers["near"].id)
    pages = [(BROKER, f"/broker{at}"), (None, at), (NEAR, f"/provider{at}"), (NEAR, f"/provider/offers/{offer.id}")]
    for email, path in pages:
        text = site.client(email).get(path).text
        for said in (*CANCELLED, author, "There is an error in the tender"):
            assert said in text, (path, said)


@pytest.mark.parametrize("easy", [False, True])
def test_who_is_in_a_cancelled_tender_reads_it_too(site: Site, easy: bool) -> None:
    """On the match that somebody had said yes to, and on the group; no contract is promised any more."""
    cancelled(site, by=FUNDER)
    client = site.client(P1)
    client.post("/patient/easy-read", data={"easy_read": "on" if easy else "off"})
    match, group = f"/patient/matches/{site.world.match(1).id}", f"/patient/invitations/{site.world.need(1).id}"
    assert f'href="{group}">Read why it ended' in client.get(match).text
    for path in (match, group):
        text = client.get(path).text
        assert ('class="cp-easy"' in text) is easy
        if path == group:
            assert "16 March 2026" in text
            assert "The period was wrong" in text
        assert "sign a contract" not in text, path
        assert "&lt;p&gt;" not in text, path
        assert "You said yes to this match" not in text, path


def test_the_dates_tell_the_tender_s_whole_life(site: Site) -> None:
    """What was done when stays on the page after it is done, and after the tender has ended."""
    at = cancelled(site, by=BROKER)
    text = site.client(BROKER).get(f"/broker{at}").text
    dates = text[text.index(">Dates<") :]
    told = re.findall(r'summary-list__key">([^<]*)</dt>', dates)
    assert told == [
        "Drafted", "Published", "Offers could come in until", "Offers opened", "Match proposed", "Cancelled",
    ]  # fmt: skip


def test_the_notice_says_what_can_be_checked(site: Site) -> None:
    """While there is no result it comes later; of a tender that ended with one, it is from before the end."""
    world = site.world.draft().agree().publish()
    at = f"/tenders/{world.tender.id}"
    assert ">To check the result later<" in site.client().get(at).text
    world.three_offers().later(days=14).run_round().accept(1)
    with writing(world.session):
        cancellations.cancel(
            world.session, world.now, world.broking, world.tender.id, code=CancelCode.ERROR_IN_TENDER, reason="Wrong"
        )
    ended = site.client().get(at).text
    assert ">To check the result from before the tender ended<" in ended
    for page in (ended, site.client("near@example.test").get(f"/provider{at}").text):
        assert "They held until the tender ended." in page
        assert "They cannot be changed" not in page


def test_an_awarded_tender_s_dates(site: Site) -> None:
    world = site.world.awarded()
    text = site.client(BROKER).get(f"/broker/tenders/{world.tender.id}").text
    for what in ("Award confirmed", "The pause ended", "Awarded"):
        assert f">{what}</dt>" in text, what
    for lapsed in ("Answers by", "You confirm the award by", "The match starts by"):
        assert f">{lapsed}</dt>" not in text, lapsed


def test_an_upheld_objection_is_told_once_with_its_day(site: Site) -> None:
    """What must be done by when stands above and among the dates; that the first award was confirmed stays there."""
    at, world = upheld(site), site.world
    objected_on = moment(world.now)
    text = site.client(BROKER).get(at).text
    assert f"Upheld on {objected_on}: the match must be run again." in text
    assert text.count(moment(rounds.run_again_by(world.tender))) == 1
    assert "First award confirmed; it counts no longer</dt>" in text
    assert "What happens next" not in text
    assert "must come in" not in text
    assert "If no offer comes in" not in text
    assert "This was the result before the objection was upheld." in site.client(BROKER).get(f"{at}/result").text


def test_only_answers_that_were_given_are_told_of_an_earlier_match(site: Site) -> None:
    """Whoever had not answered is not asked any more, and its charges are void."""
    world = site.world.proposed().accept(1, 2).decline(3)
    world.leave_out("bulk")
    text = site.client(BROKER).get(f"/broker/tenders/{world.tender.id}/award").text
    assert "Answers to the earlier match" in text
    assert "Not yet" not in text
    assert "Charge</th>" not in text
    shown = [patient.name for patient in world.patients if patient.name in text]
    assert len(shown) == 3


def test_a_withdrawn_and_an_unsuccessful_tender(site: Site) -> None:
    """The one has an author, the other none: its own rules and dates ended it."""
    world = site.world.draft().agree().publish()
    with writing(world.session):
        steps.withdraw_tender(world.session, world.now, world.broking, world.tender.id, "The service is reshaped.")
    at = f"/tenders/{world.tender.id}"
    for email, path in ((BROKER, f"/broker{at}"), (None, at)):
        text = site.client(email).get(path).text
        for said in (">Withdrawn</dt>", "Fen Brokers, its broker", "The service is reshaped.", "2 March 2026 at 9am"):
            assert said in text, (path, said)
    world.now += timedelta(days=1)
    world.draft().agree().publish().later(days=15)
    text = site.client(BROKER).get(f"/broker/tenders/{world.tender.id}").text
    assert "Nobody: it follows from its rules and dates" in text
    assert "There was no offer when the time to make one was over." in text


def test_one_cancelled_group_is_marked_and_its_people_are_told_the_truth(site: Site) -> None:
    """The other group goes on; nobody is told that too few people were left."""
    world = site.world.draft()
    world.second_lot(12)
    world.agree().publish().three_offers().later(days=15).run_round()
    with writing(world.session):
        cancellations.cancel(
            world.session,
            world.now,
            world.broking,
            world.tender.id,
            code=CancelCode.NO_LONGER_NEEDED,
            reason="Nobody needs it",
            bundle_ids=[world.bundle.id],
        )
    page = site.client(BROKER).get(f"/broker/tenders/{world.tender.id}").text
    assert 'tag--white">Cancelled</strong>' in page[page.index(">Groups<") :]
    text = site.client(P1).get(f"/patient/matches/{world.match(1).id}").text
    assert "because the group has ended" in text
    assert "too few people" not in text


def test_each_small_page_says_where_back_leads(site: Site) -> None:
    """To the tender, to its offers, or to the tender that an interest was declared from."""
    world = site.world.draft().agree().publish().three_offers()
    with writing(world.session):
        amendments.ask(world.session, world.now, world.provider("near"), world.tender.id, "Is parking free?")
    question = world.session.scalars(select(Question.id)).one()
    at = f"/broker/tenders/{world.tender.id}"

    def back(path: str) -> tuple[str, str]:
        text = site.client(BROKER).get(path).text
        link = re.search(r'<a class="nhsuk-back-link" href="([^"]+)">(.*?)</a>', text, re.DOTALL)
        assert link is not None, path
        return link[1], re.sub(r"<svg.*?</svg>", "", link[2], flags=re.DOTALL).strip()

    assert back(f"/broker/questions/{question}") == (at, "The tender")
    assert f'href="/broker/interests?tender={world.tender.id}"' in site.client(BROKER).get(at).text
    assert back(f"/broker/interests?tender={world.tender.id}") == (at, "The tender")
    assert back("/broker/interests") == ("/broker/", "Home")
    assert site.client(BROKER).get("/broker/interests?tender=0000000000000000").status_code == 404
    world.later(days=15).run_round()
    assert back(f"/broker/offers/{world.tender.offers[0].id}/exclude") == (f"{at}/offers", "The offers")
    assert back(f"{at}/cancel") == (at, "The tender")


def test_the_map_s_table_begins_with_the_name(site: Site) -> None:
    """The number of a pin is told with the name that it stands for; a place off the map has none."""
    world = site.world.proposed()
    text = site.client(BROKER).get(f"/broker/tenders/{world.tender.id}/result").text
    table = text[text.index("The places on the map") :]
    assert re.search(r'<th scope="col"[^>]*>Provider</th>', table[: table.index("</tr>")])
    assert "No.</th>" not in table
    assert re.search(r"<div>[^<]*Bulk Physio <span[^>]*>\(1 on the map\)", table)


def test_a_refused_objection_repeats_nothing(site: Site) -> None:
    """That the award becomes final, and when, is said once in words and once among the dates."""
    world = site.world.proposed().accept().confirm()
    with writing(world.session):
        row = reviews.represent(
            world.session, world.now, world.provider("near"), world.tender.id, "Our rating was misread."
        )
        reviews.decide(world.session, world.now, world.funder, row.id, Decision.REFUSED, "It was not.")
    text = site.client(BROKER).get(f"/broker/tenders/{world.tender.id}").text
    ends = moment(world.tender.standstill_ends_at)
    assert f"Refused on {moment(world.now)}." in text
    assert text.count(ends.removeprefix("the end of ")) == 2
    assert "Then contracts are signed" not in text
