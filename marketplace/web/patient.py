"""A patient's pages: home, budget, care, the invitation to a pool, the match, the contract, each delivery."""

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from marketplace.front.statuses import status_of
from marketplace.journey import awards, contracts, deliveries, pools, proofs, settlements, statements, views
from marketplace.journey.hand_overs import standing_of
from marketplace.journey.scopes import contracts_for, deliveries_for, needs_for, one, patients_for
from marketplace.journey.sites import facts_said
from marketplace.queries import budgets, care, joining, matches
from marketplace.queries.contracts import ending
from marketplace.queries.support import support_of
from marketplace.records.contracts import DeliveryStatus
from marketplace.records.pools import DefaultAnswer
from marketplace.rules.budgets import ManagedAs
from marketplace.rules.clock import london_date
from marketplace.rules.errors import Conflict, Invalid, WrongState
from marketplace.rules.lifecycle import RESULT_PUBLISHED, ContractStatus
from marketplace.rules.permissions import Role
from marketplace.rules.privacy import K
from marketplace.rules.sharing import example_of, is_shared
from marketplace.schemas.answers import AgreeSchema, AgreeToShareSchema, DeliveryAnswerSchema, MatchAnswerSchema
from marketplace.schemas.preferences import PreferencesSchema

from .access import current_actor, for_role
from .clock import request_now
from .database import db_session, writing
from .easy_read import patient_page
from .forms import WebForm, sent
from .listing import page_from
from .navigation import to_reader
from .preferences import IMPORTANCE, shown

READ = ("terms_sha256", "policy_sha256")
"""What a yes to a group names: the hashes of the terms and the rules that the page has shown."""

pages = Blueprint("patient", __name__, url_prefix="/patient")
Answer = str | Response | tuple[str, int]

SILENCE = (("accept", "Say yes for me"), ("decline", "Say no for me"))
MATCH_ANSWERS = (("accept", "Yes, I want this provider"), ("decline", "No, I turn it down"))
DELIVERY_ANSWERS = (("accept", "Yes, it took place"), ("decline", "No, something is wrong"))
"""What a yes and a no are called, question by question."""


@pages.get("/")
@for_role(Role.PATIENT)
def home() -> str:
    """What waits for me, my money, where my care stands."""
    session, actor, now = db_session(), current_actor(), request_now()
    own = budgets.own_budgets(session, actor)
    running = [budget for budget in own if not budget.is_over(london_date(now))]
    keeps_money = any(budget.managed_as is ManagedAs.DIRECT_PAYMENT for budget in own)
    return patient_page(
        "home.html",
        waiting=care.waiting(session, actor, now),
        due=settlements.payments_due(session, actor) if keeps_money and settlements.can_pay(actor) else [],
        figures=statements.figures_of(session, [budget.id for budget in running]),
        running=running,
        budgets=own,
        lines=care.care_lines(session, actor),
        support=support_of(session, now, one(session, patients_for(actor), actor.party_id, "patient")),
    )


@pages.get("/budget")
@for_role(Role.PATIENT)
def budget() -> str:
    """Each budget with its bar and every posting in words."""
    session, actor = db_session(), current_actor()
    shown = budgets.budget_pages(session, actor, request_now())
    told = statements.meanings({row.kind for page in shown for row in page.rows})
    return patient_page("budget.html", budgets=shown, meanings=told, standing=standing_of(session, actor.party_id))


@pages.get("/care")
@for_role(Role.PATIENT)
def care_plan() -> str:
    """The lines of my care plan and where each stands."""
    session, actor = db_session(), current_actor()
    own = budgets.own_budgets(session, actor)
    return patient_page("care.html", lines=care.care_lines(session, actor), budgets=own)


@pages.get("/seen")
@for_role(Role.PATIENT)
def seen() -> str:
    """Who has looked at my record."""
    session, actor = db_session(), current_actor()
    total = views.view_count(session, actor)
    return patient_page(
        "seen.html", page=page_from(total, lambda first, size: views.views_of(session, actor, first, size))
    )


@pages.route("/invitations/<need_id>", methods=["GET", "POST"])
@for_role(Role.PATIENT)
def invitation(need_id: str) -> Answer:
    """What is pooled, what it means for me, and my answer: yes, not now, or (having agreed) leave."""
    session, actor = db_session(), current_actor()
    need = one(session, needs_for(actor), need_id, "invitation")
    shared = is_shared(need.bundle.tender.policy)
    schema = AgreeToShareSchema() if shared else AgreeSchema()
    silence = [(value, to_reader(words)) for value, words in SILENCE]
    form, status = WebForm(schema, sent(), choices={"default_answer": silence}, beside=READ), 422
    if sent() is not None and form.validate():
        shares = form.data.get("shares_pool") == "yes"
        try:
            with writing(session):
                pools.agree(
                    session,
                    request_now(),
                    actor,
                    need_id,
                    form.data["default_answer"],
                    shares_pool=shares,
                    **{name: request.form.get(name, "") for name in READ},
                )
        except (Conflict, Invalid, WrongState) as error:  # said on the page itself, which shows how the group stands
            form.refuse_for(error)
            status = status_of(error)
        else:
            flash("You joined the group. We will tell you when there is a match.", "done")
            return redirect(url_for("patient.home"))
    need = one(session, needs_for(actor), need_id, "invitation")
    no_match = matches.no_match(session, need)
    html = patient_page(
        "invitation.html",
        need=need,
        group=joining.group_of(session, need, request_now()),
        least=K,
        form=form,
        no_match=no_match,
        can_check=no_match is not None and need.bundle.tender.status in RESULT_PUBLISHED,
        example=example_of(need.budget_pence) if shared else None,
    )
    return (html, status) if form.errors else html


@pages.route("/invitations/<need_id>/preferences", methods=["GET", "POST"])
@for_role(Role.PATIENT)
def preferences(need_id: str) -> Answer:
    """What counts for me in this pool; it can be changed until the offers are in."""
    session, actor = db_session(), current_actor()
    need = one(session, needs_for(actor), need_id, "invitation")
    form = WebForm(
        PreferencesSchema(),
        sent(),
        initial=shown(need),
        choices=dict.fromkeys(("quality", "distance", "wait", "continuity"), IMPORTANCE),
    )
    if sent() is not None and form.validate():
        try:
            with writing(session):
                pools.set_preferences(session, request_now(), actor, need_id, form.data)
        except Invalid as error:
            form.refuse_for(error)
        else:
            flash("We noted what counts for you.", "done")
            return redirect(url_for("patient.invitation", need_id=need_id))
    html = patient_page("preferences.html", need=need, form=form)
    return (html, 422) if form.errors else html


@pages.post("/invitations/<need_id>/not-now")
@for_role(Role.PATIENT)
def not_now(need_id: str) -> Response:
    """Decline an invitation: nothing is held and nothing lost."""
    session = db_session()
    with writing(session):
        pools.decline_invitation(session, request_now(), current_actor(), need_id)
    flash("You said not now. Your money stays free to use.", "done")
    return redirect(url_for("patient.home"))


@pages.post("/invitations/<need_id>/leave")
@for_role(Role.PATIENT)
def leave(need_id: str) -> Response:
    """Leave a pool, free of charge."""
    session = db_session()
    with writing(session):
        pools.leave(session, request_now(), current_actor(), need_id)
    flash("You left the group. Your money is free to use again.", "done")
    return redirect(url_for("patient.home"))


@pages.route("/matches/<match_id>", methods=["GET", "POST"])
@for_role(Role.PATIENT)
def match(match_id: str) -> Answer:
    """My match: provider, charge, the reasons, and my answer."""
    session, actor, now = db_session(), current_actor(), request_now()
    page = matches.match_page(session, actor, now, match_id)
    form = WebForm(MatchAnswerSchema(), sent(), initial={"look_again": "yes"}, choices={"answer": MATCH_ANSWERS})
    if request.method == "GET":
        return patient_page("match.html", page=page, form=form)
    if not form.validate():
        return patient_page("match.html", page=page, form=form), 422
    accepts, look_again = form.data["answer"] is DefaultAnswer.ACCEPT, form.data["look_again"] == "yes"
    try:
        with writing(session):
            if accepts:
                awards.accept_match(session, now, actor, match_id)
            else:
                awards.decline_match(session, now, actor, match_id, form.data["reason"], look_again=look_again)
    except WrongState as error:  # said on the page of the match itself, which shows how it stands
        form.refuse_for(error)
        return patient_page("match.html", page=matches.match_page(session, actor, now, match_id), form=form), 409
    flash(f"We noted your answer.{' We will tell you when the result is final.' if accepts else ''}", "done")
    return redirect(url_for("patient.match", match_id=match_id))


@pages.get("/contracts/<contract_id>")
@for_role(Role.PATIENT)
def contract(contract_id: str) -> str:
    """My contract: what was agreed, what has been done, what is left."""
    found = one(db_session(), contracts_for(current_actor()), contract_id, "contract")
    round_id = proofs.published_round_id(db_session(), found.need.bundle.tender)
    return patient_page(
        "contract.html",
        contract=found,
        can_check=round_id == found.match.award.round_id,
        can_sign=care.can_be_signed(found, request_now()),
        too_late=found.status is ContractStatus.OFFERED and request_now() >= found.sign_by,
        waits=contracts.waits_for_pool(found),
        lapsed=contracts.has_lapsed(found),
        money=joining.money_now(found.need, request_now()),
        ending=ending(found, current_actor()),
        site=facts_said(found.match.award.offer),
        confirm_days=deliveries.CONFIRM_WITHIN_DAYS,
        rating=care.rating_of(db_session(), found),
    )


@pages.post("/contracts/<contract_id>/sign")
@for_role(Role.PATIENT)
def sign(contract_id: str) -> Response:
    """Sign my contract."""
    session = db_session()
    with writing(session):
        contracts.sign_contract(session, request_now(), current_actor(), contract_id)
    flash("You signed the contract.", "done")
    return redirect(url_for("patient.contract", contract_id=contract_id))


@pages.route("/deliveries/<delivery_id>", methods=["GET", "POST"])
@for_role(Role.PATIENT)
def delivery(delivery_id: str) -> Answer:
    """Did this take place? Confirm it, or say what is wrong."""
    session, actor = db_session(), current_actor()
    found = one(session, deliveries_for(actor), delivery_id, "delivery")
    form = WebForm(DeliveryAnswerSchema(), sent(), choices={"answer": DELIVERY_ANSWERS})
    waits = found.status is DeliveryStatus.RECORDED
    shown = {"delivery": found, "form": form, "cost_pence": deliveries.cost_pence(session, found) if waits else None}
    if request.method == "GET":
        return patient_page("delivery.html", **shown)
    if not form.validate():
        return patient_page("delivery.html", **shown), 422
    contract_id, managed_as = found.contract_id, found.contract.budget.managed_as
    try:
        with writing(session):
            if form.data["answer"] is DefaultAnswer.ACCEPT:
                deliveries.confirm_delivery(session, request_now(), actor, delivery_id)
                own_money = managed_as is ManagedAs.DIRECT_PAYMENT
                then = "Now you can pay your provider for it" if own_money else "Your provider will now be paid for it"
            else:
                deliveries.dispute_delivery(session, request_now(), actor, delivery_id, form.data["reason"])
                then = "Nothing will be paid for it until this is settled"
    except WrongState as error:  # said on the page of the visit itself, which shows what was answered
        form.refuse_for(error)
        answered = one(session, deliveries_for(actor), delivery_id, "delivery")
        return patient_page("delivery.html", delivery=answered, form=form, cost_pence=None), 409
    flash(f"Thank you. {then}.", "done")
    return redirect(url_for("patient.contract", contract_id=contract_id))
