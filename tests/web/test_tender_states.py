"""Whose turn it is, on a proposal: the patients' until all have answered, then the broker's; and its dates in order."""

import re
from datetime import timedelta

import pytest

from marketplace.journey import amendments, awards, pools
from marketplace.queries import tenders
from marketplace.queries.words import day
from marketplace.records.database import writing
from marketplace.rules.errors import WrongState
from tests.web.site import Site
from tests.web.test_broker_pages import read
from tests.worlds import PERIOD

BROKER = "broker@example.test"
WAITING, TURN = "Waiting for patients' answers", "All answers are in"


def tags(site: Site, path: str) -> set[str]:
    """The tags of a page."""
    text = site.client(BROKER).get(path).text
    return set(re.findall(r'nhsuk-tag--[a-z-]+">([^<]*)<', text.replace("&#39;", "'")))


def test_once_all_have_answered_it_is_the_brokers_turn(site: Site) -> None:
    """On the home page, in the list, on the tender, its result and its award; the list can be narrowed to it."""
    world = site.world.proposed().accept(*range(1, 12))
    at = f"/broker/tenders/{world.tender.id}"
    pages = ("/broker/tenders", at, f"{at}/result", f"{at}/award")
    for path in pages:
        assert tags(site, path) == {WAITING}, path
    assert world.tender.title in read(site, "/broker/tenders?status=proposed")
    assert world.tender.title not in read(site, "/broker/tenders?status=answered")
    world.decline(12)
    for path in pages:
        assert tags(site, path) == {TURN}, path
    assert "12 of 12 people have answered: it is your turn" in read(site, at)
    assert TURN in read(site, "/broker/")
    assert world.tender.title not in read(site, "/broker/tenders?status=proposed")
    assert world.tender.title in read(site, "/broker/tenders?status=answered")


def test_the_states_counted_are_those_shown(site: Site) -> None:
    """The figures of the home page and the rows of the list agree, in every state from the draft to the award."""
    world = site.world.draft()
    moves = (
        lambda: world,
        lambda: world.agree().publish(),
        lambda: world.three_offers().later(days=15),
        world.run_round,
        world.accept,
        lambda: world.leave_out("bulk"),
        world.run_round,
    )
    seen = []
    for move in moves:
        move()
        row = tenders.tender_row(world.session, world.broking, world.tender.id)
        assert tenders.tenders_by_state(world.session, world.broking) == {row.state: 1}
        asked = tenders.Asked(state=row.state).query(world.broking, world.now)
        assert world.session.scalars(asked).all() == [world.tender]
        seen.append(row.state)
    assert tenders.ANSWERED in seen
    assert "run_again" in seen


def test_one_patient_who_has_not_answered_is_one(site: Site) -> None:
    """The refusal counts them in words that fit."""
    world = site.world.proposed().accept(*range(1, 12))
    with pytest.raises(WrongState, match="1 patient has not answered yet"), writing(world.session):
        awards.confirm_award(
            world.session, world.now, world.broking, world.tender.id, "The published rules, unchanged."
        )


def test_invited_adds_up(site: Site) -> None:
    """Joined, said no and no answer yet are all who were invited; once published, who is not in has not joined."""
    world = site.world.draft().agree(1, 2)
    with writing(world.session):
        pools.decline_invitation(world.session, world.now, world.patient(3), world.need(3).id)
    path = f"/broker/tenders/{world.tender.id}"

    def row() -> dict[str, str]:
        page = site.client(BROKER).get(path).text
        heads = re.findall(r'<th scope="col"[^>]*>([^<]*)</th>', page)
        cells = re.findall(r"<t[dh] role=[^>]*>(?:<span[^>]*>[^<]*</span>)?<div>(.*?)</div></t[dh]>", page, re.DOTALL)
        return dict(zip(heads, [re.sub(r"<[^>]+>", " ", cell).strip() for cell in cells], strict=False))

    found = row()
    assert (found["Invited"], found["Joined"], found["Said no"], found["No answer yet"]) == ("12", "2", "1", "9")
    site.fresh().publish()
    found = row()
    assert (found["Invited"], found["Joined"], found["Not joined"]) == ("12", "2", "10")
    assert "Said no" not in found
    assert "No answer yet" not in found


def test_an_example_fits_its_field(site: Site) -> None:
    """A weight that cannot be read is told with an amount that such a weight could be; what was typed stays."""
    typed = {
        "title": "Physiotherapy",
        "pence_per_quality_grade": "much",
        "pence_per_km": "some",
        "pence_per_wait_day": "little",
        "pence_per_change": "more",
    }
    page = site.client(BROKER).post("/broker/tenders/new", data=typed).text
    for name, like in (("quality_grade", "3.00"), ("km", "0.30"), ("wait_day", "0.50"), ("change", "20.00")):
        assert re.search(rf'href="#pence_per_{name}">[^<]*like {like}', page), name
    assert all(f'value="{value}"' in page for value in typed.values())
    assert "48.50" not in page


def test_rules_are_told_in_the_service_s_own_unit(site: Site) -> None:
    """A tender for sessions says session: its rules, the form that changes them, its result."""
    world = site.world.draft()
    at = f"/broker/tenders/{world.tender.id}"
    assert "for each session" in read(site, at)
    assert "per session" in read(site, f"{at}/policy")
    world.agree().publish().three_offers().later(days=15).run_round()
    result = read(site, f"{at}/result")
    assert "From 100 sessions" in result
    assert not re.search(r"\bunits?\b", result, re.IGNORECASE)


def test_a_waiting_question_is_what_is_to_be_done(site: Site) -> None:
    """While one waits, the button leads to it and the notice is beside it; once answered, it is gone."""
    world = site.world.draft().agree().publish()
    at = f"/broker/tenders/{world.tender.id}"
    assert "Answer the question" not in read(site, at)
    asked = []
    for text in ("Is there parking?", "Are there stairs?"):
        world.now += timedelta(minutes=1)
        with writing(world.session):
            asked.append(amendments.ask(world.session, world.now, world.provider("near"), world.tender.id, text))
    page = site.client(BROKER).get(at).text
    first = re.search(r'href="(/broker/questions/\w+)"[^>]*>\s*Answer the first question', page)
    assert first is not None
    assert first[1].endswith(asked[0].id)
    assert re.search(r'nhsuk-button--secondary"[^>]*>\s*See the public notice', page)
    for question in asked:
        assert site.client(BROKER).post(f"/broker/questions/{question.id}", data={"text": "Yes."}).status_code == 302
    assert "Answer the" not in read(site, at)


def test_a_draft_says_when_its_care_would_begin_late(site: Site) -> None:
    """Its own time may end after the day on which care is to begin: its page says by when to publish for that."""
    world = site.world.draft()
    at = f"/broker/tenders/{world.tender.id}"
    row = tenders.tender_row(world.session, world.broking, world.tender.id)
    assert row.care_begins_on == PERIOD[0]
    last = PERIOD[0] - timedelta(days=22)  # 9 April: offers by the 10th, answers by the 18th, pause of the 19th to 30th
    assert row.publish_for_care_by == last
    assert f"For that, publish by {day(last)}" in read(site, at)
    world.later(days=(last - world.now.date()).days + 1)
    assert "it is too late for that" in read(site, at)
    world.agree(1)
    assert "it takes about 21 days until contracts can be signed" in read(site, f"{at}/publish")


def test_what_is_wrong_with_a_weight_is_told_in_the_unit_of_its_field(site: Site) -> None:
    """The summary calls the field what stands over it, for the rules and for scenarios."""
    world = site.world.draft()
    at, client = f"/broker/tenders/{world.tender.id}", site.client(BROKER)
    tried = client.post(f"{at}/policy/try", data={"pence_per_km": "some"}).text
    assert re.search(r">\s*What one kilometre of travel is worth, per session: ", tried)
    world.agree().publish().three_offers().later(days=15)
    asked = site.client(BROKER).post(f"{at}/scenarios", data={"pence_per_km": "some"}).text
    assert re.search(r">\s*One kilometre of travel, per session: ", asked)


def test_how_many_offers_are_needed_is_said_while_they_can_come_in(site: Site) -> None:
    """One is said in words of its own; once offers are opened it is past."""
    world = site.world.draft()
    at = f"/broker/tenders/{world.tender.id}"
    draft = read(site, at)
    assert "If no offer comes in, the tender ends without an award." in draft
    assert "Nobody has joined yet; 12 people have not answered." in draft
    world.agree().publish()
    assert "If no offer comes in" in read(site, at)
    world.three_offers().later(days=15)
    assert "If no offer comes in" not in read(site, at)


def test_what_is_over_is_not_told_as_open(site: Site) -> None:
    """Once offers are in, no notice asks for them any more; once the award is made, nor for objections."""
    world = site.world.draft().agree().publish().three_offers()
    notices = {f"/tenders/{world.tender.id}": None, f"/provider/tenders/{world.tender.id}": "near@example.test"}
    for at, reader in notices.items():
        text = site.client(reader).get(at).text
        assert "What is needed" in text
        assert "Offers by" in text
    world.later(days=15).run_round().accept().confirm()
    public = site.client()
    assert "Objections until" in public.get(f"/tenders/{world.tender.id}").text
    for state in ("awards", "all"):
        assert "What was asked for" in public.get(f"/tenders?state={state}").text
    world.later(days=20)
    for at, reader in notices.items():
        text = site.client(reader).get(at).text
        assert "What was asked for" in text
        assert "Deadline for offers" in text
        for present in ("What is needed", "Offers by", "Offers needed", "Objections until"):
            assert present not in text
    assert "120 sessions" in public.get(f"/tenders/{world.tender.id}").text.split("Who won")[1]
