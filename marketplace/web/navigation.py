"""What stands around every page: who is signed in, and the menu of their role; and in whose place they act.

`init_app` gives it to the templates: `theirs` is the filter for what a patient's pages call "your", where a
representative reads them.
"""

import re
from dataclasses import dataclass, field

from flask import Flask, request, url_for
from jinja2 import pass_context
from jinja2.runtime import Context

from marketplace.records.people import Patient, User
from marketplace.rules.permissions import Role, Scope

from .access import find_actor, is_patients_page
from .database import db_session
from .filters import as_choices

MENUS: dict[Role, tuple[tuple[str, str], ...]] = {
    Role.PATIENT: (("patient.home", "Home"), ("patient.budget", "My budget"), ("patient.care_plan", "My care")),
    Role.BROKER: (("broker.home", "Home"), ("broker.list_tenders", "Tenders"), ("broker.clients", "Clients")),
    Role.PROVIDER: (
        ("provider.home", "Home"),
        ("provider.list_offers", "My offers"),
        ("provider.list_contracts", "Contracts"),
        ("provider.claims", "Claims"),
    ),
    Role.COMMISSIONER: (
        ("commissioner.home", "Home"),
        ("allocating.people", "People"),
        ("commissioner.budgets", "Budgets"),
        ("payments.runs", "Payments"),
    ),
    Role.HOLDER: (
        ("holder.home", "Home"),
        ("holder.budgets", "Budgets"),
        ("holder.contracts", "Contracts"),
        ("payments.runs", "Payments"),
    ),
    Role.REPRESENTATIVE: (("representing.home", "People I act for"),),
}
"""Each role's pages in the menu; the first one is its home."""

_READER = re.compile(r"\b(?:your|my|you|me)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One link of the menu."""

    text: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever looks at the page: the name they signed in under (none: nobody did), their menu, for whom they act."""

    name: str | None = None
    role: Role | None = None
    home: str | None = None
    menu: list[MenuItem] = field(default_factory=list)
    acting_for: str | None = None
    easy_read: bool = False
    is_written_to_patient: bool = False
    scopes: frozenset[Scope] | None = None

    @property
    def whose(self) -> str:
        """Whose a patient's page is, at the beginning of a heading: ``Your``, or, while acting, ``Patient 01’s``."""
        return in_place_of(self.acting_for, "Your")

    def may(self, scope: str) -> bool:
        """Whether what is asked on a patient's page is covered: of a representative, by their authority."""
        return self.scopes is None or scope in self.scopes


def visitor() -> Visitor:
    """Whoever looks at this page."""
    actor = find_actor()
    if actor is None:
        return Visitor()
    user = db_session().get(User, actor.user_id)
    patient = db_session().get(Patient, actor.party_id) if actor.role is Role.PATIENT else None
    acting_for = patient.name if patient and actor.authority_id is not None else None
    menu = [
        MenuItem(in_place_of(acting_for, text), url_for(endpoint), current=request.endpoint == endpoint)
        for endpoint, text in MENUS[actor.role]
    ]
    return Visitor(
        name=user.name if user else "Signed in",
        role=actor.role,
        home=menu[0].href,
        menu=menu,
        acting_for=acting_for,
        easy_read=bool(patient and patient.easy_read),
        is_written_to_patient=acting_for is not None and is_patients_page(),
        scopes=actor.scopes,
    )


def own_broker_name() -> str | None:
    """What the broker of the patient is called for whom this page is; none where there is no broker, or no patient."""
    actor = find_actor()
    patient = db_session().get(Patient, actor.party_id) if actor and actor.role is Role.PATIENT else None
    return patient.broker.name if patient and patient.broker else None


def in_place_of(name: str | None, text: str) -> str:
    """What is said to a patient of what is theirs, said of them by name: ``My budget`` -> ``Patient 01’s budget``."""
    if name is None:
        return text
    return _READER.sub(lambda found: name if found[0].lower() in ("you", "me") else f"{name}’s", text)


def to_reader(text: str) -> str:
    """What a patient's page says to its patient, said of them by name where a representative reads it."""
    actor = find_actor()
    if actor is None or actor.role is not Role.PATIENT or actor.authority_id is None:
        return text
    return in_place_of(db_session().get_one(Patient, actor.party_id).name, text)


@pass_context  # or else the words of a template would be said once and for all, when it is compiled
def theirs(_context: Context, text: str) -> str:
    """The same, for a heading, a link or a button of a patient's page."""
    return to_reader(text)


def home_endpoint(role: Role) -> str:
    """Where a role starts."""
    return MENUS[role][0][0]


def init_app(app: Flask) -> None:
    """Put the visitor into every template, and choices into the macros' form."""
    app.context_processor(lambda: {"visitor": visitor()})
    app.jinja_env.globals["choice_items"] = as_choices
    app.jinja_env.globals["own_broker_name"] = own_broker_name
    app.jinja_env.filters["theirs"] = theirs
