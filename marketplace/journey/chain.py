"""The audit trail's head, signed, so that a copy kept elsewhere shows later whether the trail was cut or rewritten.

`signed_head` writes it, `check_against` compares a trail with a head that was kept. The signature is an HMAC by the
installation's key: whoever has only the database cannot make one.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.rules.canonical import canonical_json
from marketplace.rules.clock import Instant, utc

from .keys import keyring_of

FORMAT = "audit-head/1"


def signed_head(session: Session, now: Instant) -> dict[str, Any]:
    """The end of the trail as a document with its signature."""
    head = audit.head(session)
    document = {"format": FORMAT, "number": head.number, "sha256": head.sha256, "at": utc(now).isoformat()}
    return {**document, "signature": keyring_of(session).sign("audit head", canonical_json(document).encode())}


def check_against(session: Session, kept: Mapping[str, Any]) -> Mapping[str, int | str] | None:
    """Walk the trail, then see whether it still leads through the head that was kept; None when all is right.

    Faults are those of `audit.check_chain` and `audit.check_reaches`, and ``bad_signature`` for a head that is not
    ours, or was changed.
    """
    document = {name: value for name, value in kept.items() if name != "signature"}
    number = document.get("number")
    if document.get("format") != FORMAT or type(number) is not int:
        return {"number": 0, "fault": "bad_signature"}
    signed = canonical_json(document).encode()
    if not keyring_of(session).is_signed("audit head", signed, str(kept.get("signature"))):
        return {"number": number, "fault": "bad_signature"}
    return audit.check_chain(session) or audit.check_reaches(session, audit.Head(number, str(document["sha256"])))
