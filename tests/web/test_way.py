"""A patient follows a part of their care from the group to the last visit: what is done, what is now, what stopped."""

import re

from marketplace.journey import pools
from marketplace.queries.care import care_lines
from marketplace.queries.way import StepState, Way
from marketplace.records.database import writing
from marketplace.records.pools import DefaultAnswer
from marketplace.rules.clock import london_midnight_after
from marketplace.rules.permissions import Actor, Role
from tests.web.site import Site
from tests.worlds import SmallWorld


def way(world: SmallWorld, number: int = 1) -> Way:
    actor = Actor(f"user-p{number}", Role.PATIENT, world.patients[number - 1].id)
    (line,) = care_lines(world.session, actor)
    return line.way


def now_at(world: SmallWorld, number: int = 1) -> tuple[int, str, str]:
    found = way(world, number)
    return found.at, found.now.words, found.now.state.value


def test_the_whole_way(site: Site) -> None:
    """Step by step; what is behind is done and has its day, what is ahead has none but may have a last one."""
    world = site.world
    assert now_at(world) == (1, "Your broker may ask you to join a group", "ahead")
    world.draft()
    assert now_at(world) == (2, "You decide whether to join", "now")
    world.agree()
    assert now_at(world) == (3, "The group is being formed", "now")
    assert way(world).now.by == world.tender.publish_by
    world.publish()
    assert now_at(world) == (4, "Providers make their offers", "now")
    assert way(world).now.by == world.tender.offers_due_at
    world.three_offers().later(days=15)
    assert now_at(world) == (5, "The offers are being matched", "now")
    world.run_round()
    assert now_at(world) == (6, "You answer your match", "now")
    world.accept()
    assert now_at(world) == (7, "The result is final", "now")
    world.confirm().later(days=20)
    assert now_at(world) == (8, "Everybody signs the contract", "now")
    world.sign(1)
    world.deliver(1, 3)
    assert now_at(world) == (9, "You have your care (3 of 10 sessions so far)", "now")
    assert way(world).now.by == london_midnight_after(world.bundle.period_to)
    world.deliver(1, 7)
    found = way(world)
    assert {step.state for step in found.steps} == {StepState.DONE}
    assert all(step.at is not None for step in found.steps)
    days = [step.at for step in found.steps if step.at is not None]
    assert days == sorted(days)


def test_a_way_that_ends_says_where(site: Site) -> None:
    """Left, turned down, no provider found: the way stops at that step, and nothing is promised after it."""
    world = site.world.draft().agree().publish()
    with writing(world.session):
        pools.leave(world.session, world.now, world.patient(2), world.need(2).id)
    assert now_at(world, 2)[1:] == ("You left the group", "stopped")
    world.three_offers().later(days=15).run_round().decline(1)
    assert now_at(world) == (6, "You turned the match down", "stopped")
    assert len(way(world).steps) == 6


def test_who_was_silent_reads_what_became_of_it(site: Site) -> None:
    """Nobody reads that they said yes or no when they said nothing: the answer was given for them, as they chose."""
    world = site.world.draft().agree(1).agree(2, default=DefaultAnswer.DECLINE).agree(*range(3, 13)).publish()
    world.three_offers().later(days=15).run_round().later(days=10)
    assert way(world).steps[5].words == "You did not answer, so we said yes for you, as you chose"
    assert now_at(world, 2) == (6, "You did not answer, so the match was turned down for you", "stopped")
    client = site.client("p1@example.test")
    for easy in (False, True):
        if easy:
            client.post("/patient/easy-read", data={"easy_read": "on"})
        page = client.get(f"/patient/matches/{world.match(1).id}").text
        assert "You said yes to this match" not in page
        assert "said yes for you" in page
    assert "We said yes for you, as you chose" in client.get("/patient/").text


def test_both_pages_show_it(site: Site) -> None:
    """One line on the home page, all steps on the care page, for whoever hears the page as well."""
    world = site.world.proposed()
    client = site.client("p1@example.test")
    assert "Step 6 of 9: You answer your match, by the end of" in client.get("/patient/").text
    care = client.get("/patient/care").text
    assert care.count("cp-way__step--done") == 5
    assert re.search(r'aria-current="step">\s*<span[^>]*>Now: </span>You answer your match', care)
    world.accept(1)
    assert "Step 7 of 9: The result is final" in client.get("/patient/").text
    world.accept(*range(2, 13)).confirm().later(days=20).sign(1)
    home = site.client("p1@example.test").get("/patient/").text
    assert "Step 9 of 9: You have your care (0 of 10 sessions so far), until the end of Saturday 31 October" in home
