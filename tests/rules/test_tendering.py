"""Policies, seeds and offers."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.rules.awarding import LineDemand, Remaining, alias, award_shortfall, check_award_reasons, saving
from marketplace.rules.errors import Invalid, WrongState
from marketplace.rules.privacy import shown_count, shown_units
from marketplace.rules.settlement import due_for
from marketplace.rules.sharing import Pooling
from marketplace.rules.tendering import (
    OfferLine,
    OfferTerms,
    OfferTier,
    Policy,
    award_day,
    check_offer,
    earnings_pence,
    nonce_commitment,
    policy_changes,
    policy_document,
    publish_for,
    seed_of,
)

TIERS = (OfferTier(0, 5_000), OfferTier(100, 4_500))
TWICE = (OfferTier(0, 5), OfferTier(0, 4))
TERMS = OfferTerms(
    "site", (OfferLine("b1", TIERS), OfferLine("b2", TIERS)), fee_pence=1_000, min_units=5, max_units=300
)


def test_a_policy_is_read_by_the_engine_as_it_stands() -> None:
    """The matching part uses market/1's own words and nothing else."""
    from matching import read_market

    document = policy_document(Policy(pence_per_km=30))
    market = read_market(
        {
            "format": "market/1",
            "policy": document["matching"],
            "bundles": [],
            "needs": [],
            "providers": [],
            "offers": [],
        }
    )
    assert market.policy.pence_per_km == 30


@pytest.mark.parametrize(
    "wrong", [{"pence_per_km": -1}, {"answer_days": 0}, {"minimum_offers": 0}, {"best_grade": True}]
)
def test_a_policy_out_of_range_names_its_field(wrong: dict) -> None:
    with pytest.raises(Invalid) as caught:
        policy_document(Policy(**wrong))
    assert caught.value.place == next(iter(wrong))


def test_the_seed_follows_from_nonce_and_market() -> None:
    """First 63 bits of the hash of both: another nonce or another market gives another seed."""
    nonce, market = "ab" * 32, "cd" * 32
    assert 0 <= seed_of(nonce, market) < 2**63
    assert len({seed_of(nonce, market), seed_of("ba" * 32, market), seed_of(nonce, "dc" * 32)}) == 3
    assert seed_of(nonce, market) == seed_of(nonce, market)
    assert nonce not in nonce_commitment(nonce)


def test_a_good_offer() -> None:
    check_offer(TERMS, {"b1", "b2"})
    assert OfferTerms.from_document(TERMS.document()) == TERMS


@pytest.mark.parametrize(
    ("terms", "code", "place"),
    [
        (OfferTerms("s", ()), "no_lines", "lines"),
        (OfferTerms("s", (OfferLine("b9", TIERS),)), "unknown_lot", "lines[0].bundle"),
        (OfferTerms("s", (OfferLine("b1", TIERS), OfferLine("b1", TIERS))), "lot_twice", "lines[1].bundle"),
        (OfferTerms("s", (OfferLine("b1", (OfferTier(1, 5),)),)), "first_band", "lines[0].tiers"),
        (OfferTerms("s", (OfferLine("b1", TWICE),)), "bands_overlap", "lines[0].tiers[1].from_units"),
        (OfferTerms("s", (OfferLine("b1", TIERS), OfferLine("b2", TIERS[:1]))), "bands_differ", "lines[1].tiers"),
        (OfferTerms("s", (OfferLine("b1", TIERS, 9, 8),)), "units_out_of_order", "lines[0].max_units"),
        (OfferTerms("s", (OfferLine("b1", TIERS),), 0, 9, 8), "units_out_of_order", "max_units"),
    ],
)
def test_a_bad_offer_names_the_place(terms: OfferTerms, code: str, place: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_offer(terms, {"b1", "b2"})
    assert (caught.value.code, caught.value.place) == (code, place)


def test_what_i_would_earn() -> None:
    """All units at the band's price, the fee once; nothing above what can be served."""
    line = TERMS.lines[0]
    assert earnings_pence(TERMS, line, 99) == 99 * 5_000 + 1_000
    assert earnings_pence(TERMS, line, 100) == 100 * 4_500 + 1_000
    assert earnings_pence(TERMS, line, 301) is None


def test_aliases() -> None:
    assert [alias(position) for position in (0, 25, 26, 27, 701, 702)] == [
        "Offer A", "Offer Z", "Offer AA", "Offer AB", "Offer ZZ", "Offer AAA",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("left", "missed"),
    [
        (Remaining((LineDemand("b1", 40, 20),), 40, 0, 100, 100), None),
        (Remaining((LineDemand("b1", 39, 20),), 40, 0, 100, 100), "minimum_volume"),
        (Remaining((LineDemand("b1", 39, 20),), 0, 40, 100, 100), "tier_volume"),
        (Remaining((LineDemand("b1", 19, 20), LineDemand("b2", 30, 0)), 0, 40, 100, 100), "line_minimum"),
        (Remaining((LineDemand("b1", 40, 20),), 40, 0, 100, 99), "fee_cover"),
        (Remaining((LineDemand("b1", 0, 0),), 0, 0, 0, 0), "nobody_left"),
    ],
)
def test_what_refusals_leave_of_an_award(left: Remaining, missed: str | None) -> None:
    """The rule that is missed, by its public name."""
    assert award_shortfall(left) == missed


def test_an_award_needs_reasons() -> None:
    with pytest.raises(WrongState):
        check_award_reasons("  ok  ")


def test_saving_against_two_other_ways() -> None:
    came = saving([(4_000, 10, 790, 550), (6_000, 10, 790, 550)])
    assert (came.charges_pence, came.against_conventional_pence, came.against_alone_pence) == (10_000, 5_800, 1_000)


def test_small_counts_name_nobody() -> None:
    assert [shown_count(count) for count in (0, 1, 7, 8)] == ["0", "fewer than 8", "fewer than 8", "8"]
    assert (shown_units(40, 7), shown_units(40, 8)) == (None, 40)


@given(
    st.integers(0, 10**8),
    st.lists(st.integers(1, 5), min_size=1, max_size=12),
    st.lists(st.integers(0, 99), max_size=9),
)
def test_parts_of_a_bill_add_up(bill: int, deliveries: list[int], refunds: list[int]) -> None:
    """However a contract's units are delivered, refunded and delivered anew, what falls due is the bill exactly."""
    units, waiting, refunds = sum(deliveries), list(deliveries), list(refunds)
    standing: list[tuple[int, int]] = []
    while waiting:
        delivered, due_before = waiting.pop(0), sum(due for _, due in standing)
        part = due_for(bill, units, sum(count for count, _ in standing), delivered, due_before)
        assert 0 <= part <= bill - due_before
        standing.append((delivered, part))
        if waiting and refunds:
            waiting.append(standing.pop(refunds.pop() % len(standing))[0])
    assert sum(due for _, due in standing) == bill
    with pytest.raises(Invalid):
        due_for(bill, units, units, 1, bill)


def test_policy_changes_name_what_differs_and_nothing_else() -> None:
    """Weights, times and the way of pooling, each with what it said before and says now."""
    before = policy_document(Policy(pence_per_km=30, answer_days=7))
    now = policy_document(Policy(pence_per_km=60, answer_days=9, pooling=Pooling.SHARED_POOL))
    assert policy_changes(before, now) == {
        "pence_per_km": [30, 60],
        "answer_days": [7, 9],
        "pooling": ["own_budget", "shared_pool"],
    }
    assert policy_changes(before, before) == {}


GOOD_FRIDAY_AND_EASTER_MONDAY = frozenset({date(2026, 4, 3), date(2026, 4, 6)})


@pytest.mark.parametrize(
    ("answer_days", "pause", "holidays", "signed_on"),
    [
        (7, 8, frozenset(), date(2026, 4, 16)),
        (7, 8, GOOD_FRIDAY_AND_EASTER_MONDAY, date(2026, 4, 17)),
        (7, 3, GOOD_FRIDAY_AND_EASTER_MONDAY, date(2026, 4, 10)),
        (14, 8, GOOD_FRIDAY_AND_EASTER_MONDAY, date(2026, 4, 23)),
    ],
)
def test_the_way_to_the_award_follows_the_policy_and_the_calendar(
    answer_days: int, pause: int, holidays: frozenset[date], signed_on: date
) -> None:
    """Offers close on 25 March: the days for answers, the working days of the pause and bank holidays all count."""
    assert award_day(date(2026, 3, 25), answer_days, pause, holidays) == signed_on


@pytest.mark.parametrize("pause", [3, 8, 10])
def test_the_last_day_to_publish_is_the_last_from_which_care_begins_in_time(pause: int) -> None:
    """One day later would be too late."""
    care_begins_on = date(2026, 5, 1)
    last = publish_for(care_begins_on, 7, pause, GOOD_FRIDAY_AND_EASTER_MONDAY).toordinal()
    arrives = [
        award_day(date.fromordinal(day + 1), 7, pause, GOOD_FRIDAY_AND_EASTER_MONDAY) for day in (last, last + 1)
    ]
    assert arrives[0] <= care_begins_on < arrives[1]
