"""The audit trail notices whatever is done to it."""

from datetime import datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.database import writing
from marketplace.rules.permissions import SYSTEM


@pytest.fixture
def chain(session: Session, monday: datetime) -> Session:
    """Five events."""
    with writing(session):
        for number in range(5):
            audit.append(session, monday, SYSTEM, "test.happened", f"thing-{number}", count=number)
    return session


def test_an_untouched_chain_holds(chain: Session) -> None:
    assert audit.check_chain(chain) is None


@pytest.mark.parametrize(
    ("tampering", "fault"),
    [
        ("UPDATE audit_events SET about_id = 'thing-9' WHERE number = 3", {"number": 3, "fault": "edited"}),
        ("UPDATE audit_events SET facts = '{}' WHERE number = 2", {"number": 2, "fault": "edited"}),
        ("DELETE FROM audit_events WHERE number = 2", {"number": 2, "fault": "missing"}),
        ("DELETE FROM audit_events WHERE number = 1", {"number": 1, "fault": "missing"}),
    ],
)
def test_tampering_is_found(chain: Session, tampering: str, fault: dict) -> None:
    with writing(chain):
        chain.execute(text(tampering))
    assert audit.check_chain(chain) == fault


def test_a_fork_is_refused(chain: Session) -> None:
    """Two events cannot follow the same one."""
    with pytest.raises(IntegrityError), writing(chain):
        chain.execute(
            text(
                "INSERT INTO audit_events (number, at, actor_id, role, event, about_id, facts, previous_sha256, sha256)"
                " SELECT 99, at, actor_id, role, event, about_id, facts, previous_sha256, 'x' FROM audit_events"
                " WHERE number = 5"
            )
        )
