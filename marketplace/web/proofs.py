"""A patient's way to check a published result: a page that says how, and a file with their own rows and the proof."""

import json

from flask import Blueprint, Response, render_template

from marketplace.journey import proofs as found
from marketplace.rules.permissions import Role

from .access import current_actor, for_role
from .database import db_session
from .files import attached

pages = Blueprint("proofs", __name__, url_prefix="/patient/invitations/<need_id>")


@pages.get("/check")
@for_role(Role.PATIENT)
def check_result(need_id: str) -> str:
    """Whether my part is in; and to check that, the file and the two roots that it is held against."""
    need, row = found.own_round(db_session(), current_actor(), need_id)
    holds = found.own_part_holds(db_session(), current_actor(), need_id)
    return render_template("patient/check_result.html", need=need, round=row, holds=holds)


@pages.get("/proof.json")
@for_role(Role.PATIENT)
def proof_of_result(need_id: str) -> Response:
    """My own rows of the published result, with the proof that they are in it."""
    document = found.own_proof(db_session(), current_actor(), need_id)
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return attached(Response(text, mimetype="application/json"), f"my-part-{need_id}.json")
