"""Signing in and out, and the way from there to one's own home page."""

from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from marketplace.journey import accounts
from marketplace.rules.errors import DomainError
from marketplace.schemas.accounts import SignInSchema

from .access import HALF_WAY, current_actor, find_actor, public, signed_in
from .clock import request_now
from .database import db_session, writing
from .demo_doors import doors
from .forms import WebForm, sent
from .navigation import home_endpoint
from .settings import must_have

pages = Blueprint("account", __name__)


@pages.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> str | Response | tuple[str, int]:
    """Ask who somebody is. A wrong address and a wrong password are answered alike."""
    form = WebForm(SignInSchema(), sent())
    came_for = request.values.get("next", "")
    if request.method == "GET":
        if find_actor() is not None:
            return redirect(url_for("account.home"))
        return _sign_in_page(form, came_for)
    if not form.validate():
        return _sign_in_page(form, came_for), 422
    try:
        tried = accounts.try_password(db_session(), form.data["email"], form.data["password"])
        with writing(db_session()) as transaction:
            signed_in = accounts.sign_in(transaction, request_now(), tried, must_have())
    except DomainError as error:
        form.refuse("email", error.message)
        return _sign_in_page(form, came_for), 422
    if signed_in.waits_for is None:
        return enter(signed_in.token, came_for)
    session.clear()
    session[HALF_WAY] = signed_in.token
    page = "second_steps.give_code" if signed_in.waits_for is accounts.WaitsFor.CODE else "second_steps.set_up_first"
    return redirect(url_for(page, next=came_for if is_ours(came_for) else None))


def enter(token: str, came_for: str) -> Response:
    """From now on this browser has the cookie of this sign-in; it goes on to the page that it came for."""
    keep(token)
    return redirect(way_on(came_for))


def keep(token: str) -> None:
    """From now on this browser has the cookie of this sign-in."""
    session.clear()  # nothing from before the sign-in lives on: neither an old token nor anything planted there
    session["sign_in"] = token


def way_on(came_for: str) -> str:
    """The page that somebody came for, or their own home page."""
    return came_for if is_ours(came_for) else url_for("account.home")


@pages.post("/sign-out")
@public
def sign_out() -> Response:
    """End this browser's sign-in on the server: its cookie opens nothing from now on."""
    tokens = [token for name in ("sign_in", HALF_WAY) if (token := session.get(name))]
    if tokens:
        with writing(db_session()) as transaction:
            for token in tokens:
                accounts.sign_out(transaction, request_now(), token)
    session.clear()
    flash("You have signed out.", "done")
    return redirect(url_for("public.start"))


@pages.get("/home")
@signed_in
def home() -> Response:
    """One's own home page."""
    return redirect(url_for(home_endpoint(current_actor().role)))


def _sign_in_page(form: WebForm, came_for: str) -> str:
    return render_template("account/sign_in.html", form=form, came_for=came_for, doors=doors())


def is_ours(address: str) -> bool:
    """Whether an address to go on to is a page of this site, so that a link cannot send people elsewhere."""
    parts = urlsplit(address)
    return address.startswith("/") and not address.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
