"""Worlds that are founded the same way again and again: the first time by the journey's steps, then row by row.

`keep` takes down all rows of a database that began empty; `lay` writes the same rows into another empty one. Founding
a small world takes the steps a tenth of a second; a test process does it some five hundred times.
"""

from collections import defaultdict
from collections.abc import Hashable
from typing import Any

from sqlalchemy import exists, insert, select
from sqlalchemy.orm import Session

from marketplace.records import Base
from marketplace.records.people import Commissioner

Rows = list[dict[str, Any]]

_kept: dict[Hashable, list[tuple[str, list[Rows]]]] = {}


def is_empty(session: Session) -> bool:
    """Whether nobody has been founded in this database yet."""
    return not session.scalar(select(exists().select_from(Commissioner)))


def keep(session: Session, key: Hashable) -> None:
    """Take down what stands in the database now, as what this key stands for."""
    found = []
    for table in Base.metadata.sorted_tables:
        alike: dict[tuple[str, ...], Rows] = defaultdict(list)
        for row in session.connection().execute(select(table)).mappings():
            given = {name: value for name, value in row.items() if value is not None}
            alike[tuple(given)].append(given)
        if alike:
            found.append((table.name, list(alike.values())))
    _kept[key] = found


def lay(session: Session, key: Hashable) -> bool:
    """Write down what this key stands for; False where nothing was kept under it."""
    for name, groups in _kept.get(key, ()):
        for rows in groups:
            session.connection().execute(insert(Base.metadata.tables[name]), rows)
    return key in _kept
