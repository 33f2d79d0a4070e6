"""The program of a patient, or of somebody who acts for one within their authority: money, answers, care."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from marketplace.api.access import current_actor, for_role
from marketplace.api.blueprint import Resources
from marketplace.api.bodies import AgreeToReadSchema
from marketplace.api.database import db_session, writing
from marketplace.api.lists import PageQuery, listed, page
from marketplace.api.repeating import take
from marketplace.api.shapes.common import Beside, OutcomeShape
from marketplace.api.shapes.money import BudgetShape, FullBudgetShape
from marketplace.api.shapes.patient import (
    CareLineShape,
    FullPatientContractShape,
    InvitationShape,
    MatchShape,
    PatientContractShape,
    ViewShape,
    WaitingShape,
)
from marketplace.front.clock import request_now
from marketplace.journey import awards, contracts, deliveries, pools, statements, views
from marketplace.journey.scopes import contracts_for, needs_for, one
from marketplace.queries import budgets, care
from marketplace.queries import matches as found_matches
from marketplace.records.budgets import Budget
from marketplace.records.contracts import Contract
from marketplace.records.pools import DefaultAnswer, Need
from marketplace.rules.permissions import Role
from marketplace.rules.preferences import Preferences
from marketplace.rules.sharing import is_shared
from marketplace.schemas.answers import DeliveryAnswerSchema, MatchAnswerSchema
from marketplace.schemas.preferences import PreferencesSchema

pages = Resources("patient", "/patient", "For a patient, or for whoever acts for one.")


@pages.asks("GET", "/waiting")
@for_role(Role.PATIENT)
@pages.answers(200, listed(WaitingShape))
def waiting() -> dict[str, Any]:
    """What waits for an answer, the nearest deadline first."""
    return _all(care.waiting(db_session(), current_actor(), request_now()))


@pages.asks("GET", "/budgets")
@for_role(Role.PATIENT)
@pages.answers(200, listed(BudgetShape))
def list_budgets() -> dict[str, Any]:
    """The budgets, the newest first."""
    return _all([_budget(row) for row in budgets.own_budgets(db_session(), current_actor())])


@pages.asks("GET", "/budgets/<id:budget_id>")
@for_role(Role.PATIENT)
@pages.answers(200, FullBudgetShape)
def budget(budget_id: str) -> dict[str, Any]:
    """One budget with its care plan and every posting."""
    found = budgets.budget_page(db_session(), current_actor(), request_now(), budget_id)
    return {"budget": found.budget, "figures": found.figures, "statement": found.rows}


@pages.asks("GET", "/care")
@for_role(Role.PATIENT)
@pages.answers(200, listed(CareLineShape))
def care_plan() -> dict[str, Any]:
    """The parts of the care plan, and where each stands."""
    rows = care.care_lines(db_session(), current_actor())
    return _all(
        [
            Beside(
                row,
                invitation_id=row.need.id if row.need else None,
                match_id=row.match.id if row.match else None,
                contract_id=row.contract.id if row.contract else None,
            )
            for row in rows
        ]
    )


@pages.asks("GET", "/views")
@for_role(Role.PATIENT)
@pages.reads(PageQuery, "query")
@pages.answers(200, listed(ViewShape))
def list_views(asked: dict[str, Any]) -> dict[str, Any]:
    """Who has looked at the record, the latest first."""
    session, actor = db_session(), current_actor()
    total = views.view_count(session, actor)
    return page(asked, total, lambda first, size: views.views_of(session, actor, first, size))


@pages.asks("GET", "/invitations/<id:invitation_id>")
@for_role(Role.PATIENT)
@pages.answers(200, InvitationShape)
def invitation(invitation_id: str) -> object:
    """An invitation to a group: what is pooled, what it means, what counts for you."""
    return _invitation(one(db_session(), needs_for(current_actor()), invitation_id, "invitation"))


@pages.asks("POST", "/invitations/<id:invitation_id>/agree")
@for_role(Role.PATIENT)
@pages.reads(AgreeToReadSchema(partial=("shares_pool",)))
@pages.answers(200, OutcomeShape)
def agree(body: dict[str, Any], invitation_id: str) -> Response:
    """Agree to the group as you read it, and say what silence shall mean at the match.

    A group that shares needs shares_pool too. Terms or rules that have changed since you read them are a 409: read the
    invitation again.
    """

    def step(session: Session) -> object:
        one(session, needs_for(current_actor()), invitation_id, "invitation")
        shares = body.get("shares_pool") == "yes"
        return pools.agree(
            session,
            request_now(),
            current_actor(),
            invitation_id,
            body["default_answer"],
            shares_pool=shares,
            terms_sha256=body["terms_sha256"],
            policy_sha256=body["policy_sha256"],
        )

    return take(step, OutcomeShape())


@pages.asks("POST", "/invitations/<id:invitation_id>/decline")
@for_role(Role.PATIENT)
@pages.answers(200, OutcomeShape)
def decline(invitation_id: str) -> Response:
    """Say not now. Nothing is held and nothing lost."""
    return take(
        lambda session: pools.decline_invitation(session, request_now(), current_actor(), invitation_id),
        OutcomeShape(),
    )


@pages.asks("POST", "/invitations/<id:invitation_id>/leave")
@for_role(Role.PATIENT)
@pages.answers(200, OutcomeShape)
def leave(invitation_id: str) -> Response:
    """Leave the group, free of charge, until the offers are in."""
    return take(lambda session: pools.leave(session, request_now(), current_actor(), invitation_id), OutcomeShape())


@pages.asks("PUT", "/invitations/<id:invitation_id>/preferences")
@for_role(Role.PATIENT)
@pages.reads(PreferencesSchema)
@pages.answers(200, InvitationShape)
def set_preferences(wanted: Preferences, invitation_id: str) -> object:
    """Say what counts for you in this group, until the offers are in."""
    with writing(db_session()) as session:
        pools.set_preferences(session, request_now(), current_actor(), invitation_id, wanted)
    return _invitation(one(db_session(), needs_for(current_actor()), invitation_id, "invitation"))


@pages.asks("GET", "/matches/<id:match_id>")
@for_role(Role.PATIENT)
@pages.answers(200, MatchShape)
def match(match_id: str) -> object:
    """A match: provider, place, charge, what else it would have cost, and why."""
    return found_matches.match_page(db_session(), current_actor(), request_now(), match_id)


@pages.asks("POST", "/matches/<id:match_id>/answer")
@for_role(Role.PATIENT)
@pages.reads(MatchAnswerSchema)
@pages.answers(200, OutcomeShape)
def answer_match(body: dict[str, Any], match_id: str) -> Response:
    """Say yes to a match, or no with a reason."""

    def step(session: Session) -> object:
        now, actor = request_now(), current_actor()
        if body["answer"] is DefaultAnswer.ACCEPT:
            return awards.accept_match(session, now, actor, match_id)
        look_again = body["look_again"] == "yes"
        return awards.decline_match(session, now, actor, match_id, body["reason"], look_again=look_again)

    return take(step, OutcomeShape())


@pages.asks("GET", "/contracts")
@for_role(Role.PATIENT)
@pages.answers(200, listed(PatientContractShape))
def list_contracts() -> dict[str, Any]:
    """The contracts, the newest first."""
    query = contracts_for(current_actor()).order_by(Contract.offered_at.desc(), Contract.id)
    return _all(db_session().scalars(query).all())


@pages.asks("GET", "/contracts/<id:contract_id>")
@for_role(Role.PATIENT)
@pages.answers(200, FullPatientContractShape)
def contract(contract_id: str) -> object:
    """One contract, with what was delivered."""
    return one(db_session(), contracts_for(current_actor()), contract_id, "contract")


@pages.asks("POST", "/contracts/<id:contract_id>/sign")
@for_role(Role.PATIENT)
@pages.answers(200, OutcomeShape)
def sign(contract_id: str) -> Response:
    """Sign a contract."""
    return take(
        lambda session: contracts.sign_contract(session, request_now(), current_actor(), contract_id), OutcomeShape()
    )


@pages.asks("POST", "/deliveries/<id:delivery_id>/answer")
@for_role(Role.PATIENT)
@pages.reads(DeliveryAnswerSchema)
@pages.answers(200, OutcomeShape)
def answer_delivery(body: dict[str, Any], delivery_id: str) -> Response:
    """Confirm that something was delivered, or say what is wrong."""

    def step(session: Session) -> object:
        now, actor = request_now(), current_actor()
        if body["answer"] is DefaultAnswer.ACCEPT:
            return deliveries.confirm_delivery(session, now, actor, delivery_id)
        return deliveries.dispute_delivery(session, now, actor, delivery_id, body["reason"])

    return take(step, OutcomeShape())


def _all(rows: Any) -> dict[str, Any]:
    """A short list in one piece, in the form of every list."""
    return {"rows": rows, "total": len(rows), "next": None}


def _budget(row: Budget) -> dict[str, Any]:
    return {"budget": row, "figures": statements.figures_of(db_session(), [row.id])}


def _invitation(need: Need) -> Any:
    return Beside(
        need,
        shares_pool=is_shared(need.bundle.tender.policy),
        preferences=Preferences.from_document(need.preferences),
    )
