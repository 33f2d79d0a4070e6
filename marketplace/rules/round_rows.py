"""The rows of a round and the trees over them: what went into the matching, and what came out of it.

`market_rows` and `outcome_rows` take the two documents apart; one row more, `document`, is the hash of the whole, so
that a root vouches also for what stands in no row of its own. `Tree` salts the rows and puts them in order. Two things
about a tree would say something about people, so neither does. The place of a row: rows stand in the order of their
salts, which is chance. How many rows there are: a tree is filled up with empty rows to `LEAST` or to the next power of
two, so that whoever holds one path cannot count a pool of seven.

The salts come from a secret of the round (`salts_from`), or from the list of them that an auditor was handed.
"""

import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from . import proofs
from .canonical import canonical_json, sha256_of

LEAST = 64
"""The smallest tree: what is larger tells no more than between which two powers of two its rows are."""

Document = Mapping[str, Any]
Key = tuple[str, str]
SaltOf = Callable[[Key], str]
"""The salt of a row by its kind and id."""

_WHOLE: Key = ("document", "document")
_MARKET = (("bundles", "bundle"), ("needs", "need"), ("providers", "provider"), ("offers", "offer"))
_OUTCOME = (("assignments", "assignment", "need"), ("unmatched", "unmatched", "need"), ("awards", "award", "offer"))


@dataclass(frozen=True, slots=True)
class Salted:
    """One row of a tree: its kind and id, itself under the name of its kind, and its salt."""

    key: Key
    row: Document
    salt: str


@dataclass(frozen=True)
class Tree:
    """The salted rows of one document, in the tree's order."""

    rows: tuple[Salted, ...]

    @classmethod
    def grown(cls, rows: Mapping[Key, Any], salt_of: SaltOf) -> "Tree":
        """Salt these rows, fill up with empty ones, and put them in the order of their salts."""
        size = max(LEAST, 1 << max(0, len(rows) - 1).bit_length())
        empty = {("empty", str(number)): str(number) for number in range(size - len(rows))}
        salted = (Salted(key, {key[0]: content}, salt_of(key)) for key, content in {**rows, **empty}.items())
        return cls(tuple(sorted(salted, key=lambda row: (row.salt, row.key))))

    @cached_property
    def root(self) -> str:
        """The root in hexadecimal."""
        return proofs.root(self._levels).hex()

    @cached_property
    def _levels(self) -> proofs.Levels:
        return proofs.levels([proofs.leaf(row.salt, row.row) for row in self.rows])

    @cached_property
    def _places(self) -> dict[Key, int]:
        return {row.key: place for place, row in enumerate(self.rows)}

    def has(self, *key: str) -> bool:
        """Whether there is a row of this kind and id."""
        return key in self._places

    def shown(self, *key: str) -> dict[str, Any]:
        """One row with its salt, its place and the path from it to the root: all that it takes to check it."""
        place = self._places[key[0], key[1]]
        found, path = self.rows[place], proofs.proof(self._levels, place)
        return {"row": found.row, "salt": found.salt, "place": place, "path": [step.hex() for step in path]}

    def salts(self) -> dict[str, str]:
        """Every row's salt, by its kind and id with a space between."""
        return {" ".join(row.key): row.salt for row in sorted(self.rows, key=lambda row: row.key)}


def market_rows(market: Document) -> dict[Key, Any]:
    """The rows of a market/1 document in its settled form; the policy is a row too.

    Raises
    ------
    ValueError
        If two rows of one kind have the same id: which of them counts would be anybody's choice.
    """
    rows: dict[Key, Any] = {_WHOLE: market_sha256(market), ("policy", "policy"): market["policy"]}
    for name, kind in _MARKET:
        _add(rows, (((kind, row["id"]), row) for row in market[name]))
    pairs = market.get("pairs", [])
    _add(rows, ((("pair", canonical_json([row["need"], row["offer"]])), row) for row in pairs))
    return rows


def outcome_rows(outcome: Document) -> dict[Key, Any]:
    """The rows of an outcome/1 document, and one with how good it is, for which market and by which seed.

    A gap is no figure of its own (it follows from value and bound), so that a row has whole numbers only.

    Raises
    ------
    ValueError
        If two rows of one kind are about the same need or offer.
    """
    rows: dict[Key, Any] = {_WHOLE: outcome_sha256(outcome), ("objective", "objective"): dict(_objective(outcome))}
    for name, kind, about in _OUTCOME:
        _add(rows, (((kind, row[about]), row) for row in outcome[name]))
    return rows


def salts_from(secret: str, side: str) -> SaltOf:
    """Salts that only whoever has the round's secret can make: HMAC-SHA256 of side, kind and id.

    `side` is ``market`` or ``outcome``.
    """
    key = bytes.fromhex(secret)
    return lambda row: hmac.digest(key, canonical_json([side, *row]).encode(), "sha256").hex()


def market_sha256(market: Document) -> str:
    """The hash of a market/1 document in its settled form, without the seed, as the engine takes it."""
    policy = {name: value for name, value in market["policy"].items() if name != "seed"}
    return sha256_of({**market, "policy": policy})


def outcome_sha256(outcome: Document) -> str:
    """The hash of an outcome without its timings, which differ from run to run."""
    kept = {name: value for name, value in outcome.items() if name != "seconds"}
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return sha256(text.encode()).hexdigest()


def _add(rows: dict[Key, Any], more: Iterable[tuple[Key, Any]]) -> None:
    for key, row in more:
        if key in rows:
            raise ValueError("two rows of one kind have the same id")
        rows[key] = row


def _objective(outcome: Document) -> Iterator[tuple[str, Any]]:
    for level, found in outcome["objective"].items():
        yield level, {name: value for name, value in found.items() if name != "gap_permille"}
    for name in ("termination", "market_sha256", "seed"):
        yield name, outcome[name]
