"""Step one: the commissioner opens a budget, puts money in it, and approves the care plan it pays for."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.base import new_id
from marketplace.records.budgets import Budget, BudgetKind, ManagedAs, PlanLine, PlanStatus
from marketplace.records.catalogue import Exclusion, Service
from marketplace.records.ledger import AccountKind, Posting, TransferKind, open_account, post
from marketplace.records.outbox import tell
from marketplace.records.people import Patient
from marketplace.rules.budgets import check_budget
from marketplace.rules.clock import Instant
from marketplace.rules.errors import Invalid, NotFound, WrongState
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor, Role, check_owner, check_role

from .scopes import locked


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


@dataclass(frozen=True, slots=True)
class BudgetDetails:
    """A budget as it is opened, with the lines of its care plan."""

    kind: BudgetKind
    managed_as: ManagedAs
    valid_from: date
    valid_to: date
    amount_pence: Pence
    lines: tuple[LineDetails, ...]


def open_budget(session: Session, now: Instant, actor: Actor, patient_id: str, details: BudgetDetails) -> Budget:
    """Open a budget and allocate its money: funder -> available. The care plan is drafted, not yet approved.

    Raises
    ------
    NotFound
        If the patient is not one of this commissioner's.
    Invalid
        If the plan asks for more than the budget, or for what a budget may not pay.
    """
    check_role(actor, Role.COMMISSIONER)
    patient = locked(session, Patient, patient_id, "patient")
    check_owner(actor, Role.COMMISSIONER, patient.commissioner_id, "patient")
    check_budget(
        details.valid_from, details.valid_to, details.amount_pence, [line.budget_pence for line in details.lines]
    )
    for at, line in enumerate(details.lines):
        _check_service(session, line.service_id, f"lines[{at}].service_id")
    budget = Budget(
        id=new_id(),
        patient_id=patient.id,
        commissioner_id=actor.party_id,
        kind=details.kind,
        managed_as=details.managed_as,
        valid_from=details.valid_from,
        valid_to=details.valid_to,
        plan_status=PlanStatus.DRAFTED,
        opened_at=now,
    )
    budget.lines = [_line(line) for line in details.lines]
    session.add(budget)
    session.flush()
    open_account(session, AccountKind.FUNDER, actor.party_id)
    for kind in (AccountKind.AVAILABLE, AccountKind.RESERVED, AccountKind.COMMITTED):
        open_account(session, kind, budget.id)
    posting = Posting(
        key=f"allocate:{budget.id}",
        kind=TransferKind.ALLOCATE,
        source=(AccountKind.FUNDER, actor.party_id),
        target=(AccountKind.AVAILABLE, budget.id),
        amount_pence=details.amount_pence,
        about_id=budget.id,
        reason="Budget opened",
    )
    post(session, now, actor.user_id, posting)
    audit.append(session, now, actor, "budget.opened", budget.id, amount_pence=details.amount_pence)
    return budget


def approve_plan(session: Session, now: Instant, actor: Actor, budget_id: str) -> Budget:
    """Approve a care plan: from here on its lines can be pooled.

    Raises
    ------
    WrongState
        If it is approved already, or has no lines.
    """
    budget = locked(session, Budget, budget_id, "budget")
    check_owner(actor, Role.COMMISSIONER, budget.commissioner_id, "budget")
    if budget.plan_status is PlanStatus.APPROVED:
        raise WrongState("plan_approved", "This care plan is approved already.")
    if not budget.lines:
        raise WrongState("plan_empty", "A care plan needs at least one line before it can be approved.")
    budget.plan_status = PlanStatus.APPROVED
    budget.plan_approved_at = now
    audit.append(session, now, actor, "plan.approved", budget.id, lines=len(budget.lines))
    tell(session, now, [budget.patient_id], "plan_approved", budget.id)
    return budget


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
    )


def _check_service(session: Session, service_id: str, place: str) -> None:
    excluded = session.get(Exclusion, service_id)
    if excluded is not None:
        raise Invalid(
            "service_excluded",
            f"A personal health budget cannot pay for {excluded.name.lower()}: {excluded.reason}",
            place=place,
            service=service_id,
        )
    if session.get(Service, service_id) is None:
        raise NotFound("not_found", "We cannot find that service in the catalogue.", place=place)
