"""What somebody uploaded waits between the report and their yes: sealed, with themselves, for half an hour.

Nothing of an upload is stored before its owner has said yes. `hand_out` gives the page a sealed token with all that was
read; `take_back` opens it again, for the same account, the same purpose, and no longer than `MINUTES`.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from marketplace.adapters.sealing import CannotOpen
from marketplace.rules.canonical import canonical_json
from marketplace.rules.clock import Instant
from marketplace.rules.errors import WrongState
from marketplace.rules.permissions import Actor

from .keys import keyring_of

MINUTES = 30


def hand_out(session: Session, now: Instant, actor: Actor, purpose: str, rows: Sequence[dict[str, Any]]) -> str:
    """A token that holds these rows (plain values only) for this account and purpose."""
    until = now + timedelta(minutes=MINUTES)
    content = canonical_json({"until": until.isoformat(), "rows": list(rows)})
    sealed = keyring_of(session).lock(_place(actor, purpose), content)
    return base64.urlsafe_b64encode(sealed).decode()


def take_back(session: Session, now: Instant, actor: Actor, purpose: str, token: str) -> list[dict[str, Any]]:
    """The rows of a token.

    Raises
    ------
    WrongState
        If the time is over, or it is nobody's token, another account's or for another purpose.
    """
    try:
        content = keyring_of(session).unlock(_place(actor, purpose), base64.urlsafe_b64decode(token.encode()))
    except (CannotOpen, binascii.Error, ValueError):
        raise _gone() from None
    document = json.loads(content)
    if now > datetime.fromisoformat(document["until"]):
        raise _gone()
    rows: list[dict[str, Any]] = document["rows"]
    return rows


def _place(actor: Actor, purpose: str) -> str:
    return f"waiting.{purpose}:{actor.user_id}:{actor.party_id}"


def _gone() -> WrongState:
    return WrongState("upload_gone", f"A checked file is kept for {MINUTES} minutes. Send it again.", minutes=MINUTES)
