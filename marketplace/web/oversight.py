"""A commissioner's own rules, and the organisations it lets keep budgets."""

from dataclasses import asdict

from flask import Blueprint, flash, redirect, render_template, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from marketplace.journey.budgets import admit_holder, set_rules
from marketplace.journey.funding import rules_of
from marketplace.records.budgets import Holder
from marketplace.rules.errors import DomainError
from marketplace.rules.permissions import Role
from marketplace.schemas.budgets import FundingRulesSchema, HolderSchema

from .access import current_actor, for_role
from .clock import request_now
from .database import db_session, writing
from .filters import typed_pounds
from .forms import WebForm, sent

Answer = str | Response | tuple[str, int]

pages = Blueprint("oversight", __name__, url_prefix="/commissioner")


@pages.route("/rules", methods=["GET", "POST"])
@for_role(Role.COMMISSIONER)
def rules() -> Answer:
    """When plans are reviewed, who gets extra support and what it gives; it holds from now on."""
    standing = asdict(rules_of(db_session(), current_actor().party_id))
    standing["support_supplement_pence"] = typed_pounds(standing["support_supplement_pence"])
    form = WebForm(FundingRulesSchema(), sent(), initial=standing)
    if sent() is None:
        return render_template("commissioner/rules.html", form=form)
    if not form.validate():
        return render_template("commissioner/rules.html", form=form), 422
    with writing(db_session()) as session:
        set_rules(session, request_now(), current_actor(), form.data)
    flash("The rules are saved. They hold for every plan that is approved or reviewed from now on.", "done")
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
