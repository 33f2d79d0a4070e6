"""Extra support by the commissioner's rule, from the grounds to each of the five things that it gives."""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.journey import (
    awards,
    budgets,
    markets,
    people,
    rounds,
    statements,
    support,
    supporters,
)
from marketplace.journey.support import PersonFacts
from marketplace.journey.supporters import SupporterDetails
from marketplace.records.audit import AuditEvent
from marketplace.records.database import writing
from marketplace.records.ledger import TransferKind
from marketplace.records.outbox import Message
from marketplace.records.people import Patient, Supporter
from marketplace.records.rounds import MatchStatus, Round
from marketplace.rules.budgets import FundingRules
from marketplace.rules.clock import london_date, london_midnight_after
from marketplace.rules.errors import Invalid, NotAllowed, NotFound, WrongState
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Actor, Role
from tests.races import while_open
from tests.worlds import BUDGET_PENCE, SmallWorld, synthetic_nhs_number

WHOLE = BUDGET_PENCE + 10_000
RULES = FundingRules(
    support_from_age=85,
    support_to_decile=2,
    support_capacity=True,
    support_conditions=2,
    support_priority=3,
    support_answer_days=5,
    support_supplement_pence=5_000,
)

RUTH = SupporterDetails("Ruth Fell", "Care coordinator", "01522 000000")

Found = Callable[..., SmallWorld]


@pytest.fixture
def small(session: Session, monday: datetime) -> Found:
    """Makes a world of a few patients with this rule; the first of them is 85 this year, the others are not."""

    def make(count: int = 3, rules: FundingRules = RULES) -> SmallWorld:
        return SmallWorld(session, monday, patient_count=count, rules=rules).found()

    return make


def record(world: SmallWorld, number: int, actor: Actor | None = None, **facts: object) -> None:
    """The commissioner records what it knows of a patient."""
    with writing(world.session):
        patient_id = world.patients[number - 1].id
        support.record_facts(world.session, world.now, actor or world.funder, patient_id, PersonFacts(**facts))


def name(world: SmallWorld, number: int, actor: Actor, details: SupporterDetails = RUTH) -> Supporter:
    with writing(world.session):
        patient_id = world.patients[number - 1].id
        return supporters.name_supporter(world.session, world.now, actor, patient_id, details)


def set_rules(world: SmallWorld, **changed: object) -> None:
    with writing(world.session):
        budgets.set_rules(world.session, world.now, world.funder, replace(RULES, **changed))


def told(world: SmallWorld, number: int) -> list[str]:
    query = select(Message.template).where(Message.party_id == world.patients[number - 1].id)
    return list(world.session.scalars(query.order_by(Message.template)))


def events(world: SmallWorld, event: str) -> list[AuditEvent]:
    return list(world.session.scalars(select(AuditEvent).where(AuditEvent.event == event)))


# who gets it


@pytest.mark.parametrize(
    ("facts", "ground"),
    [
        ({"deprivation_decile": 2}, "deprivation"),
        ({"lacks_capacity": True}, "capacity"),
        ({"conditions": ("stroke", "copd")}, "conditions"),
    ],
)
def test_each_ground_gives_it(facts: dict[str, object], ground: str, small: Found) -> None:
    """Recorded after the plan was approved: the budget that runs gets its support at once."""
    world = small()
    assert (world.budget(1).support_grounds, world.budget(2).support_grounds) == (["age"], [])
    record(world, 2, **facts)
    assert (world.budget(2).support_grounds, world.budget(2).extra_support_at) == ([ground], world.now)
    assert world.money(2)["available"] == WHOLE + 5_000
    assert {"facts_recorded", "extra_support"} <= set(told(world, 2))
    assert world.books_balance()


def test_a_ground_that_is_off_gives_nothing(small: Found) -> None:
    """With age alone in the rule, nothing else that is known counts; without a ground nobody has support."""
    world = small(rules=FundingRules(support_from_age=85))
    record(world, 2, deprivation_decile=1, lacks_capacity=True, conditions=("stroke", "copd"))
    assert [world.budget(number).extra_support_at is None for number in (1, 2)] == [False, True]
    without_rule(world)
    assert world.budget(1).extra_support_at is None


def without_rule(world: SmallWorld) -> None:
    """The first patient's plan is reviewed under a rule with no ground at all."""
    with writing(world.session):
        budgets.set_rules(world.session, world.now, world.funder, FundingRules())
        budgets.review_plan(world.session, world.now, world.funder, world.budget(1).id, "All stays as it is")


def test_a_new_rule_decides_at_the_next_review(small: Found) -> None:
    """What was decided stays until then; the money is paid once, whatever the rule says later, and never taken back."""
    world = small()
    set_rules(world, support_from_age=84, support_priority=4, support_supplement_pence=9_000)
    assert [world.budget(number).support_priority for number in (1, 2)] == [3, 1]
    for number in (1, 2):
        with writing(world.session):
            budgets.review_plan(
                world.session, world.now, world.funder, world.budget(number).id, "Going well, same plan"
            )
    assert [world.budget(number).support_priority for number in (1, 2)] == [4, 4]
    assert [world.money(number)["available"] for number in (1, 2)] == [WHOLE + 5_000, WHOLE + 9_000]
    without_rule(world)
    ended = world.budget(1)
    assert (ended.extra_support_at, ended.support_grounds) == (None, [])
    assert (ended.support_priority, ended.support_answer_days) == (1, 0)
    assert world.money(1)["available"] == WHOLE + 5_000
    assert "extra_support_ended" in told(world, 1)
    set_rules(world)
    record(world, 1)
    assert world.budget(1).support_grounds == ["age"]
    assert world.money(1)["available"] == WHOLE + 5_000
    assert world.books_balance()


def test_what_was_recorded_by_mistake_is_put_right(small: Found) -> None:
    """The ground falls away, and with it support and supporter; the trail tells nobody what it was."""
    world = small()
    record(world, 2, lacks_capacity=True, conditions=("stroke",))
    name(world, 2, world.funder)
    record(world, 2, conditions=("stroke",))
    assert world.budget(2).extra_support_at is None
    assert supporters.supporters_of(world.session, [world.patients[1].id]) == {}
    assert [row.condition for row in world.patients[1].conditions] == ["stroke"]
    assert [event.facts for event in events(world, "patient.facts_recorded")] == [{}, {}]
    granted = events(world, "support.granted")[-1]
    assert granted.facts == {"priority": 3, "answer_days": 5, "supplement_pence": 5_000}
    assert "stroke" not in repr([event.facts for event in world.session.scalars(select(AuditEvent))])


def test_the_same_once_more_is_nothing_new(small: Found) -> None:
    """Nobody is told twice, no money moves twice, and nothing more stands in the trail."""
    world = small()
    record(world, 2, deprivation_decile=1, conditions=("stroke", "copd"))
    before = told(world, 2), len(list(world.session.scalars(select(AuditEvent)))), world.money(2)
    record(world, 2, deprivation_decile=1, conditions=("copd", "stroke", "copd"))
    assert (told(world, 2), len(list(world.session.scalars(select(AuditEvent)))), world.money(2)) == before


def test_only_their_own_commissioner_records(small: Found) -> None:
    world = small()
    for actor, error in [
        (world.broking, NotAllowed),
        (world.patient(2), NotAllowed),
        (world.provider("near"), NotAllowed),
        (Actor("x", Role.COMMISSIONER, "another"), NotFound),
    ]:
        with pytest.raises(error):
            record(world, 2, actor, lacks_capacity=True)
    with pytest.raises(Invalid):
        record(world, 2, conditions=("a cold",))
    assert not world.patients[1].lacks_capacity


def test_somebody_new_is_registered_with_all_of_it(small: Found) -> None:
    """Decile, capacity and conditions stand there as they were given; a decile that is none is refused."""
    world = small()
    known = PersonFacts(deprivation_decile=2, lacks_capacity=True, conditions=("copd", "stroke"))
    details = people.PatientDetails("Ann", synthetic_nhs_number(99), 1980, "LN1", 0, 0, **asdict(known))
    wrong = replace(details, deprivation_decile=11)
    with pytest.raises(Invalid, match="from 1 to 10"), writing(world.session):
        people.register_patient(world.session, world.now, world.funder, wrong)
    with writing(world.session):
        ann_id = people.register_patient(world.session, world.now, world.funder, details).id
    world.session.expire_all()
    assert support.facts_of(world.session.get_one(Patient, ann_id)) == known


# a priority in coverage


@pytest.mark.parametrize(("rules", "served"), [(RULES, {1}), (FundingRules(), {3})])
def test_whoever_has_support_is_served_first(rules: FundingRules, served: set[int], small: Found) -> None:
    """One place for three people goes to the one with support; without the rule to the one who lives nearest."""
    world = small(rules=rules).draft().agree().publish()
    world.offer("near", (0, 5_500), most=10)
    world.later(days=15).run_round()
    assert set(world.providers_by_patient()) == served


def test_a_round_uses_what_was_decided_when_the_pool_was_formed(small: Found) -> None:
    """Support that comes after publication moves no priority of that tender: a round can be run again the same."""
    world = small().draft().agree().publish().three_offers(fee=0)
    record(world, 2, lacks_capacity=True)
    assert world.budget(2).support_priority == 3
    without_rule(world)
    world.later(days=15)
    document = markets.market_document(world.session, world.tender)
    assert {need["id"]: need["priority"] for need in document["needs"]} == {
        world.need(1).id: 3,
        world.need(2).id: 1,
        world.need(3).id: 1,
    }
    assert [world.need(number).extra_support for number in (1, 2, 3)] == [True, False, False]
    world.run_round()
    row = world.session.scalars(select(Round)).one()
    assert rounds.recheck(world.session, row) == []


def test_a_line_with_a_higher_priority_of_its_own_keeps_it(small: Found) -> None:
    world = small()
    with writing(world.session):
        world.plan_line(1).priority = 7
    world.draft().agree().publish()
    assert [world.need(number).priority for number in (1, 2)] == [7, 1]


# more time to answer


def test_the_answer_is_waited_for_longer(small: Found) -> None:
    """Seven days for everybody, twelve with support: others' silence counts at once, theirs five days later."""
    world = small().proposed(fee=0)
    general, longer = (london_midnight_after(london_date(world.now) + timedelta(days=days)) for days in (7, 12))
    assert [world.match(number).answer_by for number in (1, 2, 3)] == [longer, general, general]
    assert world.tender.answers_due_at == longer
    to_confirm = timedelta(days=12 + world.tender.policy["process"]["confirm_within_days"])
    assert world.tender.confirm_by == london_midnight_after(london_date(world.now) + to_confirm)
    world.now = general
    with pytest.raises(WrongState):
        world.accept(2)
    world.later()
    assert [world.match(number).status for number in (1, 2, 3)] == [
        MatchStatus.PROPOSED,
        MatchStatus.ACCEPTED,
        MatchStatus.ACCEPTED,
    ]
    with pytest.raises(WrongState, match="1 patient has not answered"):
        world.confirm()
    world.later(days=4)
    world.accept(1).confirm()
    assert world.tender.status is TenderStatus.STANDSTILL
    assert world.books_balance()


def test_silence_counts_when_the_longer_time_is_over(small: Found) -> None:
    """Nobody's time has no end: then what they chose holds, and the award can be confirmed."""
    world = small().proposed(fee=0).accept(2, 3)
    world.now = world.match(1).answer_by - timedelta(seconds=1)
    world.later()
    assert world.match(1).status is MatchStatus.PROPOSED
    world.later(seconds=1)
    assert world.match(1).status is MatchStatus.ACCEPTED
    with pytest.raises(WrongState):
        world.decline(1)
    world.confirm()


def test_time_to_answer_is_not_taken_away_again(small: Found) -> None:
    """The rule changes while a match waits for its answer: the day that the page has told stays."""
    world = small().proposed(fee=0)
    until = world.match(1).answer_by
    without_rule(world)
    assert world.match(1).answer_by == until
    world.now = until - timedelta(hours=1)
    with writing(world.session):
        awards.accept_match(world.session, world.now, world.patient(1), world.match(1).id)


def test_a_rematch_gives_the_longer_time_too(small: Found) -> None:
    """Whoever declined and is matched again has their days anew."""
    world = small(6).proposed(fee=0).decline(1).accept(2, 3, 4, 5, 6).rematch()
    assert world.match(1).status is MatchStatus.PROPOSED
    assert world.match(1).answer_by == world.tender.answers_due_at
    assert (world.match(1).answer_by - world.now).days >= 12


# easy-read, money


def test_easy_read_is_on_until_somebody_chooses(small: Found) -> None:
    """The rule turns it on, once, and never against what the patient said."""
    world = small()
    assert [patient.easy_read for patient in world.patients] == [True, None, None]
    with writing(world.session):
        people.set_easy_read(world.session, world.now, world.patient(1), easy_read=False)
        people.set_easy_read(world.session, world.now, world.patient(2), easy_read=False)
    record(world, 1, lacks_capacity=True)
    record(world, 2, lacks_capacity=True)
    record(world, 3, lacks_capacity=True)
    assert [patient.easy_read for patient in world.patients] == [False, False, True]


def test_the_supplement_is_a_posting_of_its_own(small: Found) -> None:
    """In the open: the statement has it with its reason; without money in the rule there is none."""
    world = small()
    rows = statements.statement(world.session, world.patient(1), world.budget(1).id)
    assert [(row.kind, row.amount_pence, row.reason) for row in rows[1:]] == [
        (TransferKind.SUPPLEMENT, 5_000, support.BY_RULE)
    ]
    assert support.supplements_of(world.session, [world.budget(1).id, world.budget(2).id]) == {
        world.budget(1).id: 5_000
    }
    set_rules(world, support_supplement_pence=0)
    record(world, 2, lacks_capacity=True)
    assert world.budget(2).support_grounds == ["capacity"]
    assert world.money(2)["available"] == WHOLE


def test_two_decisions_at_once_pay_once(new_session: Callable[[], Session], monday: datetime) -> None:
    """Something is recorded while the plan is reviewed: one waits for the other, and the money is paid once."""
    session, beside = new_session(), new_session()
    world = SmallWorld(session, monday, patient_count=2, rules=RULES).found()
    patient_id, budget_id = world.patients[1].id, world.budget(2).id
    set_rules(world, support_from_age=84)
    facts, funder, now = PersonFacts(lacks_capacity=True), world.funder, world.now
    error = while_open(
        session,
        lambda here: budgets.review_plan(here, now, funder, budget_id, "Going well, same plan"),
        beside,
        lambda there: support.record_facts(there, now, funder, patient_id, facts),
    )
    assert error is None
    session.rollback()
    assert world.budget(2).support_grounds == ["age", "capacity"]
    assert world.money(2)["available"] == WHOLE + 5_000
    assert len(events(world, "support.granted")) == 2
    assert world.books_balance()
