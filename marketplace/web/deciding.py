"""What a commissioner decides: representations, cancelled tenders, suspended organisations, who acts for a patient."""

from typing import Any

from flask import Blueprint, abort, render_template, url_for
from flask import Response as FileResponse
from marshmallow import Schema
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.journey import conduct, representatives, reviews
from marketplace.journey.cancellations import AFTER_OPENING
from marketplace.journey.scopes import authorities_for, one, overseen_tenders_for, patients_for, representations_for
from marketplace.queries import feedback, objections, proceedings
from marketplace.queries import organisations as found
from marketplace.queries.organisations import Organisation
from marketplace.queries.states import WORDS, choices, state_of
from marketplace.queries.words import day, london_day, words
from marketplace.records.people import Authority, Broker, User
from marketplace.records.providers import Provider
from marketplace.records.tenders import Representation, Tender
from marketplace.rules.errors import Invalid, WrongState
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Role
from marketplace.schemas.oversight import BASIS_WORDS, SCOPE_WORDS, AuthoritySchema, SuspendSchema
from marketplace.schemas.proceedings import DecisionSchema

from .access import current_actor, for_role, seen
from .asking import Answer, ask
from .cancelling import cancel_page
from .clock import request_now
from .database import db_session
from .filters import in_one_line, unbroken
from .forms import WebForm, sent
from .listing import Column, Listing, asked

pages = Blueprint("deciding", __name__, url_prefix="/commissioner")


def _approved_last(row: Organisation) -> tuple[bool, str]:
    return row.state == "Approved", row.party.name.lower()


TENDERS: list[Column[Tender]] = [
    Column("tender", "Tender", lambda row: row.title, func.lower(Tender.title)),
    Column("broker", "Broker", lambda row: row.broker.name, func.lower(Broker.name)),
    Column("state", "State", lambda row: WORDS[state_of(row)], Tender.status),
    Column("published", "Published", lambda row: london_day(row.published_at), Tender.published_at, "day"),
    Column("turn", "Can be cancelled", None, proceedings.TURN_TO_CANCEL, "these"),
]
ORGANISATIONS: list[Column[Organisation]] = [
    Column("name", "Name", lambda row: row.party.name, lambda row: row.party.name.lower()),
    Column("kind", "What it is", lambda row: words(row.kind), lambda row: (row.kind, row.party.name.lower())),
    Column("state", "State", lambda row: row.state, _approved_last, "suspended"),
    Column("since", "Suspended since", lambda row: london_day(row.party.suspended_at)),
    Column("why", "Why", lambda row: row.party.suspended_reason or ""),
]
REPRESENTATIONS: list[Column[Representation]] = [
    Column("tender", "Tender", lambda row: row.tender.title, lambda row: row.tender.title.lower()),
    Column("made", "Made on", lambda row: london_day(row.made_at), lambda row: row.made_at, "day"),
    Column("by", "Decide by", lambda row: london_day(row.tender.review_by), lambda row: row.tender.review_by, "day"),
    Column(
        "state",
        "State",
        proceedings.state_of,
        lambda row: (row.decided_at is not None, -row.made_at.timestamp()),
        "turn",
    ),
]


@pages.get("/representations")
@for_role(Role.COMMISSIONER)
def representations() -> str | FileResponse:
    """Objections to awards: those that wait first."""
    listing = Listing("representations", REPRESENTATIONS, "state")
    page = listing.page_of(proceedings.representations(db_session(), current_actor()))
    if listing.export:
        return listing.file(page.rows)
    return render_template("commissioner/representations.html", page=page, listing=listing)


@pages.route("/representations/<representation_id>", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def decide(representation_id: str) -> Answer:
    """Read a representation and decide it; somebody who has acted on the tender before is told to leave it."""
    session, actor = db_session(), current_actor()
    row = one(session, representations_for(actor), representation_id, "representation")
    provider = proceedings.name_of_provider(session, row.provider_id)
    if row.decision is not None and sent() is None:
        readers = zip(objections.READERS, (provider, "The broker", "Patients", "You"), strict=True)
        for_all, for_each = objections.next_for_each(row.tender)
        return render_template(
            "commissioner/representation.html",
            row=row,
            provider=provider,
            who=objections.decided_by(session, actor, row),
            for_all=unbroken(for_all),
            next=[(name, unbroken(for_each[reader])) for reader, name in readers],
        )

    def step(session: Session, data: dict[str, Any]) -> None:
        reviews.decide(session, request_now(), actor, representation_id, data["decision"], data["reasons"])

    return ask(
        "commissioner/decide.html",
        WebForm(DecisionSchema(), sent()),
        step,
        back=url_for("deciding.representations"),
        done="Your decision is recorded. The provider and the broker are told, with your reasons.",
        told_here={"not_independent"},
        row=row,
        provider=provider,
        offers=feedback.objectors_offers(session, actor, row),
    )


@pages.get("/tenders")
@for_role(Role.COMMISSIONER)
def tenders() -> str | FileResponse:
    """The published tenders of the brokers we have approved: those that can be cancelled first."""
    session, actor, search, state = db_session(), current_actor(), asked("search"), asked("state")
    listing = Listing("tenders", TENDERS, "turn")
    page = listing.page_from(
        proceedings.overseen_count(session, actor, search, state),
        lambda first, size: proceedings.overseen(
            session, actor, first, size, search=search, state=state, order=listing.order
        ),
    )
    if listing.export:
        return listing.file(page.rows)
    return render_template(
        "commissioner/tenders.html",
        page=page,
        listing=listing,
        search=search,
        state=state,
        states=choices(TenderStatus.DRAFT, TenderStatus.DELETED),
        can_be_cancelled=AFTER_OPENING,
    )


@pages.route("/tenders/<tender_id>/cancel", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def cancel_tender(tender_id: str) -> Answer:
    """Cancel a tender, or single groups of it, once the offers are open."""
    tender = one(db_session(), overseen_tenders_for(current_actor()), tender_id, "tender")
    return cancel_page(tender, url_for("deciding.tenders"))


@pages.get("/organisations")
@for_role(Role.COMMISSIONER)
def organisations() -> str | FileResponse:
    """Brokers and providers, and which of them are suspended: these first."""
    search, kind = asked("search"), asked("kind")
    listing = Listing("organisations", ORGANISATIONS, "state")
    page = listing.page_of(found.organisations(db_session(), current_actor(), search, kind))
    if listing.export:
        return listing.file(page.rows)
    kinds = [("", "Both"), ("broker", "Brokers"), ("provider", "Providers")]
    return render_template(
        "commissioner/organisations.html", page=page, listing=listing, search=search, kind=kind, kinds=kinds
    )


@pages.route("/organisations/<any(broker, provider):kind>/<party_id>/suspend", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def suspend(kind: str, party_id: str) -> Answer:
    """Suspend an organisation: no new tender, no new offer, until that is ended."""
    party = found.organisation(db_session(), current_actor(), kind, party_id)
    if party.suspended_at is not None:
        raise WrongState("suspended", "This organisation is suspended already.")

    def step(session: Session, data: dict[str, Any]) -> None:
        conduct.suspend(session, request_now(), current_actor(), _kind(kind), party_id, data["reason"])

    return ask(
        "commissioner/suspend.html",
        WebForm(SuspendSchema(), sent()),
        step,
        back=url_for("deciding.organisations"),
        done="The organisation is suspended, and is told why.",
        party=party,
        kind=kind,
    )


@pages.route("/organisations/<any(broker, provider):kind>/<party_id>/reinstate", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def reinstate(kind: str, party_id: str) -> Answer:
    """End a suspension: what it was for and what will happen are read first."""
    party = found.organisation(db_session(), current_actor(), kind, party_id)
    if party.suspended_at is None:
        raise WrongState("not_suspended", "This organisation is not suspended.")

    def step(session: Session, _data: dict[str, Any]) -> None:
        conduct.reinstate(session, request_now(), current_actor(), _kind(kind), party_id)

    return ask(
        "commissioner/reinstate.html",
        WebForm(Schema(), sent()),
        step,
        back=url_for("deciding.organisations"),
        done="The suspension has ended, and the organisation is told.",
        party=party,
        kind=kind,
    )


@pages.route("/patients/<patient_id>/representatives", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def appoint(patient_id: str) -> Answer:
    """Who acts for a patient, and a form to appoint somebody."""
    session, actor, now = db_session(), current_actor(), request_now()
    patient = one(session, patients_for(actor), patient_id, "patient")
    seen([patient_id], "representatives")

    def step(session: Session, data: dict[str, Any]) -> Authority:
        values = {name: value for name, value in data.items() if name != "email"}
        representative_id = _representative(session, data["email"])
        return representatives.appoint(
            session, now, actor, patient_id=patient_id, representative_id=representative_id, **values
        )

    return ask(
        "commissioner/representatives.html",
        WebForm(AuthoritySchema(), sent()),
        step,
        back=url_for("deciding.appoint", patient_id=patient_id),
        done=_appointed,
        told_here={"conflict_of_interest"},
        patient=patient,
        authorities=found.authorities(session, actor, patient_id),
        basis_words=BASIS_WORDS,
        scope_words=SCOPE_WORDS,
    )


@pages.route("/authorities/<authority_id>/end", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def end_authority(authority_id: str) -> Answer:
    """End an authority, once it was read what that means: what was agreed to under it and does not bind yet is void."""
    authority = one(db_session(), authorities_for(current_actor()), authority_id, "authority")
    if authority.ended_at is not None:
        raise WrongState("authority_ended", "This authority has ended already.")

    def step(session: Session, _data: dict[str, Any]) -> None:
        representatives.end_authority(session, request_now(), current_actor(), authority_id)

    return ask(
        "commissioner/authority_end.html",
        WebForm(Schema(), sent()),
        step,
        back=url_for("deciding.appoint", patient_id=authority.patient_id),
        done="The authority has ended. The patient is told.",
        authority=authority,
    )


def _appointed(authority: Authority) -> str:
    """Who may act for whom, and when."""
    in_line = in_one_line(day)
    when = f"from {in_line(authority.valid_from)} to {in_line(authority.valid_to)}"
    patient = authority.patient.name
    return f"{authority.representative.name} may act for {patient} {when}. {patient} is told."


def _kind(kind: str) -> type[Broker | Provider]:
    kinds: dict[str, type[Broker | Provider]] = {"broker": Broker, "provider": Provider}
    return kinds[kind] if kind in kinds else abort(404)


def _representative(session: Session, email: str) -> str:
    """The account of a representative; any other's is not told from one that is not there."""
    query = select(User.id).where(
        User.email == email.strip().lower(), User.role == Role.REPRESENTATIVE, User.closed_at.is_(None)
    )
    user_id = session.scalar(query)
    if user_id is None:
        message = "There is no representative's account with this e-mail address. Open one first."
        raise Invalid("no_such_representative", message, place="email")
    return user_id
