"""Offers as expressive as the market: drafts, several offers, either/or, how far one goes."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from marketplace.journey import amendments, cancellations, offers, rounds
from marketplace.journey.scopes import locked
from marketplace.records.database import writing
from marketplace.records.offers import ExclusionCode, Offer, OfferStatus
from marketplace.records.tenders import Question, Tender
from marketplace.rules.errors import WrongState
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.round_rows import outcome_sha256
from marketplace.rules.tendering import OfferLine, OfferTerms, OfferTier
from tests.races import while_open
from tests.worlds import SmallWorld


def make(world: SmallWorld, name: str, pence: int, *, number: int = 1, draft: bool = False, **more: object) -> Offer:
    lines = (OfferLine(world.bundle.id, (OfferTier(0, pence),)),)
    terms = OfferTerms(world.providers[name].sites[0].id, lines, **more)  # type: ignore[arg-type]
    with writing(world.session):
        return offers.submit_offer(
            world.session, world.now, world.provider(name), world.tender.id, terms, number=number, draft=draft
        )


def test_a_draft_counts_for_nothing(world: SmallWorld) -> None:
    """It is sealed like an offer, its provider reads it back, and the deadline passes it by."""
    world.draft().agree().publish()
    kept = make(world, "near", 4_000, draft=True)
    assert offers.read_own_offer(world.session, world.provider("near"), kept.id).lines[0].tiers[0].price_pence == 4_000
    world.later(days=15)
    assert world.tender.status is TenderStatus.UNSUCCESSFUL
    assert (kept.status, kept.content) == (OfferStatus.DRAFT, None)


def test_a_draft_leaves_what_stands(world: SmallWorld) -> None:
    """Beside a standing offer a draft changes nothing, until it is sent and takes its place."""
    world.draft().agree().publish()
    first = make(world, "near", 5_000)
    kept = make(world, "near", 4_500, draft=True)
    assert first.status is OfferStatus.STANDING
    sent = make(world, "near", 4_500)
    assert [offer.status for offer in (first, kept, sent)] == [
        OfferStatus.REPLACED,
        OfferStatus.REPLACED,
        OfferStatus.STANDING,
    ]


def test_either_the_one_or_the_other(world: SmallWorld) -> None:
    """Two offers of one provider under the same word: one is used at most, so four patients stay without."""
    world.draft().agree().publish()
    make(world, "near", 5_000, number=1, max_units=80, exclusive="spring")
    make(world, "near", 5_100, number=2, max_units=80, exclusive="spring")
    world.later(days=15).run_round()
    assert len(world.providers_by_patient()) == 8
    row = rounds.latest_round(world.session, world.tender.id)
    assert row is not None
    assert len(row.awards) == 1


def test_an_offer_goes_only_so_far(world: SmallWorld) -> None:
    """The site is one kilometre from Lincoln: half a kilometre reaches those who live between."""
    world.draft().agree().publish()
    make(world, "near", 5_000, max_distance_m=500)
    world.later(days=15).run_round()
    assert set(world.providers_by_patient()) == {5, 6, 7, 8, 9, 10, 11, 12}


def test_a_stored_round_gives_the_same_again(world: SmallWorld) -> None:
    """Solved anew from what was frozen, the outcome has the same hash."""
    world.proposed()
    row = rounds.latest_round(world.session, world.tender.id)
    assert row is not None
    again = rounds.solve(row.market)
    assert outcome_sha256(again.outcome) == row.outcome_sha256


def test_a_new_version_while_the_old_one_is_withdrawn(world: SmallWorld, new_session: Callable[[], Session]) -> None:
    """Both hold tender and offer, in the same order: one waits, and then finds that its version no longer stands."""
    world.draft().agree().publish()
    first = make(world, "near", 5_000)
    terms = OfferTerms(first_site(world), (OfferLine(world.bundle.id, (OfferTier(0, 4_900),)),))
    near, tender_id, offer_id = world.provider("near"), world.tender.id, first.id
    refused = while_open(
        new_session(),
        lambda session: locked(session, Tender, tender_id, "tender"),
        new_session(),
        lambda session: offers.withdraw_offer(session, world.now, near, offer_id),
        then=lambda session: offers.submit_offer(session, world.now, near, tender_id, terms),
    )
    assert isinstance(refused, WrongState)


def first_site(world: SmallWorld) -> str:
    return world.providers["near"].sites[0].id


@pytest.mark.parametrize("which", ["excluded by the broker", "admitted by its provider", "a question answered"])
def test_what_belongs_to_a_tender_is_locked_after_it(
    world: SmallWorld, new_session: Callable[[], Session], which: str
) -> None:
    """Another step holds the tender and takes the offer, or the question, next: neither waits for ever."""
    world.draft().agree().publish()
    offer = make(world, "near", 5_000)
    with writing(world.session):
        asked = amendments.ask(world.session, world.now, world.provider("near"), world.tender.id, "How many?")
    if which != "a question answered":
        world.later(days=15)
    now, broker, near, tender_id = world.now, world.broking, world.provider("near"), world.tender.id
    offer_id, question_id = offer.id, asked.id
    kind: type[Offer | Question] = Question if which == "a question answered" else Offer

    def second(session: Session) -> None:
        if which == "excluded by the broker":
            cancellations.exclude_offer(session, now, broker, offer_id, ExclusionCode.CONFLICT, "An interest.")
        elif which == "admitted by its provider":
            cancellations.admit_error(session, now, near, offer_id, "A nought too few.")
        else:
            amendments.answer(session, now, broker, question_id, "Ten.")

    refused = while_open(
        new_session(),
        lambda session: locked(session, Tender, tender_id, "tender"),
        new_session(),
        second,
        then=lambda session: locked(session, kind, question_id if kind is Question else offer_id, "part"),
    )
    assert refused is None
