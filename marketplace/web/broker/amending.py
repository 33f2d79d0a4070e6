"""While a tender is a draft or open: explain it, put its deadline off, change its policy, answer questions about it."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from flask import redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from marketplace.journey import amendments, tenders
from marketplace.journey.scopes import one, questions_for, tenders_for
from marketplace.queries import studies
from marketplace.queries.proceedings import policy_of
from marketplace.queries.words import typed_pounds
from marketplace.records.tenders import Tender
from marketplace.rules.clock import london_midnight_after
from marketplace.rules.errors import Invalid, WrongState
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Role
from marketplace.rules.tendering import Policy
from marketplace.schemas.proceedings import AnswerSchema, ChangeSchema, ClarifySchema, ExtendSchema, PolicySchema
from marketplace.web.access import current_actor, for_role
from marketplace.web.asking import Answer, ask
from marketplace.web.clock import request_now
from marketplace.web.database import db_session, writing
from marketplace.web.forms import WHOLE_FORM, WebForm, sent
from marketplace.web.tender_words import weights_told_as
from marketplace.work.client import enqueue_preview

from .blueprint import pages

NEW_DEADLINE = {"offers_due_at": "offers_due_on"}


@pages.route("/tenders/<tender_id>/clarify", methods=["GET", "POST"])
@for_role(Role.BROKER)
def clarify(tender_id: str) -> Answer:
    """Explain something about an open tender to everybody."""

    def step(session: Session, data: dict[str, Any]) -> None:
        amendments.clarify(session, request_now(), current_actor(), tender_id, data["text"])

    return ask(
        "broker/clarify.html",
        WebForm(ClarifySchema(), sent()),
        step,
        back=_at(tender_id),
        done="Your explanation is published, and everybody concerned has been told.",
        tender=_in_state(tender_id, TenderStatus.OPEN),
    )


@pages.route("/tenders/<tender_id>/extend", methods=["GET", "POST"])
@for_role(Role.BROKER)
def extend(tender_id: str) -> Answer:
    """Give providers more time."""

    def step(session: Session, data: dict[str, Any]) -> None:
        due_at = london_midnight_after(data["offers_due_on"])
        amendments.extend(session, request_now(), current_actor(), tender_id, due_at, data["text"])

    return ask(
        "broker/extend.html",
        WebForm(ExtendSchema(), sent()),
        step,
        back=_at(tender_id),
        done="The deadline is later now, and everybody concerned has been told.",
        places=NEW_DEADLINE,
        tender=_in_state(tender_id, TenderStatus.OPEN),
    )


@pages.route("/tenders/<tender_id>/policy", methods=["GET", "POST"])
@for_role(Role.BROKER)
def change_policy(tender_id: str) -> Answer:
    """Change the rules of a draft, or of an open tender: then every offer and every agreement is void."""
    found = _in_state(tender_id, TenderStatus.DRAFT, TenderStatus.OPEN)
    draft = found.status is TenderStatus.DRAFT
    form, policy_from = _policy_form(found)

    def step(session: Session, data: dict[str, Any]) -> None:
        now, actor, policy = request_now(), current_actor(), policy_from(data)
        if draft:
            tenders.amend_policy(session, now, actor, tender_id, policy)
        else:
            due_at = london_midnight_after(data["offers_due_on"])
            amendments.change(session, now, actor, tender_id, policy=policy, offers_due_at=due_at, text=data["text"])

    return ask(
        "broker/policy.html",
        form,
        step,
        back=_at(tender_id),
        done=(
            "The rules are changed. Whoever had agreed to the old ones is asked again."
            if draft
            else "The rules are changed. All offers and agreements are void, and everybody is asked again."
        ),
        places=NEW_DEADLINE,
        tender=found,
        draft=draft,
    )


@pages.post("/tenders/<tender_id>/policy/try")
@for_role(Role.BROKER)
def try_policy(tender_id: str) -> Answer:
    """Try the rules as typed, before they are saved, on the last similar tender: a worker does it."""
    found = _in_state(tender_id, TenderStatus.DRAFT)
    form, policy_from = _policy_form(found)
    if form.validate():
        try:
            with writing(db_session()) as session:
                policy = policy_from(form.data)
                study_id = enqueue_preview(session, request_now(), current_actor(), tender_id, policy).id
        except Invalid as error:
            form.refuse_for(error)
        except WrongState as error:
            form.refuse(WHOLE_FORM, error.message)
        else:
            return redirect(url_for("broker.study", study_id=study_id))
    found = _in_state(tender_id, TenderStatus.DRAFT)
    return render_template("broker/policy.html", form=form, back=_at(tender_id), tender=found, draft=True), 422


def _policy_form(found: Tender) -> tuple[WebForm, Callable[[dict[str, Any]], Policy]]:
    """The form of a tender's rules as they stand, or as they were tried last; and how a policy is made of its data."""
    before = policy_of(found)
    values = asdict(before)
    if sent() is None and found.status is TenderStatus.DRAFT:
        values |= studies.tried_rules(db_session(), current_actor(), request.args.get("tried", ""))
    stands = {name: typed_pounds(value) if name.startswith("pence_") else value for name, value in values.items()}
    schema = PolicySchema() if found.status is TenderStatus.DRAFT else ChangeSchema()
    initial = {name: stands[name] for name in schema.fields if name in stands}
    form = WebForm(schema, sent(), initial=initial, told_as=weights_told_as(schema, found))
    return form, lambda data: replace(before, **{name: data[name] for name in initial})


@pages.route("/questions/<question_id>", methods=["GET", "POST"])
@for_role(Role.BROKER)
def answer(question_id: str) -> Answer:
    """Answer a provider's question, for everybody to read."""
    question = one(db_session(), questions_for(current_actor()), question_id, "question")
    tender = _in_state(question.tender_id, TenderStatus.OPEN)
    if question.answered_at is not None:
        raise WrongState("answered", "This question has been answered.")

    def step(session: Session, data: dict[str, Any]) -> None:
        amendments.answer(session, request_now(), current_actor(), question_id, data["text"])

    return ask(
        "broker/answer.html",
        WebForm(AnswerSchema(), sent()),
        step,
        back=_at(tender.id),
        done="Your answer is published, and everybody concerned has been told.",
        tender=tender,
        question=question,
    )


def _at(tender_id: str) -> str:
    return url_for("broker.tender", tender_id=tender_id)


def _in_state(tender_id: str, *states: TenderStatus) -> Tender:
    """The broker's own tender, as long as it is in one of these states: a form that could not be sent is not shown."""
    found = one(db_session(), tenders_for(current_actor()), tender_id, "tender")
    if found.status not in states:
        raise WrongState("too_late", "This can be done before the offers are opened only.")
    return found
