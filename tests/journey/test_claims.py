"""The six claims on small worlds, every figure worked out by hand; nothing small is shown."""

from datetime import date, datetime

import pytest
from sqlalchemy.orm import Session

from marketplace.journey import claims, support
from marketplace.journey.claims.choice import theme_of
from marketplace.journey.claims.fairness import SUMS, groups_of
from marketplace.journey.claims.quality import Bid, grouped
from marketplace.journey.claims.saving import published_evidence
from marketplace.journey.claims.unmet import what_was_missed
from marketplace.journey.support import PersonFacts
from marketplace.records.database import writing
from marketplace.records.people import PatientCondition
from marketplace.rules.awarding import Saving
from marketplace.rules.budgets import FundingRules
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.sharing import Pooling
from marketplace.rules.tendering import Policy
from tests.worlds import SmallWorld

APRIL = date(2026, 4, 10)


def asked(world: SmallWorld, today: date = APRIL) -> claims.Claims:
    world.session.rollback()
    return claims.all_claims(world.session, today)


def test_what_the_pool_saves(world: SmallWorld) -> None:
    """Twelve people, ten sessions each: £49 a session and £120 between them, against £79.06 and £55 a session."""
    world.awarded()
    saving = asked(world).saving
    expected = Saving(charges_pence=600_000, conventional_pence=948_720, alone_pence=660_000)
    assert saving.total == expected
    assert [(row.name, row.people, row.saving) for row in saving.tenders] == [("Physiotherapy, Lincoln", 12, expected)]
    assert [(row.key, row.people, row.saving) for row in saving.services] == [("physiotherapy", 12, expected)]
    assert (expected.against_conventional_pence, expected.against_alone_pence) == (348_720, 60_000)


def test_a_result_counts_from_the_standstill_on(world: SmallWorld) -> None:
    """What is only proposed is nobody else's business."""
    world.proposed()
    assert asked(world).saving.total is None
    before = claims.state_of(world.session, APRIL)
    world.accept().confirm()
    assert asked(world).saving.total is not None
    assert claims.state_of(world.session, APRIL) != before


def test_both_sides_of_the_evidence_are_told() -> None:
    sides = [row.side for row in published_evidence()]
    assert {"for", "unclear", "against"} == set(sides)
    assert all(row.source and row.finding for row in published_evidence())


def test_seven_people_are_counted_nowhere(session: Session, monday: object) -> None:
    """A result for fewer than eight people is left out, so that no later sum can be subtracted from."""
    world = SmallWorld(session, monday, patient_count=7).found()  # type: ignore[arg-type]
    world.draft().agree().publish().three_offers().later(days=15).run_round().accept().confirm()
    found = asked(world)
    assert (found.saving.total, found.saving.tenders, found.saving.services) == (None, (), ())
    assert (found.fairness.ages, found.fairness.concentration, found.quality.by_grade) == ((), (), ())
    assert found.choice.brokers[0].clients is None
    assert (found.choice.answers, found.choice.accepted_permille) == (None, None)


def test_who_could_not_pay_is_an_invitation(world: SmallWorld) -> None:
    """An offer of £65 where everybody has £60: all are unmet, and £60 would have been enough."""
    world.draft().agree().publish()
    world.offer("near", (0, 6_500))
    world.later(days=15).run_round()
    assert world.tender.status is TenderStatus.UNSUCCESSFUL
    unmet = asked(world).unmet
    assert (unmet.people, unmet.unspent_pence) == (12, 720_000)
    service, area = unmet.services[0], unmet.services[0].areas[0]
    assert (service.service, service.people, area.area, area.people, area.units) == (
        "Physiotherapy", 12, "Lincoln", 12, 120,
    )  # fmt: skip
    assert (area.price_for_half_pence, area.distance_for_half_m) == (6_000, 20_000)
    assert [(one.kind, one.people, one.nearest, one.enough_for_half) for one in service.obstacles] == [
        ("price", 12, 6_500, 6_000)
    ]


def test_where_no_offer_came_nobody_is_served(world: SmallWorld) -> None:
    world.draft().agree().publish().later(days=15)
    unmet = asked(world).unmet
    assert [(one.kind, one.people, one.nearest) for one in unmet.services[0].obstacles] == [("no_offer", 12, None)]


def test_few_unmet_people_are_named_by_service_only(session: Session, monday: object) -> None:
    world = SmallWorld(session, monday, patient_count=5).found()  # type: ignore[arg-type]
    world.draft().agree().publish().later(days=15)
    unmet = asked(world).unmet
    assert (unmet.people, unmet.unspent_pence) == (None, None)
    assert [(row.service, row.people, row.areas[0].people, row.obstacles) for row in unmet.services] == [
        ("Physiotherapy", None, None, ())
    ]


def test_what_stood_in_the_way_is_what_came_nearest() -> None:
    """A price that was too high comes before a distance that was; the figures are those of the nearest offer."""
    far = {"offer": "A", "rule": "distance", "value": 30_000, "limit": 20_000}
    farther = {"offer": "B", "rule": "distance", "value": 41_000, "limit": 20_000}
    dear = {"offer": "C", "rule": "own_budget", "value": 66_000, "limit": 60_000}
    no_match = {"need": "n", "reason": "no_eligible_offer"}
    assert what_was_missed({**no_match, "refusals": [farther, far]}, 10).had == 30_000
    assert what_was_missed({**no_match, "refusals": [far, dear]}, 10).asked == 6_000
    assert what_was_missed({**no_match, "refusals": []}, 10).obstacle == "no_offer"
    assert what_was_missed({**no_match, "reason": "not_chosen", "refusals": []}, 10).obstacle == "room"
    lacking = {"offer": "A", "rule": "attributes", "value": None, "limit": "home_visit"}
    assert what_was_missed({**no_match, "refusals": [lacking]}, 10).obstacle == "needs"


def test_distance_is_compared_for_the_same_people(world: SmallWorld) -> None:
    """All are served from 5 km away; nine plans say that the usual service is 12 km away."""
    world.awarded()
    with writing(world.session):
        for number in range(1, 10):
            world.plan_line(number).usual_distance_m = 12_000
    access = asked(world).access
    assert (access.distance.now, access.distance.before) == ((9, 0, 0, 0, 0), (0, 0, 9, 0, 0))
    assert (access.distance.compared, access.distance.better_permille) == (9, 1000)
    assert (access.wait.now, access.wait.before, access.wait.compared) == ((0, 12, 0, 0, 0), (), 0)


def test_what_no_plan_says_is_not_compared(world: SmallWorld) -> None:
    """Seven plans are too few: the distance of everybody is told, without a comparison."""
    world.awarded()
    with writing(world.session):
        for number in range(1, 8):
            world.plan_line(number).usual_distance_m = 12_000
    access = asked(world).access
    assert (access.distance.now, access.distance.before) == ((12, 0, 0, 0, 0), ())
    assert access.days_to_result == 15


def test_how_groups_fare(world: SmallWorld) -> None:
    """Everybody matched at five sixths of their share, near, by one provider that is rated Good."""
    world.awarded()
    with writing(world.session):
        for patient in world.patients:
            patient.deprivation_decile = 2
            world.session.add(PatientCondition(patient_id=patient.id, condition="osteoporosis"))
    fairness = asked(world).fairness
    group = fairness.deprivation[0]
    assert (group.name, group.people, group.coverage_permille, group.charge_permille) == ("1", 12, 1000, 833)
    assert (group.near_permille, group.good_permille) == (1000, 1000)
    assert [(row.name, row.people) for row in fairness.conditions] == [("osteoporosis", 12)]
    assert [(row.name, row.people) for row in fairness.extra_support] == [("no", 12)]
    assert [(row.providers, row.hhi, row.band) for row in fairness.concentration] == [(1, 10_000, "few")]


def test_with_and_without_extra_support(session: Session, monday: datetime) -> None:
    """Ten have it when they are pooled, ten have not; what is decided afterwards changes no figure."""
    rules = FundingRules(support_conditions=1)
    world = SmallWorld(session, monday, patient_count=20, rules=rules).found()
    with writing(session):
        for patient in world.patients[:10]:
            support.record_facts(session, world.now, world.funder, patient.id, PersonFacts(conditions=("copd",)))
    world.draft().agree().publish().three_offers()
    for patient in world.patients[5:15]:
        with writing(session):
            support.record_facts(session, world.now, world.funder, patient.id, PersonFacts())
    assert [world.budget(number).extra_support_at is None for number in (1, 10)] == [False, True]
    world.later(days=15).run_round().accept().confirm().later(days=20)
    groups = asked(world).fairness.extra_support
    assert [(row.name, row.people, row.coverage_permille) for row in groups] == [("no", 10, 1000), ("yes", 10, 1000)]
    assert all(row.charge_permille and row.near_permille == row.good_permille == 1000 for row in groups)


def row_of(people: int, **less: int) -> tuple[int, ...]:
    """One group of so many people, all served near and well at half their budget; `less` says of whom that is not so.

    Everybody has one need, except that `more` needs are second ones.
    """
    unserved, far, poor, more = (less.get(key, 0) for key in ("unserved", "far", "poor", "more"))
    served = people - unserved
    heads = {
        "people": people,
        "unserved": unserved,
        "served": served,
        "served_near": served - far,
        "served_far": far,
        "served_rated": served,
        "served_good": served - poor,
        "served_poor": poor,
    }
    needs = {
        "needs": people + more,
        "matched": served + more,
        "charge_pence": 50 * (served + more),
        "budget_pence": 100 * (served + more),
        "near": served - far + more,
        "rated": served + more,
        "good": served - poor + more,
    }
    return tuple({**heads, **needs}[key] for key in SUMS)


@pytest.mark.parametrize(
    ("less", "figure", "hidden"),
    [
        ({}, "people", [False, False, False]),
        ({"unserved": 3}, "coverage_permille", [True, True, False]),
        ({"unserved": 15}, "charge_permille", [True, True, False]),
        ({"far": 3}, "near_permille", [True, True, False]),
        ({"far": 17}, "near_permille", [True, True, False]),
        ({"poor": 3}, "good_permille", [True, True, False]),
        ({"poor": 17}, "good_permille", [True, True, False]),
        ({"unserved": 15, "more": 9}, "charge_permille", [True, True, False]),
        ({"unserved": 15, "more": 9}, "near_permille", [True, True, False]),
    ],
)
def test_a_few_people_hide_a_share_and_the_next_one(less: dict[str, int], figure: str, hidden: list[bool]) -> None:
    """Twenty, thirty and forty people: few behind a share hide it, and with it the one that a sum would lead back by.

    It is people who are counted: five of them with fourteen matches are five.
    """
    others = {key: 10 for key in ("unserved", "far", "poor") if key in less}
    rows = [("a", row_of(20, **less)), ("b", row_of(30, **others)), ("c", row_of(40, **others))]
    assert [getattr(row, figure) is None for row in groups_of(rows, sorted)] == hidden


def test_ten_of_one_age_and_two_others_are_not_told_apart(world: SmallWorld) -> None:
    """Born 1941 to 1952: one is 85, one is 74, ten are between. The ten would give away the two."""
    world.awarded()
    ages = asked(world).fairness.ages
    assert [row.name for row in ages] == ["65 to 74", "75 to 84", "85 and over"]
    assert [row.people for row in ages] == [None, None, None]


def test_three_offers_are_too_few_to_show(world: SmallWorld) -> None:
    """Who of three bidders lost could be read off one row: the groups are named, and nothing is said of them."""
    world.awarded()
    quality = asked(world).quality
    assert [row.key for row in quality.by_grade] == ["3", "2"]
    assert [row.key for row in quality.by_price] == ["lowest", "middle", "highest"]
    for row in (*quality.by_grade, *quality.by_price):
        assert (row.offers, row.used, row.used_permille, row.price_permille) == (None, None, None, None)


def test_how_offers_are_used() -> None:
    """Ten and nine offers are shown; one more, of another grade, takes the next smallest group with it."""

    def bids(count: int, used: int) -> list[Bid]:
        return [Bid("lot", str(number), 3, 900 + number, number < used) for number in range(count)]

    ten, nine = grouped({"4": bids(10, 6), "3": bids(9, 0)})
    assert (ten.offers, ten.used, ten.used_permille, ten.price_permille) == (10, 6, 600, 904)
    assert (nine.offers, nine.used, nine.used_permille) == (9, 0, 0)
    ten, nine, one = grouped({"4": bids(10, 6), "3": bids(9, 0), "2": bids(1, 0)})
    assert (ten.offers, nine.offers, one.offers) == (10, None, None)
    assert (nine.used, nine.price_permille, one.used) == (None, None, None)


def test_clients_are_counted_to_the_end_of_the_last_month(world: SmallWorld) -> None:
    """All twelve chose their broker on 2 March: nobody before, all of them after March."""
    world.awarded()
    assert asked(world, date(2026, 3, 20)).choice.brokers[0].clients == 0
    choice = asked(world).choice
    assert choice.until == date(2026, 3, 31)
    assert [(row.broker, row.clients, row.came, row.went) for row in choice.brokers] == [("Fen Brokers", 12, 0, 0)]
    assert (choice.answers, choice.accepted_permille, choice.reasons) == (12, 1000, ())


def test_a_few_refusals_are_not_counted_out(world: SmallWorld) -> None:
    """Two of twelve decline: neither they nor the ten who accepted can be read off."""
    world.proposed(fee=0).decline(1).decline(2, "I know my own therapist").accept(*range(3, 13)).confirm()
    choice = asked(world).choice
    assert (choice.answers, choice.accepted_permille) == (None, None)
    assert [(reason.theme, reason.people) for reason in choice.reasons] == [
        ("present_provider", None),
        ("travel", None),
    ]


def test_reasons_are_sorted_by_what_they_speak_of() -> None:
    assert theme_of("It is too far for me in winter.") == "travel"
    assert theme_of("Only in the evening, please") == "time"
    assert theme_of("I would rather keep my usual nurse") == "present_provider"
    assert theme_of("Too expensive") == "price"
    assert (theme_of("Because."), theme_of(" "), theme_of(None)) == ("other", "none_given", "none_given")


def test_who_gives_and_who_gets_is_told_for_eight_and_more(session: Session, monday: object) -> None:
    """Nine have £50 to spare and eight lack it; the few of an age are hidden, and so is a pool with fewer on a side."""
    rich, poor = dict.fromkeys(range(1, 10), 60_000), dict.fromkeys(range(10, 18), 50_000)
    world = SmallWorld(session, monday, patient_count=17, budgets_pence=rich | poor).found()  # type: ignore[arg-type]
    world.draft(Policy(pooling=Pooling.SHARED_POOL)).agree().publish()
    world.offer("near", (0, 5_500))
    world.later(days=15).run_round().accept().confirm()
    fairness = asked(world).fairness
    assert [(row.givers, row.given_pence, row.receivers, row.received_pence) for row in fairness.sharing_by_age] == [
        (0, 0, None, None),
        (None, None, None, None),
        (None, None, 0, 0),
    ]
    whole = fairness.sharing_by_deprivation
    assert [(row.givers, row.given_pence, row.receivers, row.received_pence) for row in whole] == [
        (9, 40_000, 8, 40_000)
    ]
    with writing(world.session):
        world.match(17).pool_pence = 0
    assert asked(world).fairness.sharing_by_deprivation == ()
