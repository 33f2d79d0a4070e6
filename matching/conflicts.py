"""Why nothing in a bundle could be matched: the rules that cannot be met together, found by the model itself.

`solve` asks after the search, for bundles without a single match although somebody could pay: is one match possible at
all? If it is proven not to be, rules are left out one after the other while the answer stays no; what remains cannot be
left out, and is named.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from matching.components import Links
from matching.eligibility import Ints, Pairs
from matching.formulation import RULES, STRUCTURE, Model
from matching.levels import Control, PartResult, program_of
from matching.market import Market
from matching.mip import Effort, Program, solve_program

SECONDS_PER_QUESTION = 20.0


def conflicts_of(
    market: Market, pairs: Pairs, links: Links, results: Sequence[PartResult], control: Control
) -> dict[str, tuple[str, ...]]:
    """For each bundle that cannot be matched at all, the names of the rules in conflict."""
    chosen = [result.model.part.pair_at[result.choice[result.choice >= 0]] for result in results]
    matched = {market.needs[at].bundle for positions in chosen for at in pairs.need[positions]}
    payable = np.unique(links.pair)
    open_bundles = sorted({market.needs[at].bundle for at in pairs.need[payable]} - matched)
    found: dict[str, tuple[str, ...]] = {}
    for bundle in open_bundles:
        if control.stopped():
            break
        inside = np.array([need.bundle == bundle for need in market.needs], dtype=bool)[pairs.need]
        closed = closing_rules(links, np.flatnonzero(inside))
        if closed is not None:
            found[bundle] = closed
            continue
        for result in results:
            rules = _conflict(result.model, bundle)
            if rules:
                found[bundle] = rules
    return found


def closing_rules(links: Links, pairs: Ints) -> tuple[str, ...] | None:
    """The rules that close every tier these pairs could use; None where one is open."""
    slots = [links.slots[slot] for slot in np.unique(links.slot[np.isin(links.pair, pairs)])]
    if any(not slot.closed_by for slot in slots):
        return None
    return tuple(sorted({rule for slot in slots for rule in slot.closed_by}))


def _conflict(model: Model, bundle: str) -> tuple[str, ...]:
    """Name an irreducible set of rules under which nothing of the bundle can be matched; empty if something can."""
    inside = np.array([name == bundle for name in model.part.pair_bundle], dtype=np.int64)
    if not inside.any():
        return ()
    row = np.zeros_like(model.upper)
    row[: len(inside)] = inside
    if not _impossible(model, (), row):
        return ()
    there = {RULES[rule].__name__ for rule in np.unique(model.rule_of_row)}
    needed = [name for name in _names() if name in there and name not in STRUCTURE]
    left_out: list[str] = [name for name in _names() if name not in needed and name not in STRUCTURE]
    for name in list(needed):
        if _impossible(model, [*left_out, name], row):
            left_out.append(name)
            needed.remove(name)
    return tuple(sorted(needed))


def _names() -> list[str]:
    return [rule.__name__ for rule in RULES]


def _impossible(model: Model, left_out: Iterable[str], row: Ints) -> bool:
    """Whether it is proven that no whole point has at least one of the row's assignments."""
    program: Program = program_of(model.without(left_out)).with_row(row, low=1)
    nothing = replace(program, objective=np.zeros_like(program.objective))
    return solve_program(nothing, Effort(seconds=SECONDS_PER_QUESTION)).infeasible
