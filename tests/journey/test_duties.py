"""Every status has an owner, an event, a message, a deadline with a consequence, and a way out that frees the money."""

import re
from pathlib import Path

import pytest

from marketplace.journey import deadlines
from marketplace.records.contracts import Contract
from marketplace.records.rounds import Match
from marketplace.records.tenders import Tender
from marketplace.rules.duties import CONTRACT_DUTIES, TENDER_DUTIES, Duty
from marketplace.rules.lifecycle import CONTRACT_MOVES, TENDER_MOVES, ContractStatus, TenderStatus, is_final

JOURNEY = Path(deadlines.__file__).parent
SOURCE = "\n".join(path.read_text() for path in JOURNEY.glob("*.py"))
DUTIES = [
    *((status, duty, TENDER_MOVES, (Tender, Match)) for status, duty in TENDER_DUTIES.items()),
    *((status, duty, CONTRACT_MOVES, (Contract,)) for status, duty in CONTRACT_DUTIES.items()),
]


def test_no_status_is_forgotten() -> None:
    assert set(TENDER_DUTIES) == set(TenderStatus)
    assert set(CONTRACT_DUTIES) == set(ContractStatus)


def written(word: str) -> bool:
    """Whether the journey writes this event or message, spelt out or put together from a status."""
    family, _, _ = word.rpartition("." if "." in word else "_")
    built = (rf'f"{family}.{{', rf'f"{family}_{{')
    return f'"{word}"' in SOURCE or any(part in SOURCE for part in built)


@pytest.mark.parametrize(("status", "duty", "moves", "tables"), DUTIES)
def test_a_duty_is_kept(status: TenderStatus | ContractStatus, duty: Duty, moves: dict, tables: tuple) -> None:
    """The event is written and the message sent; who waits has a deadline, and the scheduler goes by that very one."""
    assert written(duty.event), duty.event
    assert duty.message is None or written(duty.message), duty.message
    if is_final(moves, status):
        assert (duty.owner, duty.deadline, duty.when_passed) == (None, None, None)
        return
    assert duty.owner is not None
    assert duty.deadline is not None
    owners = [table.__name__ for table in tables if hasattr(table, duty.deadline)]
    assert len(owners) == 1
    assert f"{owners[0]}.{duty.deadline} <= now" in SOURCE
    assert re.search(rf'"{duty.when_passed}"', (JOURNEY / "deadlines.py").read_text())
