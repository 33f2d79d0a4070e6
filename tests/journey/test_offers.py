"""Offers as expressive as the market: drafts, several offers, either/or, how far one goes."""

from marketplace.journey import offers, rounds
from marketplace.records.database import writing
from marketplace.records.offers import Offer, OfferStatus
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.round_rows import outcome_sha256
from marketplace.rules.tendering import OfferLine, OfferTerms, OfferTier
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
