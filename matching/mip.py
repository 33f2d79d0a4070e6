"""The door to the solver: a whole-number program in arrays goes in, a point and a bound come out.

`levels` and `explain` call `solve_program`. The program is written straight from arrays into MathOpt's protocol
buffer (objects for variables would take longer than solving) and solved by HiGHS on one thread: the same program gives
the same answer, whatever runs beside it.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from ortools.math_opt import callback_pb2, model_parameters_pb2, model_pb2, parameters_pb2, result_pb2
from ortools.math_opt.core.python import solver
from scipy.sparse import coo_array, csr_array, vstack

from matching.eligibility import NO_LIMIT, Ints, Truths

Floats = npt.NDArray[np.float64]

LARGEST_COEFFICIENT = 2.0**14
"""Rows and objectives with larger figures are scaled down by a power of two, which loses no digit."""
BOUND_SLACK = 0.01
"""What a bound in floating point gives away before it is rounded to whole units: its own error is far smaller."""


@dataclass(frozen=True)
class Program:
    """Minimise `objective @ x` with low <= matrix @ x <= high and lower <= x <= upper, some x whole."""

    matrix: csr_array
    low: Ints
    high: Ints
    lower: Ints
    upper: Ints
    integral: Truths
    objective: Ints

    def with_row(self, coefficients: Ints, *, low: int = -NO_LIMIT, high: int = NO_LIMIT) -> "Program":
        """The same program with one more row."""
        matrix = vstack([self.matrix, coo_array(coefficients[None, :])], format="csr")
        return replace(self, matrix=matrix, low=np.append(self.low, low), high=np.append(self.high, high))

    def minimising(self, objective: Ints) -> "Program":
        """The same program with another objective."""
        return replace(self, objective=objective)


@dataclass(frozen=True)
class Effort:
    """How far to go.

    Gaps at which to stop, seconds after which to stop in any case (None: no limit), a value that is good enough without
    any proof (None: none is), and whether to hold rows and whole numbers a thousand times more strictly than usual.
    """

    relative_gap: float = 0.0
    absolute_gap: float = 0.9
    seconds: float | None = None
    target: float | None = None
    strict: bool = False


@dataclass(frozen=True)
class Answer:
    """What the solver says; `bound` is proven from below, in whole units (None: nothing proven)."""

    values: Floats | None
    bound: int | None
    infeasible: bool
    finished: bool


Watcher = Callable[[float, float], None]
"""Is told (best value or infinity, bound) while the solver works."""


def solve_program(
    program: Program, effort: Effort, *, hint: Ints | None = None, watch: Watcher | None = None
) -> Answer:
    """Solve a program.

    Parameters
    ----------
    program
        What to minimise; amounts are whole, so the default `absolute_gap` of 0.9 means an optimum.
    effort
        When to stop.
    hint
        A whole point to start from, all columns.
    watch
        Is told of progress, from the solver's own log.
    """
    if effort.seconds is not None and effort.seconds <= 0:
        return Answer(None, None, infeasible=False, finished=False)
    scale = _scale(np.abs(program.objective).max(initial=0))
    result = solver.solve(
        _model(program, scale),
        parameters_pb2.SOLVER_TYPE_HIGHS,
        parameters_pb2.SolverInitializerProto(),
        _parameters(effort, scale),
        _hints(hint),
        None if watch is None else _listener(watch, scale),
        callback_pb2.CallbackRegistrationProto(),
        None,
        None,
    )
    return _answer(program, result, scale)


def _scale(largest: float) -> float:
    """A power of two that brings the largest figure under `LARGEST_COEFFICIENT`."""
    return 2.0 ** -max(0, math.ceil(math.log2(max(1.0, float(largest)) / LARGEST_COEFFICIENT)))


def _model(program: Program, scale: float) -> model_pb2.ModelProto:
    entries = coo_array(program.matrix)
    largest = np.ones(program.matrix.shape[0])
    np.maximum.at(largest, entries.row, np.abs(entries.data).astype(np.float64))
    row_scale = 2.0 ** -np.maximum(0, np.ceil(np.log2(largest / LARGEST_COEFFICIENT)))
    model = model_pb2.ModelProto()
    count = len(program.upper)
    model.variables.ids.extend(range(count))
    model.variables.lower_bounds.extend(program.lower.tolist())
    model.variables.upper_bounds.extend(program.upper.tolist())
    model.variables.integers.extend(program.integral.tolist())
    priced = np.flatnonzero(program.objective)
    model.objective.linear_coefficients.ids.extend(priced.tolist())
    model.objective.linear_coefficients.values.extend((program.objective[priced] * scale).tolist())
    rows = model.linear_constraints
    rows.ids.extend(range(len(program.low)))
    rows.lower_bounds.extend(_side(program.low, row_scale).tolist())
    rows.upper_bounds.extend(_side(program.high, row_scale).tolist())
    there = entries.data != 0
    model.linear_constraint_matrix.row_ids.extend(entries.row[there].tolist())
    model.linear_constraint_matrix.column_ids.extend(entries.col[there].tolist())
    scaled = entries.data[there] * row_scale[entries.row[there]]
    model.linear_constraint_matrix.coefficients.extend(scaled.tolist())
    return model


def _side(side: Ints, row_scale: Floats) -> Floats:
    scaled = side * row_scale
    scaled[side >= NO_LIMIT] = np.inf
    scaled[side <= -NO_LIMIT] = -np.inf
    return scaled


def _parameters(effort: Effort, scale: float) -> parameters_pb2.SolveParametersProto:
    parameters = parameters_pb2.SolveParametersProto()
    parameters.relative_gap_tolerance = effort.relative_gap
    parameters.absolute_gap_tolerance = effort.absolute_gap * scale
    if effort.seconds is not None:
        parameters.time_limit.FromTimedelta(timedelta(seconds=effort.seconds))
    parameters.highs.double_options["mip_min_logging_interval"] = 0.5
    if effort.strict:
        for name in ("mip_feasibility_tolerance", "primal_feasibility_tolerance", "dual_feasibility_tolerance"):
            parameters.highs.double_options[name] = 1e-9
    if effort.target is not None:
        parameters.highs.double_options["objective_target"] = effort.target * scale
    return parameters


def _hints(hint: Ints | None) -> model_parameters_pb2.ModelSolveParametersProto:
    parameters = model_parameters_pb2.ModelSolveParametersProto()
    if hint is not None:
        told = parameters.solution_hints.add()
        told.variable_values.ids.extend(range(len(hint)))
        told.variable_values.values.extend(hint.tolist())
    return parameters


_PROGRESS = re.compile(r"%\s+(-?[\d.e+]+|-?inf)\s+(-?[\d.e+]+|-?inf)\s+(?:[\d.]+%|inf|Large)\s")


def _listener(watch: Watcher, scale: float) -> Callable[[Sequence[str]], None]:
    """Read best bound and best value out of the solver's log lines; anything else is passed over."""

    def listen(lines: Sequence[str]) -> None:
        for line in lines:
            found = _PROGRESS.search(line)
            if found is not None:
                watch(float(found[2]) / scale, float(found[1]) / scale)

    return listen


def _answer(program: Program, result: result_pb2.SolveResultProto, scale: float) -> Answer:
    reason = result.termination.reason
    if reason in {result_pb2.TERMINATION_REASON_INFEASIBLE, result_pb2.TERMINATION_REASON_INFEASIBLE_OR_UNBOUNDED}:
        return Answer(None, None, infeasible=True, finished=True)
    values = None
    if result.solutions and result.solutions[0].HasField("primal_solution"):
        found: Any = result.solutions[0].primal_solution.variable_values
        values = np.zeros(len(program.upper))
        values[np.array(found.ids, dtype=np.int64)] = np.array(found.values)
    dual = result.termination.objective_bounds.dual_bound / scale
    bound = None if not math.isfinite(dual) else math.ceil(dual - BOUND_SLACK - 1e-9 * abs(dual))
    finished = reason == result_pb2.TERMINATION_REASON_OPTIMAL
    return Answer(values, bound, infeasible=False, finished=finished)
