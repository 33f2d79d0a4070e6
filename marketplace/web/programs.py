"""Other programs: connect one to one's own account and end it; and how the API works, for whoever writes one.

The description is the API's own OpenAPI document, which the app factory hands to the pages; it is shown by a page of
ours, so that it obeys the same policies as every other page and works without scripts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from marketplace.journey import programs as steps
from marketplace.records.programs import AccessToken
from marketplace.rules.errors import DomainError, NotFound
from marketplace.schemas.programs import MAY_WORDS, ProgramSchema

from .access import own_actor, public, signed_in
from .clock import request_now
from .database import db_session, writing
from .forms import WHOLE_FORM, WebForm, sent
from .listing import page_of

Answer = str | Response | tuple[str, int]

pages = Blueprint("programs", __name__)


@pages.route("/account/programs", methods=["GET", "POST"])
@signed_in
def programs() -> Answer:
    """The programs that act for this account, and a form to connect one more; its token is shown once."""
    form = WebForm(ProgramSchema(), sent())
    if sent() is not None and form.validate():
        try:
            with writing(db_session()) as session:
                row, token = steps.connect(session, request_now(), own_actor(), form.data)
                return render_template("account/program_token.html", name=row.name, token=token)
        except DomainError as error:
            form.refuse(str(error.facts.get("place", WHOLE_FORM)), error.message)
    query = steps.standing_for(own_actor(), request_now()).order_by(AccessToken.made_at.desc(), AccessToken.id)
    rows = db_session().scalars(query).all()
    page = render_template("account/programs.html", form=form, page=page_of(rows), may_words=MAY_WORDS)
    return (page, 422) if form.errors else page


@pages.post("/account/programs/<token_id>/end")
@signed_in
def end_program(token_id: str) -> Response:
    """End a program at once."""
    with writing(db_session()) as session:
        steps.disconnect(session, request_now(), own_actor(), token_id)
    flash("The program is not connected any more. Its token opens nothing.", "done")
    return redirect(url_for("programs.programs"))


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that a program can ask for: its address, what it does, what is sent and what comes back."""

    method: str
    path: str
    summary: str
    sent: str | None
    answered: str | None
    filters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Property:
    """One value of a document: its name, its kind, whether it must be sent, what it is."""

    name: str
    kind: str
    inner: str | None
    required: bool
    told: str


@pages.get("/for-programs")
@public
def for_programs() -> str:
    """How the API works, and everything that can be asked for."""
    document = _document()
    return render_template("account/for_programs.html", groups=_groups(document), about=document["info"])


@pages.get("/for-programs/documents/<name>")
@public
def document(name: str) -> str:
    """One document that is sent or answered, value by value, with the way to those within it."""
    schema = _document()["components"]["schemas"].get(name)
    if schema is None:
        raise NotFound("not_found", "We cannot find that document.")
    told, rows = schema.get("description", ""), list(_properties(schema))
    return render_template("account/program_document.html", name=name, told=told, rows=rows)


def _document() -> dict[str, Any]:
    document: dict[str, Any] | None = current_app.extensions.get("carepool.api_document")
    return document if document is not None else abort(404)


def _groups(document: Mapping[str, Any]) -> list[tuple[str, list[Operation]]]:
    """The operations by whom they are for, in the document's order."""
    groups: dict[str, list[Operation]] = {tag["name"]: [] for tag in document["tags"]}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in {"get", "post", "put"}:
                groups[operation["tags"][0]].append(_operation(method, path, operation))
    told = {tag["name"]: tag["description"] for tag in document["tags"]}
    return [(told[name], operations) for name, operations in groups.items()]


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Operation:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    good = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
    answered = good.get("content", {}).get("application/json", {})
    return Operation(
        method=method.upper(),
        path=path.removeprefix("/v1"),
        summary=operation.get("summary", "") + " " + operation.get("description", ""),
        sent=_name(content.get("schema", {})),
        answered=_name(answered.get("schema", {})),
        filters=tuple(
            (parameter["name"], parameter.get("description", ""))
            for parameter in operation.get("parameters", [])
            if parameter["in"] == "query"
        ),
    )


def _properties(schema: Mapping[str, Any]) -> Iterator[Property]:
    for name, about in schema.get("properties", {}).items():
        told = ". ".join(about[part].rstrip(".") for part in ("title", "description") if about.get(part))
        inner = _name(about) or _name(about.get("items", {}))
        yield Property(name, _kind(about), inner, name in schema.get("required", []), f"{told}." if told else "")


def _kind(about: Mapping[str, Any]) -> str:
    """What kind of value it is, in words."""
    if "enum" in about:
        return "one of: " + ", ".join(str(value) for value in about["enum"] if value is not None)
    if about.get("type") == "array":
        return "list" if _name(about["items"]) else "list of " + _kind(about["items"])
    kind: Any = about.get("format") or about.get("type") or "document"
    kinds = [part for part in kind if part != "null"] if isinstance(kind, list) else [kind]
    return " or ".join(str(part) for part in kinds)


def _name(about: Mapping[str, Any]) -> str | None:
    """The name of the document that is referred to."""
    inner = [about, *about.get("allOf", []), *about.get("anyOf", [])]
    return next((str(part["$ref"]).rpartition("/")[2] for part in inner if "$ref" in part), None)
