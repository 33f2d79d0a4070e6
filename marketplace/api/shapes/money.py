"""Budgets and payments, for whoever gives the money or has it: figures, statements, care plans, payment runs."""

from marshmallow import fields

from marketplace.journey.payments import Reconciled
from marketplace.journey.settlements import PaymentDue
from marketplace.journey.statements import BudgetFigures, StatementRow
from marketplace.records.budgets import BudgetKind, PlanStatus
from marketplace.records.payments import LineStatus
from marketplace.rules.budgets import ManagedAs

from .common import Shape, calendar_day, instant, integer, nested, one_of, pence, string, yes_or_no
from .derived import shape_of

FiguresShape = shape_of(BudgetFigures)
StatementShape = shape_of(StatementRow)


class PersonShape(Shape):
    """One of the people whom a commissioner looks after."""

    patient_id = string("The patient's id", attribute="patient.id")
    name = string("Their name", attribute="patient.name")
    district = string("Their postcode district", attribute="patient.district")
    broker = string("Their broker", none=True)
    registered_on = calendar_day("When they were registered", attribute="patient.registered_on")
    budgets = integer("How many budgets they were given")
    supported = yes_or_no("Whether they get extra support")


class BudgetShape(Shape):
    """A budget with its figures."""

    id = string("The budget's id", attribute="budget.id")
    patient_id = string("Whose it is", attribute="budget.patient_id")
    name = string("Their name", attribute="budget.patient.name")
    kind = one_of(BudgetKind, "For a year, or for one course of care", attribute="budget.kind")
    managed_as = one_of(ManagedAs, "Who holds the money", attribute="budget.managed_as")
    valid_from = calendar_day("Its first day", attribute="budget.valid_from")
    valid_to = calendar_day("Its last day", attribute="budget.valid_to")
    plan_status = one_of(PlanStatus, "How far its care plan is", attribute="budget.plan_status")
    figures = nested(FiguresShape, "Where its money is")


class PlanLineShape(Shape):
    """One part of a care plan."""

    id = string("The line's id")
    service_id = string("The service, by its short name")
    outcome = string("What it is to achieve")
    units = integer("How many units")
    budget_pence = pence("At most so much in all")
    max_distance_m = integer("How far the person can go, in metres", none=True)
    max_wait_days = integer("How long they can wait", none=True)
    min_grade = integer("The least quality they ask for", none=True)
    requires = fields.List(fields.String(), metadata={"description": "What they need there"})


class FullBudgetShape(BudgetShape):
    """A budget with its care plan and its statement: every posting, the oldest first."""

    lines = nested(PlanLineShape, "The care plan", attribute="budget.lines", many=True)
    statement = nested(StatementShape, "Every posting, with what stood where after it", many=True)


class GivenShape(Shape):
    """A budget that was just given."""

    id = string("The budget's id")
    patient_id = string("Whose it is")
    plan_status = one_of(PlanStatus, "How far its care plan is")


class GivenListShape(Shape):
    """Budgets that were given at once."""

    budgets = nested(GivenShape, "All that were sent, in their order", many=True)


class AuditHeadShape(Shape):
    """The signed end of the audit trail: who keeps it elsewhere can tell later that nothing was cut off."""

    format = string("The format's name")
    number = integer("How many acts there are")
    sha256 = string("The hash of the last one, which stands for all of them")
    at = string("When this was asked")
    signature = string("The installation's signature")


class ActShape(Shape):
    """One act of the audit trail."""

    number = integer("Its number")
    at = instant("When")
    who = string("Who")
    role = string("As what")
    event = string("What was done")
    about_id = string("About what")
    facts = fields.List(fields.List(fields.String()), metadata={"description": "What was noted: name and value"})


class RunShape(Shape):
    """A payment run in figures."""

    id = string("The run's id", attribute="run_id")
    made_at = instant("When it was made")
    payments = integer("How many payments")
    sent_pence = pence("What was sent")
    paid_pence = pence("What the bank has paid")
    returned_pence = pence("What the bank has returned")
    waiting_pence = pence("What the bank has not answered yet")


class RunListShape(Shape):
    """A page of payment runs, what is due, and whether every penny is accounted for."""

    rows = nested(RunShape, "The runs, the latest first", many=True)
    total = integer("How many rows there are on all pages")
    next = string("The address of the next page; null on the last one", none=True)
    due = nested(shape_of(PaymentDue), "What is due now and in no run", many=True)
    reconciled = nested(shape_of(Reconciled), "The runs held against the ledger")
    agrees = yes_or_no("Whether they agree to the penny")


class PaymentLineShape(Shape):
    """What one provider gets in one run; its id is the reference that travels to the bank and back."""

    reference = string("The reference", attribute="id")
    provider_id = string("The provider's id")
    provider = string("Its name", attribute="provider.name")
    amount_pence = pence("The amount")
    status = one_of(LineStatus, "What the bank says")
    settled_at = instant("When that was posted back", none=True)
    returned_reason = string("Why it was returned", none=True)


class FullRunShape(Shape):
    """One payment run with its payments."""

    id = string("The run's id")
    made_at = instant("When it was made")
    lines = nested(PaymentLineShape, "The payments", many=True)


class SettledShape(Shape):
    """How many payments an answer of the bank has settled."""

    settled = integer("How many that were not settled before")
