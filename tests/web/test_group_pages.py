"""A group's page says why one is asked again and what changed, who ended it and why, and who has joined so far."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from marketplace.journey import amendments, cancellations, leaving, pools, representatives, rounds, tenders
from marketplace.queries.words import moment
from marketplace.records.database import writing
from marketplace.records.people import Authority
from marketplace.records.pools import DefaultAnswer, NeedStatus
from marketplace.records.tenders import CancelCode
from marketplace.rules.permissions import Actor, Role, Scope
from marketplace.rules.preferences import Preferences
from tests.web.reading import grade_of, sentences_of
from tests.web.site import Site
from tests.web.test_easy_read import main_part, same
from tests.web.test_match_pages import few_left, left_out
from tests.web.test_people_pages import act, daughter_of
from tests.web.test_reading_age import MOST_GRADE, MOST_WORDS
from tests.worlds import SmallWorld

P1 = "p1@example.test"


def told(site: Site, number: int = 1) -> list[str]:
    """Patient 1's page of the group, in full and in easy read, as easy to read as their other pages."""
    path = f"/patient/invitations/{site.world.need(number).id}"
    same(site, path)
    pages = []
    for kind, most in MOST_WORDS.items():
        page = main_part(site.client(P1), path, easy=bool(kind))
        sentences = sentences_of(page)
        assert grade_of(sentences) <= MOST_GRADE, kind
        assert max(len(words) for words in sentences) <= most, max(sentences, key=len)
        pages.append(" ".join(page.split()))
    return pages


def said_yes_for_1(site: Site) -> Authority:
    """Patient 1's daughter agrees to the group in their place."""
    world, authority = site.world, daughter_of(site, 1)
    acting = Actor("user-daughter", Role.PATIENT, authority.patient_id, authority.id, frozenset(Scope))
    with writing(world.session):
        pools.agree(world.session, world.now, acting, world.need(1).id, DefaultAnswer.ACCEPT, shares_pool=False)
    return authority


def change(world: SmallWorld, **weights: int) -> None:
    """The broker changes the rules of the open tender."""
    assert world.tender.offers_due_at is not None
    with writing(world.session):
        amendments.change(
            world.session,
            world.now,
            world.broking,
            world.tender.id,
            policy=replace(world.policy, **weights),
            offers_due_at=world.tender.offers_due_at + timedelta(days=7),
            text="Travel counts for more.",
        )


def test_who_is_asked_again_reads_why_and_what_changed(site: Site) -> None:
    """Above the facts: the broker's words, and each rule as it was when the person said yes and as it is now."""
    world = site.world.draft().agree().publish()
    change(world, pence_per_km=40)
    change(world, pence_per_km=60)
    for page in told(site):
        for words in (
            "Please answer again",
            "Travel counts for more.",
            "Before, each kilometre nearer counted like £0.30 per session. Now it counts like £0.60 per session.",
            f"before {moment(world.tender.offers_due_at)}",
        ):
            assert words in page, words
        assert page.index("Please answer again") < page.index("Fen Brokers")
        assert "£0.40" not in page
        assert "One grade better counted" not in page


def test_a_draft_that_changed_is_answered_again_too(site: Site) -> None:
    world = site.world.draft().agree(1)
    assert all("Please answer again" not in page for page in told(site))
    with writing(world.session):
        policy = replace(world.policy, pence_per_quality_grade=0, answer_days=9)
        tenders.amend_policy(world.session, world.now, world.broking, world.tender.id, policy)
    for page in told(site):
        assert "Before, each grade better counted like £3.00 per session. Now it does not count." in page
        assert "You have 9 days now to answer your match. It was 7 before." in page
        assert "Your broker wrote" not in page


def test_who_was_never_in_is_asked_for_the_first_time(site: Site) -> None:
    """Changed rules are no news for somebody who had not said yes."""
    world = site.world.draft().agree(2)
    with writing(world.session):
        policy = replace(world.policy, pence_per_km=60)
        tenders.amend_policy(world.session, world.now, world.broking, world.tender.id, policy)
    assert all("Please answer again" not in page for page in told(site))


def test_a_yes_of_somebody_who_may_no_longer_act_is_asked_again(site: Site) -> None:
    """The rules are the same, and nobody reads that they changed."""
    world = site.world.draft()
    authority = said_yes_for_1(site)
    with writing(world.session):
        representatives.end_authority(world.session, world.now, world.funder, authority.id)
    assert world.need(1).consents[-1].void_at is not None
    for page in told(site):
        assert "can no longer act for you" in page
        assert "rules of this group have changed" not in page


@pytest.mark.parametrize("by", ["the patient", "somebody who still acts", "somebody whose authority ended later"])
def test_rules_that_changed_there_and_back_are_no_fault_of_who_said_yes(site: Site, by: str) -> None:
    """The yes is void, though the rules are as they were: nobody reads that somebody may act no longer."""
    world = site.world.draft()
    authority = None if by == "the patient" else said_yes_for_1(site)
    if authority is None:
        world.agree(1)
    world.agree(*range(2, 13)).publish()
    change(world, pence_per_km=60)
    change(world)
    assert world.need(1).consents[-1].policy_sha256 == world.tender.policy_sha256
    if authority is not None and by.endswith("later"):
        world.later(hours=1)
        with writing(world.session):
            representatives.end_authority(world.session, world.now, world.funder, authority.id)
    for page in told(site):
        assert "can no longer act" not in page
        assert "said yes for you" not in page
        assert "rules of this group were changed" in page
        assert "as they were when you said yes" in page
        assert "our yes ended with the first change" in page


@pytest.mark.parametrize(
    ("by", "who", "why"),
    [
        ("deleted", "Your broker, Fen Brokers, ended it.", "The area was wrong."),
        ("left lying", "Its time ran out.", "did not go on with it in time"),
        ("withdrawn", "Your broker, Fen Brokers, ended it.", "We made a mistake."),
        ("no offers", "nobody chose this", "There was no offer when the time to make one was over."),
        ("cancelled by the funder", "Your local care team ended it.", "The money is gone."),
        ("a lot cancelled", "Your broker, Fen Brokers, ended it.", "All have moved."),
    ],
)
def test_a_group_that_was_given_up_says_who_and_why(site: Site, by: str, who: str, why: str) -> None:
    """That the money is free, and where to go on; the rules of choosing are no longer there."""
    world = site.world.draft()
    if by == "a lot cancelled":
        world.second_lot(12)
    world.agree()
    money = "No money was set aside for it."
    session, now = world.session, world.now
    if by == "deleted":
        with writing(session):
            tenders.delete_draft(session, now, world.broking, world.tender.id, why)
    elif by == "left lying":
        world.later(days=70)
    else:
        money = "Your money is free to use again."
        world.publish()
        if by == "withdrawn":
            with writing(session):
                tenders.withdraw_tender(session, now, world.broking, world.tender.id, why)
        elif by == "no offers":
            world.later(days=15)
        else:
            world.three_offers().later(days=15)
            funder = by == "cancelled by the funder"
            with writing(session):
                cancellations.cancel(
                    session,
                    world.now,
                    world.funder if funder else world.broking,
                    world.tender.id,
                    code=CancelCode.NO_LONGER_NEEDED,
                    reason=why,
                    bundle_ids=None if funder else [world.bundle.id],
                )
    for page in told(site):
        ways = ("/patient/broker", "/leave/", "choose the usual NHS care")
        for words in ("This group has ended", who, why, money, *ways):
            assert words in page, words
        for words in ("How a provider is chosen", "What counts for you", "tender asked", "At most"):
            assert words not in page, words


def test_who_has_joined_and_when_it_is_decided(site: Site) -> None:
    """In whole groups of eight; and the dates of the next two steps."""
    world = site.world.draft().agree(*range(1, 8))
    for page in told(site):
        assert "Fewer than 8 people" in page
        assert moment(world.tender.publish_by) in page
    world.agree(8)
    assert all("At least 8 people" in page and "joined" in page for page in told(site))
    world.publish()
    for page in told(site):
        assert moment(world.tender.offers_due_at) in page
        assert "end of Monday 30 March 2026" in page  # 14 days after the offers are in
    world.three_offers().later(days=15)
    assert all(moment(world.tender.match_by) in page and "joined" not in page for page in told(site))


@pytest.mark.parametrize(
    ("default", "said"), [(DefaultAnswer.ACCEPT, "we say yes"), (DefaultAnswer.DECLINE, "we say no")]
)
def test_what_silence_means_is_read_after_joining(site: Site, default: DefaultAnswer, said: str) -> None:
    """As they chose it; and that one can leave free of charge is said once."""
    world = site.world.draft()
    for page in told(site):
        assert said not in page
    world.agree(1, default=default)
    for page in told(site):
        assert f"{said} for you" in page
        assert page.count("You can leave") == 1


def test_what_comes_after_the_offers_is_told(site: Site) -> None:
    """The match and its answer, and that the planned days are not those of the contract."""
    world = site.world.draft()
    pages = told(site)
    world.agree().publish()
    for page in [*pages, *told(site)]:
        assert "What happens when" in page
        assert "You see if there is a match for you" in page
        assert "sooner or later than planned" in page


def test_whoever_acts_reads_a_heading_that_is_a_sentence(site: Site) -> None:
    """No name stands where "you" was, before a verb that does not fit it."""
    world = site.world.draft().agree()
    client = act(site, daughter_of(site, 1))
    for kind in ("off", "on"):
        client.post("/patient/easy-read", data={"easy_read": kind})
        page = client.get(f"/patient/invitations/{world.need(1).id}").text
        assert "To leave the group</h2>" in page
        assert "want to leave" not in page


def test_a_group_that_was_left_or_came_to_something_says_so(site: Site) -> None:
    world = site.world.draft().agree().publish()
    with writing(world.session):
        pools.leave(world.session, world.now, world.patient(1), world.need(1).id)
    assert world.need(1).status is NeedStatus.LEFT
    for page in told(site):
        is_over(page, "You left this group.", "Your money is free to use again.")
        assert "people have joined" not in page


def is_over(page: str, news: str, money: str) -> None:
    """The news comes first, then the money and the ways on, then what was; nothing speaks of a group that one is in."""
    assert "What the group was for" in page
    assert page.index(news) < page.index(money) < page.index("another group") < page.index("was for")
    running = ("People near you", "How a provider is chosen", "What counts for you", "Who is asked", "At most")
    for untold in (*running, "It is for ", "The care is", "The area is", "What happens when"):
        assert untold not in page, untold


def test_who_did_not_say_yes_is_not_in_the_group(site: Site) -> None:
    """Asked once, or asked again after a yes: each is told so, and that no money is held."""
    site.world.draft().agree(*range(2, 13)).publish()
    for page in told(site):
        is_over(page, "You did not say yes to this group.", "No money was set aside for it.")


def test_who_did_not_say_yes_again_is_not_in_the_group(site: Site) -> None:
    world = site.world.draft().agree().publish()
    change(world, pence_per_km=60)
    for number in range(2, 13):
        world.agree(number)
    world.offer("near", (0, 5_000))
    world.later(days=30)
    for page in told(site):
        is_over(page, "We asked you again, and there was no yes.", "Your money is free to use again.")


def test_who_chose_the_usual_care_is_not_sent_to_another_group(site: Site) -> None:
    world = site.world.draft().agree().publish()
    with writing(world.session):
        leaving.choose_conventional(world.session, world.now, world.patient(1), world.budget(1).id)
    for page in told(site):
        assert "You left this group." in page
        assert "went back to your local care team" in page
        assert "arranges the usual care for you" in page
        for untold in ("free to use again", "another group", "choose the usual NHS care"):
            assert untold not in page, untold


def test_a_group_of_a_budget_that_has_ended_promises_no_money(site: Site) -> None:
    world = site.world.draft().agree().publish()
    with writing(world.session):
        pools.leave(world.session, world.now, world.patient(1), world.need(1).id)
    world.later(days=400)
    for page in told(site):
        assert "This budget has ended." in page
        assert "free to use again" not in page
        assert "choose the usual NHS care" not in page


def test_a_group_with_a_match_leads_to_it(site: Site) -> None:
    world = site.world.proposed()
    for page in told(site):
        assert f"/patient/matches/{world.match(1).id}" in page
        assert page.index("You have a match from this group.") < page.index("Fen Brokers"), (
            "what came of it is read first"
        )
    world.accept().confirm().later(days=20)
    assert all(f"/patient/contracts/{world.contract(1).id}" in page for page in told(site))


def test_a_group_whose_offers_are_matched_again_says_so_of_the_match(site: Site) -> None:
    world = left_out(site.world.proposed())
    for page in told(site):
        assert "The offer of your earlier match was left out. The offers are matched again." in page
        assert "See your earlier match" in page
        assert "match so far" not in page
        assert f"/patient/matches/{world.match(1).id}" in page


def test_until_when_to_answer_stands_before_all_else(site: Site) -> None:
    """With the way to the answer; of a group that started without them nobody reads that it may start sooner."""
    world = site.world.draft().agree(2)
    for page in told(site):
        assert page.index("The group may start sooner") < page.index("Go to your answer") < page.index("Lincoln")
    world.agree(*range(3, 13)).publish()
    for page in told(site):
        assert "The group may start sooner" not in page


def test_a_match_that_is_over_is_told_as_one_that_was(site: Site) -> None:
    """Turned down, or for want of an answer: the page says what is true of the money, and leads to what it was."""
    world = site.world.proposed().decline(1, look_again=False)
    for page in told(site):
        is_over(page, "You turned it down.", "Your money is free to use again.")
        assert "You have a match" not in page
        assert "look for another provider" not in page
        assert f"/patient/matches/{world.match(1).id}" in page


def test_who_wants_another_provider_reads_that_the_group_still_looks(site: Site) -> None:
    """It is no group that was until the result is final."""
    world = site.world.draft().agree().publish()
    world.offer("near", (0, 5_900))
    world.later(days=15).run_round().decline(1).accept(*range(2, 13))
    for page in told(site):
        assert "You turned it down." in page
        assert "Your broker can look for another provider for you in this group." in page
        assert "If another group asks you to join, we stop looking in this one." in page
        assert "What the group is for" in page
    world.confirm()
    for page in told(site):
        is_over(page, "You turned it down.", "Your money is free to use again.")
        assert "look for another provider" not in page


def test_a_match_turned_down_by_silence_is_told_as_that(site: Site) -> None:
    world = site.world.draft().agree(default=DefaultAnswer.DECLINE).publish().three_offers().later(days=15).run_round()
    world.later(days=10)
    assert all("You did not answer in time, so it was turned down for you." in page for page in told(site))


def test_a_match_whose_provider_fell_away_is_one_that_was(site: Site) -> None:
    world = few_left(site.world)
    assert world.need(1).status is NeedStatus.DISPLACED
    for page in told(site):
        is_over(page, "The provider could not go ahead", "Your money is free to use again.")
        assert "You have a match" not in page


def nobody_near_enough(site: Site) -> SmallWorld:
    """All but patient 1, who goes half a kilometre at most, have a match; then the offer in use is left out."""
    world = site.world.draft().agree()
    with writing(world.session):
        near = Preferences(max_distance_m=500)
        pools.set_preferences(world.session, world.now, world.patient(1), world.need(1).id, near)
    return world.publish().three_offers().later(days=15).run_round()


def test_who_has_no_match_reads_that_the_offers_are_matched_again(site: Site) -> None:
    """Their money is held for it: they are not sent to another group, on no page, until that has come to nothing."""
    world = nobody_near_enough(site)
    assert world.need(1).status is NeedStatus.UNMATCHED
    for page in told(site):
        assert "join another group" in page
        assert "matched again" not in page
    world.leave_out("bulk")
    brokers_date = moment(world.tender.confirm_by)  # it is for the broker
    for page in told(site):
        for words in ("The offers are matched again", "we write to you", "stays set aside"):
            assert words in page, words
        assert brokers_date not in page
        for untold in ("join another group", "You can choose", "You are not in this group", "would have had"):
            assert untold not in page, untold
    for path in ("/patient/", "/patient/care"):
        page = " ".join(site.client(P1).get(path).text.split())
        assert "The offers are being matched again" in page, path
        assert "No provider was found" not in page, path
    home = site.client(P1).get("/patient/").text
    assert re.search(r"Step 5 of 9\.\s*<", home)
    assert brokers_date not in home
    with writing(world.session):
        rounds.start_round(world.session, world.now, world.broking, world.tender.id)
    assert all("The offers are matched again" in page and "join another group" not in page for page in told(site))


def test_who_lost_a_match_reads_that_the_offers_are_matched_again(site: Site) -> None:
    """The page of the earlier match sends nobody to another group either."""
    world = site.world.draft().agree().publish()
    world.offer("near", (0, 5_900), most=20)
    world.offer("bulk", (0, 4_900))
    world.later(days=15).run_round().leave_out("bulk").run_round()
    number = next(number for number in (1, 2, 3) if world.need(number).status is NeedStatus.UNMATCHED)
    client, path = site.client(f"p{number}@example.test"), f"/patient/matches/{world.match(number).id}"
    assert "may ask you to join another group" in " ".join(client.get(path).text.split())
    site.fresh().leave_out("near")
    for kind in ("off", "on"):
        client.post("/patient/easy-read", data={"easy_read": kind})
        page = " ".join(client.get(path).text.split())
        assert "The offers are matched again" in page, kind
        assert "join another group" not in page, kind


def test_a_longest_wait_says_from_when_it_counts(site: Site) -> None:
    with writing(site.world.session):
        site.world.plan_line(1).max_wait_days = 30
    site.world.draft()
    for page in told(site):
        assert "irst visit" in page
        assert "within 30 days" in page
        assert "when the contract is signed" in page


def test_a_second_click_is_told_what_holds(site: Site) -> None:
    """Not now after a yes, a yes or a way out that comes too late, leaving twice: each says what is so."""
    world = site.world.draft().agree()
    path, client = f"/patient/invitations/{world.need(1).id}", site.client(P1)
    late = client.post(f"{path}/not-now")
    assert (late.status_code, "leave the group on its page" in late.text) == (409, True)
    assert "To go, leave the group on its page." in late.text
    world.publish()
    assert client.post(f"{path}/leave").status_code == 302
    twice = client.post(f"{path}/leave")
    assert (twice.status_code, "You are not in this group." in twice.text) == (409, True)
    read = {"terms_sha256": world.bundle.terms_sha256, "policy_sha256": world.tender.policy_sha256}
    again = client.post(path, data={"default_answer": "accept", **read})
    assert again.status_code == 409
    words = " ".join(again.text.split())
    assert "This invitation is no longer open." in words
    assert "You left this group." in words, "the page of the group itself"
    two = f"/patient/invitations/{world.need(2).id}"
    world.three_offers().later(days=15)
    other = site.client("p2@example.test")
    for step in ("leave", "not-now"):
        out = other.post(f"{two}/{step}")
        assert (out.status_code, "you can say no to it" in out.text) == (409, True), step
        assert "leave the group on its page" not in out.text
    world.run_round().decline(2)
    gone = other.post(f"{two}/leave")
    assert (gone.status_code, "You cannot leave this group any more." in gone.text) == (409, True)
    assert "Wait for your match" not in gone.text
