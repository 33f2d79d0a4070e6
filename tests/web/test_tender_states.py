"""Whose turn it is, on a proposal: the patients' until all have answered, then the broker's; and its dates in order."""

import re

import pytest

from marketplace.journey import awards, pools
from marketplace.queries import tenders
from marketplace.records.database import writing
from marketplace.rules.errors import WrongState
from tests.web.site import Site
from tests.web.test_broker_pages import read

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
