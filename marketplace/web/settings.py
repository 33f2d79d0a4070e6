"""Settings that are more than a value: `must_have`, the roles that must have a second step at sign-in."""

from flask import Flask, current_app

from marketplace import SettingsError
from marketplace.rules.permissions import Role

_ROLES = "carepool.second_step_roles"


def init_app(app: Flask) -> None:
    """Read them once.

    Raises
    ------
    SettingsError
        If there is no such role: a slip must not leave an office without its second step.
    """
    people = {role.value: role for role in Role if role is not Role.SYSTEM}
    told = app.config["SECOND_STEP_ROLES"]
    unknown = [name for name in told if name not in people]
    if unknown:
        raise SettingsError(f"CAREPOOL_SECOND_STEP_ROLES names {unknown[0]!r}. There are: {', '.join(people)}.")
    app.extensions[_ROLES] = frozenset(people[name] for name in told)


def must_have() -> frozenset[Role]:
    """The roles that must have a second step at sign-in."""
    roles: frozenset[Role] = current_app.extensions[_ROLES]
    return roles
