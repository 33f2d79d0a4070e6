"""Who somebody is when they act. Whether a thing is theirs is asked by the step that loads it."""

from dataclasses import dataclass
from enum import StrEnum

from .errors import NotAllowed, NotFound


class Role(StrEnum):
    """What a signed-in person may be. One account has one role."""

    PATIENT = "patient"
    REPRESENTATIVE = "representative"
    BROKER = "broker"
    PROVIDER = "provider"
    COMMISSIONER = "commissioner"
    HOLDER = "holder"
    SYSTEM = "system"


class Scope(StrEnum):
    """What a representative may be given authority for; a patient acting for themselves has them all."""

    POOLS = "pools"
    """Agree to a pool, set preferences, leave."""
    MATCHES = "matches"
    """Accept or decline a match, sign the contract."""
    DELIVERIES = "deliveries"
    """Confirm or dispute what was delivered."""
    BROKER = "broker"
    """Choose or change the broker."""
    PAYMENTS = "payments"
    """Pay providers from a budget that the patient keeps."""
    SHARING = "sharing"
    """Agree that what is left over helps others of a group to pay."""
    LEAVING = "leaving"
    """Leave the budget, or a part of it, for the conventional package."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody acting: the account, the role and the party (patient, broker, provider, commissioner) acted for.

    A representative who acts for a patient has the patient's role and party, their own account, the id of the
    authority they act under, and its scopes; whoever acts for themselves has no such limits (None). `token_id` is the
    program's token, where another program acts for the account.
    """

    user_id: str
    role: Role
    party_id: str
    authority_id: str | None = None
    scopes: frozenset[Scope] | None = None
    token_id: str | None = None


SYSTEM = Actor(user_id="system", role=Role.SYSTEM, party_id="system")
"""The scheduler: what happens when a time has passed."""

_ROLE_WORDS = {
    Role.PATIENT: "a patient",
    Role.REPRESENTATIVE: "a representative",
    Role.BROKER: "a broker",
    Role.PROVIDER: "a provider",
    Role.COMMISSIONER: "a commissioner",
    Role.HOLDER: "an organisation that holds budgets",
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


def check_scope(actor: Actor, scope: Scope) -> None:
    """A representative may do only what the authority covers.

    Raises
    ------
    NotAllowed
        Naming what is not covered.
    """
    if actor.scopes is not None and scope not in actor.scopes:
        raise NotAllowed(
            "outside_authority",
            "You may not do this for this person. Their local care team can change what you may do.",
            scope=scope.value,
        )
