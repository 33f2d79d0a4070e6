"""What went wrong, as a page that says what to do next. Which status an error has, `front.statuses` says.

`init_app` registers the handlers: HTTP errors, a form's lost token, domain errors, and what nobody foresaw. The last
is logged by its type and place only: a database error's text can hold what the statement was about, a person.
"""

import traceback
from dataclasses import dataclass

from flask import Flask, current_app, g, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, SecurityError

from marketplace.front.statuses import status_of
from marketplace.rules import errors as domain


@dataclass(frozen=True, slots=True)
class Problem:
    """What a person is told: what happened, and what they can do now."""

    title: str
    told: str
    advice: str


PROBLEMS: dict[int, Problem] = {
    400: Problem(
        "We could not read that",
        "Something was missing from what your browser sent us.",
        "Go back, check the page and try again.",
    ),
    403: Problem(
        "You cannot open this page",
        "It is for somebody else, or you came here from another website.",
        "Check that you signed in with the right account.",
    ),
    404: Problem(
        "We cannot find that page",
        "It may have moved, or it may belong to somebody else.",
        "If you typed the address, check that it is right.",
    ),
    405: Problem(
        "That cannot be done here",
        "This address does not take what was sent to it.",
        "Go back and use the buttons on the page.",
    ),
    409: Problem(
        "That cannot be done now",
        "Things have changed since you opened the page.",
        "Go back, reload the page and look again.",
    ),
    413: Problem(
        "That is too big",
        "What you sent is larger than we can take.",
        "Send less at a time, or split the file into smaller ones.",
    ),
    422: Problem(
        "Something you typed is not right",
        "We could not use what was typed.",
        "Go back, check what you typed and send it again.",
    ),
    429: Problem(
        "Please wait a little", "There were too many tries in a short time.", "Wait 15 minutes and then try again."
    ),
    500: Problem(
        "Sorry, something went wrong here",
        "It is our fault, not yours. Nothing was changed.",
        "Try again in a few minutes. If it happens again, tell your broker or your local care team.",
    ),
}
LOST_TOKEN = Problem(
    "Please send that again",
    "The page was open for a long time, or you signed in again since. To keep you safe we did not use what was sent.",
    "Go back, reload the page and send it again.",
)

TELL_ALL = frozenset({"outside_authority", "own_account"})
"""Refusals that say themselves what can be done: the usual advice would be wrong beside them."""


def init_app(app: Flask) -> None:
    """Answer every error with a page."""
    app.register_error_handler(CSRFError, lost_token)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(domain.DomainError, domain_error)
    app.register_error_handler(Exception, unforeseen)


def lost_token(_error: CSRFError) -> tuple[str, int]:
    """A form whose token is missing or too old."""
    return _page(400, LOST_TOKEN)


def http_error(error: HTTPException) -> tuple[str, int] | HTTPException:
    """An HTTP error: a redirect passes through."""
    code = error.code or 500
    if code < 400:
        return error
    if isinstance(error, SecurityError):  # asked for under a name that is not ours: no page, because it has our links
        return "This site is not known under that name.", 400
    return _page(code, PROBLEMS.get(code, PROBLEMS[400 if code < 500 else 500]))


def domain_error(error: domain.DomainError) -> tuple[str, int]:
    """What a rule does not allow, in the rule's own words. What may not be known of is told like any unknown page."""
    code = status_of(error)
    usual = PROBLEMS[code]
    if code == 404:
        return _page(code, usual)
    advice = "" if error.code in TELL_ALL else usual.advice
    return _page(code, Problem(usual.title, error.message, advice))


def unforeseen(error: Exception) -> tuple[str, int]:
    """A fault of ours: logged by type and place, never by its text."""
    place = "".join(traceback.format_tb(error.__traceback__))
    current_app.logger.error("%s at %s %s\n%s", type(error).__name__, request.method, request.url_rule, place)
    if current_app.testing and current_app.config["PROPAGATE_EXCEPTIONS"] is not False:
        raise error
    g.actor = g.get("actor")  # whatever failed, the page about it does not ask the database again
    return _page(500, PROBLEMS[500])


def _page(code: int, problem: Problem) -> tuple[str, int]:
    return render_template("problem.html", problem=problem), code
