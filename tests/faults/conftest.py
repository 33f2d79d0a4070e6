"""A market that takes seconds to match, on both databases, and workers to be killed over it."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from tests.faults.workers import Crew, busy_world
from tests.worlds import SmallWorld


@pytest.fixture
def busy(session: Session, monday: datetime) -> SmallWorld:
    """A closed tender whose round takes the engine some seconds."""
    return busy_world(session, SmallWorld(session, monday))


@pytest.fixture
def crew(engine: Engine, busy: SmallWorld, tmp_path: Path) -> Iterator[Crew]:
    """Nobody yet; whoever is started is gone at the end."""
    crew = Crew(engine, tmp_path, busy.now.isoformat())
    yield crew
    crew.end()
