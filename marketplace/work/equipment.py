"""What a step of durable work has in its hands: the database, the keys, the clock, the mail server.

A worker makes one `Equipment` when it starts and lends it to the process; steps are called by DBOS with ids only, and
ask for it here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from marketplace.adapters.mail import MailServer
from marketplace.adapters.sealing import Keyring
from marketplace.journey.keys import lend
from marketplace.records.database import configure_engine
from marketplace.rules.clock import Instant, utc

LOST_AFTER_S = 30


@dataclass(frozen=True)
class Equipment:
    """Everything that is the same for all steps of one worker."""

    engine: Engine
    keyring: Keyring
    clock: Callable[[], Instant]
    mail: MailServer | None
    var_dir: Path
    lost_after_s: float = LOST_AFTER_S

    @classmethod
    def from_settings(cls, settings: Mapping[str, object]) -> "Equipment":
        """Make it from what the installation is told (names as in ``config/default.toml``).

        Raises
        ------
        ValueError
            If the keys cannot be used, or the mail server is named by halves.
        """
        url = str(settings["DATABASE_URL"])
        return cls(
            keyring=Keyring.from_hex(str(settings["FIELD_KEY"]), str(settings["SEALING_KEY"])),
            mail=MailServer.from_settings(settings),
            engine=configure_engine(create_engine(url, hide_parameters=True, pool_pre_ping=True)),
            clock=cast("Callable[[], Instant]", settings.get("CLOCK") or _now),
            var_dir=Path(str(settings["VAR_DIR"])).absolute(),
            lost_after_s=float(str(settings["WORKER_LOST_AFTER_S"])),
        )

    def session(self) -> Session:
        """A session of its own, with the keyring."""
        return Session(self.engine, info=lend(self.keyring))

    def now(self) -> Instant:
        """The moment a step begins."""
        return utc(self.clock())


def _now() -> Instant:
    return datetime.now(UTC)  # noqa: TID251 - the entrance of time for workers


_lent: list[Equipment] = []


def lend_equipment(equipment: Equipment) -> None:
    """Make it this process's: steps that DBOS calls will find it."""
    _lent[:] = [equipment]


def equipment() -> Equipment:
    """What this process's worker was given.

    Raises
    ------
    LookupError
        If this process is not a worker.
    """
    if not _lent:
        raise LookupError("this process is not a worker: nobody has lent it equipment")
    return _lent[0]
