"""The second step at sign-in: the code asked for after the password, and an account's own pages about it.

Recovery codes are the answer to the form that made them, and are shown by no other page.
"""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from marshmallow import Schema
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from marketplace.adapters.qr_codes import qr_code
from marketplace.journey import factors, second_steps
from marketplace.journey.accounts import Tried, WaitsFor
from marketplace.journey.second_steps import ToScan
from marketplace.rules.clock import Instant
from marketplace.rules.errors import Invalid, NotAllowed, WrongState
from marketplace.schemas.accounts import CodeSchema, FullProofSchema, ProofSchema, RecoveryCodeSchema

from .access import HALF_WAY, half_signed_in, half_way_in, own_actor, signed_in
from .account import enter, keep, way_on
from .clock import request_now
from .database import db_session, writing
from .forms import WebForm, sent
from .settings import must_have

Answer = str | Response | tuple[str, int]

GUESSED_AT = (
    "give_code",
    "give_recovery_code",
    "set_up_first",
    "begin",
    "confirm",
    "renew_recovery_codes",
    "switch_off",
)
"""The pages on which somebody may try codes."""
FEW_CODES = 3

pages = Blueprint("second_steps", __name__)


@pages.route("/sign-in/code", methods=["GET", "POST"])
@half_signed_in
def give_code() -> Answer:
    """After the password: a code of the app."""
    return _come_in("account/sign_in_code.html", CodeSchema(), second_steps.give_code)


@pages.route("/sign-in/recovery-code", methods=["GET", "POST"])
@half_signed_in
def give_recovery_code() -> Answer:
    """After the password, with the phone lost: a recovery code."""
    return _come_in("account/sign_in_recovery.html", RecoveryCodeSchema(), second_steps.give_recovery_code)


@pages.route("/sign-in/set-up", methods=["GET", "POST"])
@half_signed_in
def set_up_first() -> Answer:
    """After the password, where the role must have a second step: set it up before anything else."""
    form, token, came_for = WebForm(CodeSchema(), sent()), session[HALF_WAY], request.values.get("next", "")
    if half_way_in().waits_for is WaitsFor.CODE:  # it was set up in another browser meanwhile
        return redirect(url_for("second_steps.give_code", next=came_for or None))
    scanned = second_steps.to_scan(db_session(), half_way_in().user_id, token)
    if scanned is None:
        flash("You began this in another browser too. Go on there, or sign in here again.", "error")
        return redirect(url_for("account.sign_in"))
    if sent() is not None and form.validate():
        try:
            with writing(db_session()) as transaction:
                signed_in_token, codes = second_steps.set_up_first(transaction, request_now(), token, form.data["code"])
        except Invalid as error:
            form.refuse("code", error.message)
        except (NotAllowed, WrongState):
            return _look_again(came_for)
        else:
            keep(signed_in_token)
            return _codes_page(codes, way_on(came_for))
    return _scan_page(form, scanned, first=True)


@pages.get("/account/second-step")
@signed_in
def overview() -> str:
    """Whether it is on, and what can be done about it."""
    me = own_actor()
    return render_template(
        "account/second_step.html",
        factor=factors.standing(db_session(), me.user_id),
        codes_left=factors.recovery_codes_left(db_session(), me.user_id),
        few=FEW_CODES,
        needed=me.role in must_have(),
    )


@pages.route("/account/second-step/begin", methods=["GET", "POST"])
@signed_in
def begin() -> Answer:
    """Begin to set it up, or to use another phone: it takes the password and, where it is on, a code."""

    def step(transaction: Session, tried: Tried, code: str) -> Response:
        second_steps.begin(transaction, request_now(), own_actor(), session["sign_in"], tried, code)
        return redirect(url_for("second_steps.confirm"))

    return _prove("account/second_step_begin.html", step)


@pages.route("/account/second-step/app", methods=["GET", "POST"])
@signed_in
def confirm() -> Answer:
    """The picture for the app; the first code from it switches the second step on."""
    form, token = WebForm(CodeSchema(), sent()), session["sign_in"]
    scanned = second_steps.to_scan(db_session(), own_actor().user_id, token)
    if scanned is None:
        return redirect(url_for("second_steps.overview"))
    if sent() is not None and form.validate():
        try:
            with writing(db_session()) as transaction:
                codes = second_steps.confirm(transaction, request_now(), own_actor(), token, form.data["code"])
        except Invalid as error:
            form.refuse("code", error.message)
        except WrongState:
            flash("You went on with this in another window. Here is how it stands now.", "error")
            return redirect(url_for("second_steps.overview"))
        else:
            return _codes_page(codes, url_for("second_steps.overview"))
    return _scan_page(form, scanned, first=False)


@pages.route("/account/second-step/recovery-codes", methods=["GET", "POST"])
@signed_in
def renew_recovery_codes() -> Answer:
    """Ten other recovery codes, shown once."""

    def step(transaction: Session, tried: Tried, code: str) -> list[str]:
        return second_steps.renew_recovery_codes(transaction, request_now(), own_actor(), tried, code)

    return _prove("account/second_step_codes.html", step)


@pages.route("/account/second-step/off", methods=["GET", "POST"])
@signed_in
def switch_off() -> Answer:
    """Switch it off, where the role may."""

    def step(transaction: Session, tried: Tried, code: str) -> Response:
        second_steps.switch_off(transaction, request_now(), own_actor(), tried, code, must_have())
        flash("The second step is off.", "done")
        return redirect(url_for("second_steps.overview"))

    return _prove("account/second_step_off.html", step)


def _come_in(template: str, schema: Schema, step: Callable[[Session, Instant, str, str], str]) -> Answer:
    """One page on the way in: the form for a code, and the sign-in that a good one leads to."""
    form, came_for = WebForm(schema, sent()), request.values.get("next", "")
    if half_way_in().waits_for is WaitsFor.SET_UP:
        return redirect(url_for("second_steps.set_up_first", next=came_for or None))
    if sent() is not None and form.validate():
        try:
            with writing(db_session()) as transaction:
                token = step(transaction, request_now(), session[HALF_WAY], form.data["code"])
        except Invalid as error:
            form.refuse("code", error.message)
        except NotAllowed:
            return _look_again(came_for)
        else:
            return enter(token, came_for)
    page = render_template(template, form=form, came_for=came_for)
    return (page, 422) if form.errors else page


def _look_again(came_for: str) -> Response:
    """Another window was quicker: the same page, asked for anew, knows what comes next.

    The cookie is left as it is: written here, it could take the place of the one that the other window was given.
    """
    return redirect(url_for(request.endpoint or "account.sign_in", next=came_for or None))


def _prove(template: str, step: Callable[[Session, Tried, str], Response | list[str]]) -> Answer:
    """One page that asks who is signed in to prove it once more; the step answers with a way on, or with codes."""
    is_on = factors.standing(db_session(), own_actor().user_id) is not None
    if not is_on and template != "account/second_step_begin.html":
        return redirect(url_for("second_steps.overview"))
    form = WebForm(FullProofSchema() if is_on else ProofSchema(), sent())
    if sent() is not None and form.validate():
        try:
            tried = second_steps.tried_by(db_session(), own_actor(), form.data["password"])
            with writing(db_session()) as transaction:
                done = step(transaction, tried, form.data.get("code", ""))
        except Invalid as error:
            form.refuse(error.place if error.place in form.schema.fields else "password", error.message)
        else:
            return _codes_page(done, url_for("second_steps.overview")) if isinstance(done, list) else done
    page = render_template(template, form=form, is_on=is_on, back=url_for("second_steps.overview"))
    return (page, 422) if form.errors else page


def _scan_page(form: WebForm, scanned: ToScan, *, first: bool) -> Answer:
    page = render_template(
        "account/second_step_app.html",
        form=form,
        first=first,
        address=scanned.address,
        key=scanned.key,
        qr=qr_code(scanned.address),
        came_for=request.values.get("next", ""),
    )
    return (page, 422) if form.errors else page


def _codes_page(codes: list[str], onward: str) -> str:
    return render_template("account/recovery_codes.html", codes=codes, onward=onward)
