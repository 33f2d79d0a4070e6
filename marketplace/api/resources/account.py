"""Whose token it is: the first thing a program asks, and where a representative's learns for whom it may act."""

from marketplace.api.access import EVERYBODY, current_actor, for_role
from marketplace.api.blueprint import Resources
from marketplace.api.database import db_session
from marketplace.api.shapes.patient import MeShape
from marketplace.front.clock import request_now
from marketplace.queries import people
from marketplace.records.people import User
from marketplace.records.programs import AccessToken
from marketplace.rules.permissions import Role

pages = Resources("account", "", "For every program.")


@pages.asks("GET", "/me")
@for_role(*EVERYBODY)
@pages.answers(200, MeShape)
def me() -> dict[str, object]:
    """Whose token this is, what it may do, and until when."""
    session, actor = db_session(), current_actor()
    token = session.get_one(AccessToken, actor.token_id)
    acts_for = []
    if actor.role is Role.REPRESENTATIVE:
        acts_for = people.standing_authorities(session, request_now(), actor)
    return {
        "role": actor.role.value,
        "name": session.get_one(User, actor.user_id).name,
        "party_id": actor.party_id,
        "may_write": token.may_write,
        "token_ends_at": token.ends_at,
        "acts_for": acts_for,
    }
