"""What can go wrong, each with a code, a sentence and the facts behind it; nothing here knows who asked.

`market` and `outcome` raise `DocumentError`, `solve` raises `MarketTooLarge`, `explain`, `scenario` and
`rematch` raise `QuestionError`; the command line turns all of them into exit code 2.
"""

from collections.abc import Mapping

Fact = int | float | str | None


class MatchingError(Exception):
    """The base of every error of this library.

    Parameters
    ----------
    code
        A stable word for programs, such as ``unknown_key``.
    message
        A sentence for people, with the remedy.
    facts
        The figures and names that the sentence speaks of.
    """

    def __init__(self, code: str, message: str, facts: Mapping[str, Fact] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.facts: dict[str, Fact] = dict(facts or {})


class DocumentError(MatchingError):
    """A document that cannot be read; `place` says where, such as ``offers[3].lines[0].tiers``."""

    def __init__(self, code: str, place: str, message: str, facts: Mapping[str, Fact] | None = None) -> None:
        super().__init__(code, message, facts)
        self.place = place

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class MarketTooLarge(MatchingError):
    """A market whose size, estimated before anything is built, is above what was allowed."""


class QuestionError(MatchingError):
    """A question about something that the market or the outcome does not hold."""
