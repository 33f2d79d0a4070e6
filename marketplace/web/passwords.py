"""One's own account: a password chosen with a code, a code asked for, another password, signing out elsewhere."""

from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, session, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from marketplace.journey import accounts, passwords
from marketplace.records.people import User
from marketplace.rules.errors import DomainError
from marketplace.schemas.accounts import ChangePasswordSchema, ChoosePasswordSchema, ForgottenSchema

from .access import own_actor, public, signed_in
from .asking import Answer, ask
from .clock import request_now
from .database import db_session, writing
from .forms import WebForm, sent

pages = Blueprint("passwords", __name__)


@pages.route("/first-password", methods=["GET", "POST"])
@public
def choose() -> Answer:
    """Choose the password of one's account with a one-time code, the first one or another."""
    form = WebForm(ChoosePasswordSchema(), sent())
    if sent() is None:
        return render_template("account/choose_password.html", form=form)
    if form.validate():
        try:
            email, code = form.data["email"], form.data["code"]
            new_hash = passwords.choosable(db_session(), request_now(), email, code, form.data["password"])
            with writing(db_session()) as transaction:
                passwords.choose_password(transaction, request_now(), email, code, new_hash)
        except DomainError as error:
            form.refuse(str(error.facts.get("place", "code")), error.message)
        else:
            session.clear()
            flash("Your password is set. Sign in with it now.", "done")
            return redirect(url_for("account.sign_in"))
    return render_template("account/choose_password.html", form=form), 422


@pages.route("/forgotten-password", methods=["GET", "POST"])
@public
def forgotten() -> Answer:
    """Ask for a code by e-mail. The answer is the same whether there is such an account or not."""
    form = WebForm(ForgottenSchema(), sent())
    sends = bool(current_app.config["MAIL_HOST"])
    if sent() is None or not sends:
        return render_template("account/forgotten.html", form=form, sends=sends)
    if not form.validate():
        return render_template("account/forgotten.html", form=form, sends=sends), 422
    with writing(db_session()) as transaction:
        passwords.ask_for_code(transaction, request_now(), form.data["email"])
    return render_template("account/code_sent.html", email=form.data["email"])


@pages.route("/account", methods=["GET", "POST"])
@signed_in
def account() -> Answer:
    """Under which name and address I sign in; another password; the other browsers in which I am signed in."""
    me = db_session().get_one(User, own_actor().user_id)

    def prepare(data: dict[str, Any]) -> passwords.Change:
        return passwords.changeable(db_session(), own_actor(), data["old_password"], data["password"])

    def step(transaction: Session, change: passwords.Change) -> None:
        passwords.change_password(transaction, request_now(), own_actor(), session["sign_in"], change)

    return ask(
        "account/account.html",
        WebForm(ChangePasswordSchema(), sent()),
        step,
        prepare=prepare,
        back=url_for("passwords.account"),
        done="Your password is changed. Everywhere else you are signed out, and no program is connected any more.",
        me=me,
        second_step=me.second_factor is not None,
        others=accounts.others_signed_in(db_session(), request_now(), own_actor(), session["sign_in"]),
    )


@pages.post("/account/sign-out-elsewhere")
@signed_in
def sign_out_elsewhere() -> Response:
    """Sign out every other browser."""
    with writing(db_session()) as transaction:
        passwords.sign_out_others(transaction, request_now(), own_actor(), session["sign_in"])
    flash("You are signed out everywhere else.", "done")
    return redirect(url_for("passwords.account"))
