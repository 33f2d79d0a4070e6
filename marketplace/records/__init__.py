"""What is stored, one noun a file; no decisions.

`base` has the common ground (ids, instants, the declarative base), `database` the engine's set-up and the one way to
open a writing transaction. Importing this package registers every table.
"""

from . import (
    advice,
    append_only,
    audit,
    auditors,
    budgets,
    catalogue,
    contracts,
    jobs,
    ledger,
    offers,
    outbox,
    payments,
    people,
    pools,
    programs,
    providers,
    rounds,
    second_steps,
    studies,
    tenders,
    tries,
)
from .base import Base

__all__ = [
    "Base",
    "advice",
    "append_only",
    "audit",
    "auditors",
    "budgets",
    "catalogue",
    "contracts",
    "jobs",
    "ledger",
    "offers",
    "outbox",
    "payments",
    "people",
    "pools",
    "programs",
    "providers",
    "rounds",
    "second_steps",
    "studies",
    "tenders",
    "tries",
]
