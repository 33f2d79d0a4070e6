"""One part, level by level: most coverage, then least cost with that coverage held, then the seeded tie-break.

`solve` calls `solve_part` for each part, side by side. A point of the solver counts only after it was rounded and
checked in whole numbers by the model's own rows; a bound is rounded to the safe side.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, isfinite
from time import perf_counter

import numpy as np

from matching.cancellable import LARGE_COLUMNS, SolverProcess
from matching.eligibility import Ints
from matching.formulation import NOT_MATCHED, Model
from matching.greedy import first_choice
from matching.mip import BOUND_SLACK, Answer, Effort, Floats, Program, Watcher, solve_program
from matching.repair import relaxed, whole_choices

TIE_BREAK_PAIRS = 60
"""Parts of at most so many pairs have their ties broken by seeded ranks; in larger ones the search order decides."""
COVERAGE_SHARE = 0.6
"""How much of a part's seconds the first level may use."""
SMALL_PAIRS = 60
"""Parts of at most so many pairs go to the solver in full at once."""
RELAXED_SHARE = 0.5
"""Which part of the gap the program with only `use` whole may leave open."""
FINEST_RELAXED_GAP = 0.0004
"""Closer than this the program with only `use` whole is not worth its time: the program itself will decide."""
COARSE_GAP = 0.01


@dataclass(frozen=True)
class Ask:
    """What the caller asked for; gaps in per mille."""

    gap_permille: float = 0.0
    coverage_gap_permille: float = 0.0


@dataclass(frozen=True)
class Progress:
    """One event while solving: part and level, best value, bound (None: none yet), seconds since the start."""

    part: str
    level: str
    value: int
    bound: int | None
    seconds: float


@dataclass
class Control:
    """The limits of one part: when to stop, whom to ask, whom to tell. Close it when the part is done."""

    started: float
    deadline: float | None = None
    cancelled: Callable[[], bool] | None = None
    on_progress: Callable[[Progress], None] | None = None
    _process: SolverProcess | None = None

    def seconds_left(self) -> float | None:
        """Seconds until the deadline; None without one."""
        return None if self.deadline is None else self.deadline - perf_counter()

    def stopped(self) -> bool:
        """Whether to give up: the deadline is past or the caller has cancelled."""
        left = self.seconds_left()
        return (left is not None and left <= 0) or (self.cancelled is not None and self.cancelled())

    def run(self, program: Program, effort: Effort, hint: Ints | None = None, watch: Watcher | None = None) -> Answer:
        """Solve a program under these limits; where the caller may cancel, a large one in a process of its own."""
        if self.stopped():
            return Answer(None, None, infeasible=False, finished=False)
        left = self.seconds_left()
        if left is not None:
            effort = replace(effort, seconds=left if effort.seconds is None else min(left, effort.seconds))
        if self.cancelled is not None and len(program.upper) >= LARGE_COLUMNS:
            if self._process is None:
                self._process = SolverProcess()
            return self._process.solve(program, effort, cancelled=self.cancelled, hint=hint, watch=watch)
        return solve_program(program, effort, hint=hint, watch=watch)

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def tell(self, part: str, level: str, value: int, bound: int | None) -> None:
        """Report progress."""
        if self.on_progress is not None:
            self.on_progress(Progress(part, level, value, bound, perf_counter() - self.started))


@dataclass(frozen=True)
class PartResult:
    """A part's best choice with value and bound of both levels; `coverage_bound` is None with `reserve`."""

    model: Model
    choice: Ints
    coverage: int
    coverage_bound: int | None
    cost_pence: int
    cost_bound_pence: int
    stopped: bool


def solve_part(model: Model, ask: Ask, control: Control, start: Ints | None = None) -> PartResult:
    """Solve one part.

    Parameters
    ----------
    model
        The part's model.
    ask, control
        Gaps to reach; limits to keep.
    start
        A choice to start from, if it keeps all rules.
    """
    search = Search(model, ask, control)
    search.offer(np.full(len(model.part.need_at), NOT_MATCHED))
    if start is not None:
        search.offer(start)
    if len(model.part.pair_need) > SMALL_PAIRS:
        search.offer(first_choice(model))
    coverage_bound = None
    if model.part.market.policy.unmatched == "coverage_first":
        coverage_bound = search.most_coverage()
    cost_bound = search.least_cost()
    settled = cost_bound == search.cost_pence and coverage_bound in (None, search.coverage)
    if settled and len(model.part.pair_need) <= TIE_BREAK_PAIRS:
        search.break_ties()
    return PartResult(
        model=model,
        choice=search.best,
        coverage=search.coverage,
        coverage_bound=coverage_bound,
        cost_pence=search.cost_pence,
        cost_bound_pence=cost_bound,
        stopped=search.was_stopped,
    )


def program_of(model: Model) -> Program:
    """A part's model as a program of least cost."""
    lower = np.zeros_like(model.upper)
    return Program(model.matrix, model.low, model.high, lower, model.upper, model.integral, model.cost_pence)


class Search:
    """The best choice so far of one part, and the steps that better it or prove that nothing can."""

    def __init__(self, model: Model, ask: Ask, control: Control) -> None:
        self.model, self.ask, self.control = model, ask, control
        self.name = model.part.name
        self.by_cost_only = model.part.market.policy.unmatched == "reserve"
        self.program = program_of(model)
        self.best: Ints = np.full(len(model.part.need_at), NOT_MATCHED)
        self.values: Ints = np.zeros_like(model.upper)
        self.coverage = 0
        self.cost_pence = model.constant_pence
        self.was_stopped = False

    def offer(self, choice: Ints) -> bool:
        """Take a choice if it keeps every rule and is better than the best, lexicographically."""
        values = self.model.values_of(choice)
        coverage = int(self.model.coverage @ values)
        cost = int(self.model.cost_pence @ values) + self.model.constant_pence
        if self.rank(coverage, cost) >= self.rank(self.coverage, self.cost_pence) or self.model.broken(values):
            return False
        self.best, self.values, self.coverage, self.cost_pence = choice, values, coverage, cost
        return True

    def rank(self, coverage: int, cost_pence: int) -> tuple[int, int]:
        """What is compared: smaller is better."""
        return (0 if self.by_cost_only else -coverage, cost_pence)

    def most_coverage(self) -> int:
        """Level 1; gives the bound."""
        everybody = int(self.model.part.need_priority.sum())
        left = self.control.seconds_left()
        until = None if left is None else perf_counter() + left * COVERAGE_SHARE
        program = self.program.minimising(-self.model.coverage)
        lowest = self._descend(program, "coverage", self.ask.coverage_gap_permille / 1000, -everybody, until)
        bound = max(self.coverage, -lowest)
        self.control.tell(self.name, "coverage", self.coverage, bound)
        return bound

    def least_cost(self) -> int:
        """Level 2, with the coverage found held; gives the bound."""
        lowest = int(np.minimum(self.model.cost_pence, 0) @ self.model.upper)
        until = self.control.deadline
        lowest = self._descend(self._held(), "effective_cost", self.ask.gap_permille / 1000, lowest, until)
        bound = min(self.cost_pence, lowest + self.model.constant_pence)
        self.control.tell(self.name, "effective_cost", self.cost_pence, bound)
        return bound

    def _descend(self, program: Program, level: str, gap: float, bound: int, until: float | None) -> int:
        """Better the best choice and raise the bound until the gap is reached; gives the bound.

        First with only `use` whole: its bound is nearly the program's, and whole choices near its point are nearly
        the best. Only what is still open then goes to the solver in full, with the best choice to start from.
        """
        self.control.tell(self.name, level, self._value(level), self._public(level, bound))
        large = len(self.model.part.pair_need) > SMALL_PAIRS
        for step in self._steps(gap) if large else ():
            if self._reached(program, bound, gap):
                break
            effort = self._effort(program, bound, step, until)
            answer = self._solve(relaxed(program, self.model), effort, level)
            bound = max(bound, answer.bound if answer.bound is not None else bound)
            if answer.values is not None and not self._reached(program, bound, gap):
                near = replace(
                    self._effort(program, bound, step, until), target=self._target(program, bound, max(gap, step))
                )
                points = whole_choices(program, self.model, answer.values, partial(self.control.run, effort=near))
                for values in points:
                    self._offer_point(values)
                    if self._reached(program, bound, max(gap, step)):
                        break
        for strict in (False, True):
            if self._reached(program, bound, gap):
                break
            # The second time only where the solver's own answer did not survive the check in whole numbers.
            effort = replace(self._effort(program, bound, gap, until), strict=strict)
            answer = self._solve(program, effort, level)
            bound = max(bound, answer.bound if answer.bound is not None else bound)
            if not answer.finished:
                self.was_stopped = True
                break
        return bound

    def _steps(self, gap: float) -> tuple[float, ...]:
        """The gaps of the relaxed program; a limit that may strike asks for something presentable early."""
        fine = max(gap * RELAXED_SHARE, FINEST_RELAXED_GAP)
        limited = self.control.deadline is not None or self.control.cancelled is not None
        return (COARSE_GAP, fine) if limited and fine < COARSE_GAP else (fine,)

    def _reached(self, program: Program, bound: int, gap: float) -> bool:
        value = int(program.objective @ self.values)
        return value <= bound or value - bound <= gap * abs(value + self._constant(program))

    def _constant(self, program: Program) -> int:
        return self.model.constant_pence if program.objective is self.model.cost_pence else 0

    def _target(self, program: Program, bound: int, gap: float) -> float:
        """A value that closes the gap."""
        return bound + gap * abs(bound + self._constant(program)) * 0.99 + 0.5

    def _effort(self, program: Program, bound: int, gap: float, until: float | None) -> Effort:
        """The solver's gaps; where a constant stands beside its objective, in whole units of the total."""
        seconds = None if until is None else until - perf_counter()
        constant = self._constant(program)
        if not constant:
            return Effort(relative_gap=gap, seconds=seconds)
        return Effort(absolute_gap=max(0.9, gap * abs(bound + constant)), seconds=seconds)

    def _public(self, level: str, bound: int) -> int:
        return -bound if level == "coverage" else bound + self.model.constant_pence

    def break_ties(self) -> None:
        """Level 3: among the equally good, the least sum of the seeded ranks of the offers assigned."""
        part, model = self.model.part, self.model
        ranks = np.zeros_like(model.coverage)
        ranks[: len(part.pair_need)] = part.offer_rank[part.pair_offer]
        program = self._held().with_row(model.cost_pence, high=self.cost_pence - model.constant_pence)
        answer = self.control.run(program.minimising(ranks), Effort(), self.values)
        choice = self._choice(answer.values)
        if choice is None:
            return
        values = self.model.values_of(choice)
        same = int(model.coverage @ values) == self.coverage or self.by_cost_only
        same = same and int(model.cost_pence @ values) + model.constant_pence == self.cost_pence
        if same and not model.broken(values) and int(ranks @ values) < int(ranks @ self.values):
            self.best, self.values = choice, values
            self.coverage = int(model.coverage @ values)

    def _held(self) -> Program:
        """The cost program with the coverage found as a row."""
        if self.by_cost_only:
            return self.program
        return self.program.with_row(self.model.coverage, low=self.coverage)

    def _solve(self, program: Program, effort: Effort, level: str) -> Answer:
        """Solve, and offer the point found."""
        answer = self.control.run(program, effort, self.values, self._watch(level))
        if answer.values is not None:
            self._offer_point(answer.values)
        return answer

    def _offer_point(self, values: Floats) -> None:
        choice = self._choice(values)
        if choice is not None:
            self.offer(choice)

    def _watch(self, level: str) -> Watcher | None:
        """Pass the solver's own figures on as progress; they become the outcome's only after an exact check."""
        if self.control.on_progress is None:
            return None
        everybody = int(self.model.part.need_priority.sum())
        sign, constant = (-1, 0) if level == "coverage" else (1, self.model.constant_pence)

        def watch(value: float, bound: float) -> None:
            best = sign * round(value) + constant if isfinite(value) else self._value(level)
            proven = sign * ceil(bound - BOUND_SLACK) + constant if isfinite(bound) else None
            if level == "coverage" and proven is not None:
                proven = min(proven, everybody)
            self.control.tell(self.name, level, best, proven)

        return watch

    def _value(self, level: str) -> int:
        return self.coverage if level == "coverage" else self.cost_pence

    def _choice(self, values: Floats | None) -> Ints | None:
        """Round a point of the solver to a choice: for each need its pair, or -1."""
        if values is None:
            return None
        part = self.model.part
        choice = np.full(len(part.need_at), NOT_MATCHED)
        chosen = np.flatnonzero(values[: len(part.pair_need)] > 0.5)
        choice[part.pair_need[chosen]] = chosen
        return choice
