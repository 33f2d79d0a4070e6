"""Who may come to a page. Every view says so with one of these; a view that does not say is shut.

`public`, `signed_in`, `for_role` mark a view; `check_access` runs before every request and enforces the mark;
`current_actor` is who is signed in; `seen` notes that they look at a patient's record.
Whether a thing on the page is theirs is asked by the query or step that loads it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import abort, current_app, flash, g, redirect, request, session, url_for
from werkzeug.wrappers import Response

from marketplace.journey import accounts
from marketplace.rules.permissions import Actor, Role

from .clock import request_now
from .database import db_session, note_seen, writing

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Access:
    """Which roles may open a page: none named means anybody, signed in or not."""

    roles: frozenset[Role]


ANYBODY = Access(frozenset())


def public(view: View) -> View:
    """Anybody may come: nothing on this page is about a person."""
    view.access = ANYBODY  # type: ignore[attr-defined]
    return view


def for_role(*roles: Role) -> Callable[[View], View]:
    """Only these roles may come."""

    def mark(view: View) -> View:
        view.access = Access(frozenset(roles))  # type: ignore[attr-defined]
        return view

    return mark


signed_in = for_role(Role.PATIENT, Role.BROKER, Role.PROVIDER, Role.COMMISSIONER, Role.HOLDER)
"""Anybody with an account may come."""


def access_of(view: Callable[..., Any]) -> Access | None:
    """What a view declares, or None if it declares nothing."""
    access: Access | None = getattr(view, "access", None)
    return access


def find_actor() -> Actor | None:
    """Who is signed in, asked of the database once per request: a cookie kept after signing out is nobody's."""
    if "actor" not in g:
        token = session.get("sign_in")
        g.actor = accounts.actor_of(db_session(), request_now(), token) if token else None
        if token and g.actor is None:
            session.pop("sign_in", None)
        elif token and accounts.needs_touch(db_session(), request_now(), token):
            with writing(db_session()) as transaction:
                accounts.touch(transaction, request_now(), token)
    actor: Actor | None = g.actor
    return actor


def current_actor() -> Actor:
    """Who is acting, on a page that is not public."""
    actor = find_actor()
    if actor is None:
        abort(401)
    return actor


def seen(patient_ids: Iterable[str], page: str) -> None:
    """Whoever is acting sees these patients' records on this kind of page: each patient can read that."""
    note_seen(request_now(), current_actor(), patient_ids, page)


def check_access() -> Response | None:
    """Shut a page, before every request, to whoever it is not open to."""
    if request.routing_exception is not None or request.endpoint is None:
        return None  # an unknown address or host: the error page answers, and nothing is done before
    access = access_of(current_app.view_functions[request.endpoint])
    if access is None:
        abort(403)
    if not access.roles:
        return None
    actor = find_actor()
    if actor is None:
        if request.method not in {"GET", "HEAD"}:
            flash("You were signed out before that was sent. Please sign in and send it again.", "error")
            return redirect(url_for("account.sign_in"))
        return redirect(url_for("account.sign_in", next=request.full_path.removesuffix("?")))
    if actor.role not in access.roles:
        abort(403)
    return None
