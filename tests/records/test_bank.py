"""The bank workload, small: many post at once to the same few accounts, and every penny is accounted for.

`make soak` runs it long, with eight processes.
"""

from tests.soak.bank import run


def test_the_books_are_right_whoever_posts_at_once(database_url: str) -> None:
    """Five thousand postings by four at a time: no error, no wrong account, no wrong look at the books in between."""
    found = run(database_url, 5_000, 4, threads=True)
    assert found.errors == []
    assert (found.bad_looks, found.wrong_accounts) == (0, 0)
    assert found.moved > 2_000
    assert found.refused > 500


def test_a_naive_posting_is_found_out(database_url: str) -> None:
    """Reading, checking and then writing what was worked out loses money: the same workload shows it."""
    found = run(database_url, 400, 4, naive=True, threads=True)
    assert found.wrong_accounts > 0
    assert not found.good
