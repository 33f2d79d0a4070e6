"""A statement: one sign, a running balance, and each kind of line explained once, if it is there."""

import pytest

from marketplace.journey import funds, statements
from marketplace.journey.statements import MEANINGS, WORDS
from marketplace.records.database import writing
from marketplace.records.ledger import TransferKind
from tests.worlds import SmallWorld


@pytest.fixture
def told(session, monday) -> SmallWorld:
    """Money set aside, promised, spent, refunded, added and taken back."""
    world = SmallWorld(session, monday, patient_count=8).found().awarded()
    wrong = world.deliver(1)
    world.deliver(1, 2)
    budget_id = world.budget(1).id
    with writing(session):
        funds.refund(session, world.now, world.funder, wrong.id, "Nobody came on that day.")
        funds.supplement(session, world.now, world.funder, budget_id, 5_000, "Prices rose", request_id="request-0001")
        funds.reclaim(
            session, world.now, world.funder, budget_id, 1_000, "It was not needed", request_id="request-0002"
        )
    return world


def test_the_changes_add_up_to_what_is_free(told: SmallWorld) -> None:
    """From the first line on, the signed changes come to the running balance, line by line; amounts have no sign."""
    rows = statements.statement(told.session, told.patient(1), told.budget(1).id)
    free_pence = 0
    for row in rows:
        free_pence += row.available_change_pence
        assert row.after.available_pence == free_pence
        assert row.amount_pence > 0
        assert abs(row.available_change_pence) in (0, row.amount_pence)
    assert rows[-1].after == statements.figures_of(told.session, [told.budget(1).id])


def test_every_kind_of_line_has_its_meaning() -> None:
    """The words that are explained are those with which the line begins."""
    assert set(MEANINGS) == set(WORDS)
    for kind, (words, _) in MEANINGS.items():
        assert WORDS[kind].startswith(words), kind


def test_only_what_occurs_is_explained(told: SmallWorld) -> None:
    """Each kind of line on the statement once, and no other."""
    rows = statements.statement(told.session, told.patient(1), told.budget(1).id)
    explained = [words for words, _ in statements.meanings({row.kind for row in rows})]
    assert len(explained) == len(set(explained))
    assert all(any(row.words.startswith(words) for words in explained) for row in rows)
    assert all(any(row.words.startswith(words) for row in rows) for words in explained)
    assert "Given to others" not in explained
    both_ways_back = {TransferKind.EXPIRE, TransferKind.RETURN}
    assert [words for words, _ in statements.meanings(both_ways_back)] == ["Returned"]


def test_a_reason_written_for_the_patient_is_told(told: SmallWorld) -> None:
    """Why money came or went besides care is on the line; the ledger's own notes are not."""
    rows = statements.statement(told.session, told.patient(1), told.budget(1).id)
    whys = {row.kind: row.why for row in rows}
    assert whys[TransferKind.RECLAIM] == "It was not needed"
    assert whys[TransferKind.REFUND] == "Nobody came on that day."
    assert whys[TransferKind.DUE] == ""
