"""Who may come: a program by its token, as its account. Every view says so; one that does not say is shut.

`public` and `for_role` mark a view; `check_access` runs before every request and enforces the mark. A token that only
reads changes nothing, whatever the role. A representative's program says for which patient it acts by the header
`ACTING_FOR`; whether it may is asked on every request. `seen` notes that it looks at patients' records.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import current_app, g, request
from flask_limiter.util import get_remote_address
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import BadRequest, Unauthorized

from marketplace.front.clock import request_now
from marketplace.journey import programs, representatives
from marketplace.journey.programs import Shown
from marketplace.rules.errors import NotAllowed
from marketplace.rules.permissions import Actor, Role

from .database import db_session, note_seen, writing

View = TypeVar("View", bound=Callable[..., Any])

ACTING_FOR = "Carepool-Acting-For"
ACTING_FOR_PATTERN = r"^[0-9a-z]{16}$"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
EVERYBODY = frozenset(role for role in Role if role is not Role.SYSTEM)


@dataclass(frozen=True, slots=True)
class Access:
    """Which roles may come: none named means anybody, with a token or without."""

    roles: frozenset[Role]


def public(view: View) -> View:
    """Anybody may come: nothing here is about a person."""
    view.access = Access(frozenset())  # type: ignore[attr-defined]
    return view


def for_role(*roles: Role) -> Callable[[View], View]:
    """Only these roles may come."""

    def mark(view: View) -> View:
        view.access = Access(frozenset(roles))  # type: ignore[attr-defined]
        return view

    return mark


def access_of(view: Callable[..., Any]) -> Access | None:
    """What a view declares, or None if it declares nothing."""
    access: Access | None = getattr(view, "access", None)
    return access


def find_shown() -> Shown | None:
    """The token that this request shows, if it holds; asked of the database once per request."""
    if "shown" not in g:
        header = request.authorization
        token = header.token if header is not None and header.type == "bearer" else None
        g.shown = programs.actor_of(db_session(), request_now(), token) if token else None
    shown: Shown | None = g.shown
    return shown


def whose_requests() -> str:
    """By what requests are counted: the token, or, where none holds, the address."""
    shown = find_shown()
    return get_remote_address() if shown is None else shown.token_id


def current_actor() -> Actor:
    """Who is acting, where a token was asked for."""
    actor: Actor = g.actor
    return actor


def seen(patient_ids: Iterable[str], page: str) -> None:
    """Whoever is acting sees these patients' records: each patient can read that, and that a program did."""
    if current_actor().authority_id is None:
        note_seen(current_actor(), patient_ids, page)


def check_access() -> None:
    """Shut a view, before every request, to whoever it is not open to."""
    if request.routing_exception is not None or request.endpoint is None or request.method == "OPTIONS":
        return
    access = access_of(current_app.view_functions[request.endpoint])
    if access is None:
        raise NotAllowed("shut", "This is open to nobody.")
    if not access.roles:
        return
    shown = find_shown()
    if shown is None:
        told = "Send a token that holds: Authorization: Bearer carepool_..."
        raise Unauthorized(told, www_authenticate=WWWAuthenticate("bearer", {"realm": "Carepool"}))
    if request.method not in SAFE and not shown.may_write:
        raise NotAllowed("token_only_reads", "This token may read, and change nothing. Connect one that may.")
    if programs.needs_note(shown, request_now()):
        with writing(db_session()) as session:
            programs.note_use(session, request_now(), shown.token_id)
    g.actor = _acting(shown.actor, access)
    if g.actor.authority_id is not None:
        page = request.endpoint.rpartition(".")[2].replace("_", " ")
        note_seen(g.actor, [g.actor.party_id], page[:28])


def _acting(actor: Actor, access: Access) -> Actor:
    """Whoever the token is of, or the patient in whose place a representative acts."""
    patient_id = request.headers.get(ACTING_FOR)
    if patient_id is not None and Role.PATIENT in access.roles and not re.fullmatch(ACTING_FOR_PATTERN, patient_id):
        raise BadRequest(f"{ACTING_FOR} is a patient's id of 16 characters, as /v1/me tells it.")
    if patient_id is not None and actor.role is Role.REPRESENTATIVE and Role.PATIENT in access.roles:
        return representatives.acting_for(db_session(), request_now(), actor, patient_id)
    if actor.role not in access.roles:
        told = "This is for accounts of another kind."
        if actor.role is Role.REPRESENTATIVE and Role.PATIENT in access.roles:
            told = f"Say for whom you act: {ACTING_FOR}: the patient's id."
        raise NotAllowed("role_not_allowed", told, role=actor.role.value)
    return actor
