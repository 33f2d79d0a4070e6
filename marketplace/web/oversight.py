"""A commissioner's own rules, the organisations it lets keep budgets, and what its patients wrote of a provider."""

from dataclasses import asdict

from flask import Blueprint, flash, redirect, render_template, url_for
from flask import Response as FileResponse
from sqlalchemy import select
from werkzeug.wrappers import Response

from marketplace.journey.budgets import admit_holder, set_rules
from marketplace.journey.funding import rules_of
from marketplace.queries import organisations, ratings
from marketplace.queries.words import london_day, typed_pounds
from marketplace.records.budgets import Holder
from marketplace.records.contracts import Rating
from marketplace.rules.errors import DomainError
from marketplace.rules.permissions import Role
from marketplace.schemas.budgets import FundingRulesSchema, HolderSchema

from .access import current_actor, for_role, seen
from .clock import request_now
from .database import db_session, writing
from .forms import WebForm, sent
from .listing import Column, Listing

Answer = str | Response | tuple[str, int]

RULES_TOLD_AS = {
    "support_from_age": "Age",
    "support_to_decile": "Deprivation",
    "support_conditions": "Long-term conditions",
}
"""How the error summary calls the fields whose words have a colon in them."""

WORDS: list[Column[Rating]] = [
    Column("day", "Day", lambda row: london_day(row.rated_at), Rating.rated_at, "day"),
    Column("person", "Person", lambda row: row.contract.need.patient.name, ratings.PERSON),
    Column("place", "Place", lambda row: row.site.name),
    Column("words", "What they wrote", lambda row: row.words or ""),
    Column("provider", "Provider may read it", lambda row: "Yes" if row.provider_may_read else "No"),
]

pages = Blueprint("oversight", __name__, url_prefix="/commissioner")


@pages.route("/rules", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def rules() -> Answer:
    """When plans are reviewed, who gets extra support and what it gives; it holds from now on."""
    standing = asdict(rules_of(db_session(), current_actor().party_id))
    standing["support_supplement_pence"] = typed_pounds(standing["support_supplement_pence"])
    form = WebForm(FundingRulesSchema(), sent(), initial=standing, told_as=RULES_TOLD_AS)
    if sent() is None:
        return render_template("commissioner/rules.html", form=form)
    if not form.validate():
        return render_template("commissioner/rules.html", form=form), 422
    with writing(db_session()) as session:
        set_rules(session, request_now(), current_actor(), form.data)
    flash("The rules are saved.", "done")
    return redirect(url_for("oversight.rules"))


@pages.route("/holders", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def holders() -> Answer:
    """The organisations that keep budgets, and a form to admit one more."""
    form = WebForm(HolderSchema(), sent())
    if sent() is not None and form.validate():
        try:
            with writing(db_session()) as session:
                admit_holder(session, request_now(), current_actor(), form.data["name"])
        except DomainError as error:
            form.refuse("name", error.message)
        else:
            flash("The organisation is admitted.", "done")
            return redirect(url_for("oversight.holders"))
    query = select(Holder).where(Holder.commissioner_id == current_actor().party_id).order_by(Holder.name)
    page = render_template("commissioner/holders.html", form=form, holders=db_session().scalars(query).all())
    return (page, 422) if form.errors else page


@pages.get("/providers/<provider_id>/words")
@for_role(Role.COMMISSIONER)
def words(provider_id: str) -> str | FileResponse:
    """What its own patients wrote of a provider, so that it can put right what is wrong."""
    session, actor = db_session(), current_actor()
    provider = organisations.organisation(session, actor, "provider", provider_id)
    listing = Listing(f"what patients wrote about {provider.name}", WORDS, "-day")
    page = listing.page_from(
        ratings.words_count(session, actor, provider_id),
        lambda first, size: ratings.words_rows(session, actor, provider_id, first, size, order=listing.order),
    )
    seen([row.contract.patient_id for row in page.rows], "what patients wrote")
    if listing.export:
        return listing.file(page.rows)
    return render_template("commissioner/words.html", provider=provider, page=page, listing=listing)
