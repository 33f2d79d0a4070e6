"""The one table of moves."""

from pathlib import Path

import pytest

from marketplace.rules.errors import WrongState
from marketplace.rules.lifecycle import (
    CONTRACT_MOVES,
    GIVEN_UP,
    LAPSES_TO,
    LOT_MOVES,
    TENDER_MOVES,
    TENDER_WORDS,
    ContractStatus,
    LotResult,
    TenderStatus,
    check_move,
    is_final,
    mermaid,
)

TABLES = [(TENDER_MOVES, TenderStatus), (LOT_MOVES, LotResult), (CONTRACT_MOVES, ContractStatus)]


@pytest.mark.parametrize(("moves", "statuses"), TABLES)
def test_every_status_is_reached_and_left(moves: dict, statuses: type) -> None:
    """Each status but the first can be come to; each either ends or leads on to an end."""
    assert set(moves) == set(statuses)
    first = next(iter(statuses))
    assert {target for targets in moves.values() for target in targets} | {first} == set(statuses)
    for status in statuses:
        seen, frontier = set(), {status}
        while frontier:
            seen |= frontier
            frontier = {target for one in frontier for target in moves[one]} - seen
        assert any(is_final(moves, reached) for reached in seen), f"{status} is a dead end"


def test_a_move_outside_the_table_names_both() -> None:
    with pytest.raises(WrongState) as caught:
        check_move(TENDER_MOVES, TenderStatus.DRAFT, TenderStatus.AWARDED)
    assert caught.value.facts == {"old": "draft", "new": "awarded"}


def test_every_status_has_words() -> None:
    assert set(TENDER_WORDS) == set(TenderStatus)


def test_the_diagram_has_every_arrow() -> None:
    drawn = mermaid(CONTRACT_MOVES)
    assert drawn.splitlines()[1] == "    [*] --> offered"
    assert sum(len(targets) for targets in CONTRACT_MOVES.values()) == sum(
        "[*]" not in line for line in drawn.splitlines()[1:]
    )


@pytest.mark.parametrize("moves", [TENDER_MOVES, LOT_MOVES, CONTRACT_MOVES])
def test_the_readme_shows_this_table(moves: dict) -> None:
    """The diagrams in the README are the ones the tables draw."""
    assert mermaid(moves) in (Path(__file__).parents[2] / "README.md").read_text()


def test_a_tender_is_given_up_where_it_ends_without_an_award() -> None:
    """Every end but the award; and whatever lapses comes to one of them, by a move that the table knows."""
    ends = {status for status in TenderStatus if is_final(TENDER_MOVES, status)}
    assert ends - {TenderStatus.AWARDED} == GIVEN_UP
    for status, end in LAPSES_TO.items():
        assert end in GIVEN_UP
        check_move(TENDER_MOVES, status, end)
