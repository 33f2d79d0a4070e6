"""Whatever changes something is taken once, however often it is sent: by the key its sender gave it.

A POST needs the header ``Idempotency-Key``. The step, its audit event and the answer are kept in one transaction
(`programs.once`): the same request again is answered as the first time, another request under the same key is refused.
"""

import re
from collections.abc import Callable
from typing import Any

from flask import Response, json, request
from marshmallow import Schema
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest

from marketplace.front.clock import request_now
from marketplace.journey import programs

from .access import ACTING_FOR, current_actor
from .database import db_session, writing

KEY = "Idempotency-Key"
KEY_PATTERN = r"^[A-Za-z0-9._:-]{8,80}$"
REPLAYED = "Idempotent-Replayed"


def take(step: Callable[[Session], Any], shape: Schema, status: int = 200) -> Response:
    """Take this request's step once; answer with what it returns, in this shape."""
    key = request.headers.get(KEY, "")
    if not re.fullmatch(KEY_PATTERN, key):
        raise BadRequest(f"Send the header {KEY}: a new one of 8 to 80 letters and digits for each new request.")
    actor, sent = current_actor(), _sent()

    def taken(session: Session) -> tuple[int, Any]:
        return status, shape.dump(step(session))

    with writing(db_session()) as session:
        status, document, before = programs.once(session, request_now(), actor, key, sent, taken)
    answer = Response(json.dumps(document), status, mimetype="application/json")
    if before:
        answer.headers[REPLAYED] = "true"
    return answer


def _sent() -> bytes:
    """The whole of this request: what is asked for, for whom, with what."""
    head = "\n".join([request.method, request.full_path, request.headers.get(ACTING_FOR, "")])
    return head.encode() + b"\n\n" + request.get_data(cache=True)
