"""A commissioner searches the audit trail (who did what, when, about what), and checks that nobody changed it."""

import json

from flask import Blueprint, Response, render_template, request

from marketplace.journey.chain import signed_head
from marketplace.queries import trail
from marketplace.queries.trail import Act
from marketplace.queries.trail_words import about_words, act_words
from marketplace.queries.words import moment, words
from marketplace.records.audit import AuditEvent, check_from, head
from marketplace.rules.errors import WrongState
from marketplace.rules.permissions import Role

from .access import current_actor, for_role
from .clock import request_now
from .database import db_session
from .listing import Column, Listing, asked

COLUMNS: list[Column[Act]] = [
    Column("number", "Number", lambda row: row.number, AuditEvent.number, "number"),
    Column("at", "When", lambda row: moment(row.at), AuditEvent.at, "day"),
    Column("who", "Who", lambda row: row.who),
    Column("role", "As", lambda row: words(row.role), AuditEvent.role),
    Column("act", "Act", lambda row: row.event, AuditEvent.event),
    Column("about", "About", lambda row: row.about_id),
    Column("noted", "Noted", lambda row: "; ".join(f"{name}: {told}" for name, told in row.facts + row.codes)),
]

AT_ONCE = 20_000
"""How many acts one look checks; a long trail is walked stretch by stretch."""

FAULT_WORDS = {
    "missing": "is missing",
    "not_linked": "does not follow from the one before it",
    "edited": "was changed after it was noted",
}

pages = Blueprint("trail", __name__, url_prefix="/commissioner")


@pages.get("/audit")
@for_role(Role.COMMISSIONER)
def audit() -> str | Response:
    """Acts about what this commissioner oversees, the latest first."""
    session, actor, now = db_session(), current_actor(), request_now()
    search = trail.Asked(asked("act"), asked("about"), asked("who"), asked("period") or "week")
    listing = Listing("audit trail", COLUMNS, "-number")
    page = listing.page_from(
        trail.act_count(session, actor, now, search),
        lambda first, size: trail.acts(session, actor, now, search, first=first, size=size, order=listing.order),
    )
    if listing.export and page.total == trail.MOST_COUNTED:
        message = f"That is {trail.MOST_COUNTED:,} acts or more. Narrow it down, then download the list."
        raise WrongState("list_too_long", message, rows=page.total)
    if listing.export:
        return listing.file(page.rows)
    return render_template(
        "commissioner/audit.html",
        page=page,
        listing=listing,
        search=search,
        most=trail.MOST_COUNTED,
        act_words=act_words,
        about_words=about_words,
        periods=[(name, told) for name, (told, _) in trail.PERIODS.items()],
    )


@pages.route("/audit/chain", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def chain() -> str:
    """Check that nobody changed the trail: each note must follow from the one before it. One stretch at a time."""
    session = db_session()
    end, after = head(session).number, request.form.get("after", "0")
    begun = int(after) if after.isdecimal() and after.isascii() and len(after) < 13 else 0
    reached, fault = check_from(session, begun, AT_ONCE) if request.method == "POST" else (0, None)
    return render_template(
        "commissioner/chain.html",
        end=end,
        asked=request.method == "POST",
        begun=begun,
        reached=reached,
        number=None if fault is None else fault["number"],
        fault=None if fault is None else FAULT_WORDS[str(fault["fault"])],
    )


@pages.get("/audit/head")
@for_role(Role.COMMISSIONER)
def audit_head() -> Response:
    """The signed end of the trail, to be kept elsewhere: it shows later whether the trail was cut."""
    document = json.dumps(signed_head(db_session(), request_now()), indent=2)
    headers = {"Content-Disposition": 'attachment; filename="audit-head.json"'}
    return Response(document, mimetype="application/json", headers=headers)
