"""The accounts of a demo that anybody may try, for its sign-in page: what `carepool demo` left beside the data.

Only where the setting ``DEMO_ACCOUNTS`` says so, and only for addresses that still have an account.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flask import current_app
from sqlalchemy import select

from marketplace.records.people import User

from .database import db_session


@dataclass(frozen=True, slots=True)
class Door:
    """One account that can be tried, and what waits behind it."""

    role: str
    email: str
    name: str
    waiting: str


@dataclass(frozen=True, slots=True)
class Doors:
    """All of them, and the password that opens each."""

    password: str
    accounts: tuple[Door, ...]


def doors_file(settings: Mapping[str, object]) -> Path:
    """Where the list lies."""
    return Path(str(settings["VAR_DIR"])) / "demo_accounts.json"


def doors() -> Doors | None:
    """The accounts to try, or None where this is no demo."""
    path = doors_file(current_app.config)
    if not current_app.config["DEMO_ACCOUNTS"] or not path.is_file():
        return None
    document = json.loads(path.read_text(encoding="utf-8"))
    listed = [Door(**account) for account in document["accounts"]]
    known = set(db_session().scalars(select(User.email).where(User.email.in_([door.email for door in listed]))))
    found = tuple(door for door in listed if door.email in known)
    return Doors(document["password"], found) if found else None
