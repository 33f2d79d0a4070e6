"""The worlds journeys start from."""

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from tests.worlds import SmallWorld


@pytest.fixture
def world(session: Session, monday: datetime) -> SmallWorld:
    """Twelve patients around Lincoln, a broker, three providers: nothing has happened yet."""
    return SmallWorld(session, monday).found()
