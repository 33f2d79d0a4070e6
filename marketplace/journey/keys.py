"""The installation's keys, carried by the session that a step is handed.

Whoever makes sessions lends the keyring once (``Session(info=lend(keyring))``); steps that seal, open or encrypt ask
for it here. It never travels in arguments that could end up in a log.
"""

from sqlalchemy.orm import Session

from marketplace.adapters.sealing import Keyring

_NAME = "carepool.keyring"


def lend(keyring: Keyring) -> dict[str, object]:
    """What goes into a session's ``info``."""
    return {_NAME: keyring}


def keyring_of(session: Session) -> Keyring:
    """The keyring that was lent to this session.

    Raises
    ------
    LookupError
        If none was: such a session can read no secret and seal nothing.
    """
    keyring = session.info.get(_NAME)
    if not isinstance(keyring, Keyring):
        raise LookupError("this session was made without a keyring: Session(info=lend(keyring))")
    return keyring
