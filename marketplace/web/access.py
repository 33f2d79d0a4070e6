"""Who may come to a page. Every view says so with one of these; a view that does not say is shut.

`public`, `signed_in`, `for_role` and `half_signed_in` mark a view; `check_access` runs before every request and
enforces the mark; `current_actor` is who is acting, `own_actor` who is signed in: the two differ while a representative
acts for a patient, which is asked of the database on every request; `seen` notes that they look at a patient's record.
Whether a thing on the page is theirs is asked by the query or step that loads it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import abort, current_app, flash, g, redirect, request, session, url_for
from werkzeug.wrappers import Response

from marketplace.journey import accounts, representatives, second_steps
from marketplace.journey.second_steps import HalfWay
from marketplace.rules.errors import NotFound
from marketplace.rules.permissions import Actor, Role

from .clock import request_now
from .database import db_session, note_seen, writing

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Access:
    """Which roles may open a page: none named means anybody, signed in or not. Or else who is halfway in."""

    roles: frozenset[Role]
    half_way: bool = False


ANYBODY = Access(frozenset())

ACTING_FOR = "acting_for"
"""Where the cookie keeps for whom a representative acts. It is a wish: whether they may is asked on every request."""


HALF_WAY = "half_way"
"""Where the cookie keeps the token of half a sign-in: no page but those for the code asks for it."""


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


signed_in = for_role(*(role for role in Role if role is not Role.SYSTEM))
"""Anybody with an account may come."""


def half_signed_in(view: View) -> View:
    """Only who is halfway in may come: the password fitted, and the second step is still to be taken."""
    view.access = Access(frozenset(), half_way=True)  # type: ignore[attr-defined]
    return view


def access_of(view: Callable[..., Any]) -> Access | None:
    """What a view declares, or None if it declares nothing."""
    access: Access | None = getattr(view, "access", None)
    return access


def find_own_actor() -> Actor | None:
    """Who is signed in, asked of the database once per request: a cookie kept after signing out is nobody's."""
    if "own_actor" not in g:
        token = session.get("sign_in")
        g.own_actor = accounts.actor_of(db_session(), request_now(), token) if token else None
        if token and g.own_actor is None:
            session.pop("sign_in", None)
        elif token and accounts.needs_touch(db_session(), request_now(), token):
            with writing(db_session()) as transaction:
                accounts.touch(transaction, request_now(), token)
    own: Actor | None = g.own_actor
    return own


def find_half_way() -> HalfWay | None:
    """Who is halfway in, asked of the database once per request."""
    if "half_way" not in g:
        token = session.get(HALF_WAY)
        g.half_way = second_steps.half_way(db_session(), request_now(), token) if token else None
    found: HalfWay | None = g.half_way
    return found


def half_way_in() -> HalfWay:
    """Who is halfway in, on a page for the second step."""
    found = find_half_way()
    if found is None:
        abort(401)
    return found


def find_actor() -> Actor | None:
    """Who is acting: whoever is signed in, or a representative in the place of the patient they chose to act for."""
    if "actor" not in g:
        g.actor = _acting_for(find_own_actor())
    actor: Actor | None = g.actor
    return actor


def _acting_for(own: Actor | None) -> Actor | None:
    patient_id = session.get(ACTING_FOR)
    if own is None or own.role is not Role.REPRESENTATIVE or not patient_id:
        return own
    try:
        return representatives.acting_for(db_session(), request_now(), own, patient_id)
    except NotFound:
        session.pop(ACTING_FOR)
        g.stopped_acting = True
        flash("You can no longer act for this person.", "error")
        return own


def current_actor() -> Actor:
    """Who is acting, on a page that is not public."""
    actor = find_actor()
    if actor is None:
        abort(401)
    return actor


def own_actor() -> Actor:
    """Who is signed in, on a page that is not public: never the patient in whose place they act."""
    actor = find_own_actor()
    if actor is None:
        abort(401)
    return actor


def seen(patient_ids: Iterable[str], page: str) -> None:
    """Whoever is acting sees these patients' records on this kind of page: each patient can read that.

    A representative's look is noted for every page, by `check_access`, and not once more by the page.
    """
    if current_actor().authority_id is None:
        note_seen(request_now(), current_actor(), patient_ids, page)


def check_access() -> Response | None:
    """Shut a page, before every request, to whoever it is not open to."""
    if request.routing_exception is not None or request.endpoint is None:
        return None  # an unknown address or host: the error page answers, and nothing is done before
    access = access_of(current_app.view_functions[request.endpoint])
    if access is None:
        abort(403)
    if not access.roles:
        return _check_half_way() if access.half_way else None
    actor = find_actor()
    if actor is None:
        if request.method not in {"GET", "HEAD"}:
            flash("You were signed out before that was sent. Please sign in and send it again.", "error")
            return redirect(url_for("account.sign_in"))
        return redirect(url_for("account.sign_in", next=request.full_path.removesuffix("?")))
    if actor.role not in access.roles and own_actor().role not in access.roles:
        if "stopped_acting" in g:  # the page was theirs a moment ago: what is left to them, with the reason above it
            return redirect(url_for("representing.home"))
        abort(403)
    if actor.authority_id is not None and is_patients_page():
        note_seen(request_now(), actor, [actor.party_id], _page_name(request.endpoint))
    return None


def is_patients_page() -> bool:
    """Whether, while somebody acts, this page is their patient's: neither their own nor everybody's."""
    access = access_of(current_app.view_functions[request.endpoint]) if request.endpoint else None
    return access is not None and bool(access.roles) and Role.REPRESENTATIVE not in access.roles


def _check_half_way() -> Response | None:
    if find_half_way() is not None:
        return None
    if find_actor() is not None:  # in already: a page sent twice, or gone back to
        return redirect(url_for("account.home"))
    if session.pop(HALF_WAY, None):
        flash("That took too long. Please sign in again.", "error")
    return redirect(url_for("account.sign_in"))


def _page_name(endpoint: str) -> str:
    """The kind of page in words, from the name of its view: ``patient.care_plan`` -> ``care plan``."""
    return endpoint.rpartition(".")[2].replace("_", " ")
