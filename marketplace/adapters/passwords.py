"""Passwords: argon2id with the parameters OWASP asks for at the least (m = 19 MiB, t = 2, p = 1).

At most two hashes are computed at a time, so that a flood of sign-ins fills neither the memory nor both cores.
"""

from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)
_seats = BoundedSemaphore(2)
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$8x2Y0sTn3h8ZSdvGf0hvZC1gKZqXcYkT0jvJwzvXW6o"


def hash_password(password: str) -> str:
    """The hash to store."""
    with _seats:
        return _hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password is right. An account that does not exist takes as long as one that does."""
    with _seats:
        try:
            return _hasher.verify(stored or _NOBODY, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False
