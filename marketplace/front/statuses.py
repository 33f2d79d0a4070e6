"""The ONE table from domain errors to HTTP statuses, for pages and API alike."""

from marketplace.rules import errors as domain

STATUS_OF: dict[type[domain.DomainError], int] = {
    domain.TooManyTries: 429,
    domain.NotFound: 404,
    domain.NotAllowed: 403,
    domain.Invalid: 422,
    domain.WrongState: 409,
    domain.Conflict: 409,
    domain.DomainError: 409,
}
"""The nearest class above an error decides."""


def status_of(error: domain.DomainError) -> int:
    """The status of a domain error."""
    return next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)
