"""Extra support by the commissioner's rule: what counts for it is recorded, and the rule decides, budget by budget.

`decide_support` runs when a care plan is approved or reviewed and when something about the person is recorded
(`record_facts`). What it decides stays until the next of these: a later change of the rule alone moves nothing. A pool
keeps what was decided when it was formed (`note_priorities`), so that its rounds come out the same whenever they are
run. More time to answer is for matches only: when a contract is to be signed and a delivery to be confirmed, its
provider can see too, and providers do not learn who has support.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, delete, exists, func, select
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.budgets import Budget, PlanLine, PlanStatus
from marketplace.records.ledger import Transfer, TransferKind
from marketplace.records.outbox import tell
from marketplace.records.people import Patient, PatientCondition, Supporter
from marketplace.records.pools import Need
from marketplace.rules.budgets import FundingRules
from marketplace.rules.clock import Instant, london_date
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor, Role, check_owner
from marketplace.rules.support import Ground, SupportFacts, check_facts, grounds_of

from .funding import pay_in, rules_of
from .scopes import locked

BY_RULE = "Extra support, by the rule of the local care team"
"""Why the supplement was paid, as the statement says."""


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What is recorded of a person because the rule asks about it; their year of birth is known anyway."""

    deprivation_decile: int | None = None
    lacks_capacity: bool = False
    conditions: tuple[str, ...] = ()


def record_facts(session: Session, now: Instant, actor: Actor, patient_id: str, facts: PersonFacts) -> Patient:
    """The commissioner records what counts for extra support; the rule decides anew for every budget that runs.

    A budget runs once its care plan is approved, and until it is over or left.

    The audit trail says that something was recorded, not what. The patient is told and can read it.

    Raises
    ------
    Invalid
        If the decile or a condition is none.
    """
    patient = locked(session, Patient, patient_id, "patient")
    check_owner(actor, Role.COMMISSIONER, patient.commissioner_id, "patient")
    check_facts(facts.deprivation_decile, facts.conditions)
    facts = replace(facts, conditions=tuple(sorted(set(facts.conditions))))
    if facts_of(patient) != facts:
        patient.deprivation_decile, patient.lacks_capacity = facts.deprivation_decile, facts.lacks_capacity
        session.execute(delete(PatientCondition).where(PatientCondition.patient_id == patient.id))
        session.add_all(PatientCondition(patient_id=patient.id, condition=name) for name in facts.conditions)
        session.flush()
        session.expire(patient, ["conditions"])
        audit.append(session, now, actor, "patient.facts_recorded", patient.id)
        tell(session, now, [patient.id], "facts_recorded", patient.id)
    running = select(Budget.id).where(Budget.patient_id == patient.id, budget_runs(now)).order_by(Budget.id)
    for budget_id in session.scalars(running).all():
        decide_support(session, now, actor, locked(session, Budget, budget_id, "budget"))
    return patient


def facts_of(patient: Patient) -> PersonFacts:
    """What is recorded of a person now."""
    conditions = tuple(row.condition for row in patient.conditions)
    return PersonFacts(patient.deprivation_decile, patient.lacks_capacity, conditions)


def decide_support(session: Session, now: Instant, actor: Actor, budget: Budget) -> None:
    """Ask the rule whether this budget's patient gets extra support; its caller has locked both.

    Whoever gets it has easy-read pages from then on, unless they have chosen for themselves. The supplement is a
    posting of its own that everybody concerned can read; a budget gets it once. Ended, it takes nothing back. A budget
    that is over gives nothing, and nothing is decided about it.
    """
    if budget.is_over(london_date(now)):
        return
    rules = rules_of(session, budget.commissioner_id)
    grounds = grounds_met(rules, now, budget.patient)
    if grounds:
        _give(session, now, actor, budget, rules, grounds)
    elif budget.extra_support_at is not None:
        _end(session, now, actor, budget)


def grounds_met(rules: FundingRules, now: Instant, patient: Patient) -> list[Ground]:
    """The grounds of these rules that this person meets today, decided or not."""
    asked = SupportFacts(
        patient.birth_year, patient.deprivation_decile, patient.lacks_capacity, len(patient.conditions)
    )
    return list(grounds_of(rules, asked, london_date(now)))


def budget_runs(now: Instant) -> ColumnElement[bool]:
    """Which budgets have an approved plan and are neither over nor left: for these the rule decides."""
    is_approved = Budget.plan_status == PlanStatus.APPROVED
    return is_approved & Budget.left_at.is_(None) & (Budget.valid_to >= london_date(now))


def support_runs(now: Instant) -> ColumnElement[bool]:
    """Which budgets give their patient extra support today."""
    return Budget.extra_support_at.is_not(None) & budget_runs(now)


def is_supported(session: Session, now: Instant, patient_id: str) -> bool:
    """Whether any budget of this person gives them extra support today."""
    query = select(exists().where(Budget.patient_id == patient_id, support_runs(now)))
    return bool(session.scalar(query))


def supplements_of(session: Session, budget_ids: Collection[str]) -> dict[str, Pence]:
    """What each of these budgets was paid as its supplement by rule; those that were not are left out."""
    keys = {_key(budget_id): budget_id for budget_id in budget_ids}
    query = select(Transfer.idempotency_key, Transfer.amount_pence).where(Transfer.idempotency_key.in_(keys))
    return {keys[key]: amount_pence for key, amount_pence in session.execute(query)}


def note_priorities(session: Session, needs: Sequence[Need]) -> None:
    """Write down with each need, as it is pooled, how much it counts and whether it comes with extra support."""
    query = (
        select(Need.id, PlanLine.priority, Budget.support_priority, Budget.extra_support_at)
        .join(Need.plan_line)
        .join(PlanLine.budget)
        .where(Need.id.in_([need.id for need in needs]))
    )
    of_need = {row[0]: row[1:] for row in session.execute(query)}
    for need in needs:
        own, by_rule, since = of_need[need.id]
        need.priority, need.extra_support = max(own, by_rule), since is not None


def answer_days(session: Session, needs: Sequence[str]) -> dict[str, int]:
    """How many more days each of these needs' patients have for their answer, by need."""
    query = select(Need.id, Budget.support_answer_days).join(Budget, Budget.id == Need.budget_id)
    return {row[0]: row[1] for row in session.execute(query.where(Need.id.in_(needs)))}


def most_answer_days(session: Session, now: Instant, needs: Sequence[str]) -> int:
    """How many more days anybody can have whom the funders of these needs pay for, whoever of them is here.

    By the rules, and by what was decided under earlier ones and still holds. So a date that counts on it tells nobody
    that somebody among them has extra support.
    """
    paying = select(Budget.commissioner_id).join(Need, Need.budget_id == Budget.id).where(Need.id.in_(needs))
    funders = session.scalars(paying.distinct()).all()
    decided = select(func.max(Budget.support_answer_days)).where(Budget.commissioner_id.in_(funders), support_runs(now))
    by_rule = [rules_of(session, funder_id).most_answer_days for funder_id in funders]
    return max([*by_rule, session.scalar(decided) or 0, *answer_days(session, needs).values()], default=0)


def _key(budget_id: str) -> str:
    """The idempotency key under which a budget gets its supplement."""
    return f"supplement:{budget_id}:extra-support"


def _give(
    session: Session, now: Instant, actor: Actor, budget: Budget, rules: FundingRules, grounds: Sequence[Ground]
) -> None:
    decided = ([ground.value for ground in grounds], rules.support_priority, rules.support_answer_days)
    is_new = budget.extra_support_at is None
    changed = decided != (budget.support_grounds, budget.support_priority, budget.support_answer_days)
    budget.support_grounds, budget.support_priority, budget.support_answer_days = decided
    if is_new:
        budget.extra_support_at = now
    paid_pence = 0
    if rules.support_supplement_pence and not supplements_of(session, [budget.id]):
        paid_pence = rules.support_supplement_pence
        kind, key = TransferKind.SUPPLEMENT, _key(budget.id)
        pay_in(session, now, actor, budget, kind, paid_pence, key=key, reason=BY_RULE)
    if not (is_new or changed or paid_pence):
        return
    facts = {"priority": rules.support_priority, "answer_days": rules.support_answer_days}
    event = "support.granted" if is_new else "support.changed"
    audit.append(session, now, actor, event, budget.id, supplement_pence=paid_pence, **facts)
    tell(session, now, [budget.patient_id], "extra_support", budget.id)
    if budget.patient.easy_read is None:
        budget.patient.easy_read = True
        audit.append(session, now, actor, "patient.easy_read_set", budget.patient_id, easy_read=True)


def _end(session: Session, now: Instant, actor: Actor, budget: Budget) -> None:
    """No ground is met any more."""
    budget.extra_support_at, budget.support_grounds = None, []
    budget.support_priority, budget.support_answer_days = 1, 0
    audit.append(session, now, actor, "support.ended", budget.id)
    tell(session, now, [budget.patient_id], "extra_support_ended", budget.id)
    release_supporter(session, now, actor, budget.patient_id)


def release_supporter(session: Session, now: Instant, actor: Actor, patient_id: str) -> None:
    """Where nothing gives support any more, nobody stands by the person: later support is not to bring an old name."""
    session.flush()
    standing = select(Supporter).where(Supporter.patient_id == patient_id, Supporter.ended_at.is_(None))
    supporter = session.scalar(standing)
    if supporter is None or is_supported(session, now, patient_id):
        return
    supporter.ended_at = now
    audit.append(session, now, actor, "supporter.ended", patient_id, supporter=supporter.id)
