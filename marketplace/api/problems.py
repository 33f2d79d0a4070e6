"""What went wrong, as RFC 9457 problem details: the domain's code, sentence and facts, for programs and for people.

Which status an error has, `front.statuses` says. A value that does not fit is pointed at (``#/lines/0/price_pence``).
What nobody foresaw is logged by its type and place only, as for the pages.
"""

import re
import traceback
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from itertools import islice
from typing import Any

from flask import Flask, Response, current_app, json, request
from flask_limiter.errors import RateLimitExceeded
from marshmallow import Schema, fields
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from marketplace.front.statuses import status_of
from marketplace.rules import errors as domain

from .reading import BadDocument
from .strict import MOST_BYTES

MEDIA_TYPE = "application/problem+json"
NOT_FITTING = "What was sent does not fit. The list of errors points at each place."
MOST_FAULTS = 100
UNFORESEEN = "Something went wrong here. It is our fault, and nothing was changed. Try again later."
DETAILS = {
    404: "There is no such address, or nothing of that id.",
    405: "This address does not take that method.",
    413: f"The body is too large: send at most {MOST_BYTES:,} bytes at a time.",
}
"""What is told where nobody has said more."""
CODES = {
    400: "unreadable",
    401: "no_token",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "not_json",
    422: "not_fitting",
    429: "too_many_requests",
    500: "unforeseen",
    503: "counting",
}


class FaultShape(Schema):
    """One value that does not fit."""

    pointer = fields.String(required=True, metadata={"description": "Where it stands: #/lines/0/price_pence"})
    detail = fields.String(required=True, metadata={"description": "What to send in its place."})


class ProblemShape(Schema):
    """What went wrong (RFC 9457). `code` is a stable name for programs, `detail` a sentence for people."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)
    facts = fields.Dict(keys=fields.String(), metadata={"description": "The figures behind the sentence."})
    errors = fields.List(fields.Nested(FaultShape), metadata={"description": "The values that do not fit."})


def init_app(app: Flask) -> None:
    """Answer every error with problem details."""
    app.register_error_handler(BadDocument, bad_document)
    app.register_error_handler(domain.DomainError, domain_error)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, unforeseen)


def problem(status: int, code: str, detail: str, **more: object) -> Response:
    """Problem details as an answer."""
    document = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code}
    document |= {"detail": domain.whole_sentence(detail), **{name: value for name, value in more.items() if value}}
    return Response(json.dumps(document), status, mimetype=MEDIA_TYPE)


def bad_document(error: BadDocument) -> Response:
    """A body or a filter that its schema refuses."""
    start = "#" if error.location == "json" else f"#{error.location}"
    found = _faults(error.messages, start)
    faults = [{"pointer": pointer, "detail": detail} for pointer, detail in islice(found, MOST_FAULTS)]
    more = sum(1 for _ in found)
    if not more:
        return problem(422, CODES[422], NOT_FITTING, errors=faults)
    told = f"{NOT_FITTING} It has the first {MOST_FAULTS}; there are {more:,} more."
    return problem(422, CODES[422], told, facts={"more": more}, errors=faults)


def domain_error(error: domain.DomainError) -> Response:
    """What a rule does not allow. Of what may not be known of, nothing more is told than that it is not found."""
    status = status_of(error)
    if status == 404:
        return problem(404, error.code, error.message)
    errors = []
    if isinstance(error, domain.Invalid):
        steps = [step for step in re.split(r"[.\[\]]+", error.place) if step]
        errors.append({"pointer": "/".join(["#", *map(_escaped, steps)]), "detail": error.message})
    return problem(status, error.code, error.message, facts=_plain(error.facts), errors=errors)


def http_error(error: HTTPException) -> Response:
    """An HTTP error, with the headers that belong to it (``Allow``, ``WWW-Authenticate``, ``Retry-After``)."""
    status = error.code or 500
    said = error.description if error.description != type(error).description else None
    detail = said or DETAILS.get(status) or error.description or HTTPStatus(status).phrase
    if isinstance(error, RateLimitExceeded):
        detail = "There were too many requests in a short time. Wait, then go on more slowly."
    answer = problem(status, CODES.get(status, "http_error"), " ".join(detail.split()))
    for name, value in error.get_headers(request.environ):
        if name.lower() not in {"content-type", "content-length"}:
            answer.headers[name] = value
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return answer


def unforeseen(error: Exception) -> Response:
    """A fault of ours: logged by type and place, never by its text."""
    place = "".join(traceback.format_tb(error.__traceback__))
    current_app.logger.error("%s at %s %s\n%s", type(error).__name__, request.method, request.url_rule, place)
    if current_app.testing and current_app.config["PROPAGATE_EXCEPTIONS"] is not False:
        raise error
    return problem(500, CODES[500], UNFORESEEN)


def _plain(facts: Mapping[str, object]) -> dict[str, object]:
    """Facts as JSON has them."""
    plain = (str, int, bool, type(None))
    return {name: value if isinstance(value, plain) else str(value) for name, value in facts.items()}


def _faults(messages: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            yield from _faults(inner, pointer if name == "_schema" else f"{pointer}/{_escaped(str(name))}")
    else:
        for text in messages if isinstance(messages, list) else [messages]:
            yield pointer, domain.whole_sentence(str(text))


def _escaped(step: str) -> str:
    """A name as a JSON pointer has it (RFC 6901)."""
    return step.replace("~", "~0").replace("/", "~1")
