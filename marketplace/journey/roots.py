"""A round's two roots: sealed when it is verified, grown again whenever somebody checks.

`rounds.finish_round` seals them, `rounds.recheck` looks for faults; `proofs` and `bundles` take rows out of the same
trees. Growing them costs seconds where a county is matched, and on the day of a result everybody asks for their own
rows of the same round: `kept_trees` keeps those of a few rounds in this process's memory. The secret that the salts
are made from is kept encrypted and leaves this module in no form.
"""

from threading import Lock

from sqlalchemy.orm import Session

from marketplace.adapters.sealing import CannotOpen
from marketplace.records.base import new_nonce
from marketplace.records.rounds import Round
from marketplace.rules.round_rows import Tree, market_rows, market_sha256, outcome_rows, outcome_sha256, salts_from

from .keys import keyring_of

MOST_ROWS = 1 << 19
"""How many rows are kept in all: those of one county's round, or of thousands of small ones."""
_kept: dict[tuple[str, str | None, str | None], dict[str, Tree]] = {}
_growing = Lock()


def seal_roots(session: Session, row: Round) -> None:
    """Give a round that is being verified its secret, and the roots over the rows of its two documents."""
    row.salts_sealed = keyring_of(session).lock(_place(row), new_nonce())
    trees = trees_of(session, row)
    row.market_root, row.outcome_root = trees["market"].root, trees["outcome"].root


def trees_of(session: Session, row: Round) -> dict[str, Tree]:
    """The trees over the rows of a verified round: ``market`` and ``outcome``.

    Raises
    ------
    CannotOpen
        If the secret was locked with another key, or moved.
    """
    secret = keyring_of(session).unlock(_place(row), row.salts_sealed or b"")
    return {
        "market": Tree.grown(market_rows(row.market), salts_from(secret, "market")),
        "outcome": Tree.grown(outcome_rows(row.outcome or {}), salts_from(secret, "outcome")),
    }


def kept_trees(session: Session, row: Round) -> dict[str, Tree]:
    """The trees of a verified round, grown once: its documents never change, and are not even loaded the next time."""
    key = (row.id, row.market_root, row.outcome_root)
    with _growing:  # of several who ask for the same round one grows the trees, and the others wait for them
        trees = _kept.pop(key, None) or trees_of(session, row)
        _kept[key] = trees
        while len(_kept) > 1 and sum(_rows_of(kept) for kept in _kept.values()) > MOST_ROWS:
            del _kept[next(iter(_kept))]  # the one that was asked for longest ago
    return trees


def _rows_of(trees: dict[str, Tree]) -> int:
    return sum(len(tree.rows) for tree in trees.values())


def faults_of(session: Session, row: Round) -> list[str]:
    """What of a stored round's hashes and roots no longer fits its documents."""
    try:
        trees = trees_of(session, row)
    except CannotOpen:
        return ["salts: The secret of the salts does not open: another key, or it was changed."]
    stated = {
        "market_sha256": (row.market_sha256, market_sha256(row.market)),
        "outcome_sha256": (row.outcome_sha256, outcome_sha256(row.outcome or {})),
        "market_root": (row.market_root, trees["market"].root),
        "outcome_root": (row.outcome_root, trees["outcome"].root),
    }
    return [
        f"{name}: The stored document does not have the stored {name}."
        for name, (kept, found) in stated.items()
        if kept != found
    ]


def _place(row: Round) -> str:
    return f"rounds.salts:{row.id}"
