"""What befalls a budget beside a tender: more money, less, none left; who holds it, who leaves it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.journey import awards, budgets, contracts, deliveries, funds, leaving, settlements, statements, tenders
from marketplace.journey.support import BY_RULE
from marketplace.records.audit import AuditEvent
from marketplace.records.budgets import Budget, BudgetKind, ManagedAs
from marketplace.records.contracts import DeliveryStatus
from marketplace.records.database import writing
from marketplace.records.ledger import FLOWS, AccountKind, TransferKind, balance_pence
from marketplace.records.outbox import Message
from marketplace.records.pools import NeedStatus
from marketplace.records.rounds import MatchStatus
from marketplace.rules.budgets import FundingRules, parties_of
from marketplace.rules.errors import Conflict, InsufficientFunds, Invalid, NotAllowed, NotFound, WrongState
from marketplace.rules.lifecycle import ContractStatus
from marketplace.rules.permissions import Actor, Role, Scope
from tests.worlds import BUDGET_PENCE, SESSIONS, YEAR, SmallWorld

WHOLE = BUDGET_PENCE + 10_000
REASON = "Prices went up in the spring"
AFTER_THE_YEAR = datetime(2027, 1, 1, 0, 0, tzinfo=UTC)

Found = Callable[..., SmallWorld]


@pytest.fixture
def small(session: Session, monday: datetime) -> Found:
    """Makes a world of two patients."""
    return lambda **traits: SmallWorld(session, monday, patient_count=2, **traits).found()


def acting(world: SmallWorld, step: Callable, *arguments: object, actor: Actor, **named: object) -> object:
    """One step in its own transaction."""
    with writing(world.session):
        return step(world.session, world.now, actor, *arguments, **named)


def funder_holds(world: SmallWorld) -> int:
    return balance_pence(world.session, AccountKind.FUNDER, world.commissioner.id)


# more money, and less


def test_a_supplement_is_paid_in_the_open(small: Found) -> None:
    """The commissioner adds money with a reason; the patient is told, and reads it in the statement."""
    world = small()
    budget_id = world.budget(1).id
    acting(world, funds.supplement, budget_id, 5_000, REASON, actor=world.funder, request_id="request-1")
    assert world.money(1)["available"] == WHOLE + 5_000
    row = statements.statement(world.session, world.patient(1), budget_id)[-1]
    assert (row.words, row.reason, row.amount_pence) == ("Extra money paid into the budget", REASON, 5_000)
    told = world.session.scalars(select(Message.template).where(Message.party_id == world.patients[0].id)).all()
    assert "budget_supplemented" in told
    assert world.books_balance()


def test_a_form_sent_twice_pays_once(small: Found) -> None:
    """The same request again moves nothing; the same request with another amount is refused."""
    world = small()
    budget_id = world.budget(1).id
    for step, change in ((funds.supplement, 5_000), (funds.reclaim, -5_000)):
        before = world.money(1)["available"]
        for _ in range(2):
            acting(world, step, budget_id, 5_000, REASON, actor=world.funder, request_id="request-1")
        assert world.money(1)["available"] == before + change
        with pytest.raises(Conflict):
            acting(world, step, budget_id, 5_001, REASON, actor=world.funder, request_id="request-1")


@pytest.mark.parametrize("step", [funds.supplement, funds.reclaim])
def test_money_acts_need_a_reason_an_amount_and_the_funder(small: Found, step: Callable) -> None:
    """No reason, no amount, a made-up request, a stranger: refused, and nothing moves."""
    world = small()
    budget_id = world.budget(1).id
    stranger = Actor("user-other", Role.COMMISSIONER, "another-funder")
    for arguments, actor, request_id, error in [
        ((5_000, "  "), world.funder, "request-1", Invalid),
        ((0, REASON), world.funder, "request-1", Invalid),
        ((-5, REASON), world.funder, "request-1", Invalid),
        ((5_000, REASON), world.funder, "no", Invalid),
        ((5_000, REASON), stranger, "request-1", NotFound),
        ((5_000, REASON), world.patient(1), "request-1", NotAllowed),
    ]:
        with pytest.raises(error):
            acting(world, step, budget_id, *arguments, actor=actor, request_id=request_id)
    assert world.money(1)["available"] == WHOLE


def test_only_what_is_free_can_be_reclaimed(small: Found) -> None:
    """What a tender holds was promised: the commissioner gets at the rest, and no further."""
    world = small().draft().agree().publish()
    budget_id = world.budget(1).id
    with pytest.raises(InsufficientFunds):
        acting(world, funds.reclaim, budget_id, 10_001, REASON, actor=world.funder, request_id="request-1")
    acting(world, funds.reclaim, budget_id, 10_000, REASON, actor=world.funder, request_id="request-1")
    assert world.money(1) == {"available": 0, "reserved": BUDGET_PENCE, "committed": 0}
    assert world.books_balance()


# the end of a budget


def test_a_budget_expiring_while_reserved(small: Found) -> None:
    """What is free goes back when the year is over; what a tender holds stays, and goes when it is released."""
    world = small().draft()
    world.bundle.period_to = date(2027, 3, 31)  # offers close before its care is over
    world.session.commit()
    world.agree(1).publish(days=330)
    before = funder_holds(world)
    world.now = AFTER_THE_YEAR
    world.later()
    assert world.money(1) == {"available": 0, "reserved": BUDGET_PENCE, "committed": 0}
    assert world.money(2) == {"available": 0, "reserved": 0, "committed": 0}
    assert funder_holds(world) == before + 10_000 + WHOLE
    acting(world, tenders.withdraw_tender, world.tender.id, "The year is over", actor=world.broking)
    assert world.money(1)["available"] == BUDGET_PENCE
    world.later(minutes=5)
    assert world.money(1) == {"available": 0, "reserved": 0, "committed": 0}
    assert funder_holds(world) == 0
    kinds = [row.kind for row in statements.statement(world.session, world.patient(1), world.budget(1).id)]
    assert kinds.count(TransferKind.EXPIRE) == 2
    assert world.books_balance()


def test_the_last_day_still_counts(small: Found) -> None:
    """A budget is valid to the end of its last day in London, and expires once."""
    world = small()
    world.now = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    world.later()
    assert world.money(1)["available"] == WHOLE
    with pytest.raises(WrongState), writing(world.session):
        funds.expire_budget(world.session, world.now, world.budget(1).id)
    world.now = AFTER_THE_YEAR
    world.later().later()
    assert funder_holds(world) == 0
    with pytest.raises(WrongState):
        acting(world, funds.supplement, world.budget(1).id, 1, REASON, actor=world.funder, request_id="request-1")


# what was delivered, and was not


@pytest.mark.parametrize("paid", [False, True])
def test_a_refund_flows_back_to_the_budget(small: Found, paid: bool) -> None:
    """What a wrong delivery cost is promised for the same units anew, paid or only owed; and only once."""
    world = small().awarded()
    contract = world.contract(1)
    before = world.money(1)
    delivery = world.deliver(1, 3)
    due = delivery.due_pence
    if paid:
        acting(world, settlements.pay_provider, contract.provider_id, actor=world.funder)
    with pytest.raises(NotFound):
        acting(world, funds.refund, delivery.id, REASON, actor=Actor("x", Role.PROVIDER, "another"))
    acting(world, funds.refund, delivery.id, "Recorded for the wrong patient", actor=world.by_provider(contract))
    assert delivery.status is DeliveryStatus.REFUNDED
    assert (delivery.due_pence, delivery.refunded_pence) == (0, due)
    assert (world.money(1), contract.units_confirmed) == (before, 0)
    for kind in (AccountKind.PAYABLE, AccountKind.PAID):
        assert balance_pence(world.session, kind, contract.provider_id) == 0
    with pytest.raises(WrongState):
        acting(world, funds.refund, delivery.id, REASON, actor=world.funder)
    assert world.deliver(1, SESSIONS).due_pence == contract.charge_pence
    assert (contract.status, world.money(1)["committed"]) == (ContractStatus.COMPLETED, 0)
    assert world.books_balance()


def test_a_refund_after_the_end_is_the_budgets(small: Found) -> None:
    """A contract that is over promises nothing any more: the money is free, to buy with anew."""
    world = small().awarded()
    first = world.deliver(1)
    delivery, contract = world.deliver(1, SESSIONS - 1), world.contract(1)
    before, due = world.money(1)["available"], delivery.due_pence
    acting(world, funds.refund, delivery.id, "Recorded for the wrong patient", actor=world.funder)
    assert world.money(1) == {"available": before + due, "reserved": 0, "committed": 0}
    assert (contract.status, contract.units_confirmed) == (ContractStatus.COMPLETED, 1)
    assert first.due_pence + due == contract.charge_pence
    assert world.books_balance()


def test_odd_pennies_survive_a_refund(small: Found) -> None:
    """A third of a penny is nobody's: refunds and early ends leave no penny behind, and invent none."""
    world = small()
    world.draft().agree().publish()
    world.offer("near", (0, 5_000), fee=7)  # each of the two pays £0.035 of it over ten sessions
    world.later(days=15).run_round().accept().confirm().later(days=20)
    contract = world.contract(1)
    for actor in (world.patient(1), world.by_provider(contract)):
        acting(world, contracts.sign_contract, contract.id, actor=actor)
    before = world.money(1)
    first, second = world.deliver(1, 1), world.deliver(1, 2)
    acting(world, funds.refund, first.id, "Recorded for the wrong patient", actor=world.funder)
    third = world.deliver(1, 4)
    assert world.money(1)["committed"] == contract.charge_pence - second.due_pence - third.due_pence
    acting(world, contracts.end_early, contract.id, "I moved away", actor=world.patient(1))
    rest = contract.charge_pence - second.due_pence - third.due_pence
    assert world.money(1) == {"available": before["available"] + rest, "reserved": 0, "committed": 0}
    assert world.books_balance()


def test_a_contract_that_ends_early_gives_the_rest_back(small: Found) -> None:
    """Three sessions of ten were delivered: seven tenths of the charge are free again, the need too."""
    world = small().awarded()
    contract = world.contract(1)
    world.deliver(1, units=3)
    used = contract.charge_pence * 3 // SESSIONS
    waiting = acting(
        world, deliveries.record_delivery, contract.id, 1, world.now.date(), actor=world.by_provider(contract)
    )
    with pytest.raises(WrongState, match="First answer the visits"):
        acting(world, contracts.end_early, contract.id, "We are moving away", actor=world.patient(1))
    with pytest.raises(WrongState, match="waits for the patient's answer"):
        acting(world, contracts.end_early, contract.id, "They have moved", actor=world.by_provider(contract))
    acting(world, deliveries.dispute_delivery, waiting.id, "I was not there", actor=world.patient(1))
    acting(world, contracts.end_early, contract.id, "We are moving away", actor=world.patient(1))
    assert contract.status is ContractStatus.ENDED
    assert contract.need.status is NeedStatus.RELEASED
    assert world.money(1) == {"available": WHOLE - used, "reserved": 0, "committed": 0}
    with pytest.raises(WrongState):
        acting(world, contracts.end_early, contract.id, "We are moving away", actor=world.patient(1))
    assert world.books_balance()


# who holds the money


def test_a_third_party_signs_and_pays(small: Found) -> None:
    """An organisation holds the budget: it is the contract's party, so it signs too; and it pays, not the funder."""
    world = small(managed_as=ManagedAs.THIRD_PARTY).proposed().accept().confirm().later(days=20)
    contract = world.contract(1)
    for actor in (world.patient(1), world.by_provider(contract)):
        acting(world, contracts.sign_contract, contract.id, actor=actor)
    assert contracts.unsigned_by(contract) == [world.holding.party_id]
    assert contract.status is ContractStatus.OFFERED
    with pytest.raises(NotFound):
        acting(world, contracts.sign_contract, contract.id, actor=Actor("x", Role.HOLDER, "another"))
    acting(world, contracts.sign_contract, contract.id, actor=world.holding)
    assert contract.status is ContractStatus.SIGNED
    due = world.deliver(1).due_pence
    assert balance_pence(world.session, AccountKind.HOLDER, world.holding.party_id) == due
    assert settlements.payments_due(world.session, world.funder) == []
    assert acting(world, settlements.pay_provider, contract.provider_id, actor=world.funder) == 0
    assert [row.due_pence for row in settlements.payments_due(world.session, world.holding)] == [due]
    for expected in (due, 0):
        assert acting(world, settlements.pay_provider, contract.provider_id, actor=world.holding) == expected
    assert balance_pence(world.session, AccountKind.PAID, contract.provider_id) == due
    assert world.books_balance()


def test_a_direct_payment_is_paid_by_the_patient(small: Found) -> None:
    """The patient has the money, and pays what was delivered; others, and helpers without that authority, cannot."""
    world = small(managed_as=ManagedAs.DIRECT_PAYMENT).awarded()
    contract = world.contract(1)
    due = world.deliver(1).due_pence
    assert balance_pence(world.session, AccountKind.HOLDER, world.patients[0].id) == due
    helper = Actor("user-h", Role.PATIENT, world.patients[0].id, "authority-1", frozenset({Scope.MATCHES}))
    with pytest.raises(NotAllowed):
        acting(world, settlements.pay_provider, contract.provider_id, actor=helper)
    with pytest.raises(NotAllowed):
        acting(world, settlements.pay_provider, contract.provider_id, actor=world.broking)
    for actor, paid in ((world.funder, 0), (world.patient(2), 0), (world.patient(1), due)):
        assert acting(world, settlements.pay_provider, contract.provider_id, actor=actor) == paid
    row = statements.statement(world.session, world.patient(1), world.budget(1).id)[-1]
    assert row.words == "Paid for physiotherapy by you"
    assert world.books_balance()


@pytest.mark.parametrize("managed_as", list(ManagedAs))
@pytest.mark.parametrize("holder_id", [None, "h"])
def test_one_rule_says_who_pays(managed_as: ManagedAs, holder_id: str | None, small: Found) -> None:
    """The condition in the payments' query is the rule's, for every way a budget can be managed."""
    world = small()
    budget = world.budget(1)
    with writing(world.session):
        holder = budgets.admit_holder(world.session, world.now, world.funder, "Trust")
        budget.managed_as = managed_as
        budget.holder_id = holder.id if holder_id and managed_as is ManagedAs.THIRD_PARTY else None
    payer = parties_of(managed_as, budget.commissioner_id, budget.patient_id, budget.holder_id).payer
    candidates = [world.funder, world.patient(1), Actor("x", Role.HOLDER, holder.id)]
    asked = select(Budget.id).where(Budget.id == budget.id)
    pays = [actor for actor in candidates if world.session.scalar(asked.where(settlements.pays(actor)))]
    assert [(actor.role, actor.party_id) for actor in pays] == [(payer.role, payer.id)]


def test_only_a_third_partys_budget_names_a_holder(small: Found) -> None:
    """An organisation that is not admitted, or on a budget that the funder keeps, is refused."""
    world = small(managed_as=ManagedAs.THIRD_PARTY)
    patient_id = world.patients[0].id
    line = budgets.LineDetails("physiotherapy", "Walk again", 1, 1_000)
    for managed_as, holder_id, error in [
        (ManagedAs.NOTIONAL, world.holding.party_id, Invalid),
        (ManagedAs.THIRD_PARTY, "nobody", NotFound),
    ]:
        details = budgets.BudgetDetails(BudgetKind.EPISODIC, managed_as, *YEAR, 1_000, (line,), holder_id)
        with pytest.raises(error):
            acting(world, budgets.open_budget, patient_id, details, actor=world.funder)
    with pytest.raises(Conflict):
        acting(world, budgets.admit_holder, "Fen Trust", actor=world.funder)


# plans


def test_a_plan_is_reviewed_after_three_months_then_yearly(small: Found) -> None:
    """When a review is due, patient and commissioner are told, once; the next one is due a year later."""
    world = small()
    budget = world.budget(1)
    assert budget.plan_review_due == date(2026, 6, 2)
    world.later(days=92).later(days=1)
    told = world.session.scalars(select(Message.party_id).where(Message.about_id == budget.id))
    assert sorted(told).count(world.commissioner.id) == 1
    with pytest.raises(Invalid):
        acting(world, budgets.review_plan, budget.id, " ", actor=world.funder)
    acting(world, budgets.review_plan, budget.id, "Walking further; same plan", actor=world.funder)
    assert budget.plan_review_due == date(2027, 6, 3)
    assert budget.review_told_at is None


def test_extra_support_comes_first_and_is_funded_in_the_open(small: Found) -> None:
    """The commissioner's rule: from 85 on, priority 3 and £50. Patient 1 is 85 this year, patient 2 is not."""
    rules = FundingRules(first_review_months=6, support_from_age=85, support_priority=3, support_supplement_pence=5_000)
    world = small(rules=rules)
    assert [world.budget(number).support_priority for number in (1, 2)] == [3, 1]
    assert [world.money(number)["available"] for number in (1, 2)] == [WHOLE + 5_000, WHOLE]
    assert world.budget(1).plan_review_due == date(2026, 9, 2)
    rows = statements.statement(world.session, world.patient(1), world.budget(1).id)
    assert [row.reason for row in rows] == ["Budget opened", BY_RULE]
    with pytest.raises(Invalid):
        acting(world, budgets.set_rules, FundingRules(review_months=0), actor=world.funder)


# leaving for the conventional package


def test_leaving_an_open_tender_for_the_conventional_package(small: Found) -> None:
    """The patient leaves the pool and the budget: everything goes back to the funder, and nobody invites them again."""
    world = small().draft().agree().publish()
    before = funder_holds(world)
    budget = world.budget(1)
    helper = Actor("user-h", Role.PATIENT, world.patients[0].id, "authority-1", frozenset({Scope.POOLS}))
    with pytest.raises(NotAllowed):
        acting(world, leaving.choose_conventional, budget.id, actor=helper)
    with pytest.raises(NotFound):
        acting(world, leaving.choose_conventional, budget.id, actor=world.patient(2))
    assert acting(world, leaving.choose_conventional, budget.id, actor=world.patient(1)) == WHOLE
    assert world.need(1).status is NeedStatus.LEFT
    assert world.money(1) == {"available": 0, "reserved": 0, "committed": 0}
    assert funder_holds(world) == before + WHOLE
    with pytest.raises(WrongState):
        acting(world, leaving.choose_conventional, budget.id, actor=world.patient(1))
    world.draft()
    assert {need.patient_id for need in world.bundle.needs} == set()
    assert world.books_balance()


def test_leaving_with_one_line_of_the_plan(small: Found) -> None:
    """Only what the plan set aside for that line goes back; the rest of the budget stays."""
    world = small()
    patient = world.patients[0].id
    lines = tuple(budgets.LineDetails("physiotherapy", "Walk again", 2, pence) for pence in (9_000, 4_000))
    details = budgets.BudgetDetails(BudgetKind.EPISODIC, ManagedAs.NOTIONAL, *YEAR, 15_000, lines)
    budget = acting(world, budgets.open_budget, patient, details, actor=world.funder)
    line = next(line for line in budget.lines if line.budget_pence == 9_000)
    with pytest.raises(NotFound):
        acting(world, leaving.choose_conventional, budget.id, ["nothing"], actor=world.patient(1))
    assert acting(world, leaving.choose_conventional, budget.id, [line.id], actor=world.patient(1)) == 9_000
    assert (line.left_at, budget.left_at) == (world.now, None)
    with pytest.raises(WrongState):
        acting(world, leaving.choose_conventional, budget.id, [line.id], actor=world.patient(1))
    assert acting(world, leaving.choose_conventional, budget.id, actor=world.patient(1)) == 6_000
    assert budget.left_at == world.now
    assert world.books_balance()


def test_a_waiting_match_is_declined_a_settled_one_holds(small: Found) -> None:
    """Leaving declines a match that waits for its answer; one that was accepted, or a contract, is seen through."""
    world = small().proposed().accept(2)
    acting(world, leaving.choose_conventional, world.budget(1).id, actor=world.patient(1))
    assert world.match(1).status.value == "declined"
    assert not world.match(1).look_again
    with pytest.raises(WrongState, match="see your match or contract"):
        acting(world, leaving.choose_conventional, world.budget(2).id, actor=world.patient(2))
    assert world.money(2)["reserved"] == BUDGET_PENCE


@pytest.mark.parametrize("helped", [False, True])
def test_a_match_that_is_made_again_holds_nobody_back(small: Found, helped: bool) -> None:
    """An offer was left out, and the time to answer passes: nobody is asked, and whoever leaves is let go.

    A representative whose authority covers leaving does the same for them.
    """
    world = small().proposed().leave_out("far")
    scopes = frozenset({Scope.LEAVING})
    helper = Actor("user-h", Role.PATIENT, world.patients[0].id, "authority-1", scopes) if helped else world.patient(1)
    with pytest.raises(WrongState, match="the match is made again"):
        acting(world, awards.decline_match, world.match(1).id, "Too far", actor=world.patient(1))
    world.later(days=8)
    acting(world, leaving.choose_conventional, world.budget(1).id, actor=helper)
    assert (world.match(1).status, world.match(1).look_again) == (MatchStatus.DECLINED, False)
    assert world.money(1) == {"available": 0, "reserved": 0, "committed": 0}
    world.run_round()
    assert set(world.providers_by_patient()) == {2}
    assert world.need(1).status is NeedStatus.REFUSED
    assert world.books_balance()


def test_nobody_looks_again_for_whoever_left(small: Found) -> None:
    """Declined first, hoping for another provider; then the conventional package: the rematch leaves them out."""
    world = small().proposed().decline(1).accept(2)
    assert world.match(1).look_again
    acting(world, leaving.choose_conventional, world.budget(1).id, actor=world.patient(1))
    world.rematch()
    assert world.need(1).status is NeedStatus.REFUSED
    assert world.money(1) == {"available": 0, "reserved": 0, "committed": 0}
    assert 2 in world.providers_by_patient()
    assert world.books_balance()


def test_a_contract_is_ended_before_leaving_and_its_rest_returned(small: Found) -> None:
    """A contract in force holds the patient; ended, the rest of its charge goes back with everything else."""
    world = small().awarded()
    budget = world.budget(1)
    with pytest.raises(WrongState, match="contract in force"):
        acting(world, leaving.choose_conventional, budget.id, actor=world.patient(1))
    world.deliver(1)
    acting(world, contracts.end_early, world.contract(1).id, "I prefer the hospital's class", actor=world.patient(1))
    returned = acting(world, leaving.choose_conventional, budget.id, actor=world.patient(1))
    assert returned == WHOLE - world.contract(1).charge_pence // SESSIONS
    figures = statements.figures_of(world.session, [budget.id])
    assert figures.total_pence == figures.spent_pence == world.contract(1).charge_pence // SESSIONS


# the statement


def test_the_statement_runs_from_the_first_posting_to_now(small: Found) -> None:
    """Each row says what stood where after it; the last row says what stands there now."""
    world = small().awarded()
    world.deliver(1)
    acting(world, settlements.pay_provider, world.contract(1).provider_id, actor=world.funder)
    budget_id = world.budget(1).id
    for actor in (world.patient(1), world.funder):
        rows = statements.statement(world.session, actor, budget_id)
        kinds = ["allocate", "reserve", "commit", "release", "due", "pay"]
        assert [row.kind.value for row in rows] == kinds
        assert rows[-1].after == statements.figures_of(world.session, [budget_id])
        for row in rows:
            parts = (row.after.available_pence, row.after.reserved_pence, row.after.committed_pence)
            assert min(parts) >= 0
            assert row.after.total_pence == WHOLE
    for actor in (world.patient(2), world.broking, world.by_provider(world.contract(1))):
        with pytest.raises(NotFound):
            statements.statement(world.session, actor, budget_id)


def test_every_reason_has_words() -> None:
    """A posting of any kind that concerns a budget can be read: those within its accounts, and payments."""
    own = {kind for kind, ways in FLOWS.items() if any(set(way) & set(statements.OWN_ACCOUNTS) for way in ways)}
    assert set(statements.WORDS) == own | {TransferKind.PAY}


def test_a_review_changes_what_nothing_holds(small: Found) -> None:
    """A free line may change within what was paid in; one in a pool may not, until it is out of it again."""
    world = small()
    budget, line = world.budget(1), world.plan_line(1)
    change = budgets.LineChange(line.id, "Climb the stairs again", 12, WHOLE)
    acting(world, budgets.review_plan, budget.id, "Stairs are the trouble now", [change], actor=world.funder)
    assert (line.outcome, line.units, line.budget_pence) == ("Climb the stairs again", 12, WHOLE)
    event = world.session.scalars(select(AuditEvent).where(AuditEvent.event == "plan.line_changed")).one()
    assert event.facts == {
        "units": 12,
        "budget_pence": WHOLE,
        "units_before": SESSIONS,
        "budget_pence_before": BUDGET_PENCE,
    }
    for wrong in (
        replace(change, budget_pence=WHOLE + 1),
        replace(change, units=0),
        replace(change, outcome=" "),
        replace(change, line_id=world.plan_line(2).id),
    ):
        with pytest.raises((Invalid, NotFound)):
            acting(world, budgets.review_plan, budget.id, "Stairs are the trouble now", [wrong], actor=world.funder)
    world.draft()
    assert world.need(1).units == 12
    fewer = replace(change, units=8)
    with pytest.raises(WrongState, match="in a group"):
        acting(world, budgets.review_plan, budget.id, "Eight will do after all", [fewer], actor=world.funder)
    acting(world, budgets.review_plan, budget.id, "Everything stays as it is", [change], actor=world.funder)
    acting(world, tenders.delete_draft, world.tender.id, "The area was wrong.", actor=world.broking)
    acting(world, budgets.review_plan, budget.id, "Eight will do after all", [fewer], actor=world.funder)
    assert (line.units, world.need(1).units) == (8, 12)
