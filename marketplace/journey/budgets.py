"""Step one: the commissioner opens a budget, puts money in it, and approves the care plan it pays for.

`open_budget` -> `approve_plan` -> `review_plan`, again and again. `set_rules` are the commissioner's own (review
times, extra support), `admit_holder` lets an organisation keep budgets. Who gets extra support is decided in `support`;
what else happens to the money of a budget in `funds`; leaving it for the conventional package in `leaving`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.base import new_id
from marketplace.records.budgets import (
    Budget,
    BudgetKind,
    CommissionerRules,
    Holder,
    ManagedAs,
    PlanLine,
    PlanStatus,
)
from marketplace.records.catalogue import Exclusion, Service
from marketplace.records.ledger import AccountKind, TransferKind, open_accounts
from marketplace.records.outbox import tell
from marketplace.records.people import Patient
from marketplace.records.pools import LIVE_NEEDS, Need
from marketplace.rules.budgets import (
    FundingRules,
    check_budget,
    check_funding_rules,
    check_line,
    check_planned,
    check_reason,
    months_after,
)
from marketplace.rules.clock import Instant, london_date
from marketplace.rules.errors import Conflict, Invalid, NotFound, WrongState
from marketplace.rules.money import Pence
from marketplace.rules.permissions import SYSTEM, Actor, Role, check_owner, check_role

from .funding import pay_in, rules_of
from .scopes import locked
from .statements import figures_of
from .support import decide_support


@dataclass(frozen=True, slots=True)
class LineDetails:
    """One line of a care plan as it is drafted."""

    service_id: str
    outcome: str
    units: int
    budget_pence: Pence
    priority: int = 1
    max_distance_m: int | None = None
    min_grade: int | None = None
    max_wait_days: int | None = None
    requires: tuple[str, ...] = ()
    current_provider_id: str | None = None
    usual_distance_m: int | None = None
    usual_wait_days: int | None = None


@dataclass(frozen=True, slots=True)
class BudgetDetails:
    """A budget as it is opened, with the lines of its care plan.

    `holder_id` if a third party is to keep its money; `id` where it is fixed beforehand, so that what is sent twice is
    known.
    """

    kind: BudgetKind
    managed_as: ManagedAs
    valid_from: date
    valid_to: date
    amount_pence: Pence
    lines: tuple[LineDetails, ...]
    holder_id: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class LineChange:
    """What a review makes of one line of a care plan."""

    line_id: str
    outcome: str
    units: int
    budget_pence: Pence


def admit_holder(session: Session, now: Instant, actor: Actor, name: str) -> Holder:
    """Admit an organisation that keeps budgets for patients: it signs their contracts and pays their providers.

    Raises
    ------
    Invalid, Conflict
        If it has no name, or one of that name is admitted already.
    """
    check_role(actor, Role.COMMISSIONER)
    name = name.strip()
    if not name:
        raise Invalid("name_missing", "Enter the organisation's name.", place="name")
    if session.scalar(select(Holder.id).where(Holder.name == name)):
        raise Conflict("holder_exists", "An organisation of that name is admitted already.")
    holder = Holder(name=name, commissioner_id=actor.party_id, approved_at=now)
    session.add(holder)
    session.flush()
    audit.append(session, now, actor, "holder.admitted", holder.id)
    return holder


def set_rules(session: Session, now: Instant, actor: Actor, rules: FundingRules) -> FundingRules:
    """The commissioner decides when plans are reviewed and who gets extra support.

    It holds from the next approval, review or word on somebody on: what was decided before stays until then.

    Raises
    ------
    Invalid
        If a value means nothing.
    """
    check_role(actor, Role.COMMISSIONER)
    check_funding_rules(rules)
    row = session.get(CommissionerRules, actor.party_id, with_for_update=True, populate_existing=True)
    if row is None:
        row = CommissionerRules(commissioner_id=actor.party_id)
        session.add(row)
    for name, value in asdict(rules).items():
        setattr(row, name, value)
    row.changed_at = now
    session.flush()
    audit.append(session, now, actor, "rules.set", actor.party_id, **asdict(rules))
    return rules


def open_budget(session: Session, now: Instant, actor: Actor, patient_id: str, details: BudgetDetails) -> Budget:
    """Open a budget and allocate its money: funder -> available. The care plan is drafted, not yet approved.

    Raises
    ------
    NotFound
        If the patient is not one of this commissioner's.
    Invalid
        If the plan asks for more than the budget, for what a budget may not pay, or for a holder that cannot be.
    """
    return open_budgets(session, now, actor, [(patient_id, details)])[0]


def open_budgets(
    session: Session, now: Instant, actor: Actor, wanted: Sequence[tuple[str, BudgetDetails]]
) -> list[Budget]:
    """Open many budgets at once, each (patient id, details): all of them, or on the first error none.

    Raises
    ------
    NotFound, Invalid
        As `open_budget` does.
    """
    check_role(actor, Role.COMMISSIONER)
    budgets = [_budget(session, now, actor, patient_id, details) for patient_id, details in wanted]
    session.add_all(budgets)
    session.flush()
    kinds = (AccountKind.AVAILABLE, AccountKind.RESERVED, AccountKind.COMMITTED)
    accounts = [(kind, budget.id) for budget in budgets for kind in kinds]
    open_accounts(session, [(AccountKind.FUNDER, actor.party_id), *accounts])
    for budget, (_, details) in zip(budgets, wanted, strict=True):
        key, amount_pence = f"allocate:{budget.id}", details.amount_pence
        pay_in(session, now, actor, budget, TransferKind.ALLOCATE, amount_pence, key=key, reason="Budget opened")
        audit.append(session, now, actor, "budget.opened", budget.id, amount_pence=details.amount_pence)
    return budgets


def _budget(session: Session, now: Instant, actor: Actor, patient_id: str, details: BudgetDetails) -> Budget:
    """The checked row of a budget with its plan's lines, not written yet."""
    patient = locked(session, Patient, patient_id, "patient")
    check_owner(actor, Role.COMMISSIONER, patient.commissioner_id, "patient")
    check_budget(
        details.valid_from, details.valid_to, details.amount_pence, [line.budget_pence for line in details.lines]
    )
    for at, line in enumerate(details.lines):
        check_service(session, line.service_id, f"lines[{at}].service_id")
    _check_holder(session, actor, details)
    return Budget(
        id=details.id or new_id(),
        patient_id=patient.id,
        commissioner_id=actor.party_id,
        kind=details.kind,
        managed_as=details.managed_as,
        holder_id=details.holder_id,
        valid_from=details.valid_from,
        valid_to=details.valid_to,
        plan_status=PlanStatus.DRAFTED,
        opened_at=now,
        lines=[_line(line) for line in details.lines],
    )


def approve_plan(session: Session, now: Instant, actor: Actor, budget_id: str) -> Budget:
    """Approve a care plan: from here on its lines can be pooled. Its first review is due some months later.

    Whether the rule gives extra support is decided with it (`support.decide_support`).

    Raises
    ------
    WrongState
        If it is approved already, or has no lines, or the budget has ended or was left.
    """
    budget = _own_budget(session, actor, budget_id)
    if budget.is_over(london_date(now)):
        raise WrongState("budget_ended", "This budget has ended, so its care plan cannot be approved.")
    if budget.plan_status is PlanStatus.APPROVED:
        raise WrongState("plan_approved", "This care plan is approved already.")
    if not budget.lines:
        raise WrongState("plan_empty", "A care plan needs at least one line before it can be approved.")
    rules = rules_of(session, budget.commissioner_id)
    budget.plan_status = PlanStatus.APPROVED
    budget.plan_approved_at = now
    budget.plan_review_due = months_after(london_date(now), rules.first_review_months)
    audit.append(session, now, actor, "plan.approved", budget.id, lines=len(budget.lines))
    tell(session, now, [budget.patient_id], "plan_approved", budget.id)
    decide_support(session, now, actor, budget)
    return budget


def review_plan(
    session: Session, now: Instant, actor: Actor, budget_id: str, findings: str, changes: Sequence[LineChange] = ()
) -> Budget:
    """Note that an approved plan was reviewed with the patient; the next review is due after the rule's months.

    What was found is for the patient to read: it goes into the plan's notes, not into the audit trail. Lines that no
    pool and no contract holds can be changed; a change that says what stands there already is none. Extra support is
    decided anew: the rule, or the person's age, may have changed.

    Raises
    ------
    WrongState
        If the plan is not approved yet, the budget has ended or was left, or a changed line is in a pool or a contract.
    Invalid
        If nothing is written about it, or the lines would come to more than was paid in.
    """
    budget = _own_budget(session, actor, budget_id)
    if budget.plan_status is not PlanStatus.APPROVED:
        raise WrongState("plan_not_approved", "Approve this care plan first: its first review follows months later.")
    if budget.is_over(london_date(now)):
        raise WrongState("budget_ended", "This budget has ended, so there is no care plan to review.")
    rules = rules_of(session, budget.commissioner_id)
    budget.plan_review_findings = check_reason(findings, "findings", "what you found")
    _change_lines(session, now, actor, budget, changes)
    budget.plan_reviewed_at = now
    budget.plan_review_due = months_after(london_date(now), rules.review_months)
    budget.review_told_at = None
    due = budget.plan_review_due.isoformat()
    audit.append(session, now, actor, "plan.reviewed", budget.id, next_review=due)
    tell(session, now, [budget.patient_id], "plan_reviewed", budget.id)
    decide_support(session, now, actor, budget)
    return budget


def remind_of_review(session: Session, now: Instant, budget_id: str) -> Budget:
    """Tell patient and commissioner, once, that the review of a plan is due. Time brings this about."""
    budget = locked(session, Budget, budget_id, "budget")
    if budget.review_told_at is not None or budget.plan_review_due is None or london_date(now) < budget.plan_review_due:
        raise WrongState("review_not_due", "This plan's review is not due, or everybody was told.")
    budget.review_told_at = now
    audit.append(session, now, SYSTEM, "plan.review_due", budget.id)
    tell(session, now, [budget.patient_id, budget.commissioner_id], "plan_review_due", budget.id)
    return budget


def review_is_due(now: Instant) -> ColumnElement[bool]:
    """Which budgets' plans wait for their review and nobody was told yet; left or ended budgets are not reviewed."""
    today = london_date(now)
    return (
        (Budget.plan_review_due <= today)
        & Budget.review_told_at.is_(None)
        & Budget.left_at.is_(None)
        & (Budget.valid_to >= today)
    )


def _own_budget(session: Session, actor: Actor, budget_id: str) -> Budget:
    """The commissioner's budget, locked after its patient: who gets support is decided about both."""
    patient_id = session.connection().scalar(select(Budget.patient_id).where(Budget.id == budget_id))
    if patient_id is not None:
        locked(session, Patient, patient_id, "budget")
    budget = locked(session, Budget, budget_id, "budget")
    check_owner(actor, Role.COMMISSIONER, budget.commissioner_id, "budget")
    return budget


def held_lines(session: Session, budget: Budget) -> set[str]:
    """The plan lines of a budget that a pool or a contract holds, or that were left for the conventional package."""
    holding = Need.status.in_(LIVE_NEEDS) | (Need.reserved_pence > 0)
    held = session.scalars(select(Need.plan_line_id).where(Need.budget_id == budget.id, holding))
    return {*held, *(line.id for line in budget.lines if line.left_at is not None)}


def _change_lines(session: Session, now: Instant, actor: Actor, budget: Budget, changes: Sequence[LineChange]) -> None:
    """The lines are locked: an invitation that comes at the same time reads them before or after, not between."""
    query = select(PlanLine).where(PlanLine.budget_id == budget.id).order_by(PlanLine.id)
    locking = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    lines = {line.id: line for line in session.scalars(locking)}
    held, planned_before = held_lines(session, budget), sum(line.budget_pence for line in lines.values())
    for at, change in enumerate(changes):
        line = lines.get(change.line_id)
        if line is None:
            raise NotFound("not_found", "We cannot find that part of the care plan.", place=f"lines[{at}]")
        before = (line.outcome, line.units, line.budget_pence)
        if before == (change.outcome, change.units, change.budget_pence):
            continue
        if line.id in held:
            message = "This part of the plan is in a group or a contract, or was left. It cannot be changed now."
            raise WrongState("line_held", message, place=f"lines[{at}].units")
        check_line(change.outcome, change.units, change.budget_pence, place=f"lines[{at}]")
        line.outcome, line.units, line.budget_pence = change.outcome, change.units, change.budget_pence
        facts = {"units_before": before[1], "budget_pence_before": before[2]}
        audit.append(
            session, now, actor, "plan.line_changed", line.id, units=line.units, budget_pence=line.budget_pence, **facts
        )
    planned = sum(line.budget_pence for line in lines.values() if line.left_at is None)
    if planned > planned_before:
        check_planned(planned, figures_of(session, [budget.id]).total_pence)


def _line(details: LineDetails) -> PlanLine:
    return PlanLine(
        service_id=details.service_id,
        outcome=details.outcome,
        units=details.units,
        budget_pence=details.budget_pence,
        priority=details.priority,
        max_distance_m=details.max_distance_m,
        min_grade=details.min_grade,
        max_wait_days=details.max_wait_days,
        requires=list(details.requires),
        current_provider_id=details.current_provider_id,
        usual_distance_m=details.usual_distance_m,
        usual_wait_days=details.usual_wait_days,
    )


def check_service(session: Session, service_id: str, place: str) -> None:
    """A budget may pay for what is in the catalogue.

    Raises
    ------
    Invalid
        If it is excluded, with the reason.
    NotFound
        If it is neither.
    """
    if session.get(Service, service_id) is not None:
        return
    excluded = session.get(Exclusion, service_id)
    if excluded is not None:
        raise Invalid(
            "service_excluded",
            f"A personal health budget cannot pay for {excluded.name.lower()}: {excluded.reason}",
            place=place,
            service=service_id,
        )
    raise NotFound("not_found", "We cannot find that service in the catalogue.", place=place)


def _check_holder(session: Session, actor: Actor, details: BudgetDetails) -> None:
    if details.holder_id is None:
        return
    if details.managed_as is not ManagedAs.THIRD_PARTY:
        raise Invalid(
            "holder_not_wanted",
            "Leave the organisation empty, or choose that an organisation holds the money.",
            place="holder_id",
        )
    holder = session.get(Holder, details.holder_id)
    if holder is None or holder.commissioner_id != actor.party_id:
        raise NotFound("not_found", "We cannot find that organisation.", place="holder_id")
