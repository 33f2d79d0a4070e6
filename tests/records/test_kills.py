"""A process killed with -9 in the middle of its postings loses nothing and leaves nothing half done.

`make soak` kills a hundred on each database.
"""

from tests.soak.kills import run


def test_nothing_acknowledged_is_lost_when_the_power_goes(database_url: str) -> None:
    """Twenty are killed, each at a random moment after some answers."""
    found = run(database_url, 20)
    assert (found.lost, found.half, found.unbalanced) == (0, 0, 0)
    assert found.unacknowledged <= found.kills
    assert found.acknowledged > 100


def test_an_answer_before_the_commit_is_found_out(database_url: str) -> None:
    """Whoever says it is done before it is done loses what was promised: the same killing shows it."""
    found = run(database_url, 8, hasty=True)
    assert found.lost > 0
    assert not found.good
