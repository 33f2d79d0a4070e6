"""A visit that was answered says what was answered, by whom, and what became of the money; half a contract waits."""

import pytest

from marketplace.journey import contracts, deliveries, funds
from marketplace.queries.words import moment
from marketplace.records.database import writing
from tests.web.reading import grade_of, sentences_of
from tests.web.site import Site
from tests.web.test_easy_read import main_part, same
from tests.web.test_reading_age import MOST_GRADE, MOST_WORDS

P1 = "p1@example.test"


@pytest.mark.parametrize(
    ("answer", "told", "untold"),
    [
        ("yes", ("You said that it took place", "£50.00"), ("did not answer", "something is wrong")),
        ("silence", ("You did not answer in time. So we took it as a yes.", "£50.00"), ("You said",)),
        ("no", ("You said that something is wrong", "Nobody came.", "Nothing is paid for it"), ("did not answer",)),
        ("refund", ("This was taken back", "It was somebody else.", "You do not pay for it"), ("You said", "£50.00")),
    ],
)
def test_an_answer_is_told_as_it_was(site: Site, answer: str, told: tuple[str, ...], untold: tuple[str, ...]) -> None:
    """Nobody reads that they answered when they were silent."""
    world = site.world.awarded()
    delivery = world.record(1)
    path = f"/patient/deliveries/{delivery.id}"
    if answer == "silence":
        world.later(days=20)
    else:
        with writing(world.session):
            if answer == "no":
                deliveries.dispute_delivery(world.session, world.now, world.patient(1), delivery.id, "Nobody came.")
            else:
                deliveries.confirm_delivery(world.session, world.now, world.patient(1), delivery.id)
    if answer == "refund":
        by = world.by_provider(world.contract(1))
        with writing(world.session):
            funds.refund(world.session, world.now, by, delivery.id, "It was somebody else.")
    same(site, path)
    for kind, most in MOST_WORDS.items():
        page = main_part(site.client(P1), path, easy=bool(kind))
        assert all(words in page for words in told)
        assert not any(words in page for words in untold)
        sentences = sentences_of(page)
        assert grade_of(sentences) <= MOST_GRADE
        assert max(len(words) for words in sentences) <= most


def test_a_second_answer_changes_nothing_and_shows_the_first(site: Site) -> None:
    """Sent from another window: the page of the visit says so, and what was answered."""
    world = site.world.awarded()
    delivery = world.deliver(1)
    client = site.client(P1)
    for easy in ("off", "on"):
        client.post("/patient/easy-read", data={"easy_read": easy})
        for typed in ({"answer": "accept"}, {"answer": "decline", "reason": "Nobody came."}):
            answer = client.post(f"/patient/deliveries/{delivery.id}", data=typed)
            assert answer.status_code == 409
            assert "This visit has been answered already. Nothing was changed." in answer.text
            assert "You said that it took place." in answer.text
            assert "Go back, reload the page" not in answer.text
    assert site.fresh().contract(1).units_confirmed == 1


def test_who_has_signed_reads_that_others_have_not(site: Site) -> None:
    """And until when, and what happens if they do not."""
    world = site.world.proposed().accept().confirm().later(days=20)
    contract = world.contract(1)
    with writing(world.session):
        contracts.sign_contract(world.session, world.now, world.patient(1), contract.id)
    path = f"/patient/contracts/{contract.id}"
    same(site, path)
    for easy in (False, True):
        page = main_part(site.client(P1), path, easy=easy)
        assert "If it does not sign" in page
        assert moment(contract.sign_by) in page
        assert "Sign the contract" not in page
