"""Domain errors: a code for programs, a message for people, facts for both. They know no HTTP.

Every front has ONE table from these classes to its own answers (front/statuses.py: pages and API share it).
"""

from collections.abc import Mapping

_ENDS = (".", "!", "?", "…", ".”", "?”")


def whole_sentence(told: str) -> str:
    """What is told of something wrong ends as a sentence does, whoever wrote it: most of it is more than one.

    Every message passes through here once: domain errors when they are made, a schema's where a front reads them
    (`web.forms`, `api.problems`).
    """
    text = told.rstrip()
    return text if not text or text.endswith(_ENDS) else f"{text}."


class DomainError(Exception):
    """Something the rules of the house do not allow.

    Parameters
    ----------
    code
        Stable name for programs, like ``insufficient_funds``.
    message
        One or two plain sentences: what is wrong and what would put it right.
    facts
        The figures behind the sentence.
    """

    def __init__(self, code: str, message: str, **facts: object) -> None:
        message = whole_sentence(message)
        super().__init__(message)
        self.code = code
        self.message = message
        self.facts: Mapping[str, object] = facts

    def __str__(self) -> str:
        """The message: facts may hold ids and belong in structured logs only."""
        return self.message


class NotAllowed(DomainError):
    """The actor may not do this, whatever the state of the thing."""


class TooManyTries(NotAllowed):
    """Not so often: it is allowed again in a while (facts: tries, window_s)."""


class NotFound(DomainError):
    """There is no such thing, or none that this actor may know of (the two are told apart nowhere)."""


class WrongState(DomainError):
    """The thing is not in a state that allows this step."""


class Conflict(DomainError):
    """Somebody was faster, or the same key was used for something else."""


class Invalid(DomainError):
    """A value breaks a rule. ``place`` names the field."""

    def __init__(self, code: str, message: str, *, place: str, **facts: object) -> None:
        super().__init__(code, message, place=place, **facts)
        self.place = place


class InsufficientFunds(Conflict):
    """An account does not hold what the posting asks for (facts: account, needed_pence)."""


class CannotApportion(DomainError):
    """The caps together are less than what is to be shared (facts: total_pence, caps_pence)."""
