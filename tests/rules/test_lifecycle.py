"""The one table of moves."""

import re
from pathlib import Path

import pytest

from marketplace.rules import lifecycle
from marketplace.rules.errors import WrongState
from marketplace.rules.lifecycle import (
    CONTRACT_MOVES,
    GIVEN_UP,
    IN_FORCE,
    LAPSES_TO,
    LOT_MOVES,
    NOT_OVER,
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


def test_a_contract_in_force_is_signed_and_not_over() -> None:
    """Not over is whatever leads on; in force is what has been signed of it."""
    assert set(NOT_OVER) == {status for status in ContractStatus if not is_final(CONTRACT_MOVES, status)}
    assert set(NOT_OVER) - set(IN_FORCE) == {ContractStatus.OFFERED}


def test_no_other_module_says_anew_what_is_in_force() -> None:
    """One name for each set of states: two that say the same drift apart."""
    again = re.compile(r"ContractStatus\.SIGNED,\s*ContractStatus\.IN_DELIVERY,?\s*[)}\]]")
    modules = Path(lifecycle.__file__).parents[1].rglob("*.py")
    found = [path.name for path in modules if path != Path(lifecycle.__file__) and again.search(path.read_text())]
    assert found == []


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
