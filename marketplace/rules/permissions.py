"""Who somebody is when they act. Whether a thing is theirs is asked by the step that loads it."""

from dataclasses import dataclass
from enum import StrEnum

from .errors import NotAllowed, NotFound


class Role(StrEnum):
    """What a signed-in person may be. One account has one role."""

    PATIENT = "patient"
    BROKER = "broker"
    PROVIDER = "provider"
    COMMISSIONER = "commissioner"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody acting: the account, the role and the party (patient, broker, provider, commissioner) acted for."""

    user_id: str
    role: Role
    party_id: str


SYSTEM = Actor(user_id="system", role=Role.SYSTEM, party_id="system")
"""The scheduler: what happens when a time has passed."""

_ROLE_WORDS = {
    Role.PATIENT: "a patient",
    Role.BROKER: "a broker",
    Role.PROVIDER: "a provider",
    Role.COMMISSIONER: "a commissioner",
    Role.SYSTEM: "the scheduler",
}


def check_role(actor: Actor, *roles: Role) -> None:
    """Only these roles may do this.

    Raises
    ------
    NotAllowed
        Naming the roles that may.
    """
    if actor.role not in roles:
        allowed = " or ".join(_ROLE_WORDS[role] for role in roles)
        raise NotAllowed("role_not_allowed", f"Only {allowed} can do this.", role=actor.role.value)


def check_owner(actor: Actor, role: Role, owner_id: str, thing: str) -> None:
    """Only the owning party may do this; to everybody else the thing does not exist.

    Raises
    ------
    NotAllowed
        If the role is another.
    NotFound
        If the thing belongs to somebody else.
    """
    check_role(actor, role)
    if actor.party_id != owner_id:
        raise NotFound("not_found", f"We cannot find that {thing}.")
