"""Whose token it is: the first thing a program asks, and where a representative's learns for whom it may act."""

from flask_smorest import Blueprint

from marketplace.api.access import EVERYBODY, current_actor, find_shown, for_role
from marketplace.api.database import db_session
from marketplace.api.reading import StrictParser
from marketplace.api.shapes.patient import MeShape
from marketplace.front.clock import request_now
from marketplace.records.people import User
from marketplace.records.programs import AccessToken
from marketplace.rules.permissions import Role
from marketplace.web.queries import people

pages = Blueprint("account", __name__, url_prefix="/v1", description="For every program.")
pages.ARGUMENTS_PARSER = StrictParser()


@pages.get("/me")
@for_role(*EVERYBODY)
@pages.response(200, MeShape)
def me() -> dict[str, object]:
    """Whose token this is, what it may do, and until when."""
    session, actor, shown = db_session(), current_actor(), find_shown()
    assert shown is not None
    acts_for = []
    if actor.role is Role.REPRESENTATIVE:
        acts_for = people.standing_authorities(session, request_now(), actor)
    return {
        "role": actor.role.value,
        "name": session.get_one(User, actor.user_id).name,
        "party_id": actor.party_id,
        "may_write": shown.may_write,
        "token_ends_at": session.get_one(AccessToken, shown.token_id).ends_at,
        "acts_for": acts_for,
    }
