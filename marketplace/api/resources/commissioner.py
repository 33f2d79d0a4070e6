"""A commissioner's program: whom it looks after, the budgets it gives, their statements, the audit trail."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from marketplace.api.access import current_actor, for_role, seen
from marketplace.api.blueprint import Resources
from marketplace.api.bodies import AllocationsSchema, GivenAllocationSchema, GivenBudgetSchema
from marketplace.api.database import db_session
from marketplace.api.lists import PageQuery, listed, one_of, page, search
from marketplace.api.repeating import take
from marketplace.api.shapes.common import Beside
from marketplace.api.shapes.money import (
    ActShape,
    AuditHeadShape,
    BudgetShape,
    FullBudgetShape,
    GivenListShape,
    GivenShape,
    PersonShape,
)
from marketplace.front.clock import request_now
from marketplace.journey import allocations, chain, statements
from marketplace.journey import budgets as steps
from marketplace.journey.allocations import Draft
from marketplace.journey.scopes import budgets_for, one, patients_for
from marketplace.queries import allocating, funding, trail
from marketplace.records.audit import AuditEvent
from marketplace.records.budgets import PlanStatus
from marketplace.records.people import Patient
from marketplace.rules.permissions import Role

pages = Resources("commissioner", "/commissioner", "For a commissioner's finance system.")


class PeopleQuery(PageQuery):
    """Which people."""

    search = search("Letters of the name")
    who = one_of(
        "Only those without a budget, with extra support, or with it and no supporter yet",
        ["none", "supported", "no-supporter"],
    )


class BudgetsQuery(PageQuery):
    """Which budgets."""

    search = search("Letters of the person's name")
    plan = one_of("How far the care plan is", [status.value for status in PlanStatus])


class ActsQuery(PageQuery):
    """Which acts."""

    act = search("A part of the act's name")
    about = search("About which thing, by its id")
    who = search("Whose, by a name")
    period = one_of("How far back", list(trail.PERIODS), "week")


@pages.asks("GET", "/people")
@for_role(Role.COMMISSIONER)
@pages.reads(PeopleQuery, "query")
@pages.answers(200, listed(PersonShape))
def people(asked: dict[str, Any]) -> dict[str, Any]:
    """The people you look after, by name."""
    session, actor, words, who = db_session(), current_actor(), asked["search"], asked["who"]
    now, by_name = request_now(), Patient.name.asc()

    def fetch(first: int, size: int) -> list[Any]:
        rows = allocating.people(session, now, actor, first, size, search=words, who=who, order=by_name)
        seen([row.patient.id for row in rows], "list of people")
        return rows

    return page(asked, allocating.people_count(session, now, actor, words, who), fetch)


@pages.asks("GET", "/budgets")
@for_role(Role.COMMISSIONER)
@pages.reads(BudgetsQuery, "query")
@pages.answers(200, listed(BudgetShape))
def list_budgets(asked: dict[str, Any]) -> dict[str, Any]:
    """The budgets you have given, by the people's names."""
    session, actor, words, plan = db_session(), current_actor(), asked["search"], asked["plan"]

    def fetch(first: int, size: int) -> list[Any]:
        rows = funding.budget_rows(session, actor, first, size, search=words, plan=plan)
        seen([row.budget.patient_id for row in rows], "list of budgets")
        return rows

    return page(asked, funding.budget_count(session, actor, words, plan), fetch)


@pages.asks("GET", "/budgets/<id:budget_id>")
@for_role(Role.COMMISSIONER)
@pages.answers(200, FullBudgetShape)
def budget(budget_id: str) -> dict[str, Any]:
    """One budget with its care plan and every posting."""
    session, actor = db_session(), current_actor()
    found = one(session, budgets_for(actor), budget_id, "budget")
    seen([found.patient_id], "budget")
    return {
        "budget": found,
        "figures": statements.figures_of(session, [budget_id]),
        "statement": statements.statement(session, actor, budget_id),
    }


@pages.asks("POST", "/budgets")
@for_role(Role.COMMISSIONER)
@pages.reads(GivenAllocationSchema)
@pages.answers(201, GivenShape)
def allocate_new(draft: Draft) -> Response:
    """Register somebody, give them a budget and draft their care plan."""
    return take(lambda session: allocations.allocate(session, request_now(), current_actor(), draft), GivenShape(), 201)


@pages.asks("POST", "/budgets/many")
@for_role(Role.COMMISSIONER)
@pages.reads(AllocationsSchema)
@pages.answers(201, GivenListShape)
def allocate_many(body: dict[str, list[Draft]]) -> Response:
    """Register many people and give each a budget: all of them, or, if anything is wrong with one, none."""

    def step(session: Session) -> object:
        return {"budgets": allocations.allocate_all(session, request_now(), current_actor(), body["budgets"])}

    return take(step, GivenListShape(), 201)


@pages.asks("POST", "/people/<id:patient_id>/budgets")
@for_role(Role.COMMISSIONER)
@pages.reads(GivenBudgetSchema)
@pages.answers(201, GivenShape)
def allocate(draft: Draft, patient_id: str) -> Response:
    """Give a budget to somebody who is registered."""

    def step(session: Session) -> object:
        patient = one(session, patients_for(current_actor()), patient_id, "patient")
        given = Draft(draft.details, patient_id=patient.id)
        return allocations.allocate(session, request_now(), current_actor(), given)

    return take(step, GivenShape(), 201)


@pages.asks("POST", "/budgets/<id:budget_id>/approve")
@for_role(Role.COMMISSIONER)
@pages.answers(200, GivenShape)
def approve(budget_id: str) -> Response:
    """Approve a care plan: from then on its lines can be pooled."""
    return take(lambda session: steps.approve_plan(session, request_now(), current_actor(), budget_id), GivenShape())


@pages.asks("GET", "/audit")
@for_role(Role.COMMISSIONER)
@pages.reads(ActsQuery, "query")
@pages.answers(200, listed(ActShape))
def audit(asked: dict[str, Any]) -> dict[str, Any]:
    """Acts about what you oversee, the latest first; a long list is counted no further than it can be paged."""
    session, actor, now = db_session(), current_actor(), request_now()
    looked = trail.Asked(asked["act"], asked["about"], asked["who"], asked["period"])

    def fetch(first: int, size: int) -> list[Any]:
        order = AuditEvent.number.desc()
        rows = trail.acts(session, actor, now, looked, first=first, size=size, order=order)
        return [Beside(row, facts=[list(fact) for fact in row.facts + row.codes]) for row in rows]

    return page(asked, trail.act_count(session, actor, now, looked), fetch)


@pages.asks("GET", "/audit/head")
@for_role(Role.COMMISSIONER)
@pages.answers(200, AuditHeadShape)
def audit_head() -> dict[str, Any]:
    """The signed end of the audit trail, to be kept elsewhere."""
    return chain.signed_head(db_session(), request_now())
