"""The audit trail refuses changes, and notices whatever somebody with more rights does to it all the same."""

from datetime import datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.journey.chain import check_against, signed_head
from marketplace.records import audit
from marketplace.records.database import writing
from marketplace.rules.permissions import SYSTEM
from tests.thief import take_guards_off


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
    """Whoever owns the database can take its guards off; the hashes tell what was done then."""
    with writing(chain):
        take_guards_off(chain, "audit_events")
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


def test_a_cut_tail_is_found_by_the_head_that_was_kept(chain: Session, monday: datetime) -> None:
    """A chain without its last events holds in itself; only a head kept elsewhere shows that something is gone."""
    kept = signed_head(chain, monday)
    assert check_against(chain, kept) is None
    with writing(chain):
        take_guards_off(chain, "audit_events")
        chain.execute(text("DELETE FROM audit_events WHERE number > 3"))
    assert audit.check_chain(chain) is None
    assert check_against(chain, kept) == {"number": 4, "fault": "cut_off"}


def test_a_tail_written_anew_is_found(chain: Session, monday: datetime) -> None:
    """Cut and continued to the same length with other events: the hash at the kept number is another."""
    kept = signed_head(chain, monday)
    with writing(chain):
        take_guards_off(chain, "audit_events")
        chain.execute(text("DELETE FROM audit_events WHERE number > 3"))
        for _ in range(2):
            audit.append(chain, monday, SYSTEM, "test.invented", "thing-x")
    assert audit.check_chain(chain) is None
    assert check_against(chain, kept) == {"number": 5, "fault": "written_anew"}


def test_a_chain_that_grew_still_reaches_its_head(chain: Session, monday: datetime) -> None:
    """What comes after a head was kept is no fault."""
    kept = signed_head(chain, monday)
    with writing(chain):
        audit.append(chain, monday, SYSTEM, "test.happened", "thing-6")
    assert check_against(chain, kept) is None


@pytest.mark.parametrize("change", [{"number": 4}, {"sha256": "0" * 64}, {"signature": "0" * 64}, {"format": "x"}])
def test_a_forged_head_is_refused(chain: Session, monday: datetime, change: dict) -> None:
    """A head that somebody made without our key, or changed, proves nothing."""
    fault = check_against(chain, {**signed_head(chain, monday), **change})
    assert fault is not None
    assert fault["fault"] == "bad_signature"
