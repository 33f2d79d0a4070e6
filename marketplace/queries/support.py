"""Extra support of one person, as its pages tell it: `support_of`; and of a list of people: `supported_among`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from marketplace.journey.funding import rules_of
from marketplace.journey.scopes import budgets_for
from marketplace.journey.support import (
    PersonFacts,
    budget_runs,
    facts_of,
    grounds_met,
    supplements_of,
    support_runs,
)
from marketplace.journey.supporters import supporters_of
from marketplace.records.budgets import Budget
from marketplace.records.people import Patient, Supporter
from marketplace.rules.budgets import FundingRules
from marketplace.rules.clock import Instant
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor
from marketplace.rules.support import Ground


@dataclass(frozen=True, slots=True)
class SupportPage:
    """Whether somebody gets extra support, since when, why, and what it gives them; and the rule as it is now.

    With more than one budget the grounds and the money are those of all, and the days the most that one gives.

    Attributes
    ----------
    grounds
        Why they have it, as it was decided.
    grounds_now
        Why they would have it if it were decided today; other ones where the rule was changed since. None where no
        budget runs: then nothing can be decided.
    priority
        As how many people their needs count where not everybody in a group can be served.
    """

    patient: Patient
    facts: PersonFacts
    rules: FundingRules
    since: Instant | None
    grounds: Sequence[Ground]
    has_running_budget: bool
    grounds_now: Sequence[Ground]
    priority: int
    answer_days: int
    supplement_pence: Pence
    supporter: Supporter | None

    @property
    def is_given(self) -> bool:
        """Whether there is any today."""
        return self.since is not None


def support_of(session: Session, now: Instant, patient: Patient) -> SupportPage:
    """All about one person's extra support; whoever asks has made sure that they may see this person."""
    query = select(Budget).where(Budget.patient_id == patient.id, budget_runs(now))
    running = session.scalars(query.order_by(Budget.extra_support_at, Budget.id)).all()
    budgets = [budget for budget in running if budget.extra_support_at is not None]
    met = {ground for budget in budgets for ground in budget.support_grounds}
    rules = rules_of(session, patient.commissioner_id)
    return SupportPage(
        patient=patient,
        facts=facts_of(patient),
        rules=rules,
        since=budgets[0].extra_support_at if budgets else None,
        grounds=[ground for ground in Ground if ground.value in met],
        has_running_budget=bool(running),
        grounds_now=grounds_met(rules, now, patient) if running else [],
        priority=max((budget.support_priority for budget in budgets), default=1),
        answer_days=max((budget.support_answer_days for budget in budgets), default=0),
        supplement_pence=sum(supplements_of(session, [budget.id for budget in budgets]).values()),
        supporter=supporters_of(session, [patient.id]).get(patient.id) if budgets else None,
    )


def supported_among(session: Session, now: Instant, patient_ids: Collection[str]) -> frozenset[str]:
    """Which of these people get extra support today."""
    query = select(Budget.patient_id).where(Budget.patient_id.in_(patient_ids), support_runs(now))
    return frozenset(session.scalars(query))


def gets_support(now: Instant) -> ColumnElement[bool]:
    """Whether a patient of a query gets extra support today."""
    return select(Budget.id).where(Budget.patient_id == Patient.id, support_runs(now)).correlate(Patient).exists()


def wants_supporter(now: Instant) -> ColumnElement[bool]:
    """Whether a patient of a query gets extra support and nobody is named yet who stands by them."""
    standing = select(Supporter.id).where(Supporter.patient_id == Patient.id, Supporter.ended_at.is_(None))
    return gets_support(now) & ~standing.correlate(Patient).exists()


def without_supporter(session: Session, now: Instant, actor: Actor) -> int:
    """For how many of a commissioner's people with extra support somebody has still to be named."""
    standing = select(Supporter.id).where(Supporter.patient_id == Budget.patient_id, Supporter.ended_at.is_(None))
    waiting = budgets_for(actor).where(support_runs(now), ~standing.correlate(Budget).exists())
    return session.scalar(waiting.with_only_columns(func.count(Budget.patient_id.distinct()))) or 0
