"""From a relaxed point to whole choices: keep what is whole already, settle the rest in small programs.

`levels` solves a part with only `use` whole: few integers that matter, and the point leaves about as many assignments
fractional as there are rows that tie needs together. `whole_choices` fixes `use` at that point and lets first few,
then more needs move: each step is a program that the solver settles quickly.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from matching.eligibility import Ints
from matching.formulation import Model
from matching.mip import Answer, Floats, Program

FEW_NEEDS = 60
"""How many needs beside the fractional ones may move in the first step."""
WHOLE_WITHIN = 1e-6


def relaxed(program: Program, model: Model) -> Program:
    """The program with only `use` whole: its bound holds for the program itself."""
    integral = np.zeros_like(program.integral)
    integral[model.columns.use] = True
    return replace(program, integral=integral)


def whole_choices(program: Program, model: Model, point: Floats, run: Callable[[Program], Answer]) -> Iterator[Floats]:
    """Whole points near a relaxed one, the quickest first; the caller stops when one is good enough.

    Parameters
    ----------
    program, model
        What is minimised, and the part's model that it was made from.
    point
        A point of the relaxed program, `use` whole.
    run
        Solves one step.
    """
    use = model.columns.use
    in_use = np.round(point[use]).astype(np.int64)
    lower, upper = program.lower.copy(), program.upper.copy()
    lower[use], upper[use] = in_use, in_use
    settled = replace(program, lower=lower, upper=upper)
    for movable in (_few(model, point), None):
        answer = run(settled if movable is None else _held(settled, model, point, movable))
        if answer.values is not None:
            yield answer.values


def _few(model: Model, point: Floats) -> Ints:
    """The needs that may move first: the fractional ones, and some others spread evenly over the part's order."""
    part = model.part
    assigned = point[: len(part.pair_need)]
    fractional = np.unique(part.pair_need[(assigned > WHOLE_WITHIN) & (assigned < 1 - WHOLE_WITHIN)])
    spread = np.linspace(0, len(part.need_at) - 1, min(FEW_NEEDS, len(part.need_at))).astype(np.int64)
    return np.union1d(fractional, spread)


def _held(program: Program, model: Model, point: Floats, movable: Ints) -> Program:
    """The program with every assignment of the other needs held where the point has it."""
    part = model.part
    assigned = point[: len(part.pair_need)]
    free = np.isin(part.pair_need, movable)
    lower, upper = program.lower.copy(), program.upper.copy()
    pairs = np.flatnonzero(~free)
    lower[pairs] = upper[pairs] = np.round(assigned[pairs]).astype(np.int64)
    return replace(program, lower=lower, upper=upper)
