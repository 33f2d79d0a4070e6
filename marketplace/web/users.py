"""Accounts: a commissioner's list of them, opening one with its one-time code, closing one."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask import Response as FileResponse
from werkzeug.wrappers import Response

from marketplace.journey import second_steps
from marketplace.journey import users as steps
from marketplace.journey.passwords import CODE_HOLDS
from marketplace.journey.scopes import one, users_for
from marketplace.journey.users import AccountDetails
from marketplace.queries import users as found
from marketplace.queries.words import london_day
from marketplace.records.people import User
from marketplace.rules.errors import DomainError, NotFound
from marketplace.rules.permissions import Role
from marketplace.schemas.parties import ROLE_WORDS, AccountSchema

from .access import current_actor, for_role, seen
from .clock import request_now
from .database import db_session, writing
from .forms import WebForm, sent
from .listing import Column, Listing, asked
from .settings import must_have

Answer = str | Response | tuple[str, int]
SHORT_ROLES = {**ROLE_WORDS, "representative": "Representative", "commissioner": "Commissioner"}
WITHOUT_ORGANISATION = frozenset({Role.COMMISSIONER, Role.REPRESENTATIVE})
"""Whose accounts are for no organisation: one that is chosen all the same says that something else was meant."""

COLUMNS: list[Column[User]] = [
    Column("name", "Name", lambda row: row.name, User.name),
    Column("email", "E-mail", lambda row: row.email, User.email),
    Column("role", "Role", lambda row: SHORT_ROLES[row.role.value]),
    Column("opened", "Opened", lambda row: london_day(row.created_at), User.created_at, "day"),
    Column("state", "State", found.state_of),
    Column("second_step", "Second step", found.second_step_of),
]


pages = Blueprint("users", __name__)


@pages.get("/commissioner/users")
@for_role(Role.COMMISSIONER)
def users() -> str | FileResponse:
    """The accounts that this commissioner looks after, one role at a time; organisations' first."""
    session, actor, search, role = db_session(), current_actor(), asked("search"), asked("role")
    listing = Listing("accounts", COLUMNS, "name")
    page = listing.page_from(
        found.user_count(session, actor, search, role),
        lambda first, size: found.users(session, actor, first, size, search=search, role=role, order=listing.order),
    )
    seen([row.party_id for row in page.rows if row.role is Role.PATIENT], "list of accounts")
    if listing.export:
        return listing.file(page.rows)
    return render_template(
        "commissioner/users.html",
        page=page,
        listing=listing,
        search=search,
        role=role,
        roles=[("", "All but patients"), *SHORT_ROLES.items()],
        says=SHORT_ROLES,
        state_of=found.state_of,
        second_step_of=found.second_step_of,
        own_id=actor.user_id,
    )


@pages.route("/commissioner/users/new", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def open_account() -> Answer:
    """Open an account for an organisation, a colleague or somebody's representative; show the one-time code, once."""
    parties = found.parties(db_session(), current_actor())
    roles = [(role, told) for role, told in ROLE_WORDS.items() if role != Role.PATIENT.value]
    form = WebForm(AccountSchema(), sent(), choices={"role": roles, "party_id": parties})
    return _open_page(form, "commissioner/user_new.html", back=url_for("users.users"))


@pages.route("/commissioner/people/<patient_id>/account", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def open_patient_account(patient_id: str) -> Answer:
    """Open a patient's own account."""
    patient = found.patient(db_session(), current_actor(), patient_id)
    seen([patient_id], "account")
    typed = sent()
    if typed is not None:
        typed = typed.copy()
        typed["role"], typed["party_id"] = Role.PATIENT.value, patient_id
    initial = {"name": patient.name, "role": Role.PATIENT.value}
    form = WebForm(AccountSchema(), typed, initial=initial)
    back = url_for("allocating.people")
    return _open_page(form, "commissioner/user_patient.html", back=back, patient=patient)


@pages.post("/commissioner/users/<user_id>/code")
@for_role(Role.COMMISSIONER)
def renew_code(user_id: str) -> str:
    """Show another one-time code, once."""
    with writing(db_session()) as session:
        user, code = steps.renew_code(session, request_now(), current_actor(), user_id)
    return _code_page(user, code, url_for("users.users", role=user.role.value))


@pages.route("/commissioner/users/<user_id>/close", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def close(user_id: str) -> Answer:
    """Ask once more, then close an account."""
    user = one(db_session(), users_for(current_actor()), user_id, "account")
    back = url_for("users.users", role="" if user.role is not Role.PATIENT else user.role.value)
    if sent() is None:
        steps.check_can_close(current_actor(), user)
        return render_template("commissioner/user_close.html", user=user, back=back)
    with writing(db_session()) as session:
        steps.close(session, request_now(), current_actor(), user_id)
    flash("The account is closed. Whoever was signed in to it is signed out.", "done")
    return redirect(back)


@pages.post("/commissioner/users/<user_id>/reopen")
@for_role(Role.COMMISSIONER)
def reopen(user_id: str) -> Response:
    """Open a closed account again."""
    with writing(db_session()) as session:
        steps.reopen(session, request_now(), current_actor(), user_id)
    flash("The account is open again.", "done")
    return redirect(url_for("users.users"))


@pages.route("/commissioner/users/<user_id>/second-step", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def take_second_step_away(user_id: str) -> Answer:
    """Ask once more, then take away the second step of somebody who lost phone and codes."""
    user = one(db_session(), users_for(current_actor()), user_id, "account")
    back = url_for("users.users", role="" if user.role is not Role.PATIENT else user.role.value)
    if sent() is None:
        second_steps.check_can_take_away(db_session(), current_actor(), user)
        needed = user.role in must_have()
        return render_template("commissioner/user_second_step.html", user=user, back=back, needed=needed)
    with writing(db_session()) as session:
        second_steps.take_away(session, request_now(), current_actor(), user_id)
    flash("The second step is taken away. Whoever was signed in to the account is signed out.", "done")
    return redirect(back)


def _open_page(form: WebForm, template: str, *, back: str, **shown: Any) -> Answer:
    sound = sent() is not None and form.validate()
    if sound and form.data["role"] in WITHOUT_ORGANISATION and form.data["party_id"]:
        form.refuse("party_id", "Leave the organisation empty, or choose above that it is for an organisation")
    elif sound:
        try:
            with writing(db_session()) as session:
                user, code = steps.open_for(
                    session, request_now(), current_actor(), AccountDetails(**_wanted(form.data))
                )
        except NotFound:
            form.refuse("party_id", "Choose the organisation it is for, of the kind above")
        except DomainError as error:
            place = "email" if error.code == "email_taken" else str(error.facts.get("place", "role"))
            form.refuse(place, error.message)
        else:
            return _code_page(user, code, back)
    page = render_template(template, form=form, back=back, **shown)
    return (page, 422) if form.errors else page


def _wanted(data: dict[str, Any]) -> dict[str, Any]:
    """Which organisation is meant: the choice says its kind and its id."""
    party_id = data["party_id"] or ""
    kind, _, chosen = party_id.partition(":")
    fits = not chosen or kind == data["role"].value
    return {**data, "party_id": (chosen or party_id) if fits else None}


def _code_page(user: User, code: str, back: str) -> str:
    return render_template(
        "commissioner/user_code.html",
        user=user,
        code=code,
        back=back,
        until=request_now() + CODE_HOLDS,
        address=url_for("passwords.choose", _external=True),
    )
