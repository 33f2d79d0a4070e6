"""When a tender changes under way, every page that names its state says so: the broker's, and everybody else's."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from marketplace.records.rounds import MatchStatus
from marketplace.rules.errors import WrongState
from marketplace.web.queries import tenders
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
    assert "The match is made again" in text
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
